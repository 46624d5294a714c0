#ifndef CBX_DSP_POLY_H
#define CBX_DSP_POLY_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* A whole recording from one rate to another as scipy.signal.resample_poly does
 * it with its defaults: a sinc of 20 zero crossings under a Kaiser window
 * (beta 5). The watermark's detector listens through it. For sound that
 * somebody hears, see dsp/resample.h. */

/* [any] Samples that n samples become: ceil(n * to / from). */
size_t cbx_poly_length(size_t n, uint32_t from, uint32_t to);

/* [setup] out: [cbx_poly_length()]. Rates from 1000 to 768000 Hz, else
 * CBX_E_ARG. */
CBX_CHECK cbx_status cbx_poly_resample(const float *x, size_t n, uint32_t from,
                                       uint32_t to, float *out, cbx_error *err);

#endif
