#ifndef CBX_MODELS_WATERMARK_PERTH_H
#define CBX_MODELS_WATERMARK_PERTH_H

#include "kernels/kernels.h"
#include "models/checkpoint/tensor.h"
#include "models/probe.h"

#include <stddef.h>

/* Resemble's Perth watermark, the implicit network (resemble-perth 1.0.1,
 * perth_net_implicit). The magnitudes of a short-time Fourier transform at
 * 32 kHz (2048 points, 10 ms hop, Hann) below 2 kHz are moved, in dB, by what a
 * network says; phases stay. A second network hears it.
 *
 * The model is const once opened and shared. */
typedef struct perth perth;

enum {
    PERTH_RATE = 32000, /* of the networks */
    PERTH_SPEECH_RATE = 24000,
    PERTH_HOP = 320, /* at 32 kHz */
    PERTH_FFT = 2048,
};

/* [setup] `encoder.*`, and `decoder.*` where it is there; the file may be
 * closed afterwards. */
CBX_CHECK cbx_status perth_open(cbx_dev *dev, const cbx_tensor_file *file,
                                perth **out, cbx_error *err);
void perth_close(perth *p);

/* [any] Frames that the network sees to either side: 15. */
int perth_reach(const perth *p);
size_t perth_bytes(const perth *p);
bool perth_hears(const perth *p); /* there is a decoder */

/* -- marking --------------------------------------------------------------- */

/* One signal after another, each in pieces, 24 kHz in and out, as many samples
 * as went in.
 *
 * `ahead`: frames (10 ms) that the network may wait for, 0 to perth_reach().
 * With all of them the result is that of the reference on the whole signal;
 * with fewer, what is not known of the future is taken to be like the newest
 * frame. Frames are worked on in blocks of four, the first one alone, so the
 * result does not depend on the pieces. Windows and resampling need 66 ms more:
 * after every 40 ms of input, perth_mark_delay() samples are held back.
 *
 * The reference leaves frames alone that hold less than 5 % of the loudest one,
 * on a scale on which that is digital silence; here the loudest one known so
 * far counts. A signal too short for a frame (1025 samples at 32 kHz) stays as
 * it is; so do, after resampling, the samples behind the last whole 10 ms. */
typedef struct perth_mark perth_mark;

/* [setup] The most samples at a time: `most`. */
CBX_CHECK cbx_status perth_mark_open(const perth *p, int ahead, size_t most,
                                     perth_mark **out, cbx_error *err);
void perth_mark_close(perth_mark *m);

/* [any] */
size_t perth_mark_delay(const perth_mark *m);
/* [any] The most samples that a run writes. */
size_t perth_mark_room(const perth_mark *m);

/* [decode] A new signal begins with the next run. */
void perth_mark_begin(perth_mark *m);
/* [decode] Takes n <= most samples; `end`: they are the last. Returns how many
 * were written to out. probe: NULL, or sees wm.* of each block. */
size_t perth_mark_run(perth_mark *m, const float *in, size_t n, bool end,
                      const cbx_probe *probe, float *out);

/* -- hearing --------------------------------------------------------------- */

/* [setup] How sure the detector is that x[0..n), of any rate, carries the mark:
 * 0 to 1. CBX_E_UNSUPPORTED without a decoder; CBX_E_ARG for less than 0.1
 * seconds, or silence. */
CBX_CHECK cbx_status perth_detect(const perth *p, const float *x, size_t n,
                                  uint32_t rate, float *out, cbx_error *err);

#endif
