#ifndef CBX_DSP_FBANK_H
#define CBX_DSP_FBANK_H

#include "rt/status.h"

#include <stddef.h>

/* Kaldi's log mel filterbank energies as speaker encoders take them: frames of
 * 25 ms each 10 ms, whole frames only, their mean removed, pre-emphasis 0.97
 * inside the frame, Povey's window, power spectrum, triangles from 20 Hz to
 * half the rate, natural logarithm floored at log(2^-23). No dither; samples
 * lie between -1 and 1. torchaudio.compliance.kaldi.fbank and its defaults.
 * One object belongs to one thread at a time. */
typedef struct cbx_fbank cbx_fbank;

/* [setup] rate: 8000 to 48000 Hz, else CBX_E_ARG. */
CBX_CHECK cbx_status cbx_fbank_open(int rate, int mels, cbx_fbank **out,
                                    cbx_error *err);
void cbx_fbank_close(cbx_fbank *f);

/* [any] Frames of n samples; 0 when not even one fits. */
int cbx_fbank_frames(const cbx_fbank *f, size_t n);

/* [decode] out: [cbx_fbank_frames(f, n)][mels]. */
void cbx_fbank_run(cbx_fbank *f, const float *x, size_t n, float *out);

#endif
