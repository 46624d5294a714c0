#ifndef CBX_DSP_LIMITER_H
#define CBX_DSP_LIMITER_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>

/* A true-peak limiter: looks ahead, measures peaks between the samples at four
 * times the rate, and turns the gain down in time so that none passes the
 * ceiling. As long as nothing does, the samples pass bit for bit. What comes
 * out depends on the samples only, not on how they were cut. */
typedef struct cbx_limiter cbx_limiter;

enum {
    CBX_LIMITER_AHEAD = 48, /* samples in which the gain goes down */
    CBX_LIMITER_TAPS = 24,  /* of the filter between two samples */
    CBX_LIMITER_DELAY = CBX_LIMITER_AHEAD + CBX_LIMITER_TAPS / 2,
};

/* [setup] ceiling: a factor, such as 0.891 for -1 dBTP; release: samples in
 * which the gain comes back by 63 %. */
CBX_CHECK cbx_status cbx_limiter_open(float ceiling, double release,
                                      cbx_limiter **out, cbx_error *err);
/* NULL is allowed. */
void cbx_limiter_close(cbx_limiter *l);

/* [decode] The next sample is number 0. */
void cbx_limiter_begin(cbx_limiter *l);

/* [decode] Takes x[0..n) and puts what is ready in its place; returns how much
 * that is: sample i comes out with sample i + CBX_LIMITER_DELAY. */
size_t cbx_limiter_run(cbx_limiter *l, float *x, size_t n);

/* [decode] No more will come: the last samples, up to CBX_LIMITER_DELAY, into
 * out. Once; then only begin may follow. */
size_t cbx_limiter_end(cbx_limiter *l, float *out);

#endif
