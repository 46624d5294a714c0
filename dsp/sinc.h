#ifndef CBX_DSP_SINC_H
#define CBX_DSP_SINC_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* A whole recording from one rate to another by a short sinc under a Hann
 * window: the resampler that speaker encoders and speech tokenizers were
 * trained behind (torchaudio.transforms.Resample with its defaults: width 6,
 * roll-off 0.99). For sound that somebody hears, see dsp/resample.h. */

/* [any] Samples that n samples become: ceil(n * to / from). */
size_t cbx_sinc_length(size_t n, uint32_t from, uint32_t to);

/* [setup] out: [cbx_sinc_length()]. Rates from 1000 to 768000 Hz that
 * share a large factor (44100 and 16000 do), else CBX_E_ARG. */
CBX_CHECK cbx_status cbx_sinc_resample(const float *x, size_t n, uint32_t from,
                                       uint32_t to, float *out, cbx_error *err);

#endif
