#include "plugin/core/take.h"

#include <soxr.h>
#include <stdlib.h>

enum { OUT_FRAMES = 4096, LOG2_DFT_MIN = 8 };

struct plug_resampler {
    soxr_t soxr; /* NULL: the rates are equal */
    float out[OUT_FRAMES];
};

plug_resampler *plug_resampler_open(uint32_t rate)
{
    plug_resampler *r = calloc(1, sizeof *r);
    if (!r || rate == PLUG_NATIVE_RATE)
        return r;
    const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    const soxr_quality_spec_t q = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t rt = soxr_runtime_spec(1);
    rt.log2_min_dft_size = LOG2_DFT_MIN;
    soxr_error_t why = NULL;
    r->soxr = soxr_create(PLUG_NATIVE_RATE, rate, 1, &why, &io, &q, &rt);
    if (!r->soxr || why) {
        soxr_delete(r->soxr);
        free(r);
        return NULL;
    }
    return r;
}

bool plug_resampler_push(plug_resampler *r, const float *in, size_t n,
                         bool (*give)(void *arg, const float *pcm, size_t n),
                         void *arg)
{
    if (!r->soxr)
        return !in || give(arg, in, n);
    size_t done = 0;
    for (;;) {
        size_t took = 0, gave = 0;
        if (soxr_process(r->soxr, in ? in + done : NULL, in ? n - done : 0,
                         &took, r->out, OUT_FRAMES, &gave))
            return false;
        done += took;
        if (gave && !give(arg, r->out, gave))
            return false;
        if (in ? done >= n && gave < OUT_FRAMES : gave == 0)
            return true;
    }
}

void plug_resampler_close(plug_resampler *r)
{
    if (!r)
        return;
    soxr_delete(r->soxr);
    free(r);
}
