#ifndef CBX_DSP_FIR_H
#define CBX_DSP_FIR_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* Mono float from one rate to another with the sound of soxr's HQ recipe and
 * hardly a delay. libsoxr itself collects blocks, so that a stream stays some
 * 20 to 40 ms behind; its filter is 8 ms long. Here that filter is asked for
 * once, by an impulse through libsoxr for each phase, and then applied sample
 * by sample: a polyphase FIR filter. What comes out is soxr_oneshot's result
 * within 2e-6 of full scale (tests/dsp/test_fir.c), and depends on the input
 * only, not on how it was cut. In front of the first and behind the last sample
 * the signal is zero. */
typedef struct cbx_fir cbx_fir;

/* [setup] Rates whose ratio is a fraction of small numbers (24000 and 32000:
 * 4/3); CBX_E_ARG for others. */
CBX_CHECK cbx_status cbx_fir_open(uint32_t in_rate, uint32_t out_rate,
                                  cbx_fir **out, cbx_error *err);
/* [setup] NULL is allowed. */
void cbx_fir_close(cbx_fir *f);

/* [any] The most frames that n more frames give. */
size_t cbx_fir_room(const cbx_fir *f, size_t n);
/* [any] Input frames that are seen past the time of an output frame: that much
 * is held back. */
size_t cbx_fir_delay(const cbx_fir *f);

/* [decode] Returns how many frames were written to out. */
size_t cbx_fir_push(cbx_fir *f, const float *in, size_t n, float *out);
/* [decode] The input has ended: the rest, ceil(n_in * out_rate / in_rate)
 * frames in all. Then only reset may follow. Room: cbx_fir_room(f, 0). */
size_t cbx_fir_flush(cbx_fir *f, float *out);
/* [decode] Forgets everything. */
void cbx_fir_reset(cbx_fir *f);

#endif
