#ifndef CBX_MODELS_WATERMARK_INTERNAL_H
#define CBX_MODELS_WATERMARK_INTERNAL_H

#include "dsp/fft.h"
#include "models/watermark/perth.h"
#include "models/watermark/stack.h"

#include <stdbool.h>

enum { BRANCHES = 3, BINS = PERTH_FFT / 2 + 1 };

struct perth {
    cbx_dev *dev;
    load_owned *own;
    stack encoder;
    int bands; /* of the bins: 128 */
    bool hears;
    stack ear[BRANCHES];     /* slow, normal, fast */
    float window[PERTH_FFT]; /* Hann, periodic */
};

/* A magnitude in dB, -180 to 15, as 0 to 1 (perth_net_implicit/utils.py:
 * cx_to_magphase, normalize). */
float perth_level(cbx_bin x);

/* One frame: window, transform, and the sum of all levels. x: [PERTH_FFT],
 * bins: [BINS]; levels: [bands]. work: [PERTH_FFT]. */
float perth_frame(const perth *p, cbx_fft *fft, const float *x, float *work,
                  cbx_bin *bins, float *levels);

#endif
