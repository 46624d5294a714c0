#ifndef CBX_DSP_RESAMPLE_H
#define CBX_DSP_RESAMPLE_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Mono float from one sample rate to another, a chunk at a time, by libsoxr on
 * the caller's thread. What comes out depends on the input frames only, not on
 * how they were cut into pushes or how much room each call had. Frame 0 of the
 * output lies at the time of frame 0 of the input. Equal rates pass the frames
 * through, bit for bit and without delay. */
typedef struct cbx_resampler cbx_resampler;

typedef enum cbx_resample_quality {
    CBX_RESAMPLE_HQ,  /* 20 bits, the default */
    CBX_RESAMPLE_VHQ, /* 28 bits */
    CBX_RESAMPLE_LQ,  /* 16 bits with a wide transition: cheap and quick */
} cbx_resample_quality;

/* [setup] Rates from 1000 to 768000 Hz, else CBX_E_ARG. */
CBX_CHECK cbx_status cbx_resampler_open(uint32_t in_rate, uint32_t out_rate,
                                        cbx_resample_quality quality,
                                        cbx_resampler **out, cbx_error *err);

/* [decode] Takes up to n_in frames and writes up to cap frames. *used < n_in
 * only when `out` is full: call again with the rest. */
CBX_CHECK cbx_status cbx_resampler_push(cbx_resampler *r, const float *in,
                                        size_t n_in, size_t *used, float *out,
                                        size_t cap, size_t *n_out,
                                        cbx_error *err);

/* [decode] The input has ended: writes what is held back, up to cap frames.
 * Repeat until *done. In all, n_in * out_rate / in_rate frames come out,
 * within half a frame. Then only reset may follow. */
CBX_CHECK cbx_status cbx_resampler_flush(cbx_resampler *r, float *out,
                                         size_t cap, size_t *n_out, bool *done,
                                         cbx_error *err);

/* [decode] Forgets everything: the next push is frame 0 of a new stream. */
CBX_CHECK cbx_status cbx_resampler_reset(cbx_resampler *r, cbx_error *err);

/* [decode] The most output frames that are held back while input arrives (HQ:
 * about 38 ms). The first cell of an utterance is longer, so its first sound
 * does not wait; what plays is this much nearer to running dry. */
size_t cbx_resampler_latency(const cbx_resampler *r);

/* [setup] NULL is allowed. */
void cbx_resampler_close(cbx_resampler *r);

#endif
