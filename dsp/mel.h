#ifndef CBX_DSP_MEL_H
#define CBX_DSP_MEL_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A mel spectrogram: frames of a signal, each under a periodic Hann window,
 * their spectra summed under Slaney's triangles. What is made of the sums
 * (logarithm, floor) is the caller's. One object belongs to one thread at a
 * time. */
typedef struct cbx_mel cbx_mel;

typedef struct cbx_mel_config {
    int rate, n_fft, hop;
    int pad; /* samples reflected at either end; n_fft / 2 centres the frames */
    int mels;
    double high;     /* Hz; the lowest is 0 */
    bool magnitudes; /* sum magnitudes sqrt(re^2 + im^2 + 1e-9); else power */
} cbx_mel_config;

/* [setup] CBX_E_ARG, CBX_E_NOMEM. */
CBX_CHECK cbx_status cbx_mel_open(const cbx_mel_config *c, cbx_mel **out,
                                  cbx_error *err);
void cbx_mel_close(cbx_mel *m);

/* [any] Frames of n samples; 0 when there are too few: n must be above `pad`,
 * and with both pads reach n_fft. */
int cbx_mel_frames(const cbx_mel *m, size_t n);

/* [decode] out: [cbx_mel_frames(m, n)][mels]. */
void cbx_mel_run(cbx_mel *m, const float *x, size_t n, float *out);

#endif
