#ifndef CBX_DSP_LOUDNESS_H
#define CBX_DSP_LOUDNESS_H

#include "rt/status.h"

#include <stddef.h>

/* Integrated loudness as the reference measures it (pyloudnorm.Meter): blocks
 * of 400 ms each 100 ms under BS.1770's gates (-70 LUFS, then 10 below the
 * mean), but with K-weighting filters computed for the sample rate from the
 * audio EQ cookbook, which differ from the standard's table at 48 kHz. */

/* [setup] Of n samples of a mono signal, in LUFS; -INFINITY when nothing is
 * above the gates. CBX_E_ARG when it is shorter than a block. */
CBX_CHECK cbx_status cbx_loudness(const float *x, size_t n, unsigned rate,
                                  double *lufs, cbx_error *err);

/* [any] The factor that brings `lufs` to `target`, or 1 when there is none. */
double cbx_loudness_gain(double lufs, double target);

#endif
