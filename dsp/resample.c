#include "dsp/resample.h"

#include <soxr.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE_MIN = 1000,
    RATE_MAX = 768000,
    /* 2^8 points: soxr then collects no more input than its filters need */
    LOG2_DFT_MIN = 8,
    PROBE_FRAMES = 32768,
    PROBE_BLOCK = 32,
};

struct cbx_resampler {
    soxr_t soxr; /* NULL: the rates are equal */
    bool ended;
    size_t latency;
};

static unsigned long recipe(cbx_resample_quality quality)
{
    switch (quality) {
    case CBX_RESAMPLE_LQ:
        return SOXR_LQ;
    case CBX_RESAMPLE_VHQ:
        return SOXR_VHQ;
    case CBX_RESAMPLE_HQ:
        break;
    }
    return SOXR_HQ;
}

static cbx_status open_soxr(uint32_t in_rate, uint32_t out_rate,
                            cbx_resample_quality quality, soxr_t *out,
                            cbx_error *err)
{
    const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    const soxr_quality_spec_t q = soxr_quality_spec(recipe(quality), 0);
    soxr_runtime_spec_t rt = soxr_runtime_spec(1);
    rt.log2_min_dft_size = LOG2_DFT_MIN;
    soxr_error_t why = NULL;
    soxr_t s = soxr_create(in_rate, out_rate, 1, &why, &io, &q, &rt);
    if (!s || why) {
        soxr_delete(s);
        return cbx_fail(err, CBX_E_NOMEM, "resampler %u to %u Hz: %s",
                        (unsigned)in_rate, (unsigned)out_rate,
                        why ? why : "cannot be made");
    }
    *out = s;
    return CBX_OK;
}

/* soxr works in blocks of its own size, so the delay is a sawtooth: its top is
 * found by running silence through a resampler of the same kind. */
static cbx_status measure_latency(uint32_t in_rate, uint32_t out_rate,
                                  cbx_resample_quality quality, size_t *latency,
                                  cbx_error *err)
{
    static const float zeros[PROBE_BLOCK];
    const double ratio = (double)out_rate / in_rate;
    const size_t cap = (size_t)(PROBE_FRAMES * ratio) + 1;
    float *sink = malloc(cap * sizeof *sink);
    if (!sink)
        return cbx_fail(err, CBX_E_NOMEM, "resampler: out of memory");
    soxr_t s;
    cbx_status st = open_soxr(in_rate, out_rate, quality, &s, err);
    if (st)
        goto free_sink;

    double top = 0;
    size_t n_out = 0;
    for (size_t n_in = PROBE_BLOCK; n_in <= PROBE_FRAMES; n_in += PROBE_BLOCK) {
        size_t done = 0;
        if (soxr_process(s, zeros, PROBE_BLOCK, NULL, sink, cap, &done)) {
            st = cbx_fail(err, CBX_E_NOMEM, "resampler: out of memory");
            break;
        }
        n_out += done;
        const double delay = (double)n_in * ratio - (double)n_out;
        top = delay > top ? delay : top;
    }
    if (!st)
        *latency = (size_t)(top + PROBE_BLOCK * ratio) + 1;
    soxr_delete(s);
free_sink:
    free(sink);
    return st;
}

/* soxr_process, which reads eight bytes at its output (soxr_output takes it for
 * a table of channels in any case): never fewer than two frames lie there. */
static soxr_error_t process(soxr_t s, const float *in, size_t n_in,
                            size_t *took, float *out, size_t cap, size_t *gave)
{
    float end[2] = {0};
    if (cap >= 2)
        return soxr_process(s, in, n_in, took, out, cap, gave);
    const soxr_error_t why = soxr_process(s, in, n_in, took, end, cap, gave);
    if (*gave)
        out[0] = end[0];
    return why;
}

cbx_status cbx_resampler_open(uint32_t in_rate, uint32_t out_rate,
                              cbx_resample_quality quality, cbx_resampler **out,
                              cbx_error *err)
{
    if (in_rate < RATE_MIN || in_rate > RATE_MAX || out_rate < RATE_MIN ||
        out_rate > RATE_MAX)
        return cbx_fail(err, CBX_E_ARG,
                        "resampler: %u to %u Hz, but rates must lie between "
                        "%d and %d Hz",
                        (unsigned)in_rate, (unsigned)out_rate, RATE_MIN,
                        RATE_MAX);
    cbx_resampler *r = calloc(1, sizeof *r);
    if (!r)
        return cbx_fail(err, CBX_E_NOMEM, "resampler: out of memory");
    cbx_status st = CBX_OK;
    if (in_rate != out_rate) {
        st = measure_latency(in_rate, out_rate, quality, &r->latency, err);
        if (!st)
            st = open_soxr(in_rate, out_rate, quality, &r->soxr, err);
    }
    if (st) {
        free(r);
        return st;
    }
    *out = r;
    return CBX_OK;
}

cbx_status cbx_resampler_push(cbx_resampler *r, const float *in, size_t n_in,
                              size_t *used, float *out, size_t cap,
                              size_t *n_out, cbx_error *err)
{
    *used = *n_out = 0;
    if (r->ended)
        return cbx_fail(err, CBX_E_ARG,
                        "resampler: input after the end without a reset");
    if (!r->soxr) {
        const size_t n = n_in < cap ? n_in : cap;
        if (n)
            memmove(out, in, n * sizeof *in);
        *used = *n_out = n;
        return CBX_OK;
    }
    while (*used < n_in) {
        size_t took = 0, gave = 0;
        soxr_error_t why = process(r->soxr, in + *used, n_in - *used, &took,
                                   out + *n_out, cap - *n_out, &gave);
        if (why)
            return cbx_fail(err, CBX_E_NOMEM, "resampler: %s", why);
        *used += took;
        *n_out += gave;
        if (!took && !gave)
            break;
    }
    return CBX_OK;
}

cbx_status cbx_resampler_flush(cbx_resampler *r, float *out, size_t cap,
                               size_t *n_out, bool *done, cbx_error *err)
{
    *n_out = 0;
    *done = !r->soxr;
    r->ended = true;
    while (!*done && *n_out < cap) {
        size_t gave = 0;
        soxr_error_t why =
            process(r->soxr, NULL, 0, NULL, out + *n_out, cap - *n_out, &gave);
        if (why)
            return cbx_fail(err, CBX_E_NOMEM, "resampler: %s", why);
        *n_out += gave;
        *done = gave == 0;
    }
    return CBX_OK;
}

cbx_status cbx_resampler_reset(cbx_resampler *r, cbx_error *err)
{
    r->ended = false;
    const soxr_error_t why = r->soxr ? soxr_clear(r->soxr) : NULL;
    if (why)
        return cbx_fail(err, CBX_E_NOMEM, "resampler: %s", why);
    return CBX_OK;
}

size_t cbx_resampler_latency(const cbx_resampler *r)
{
    return r->latency;
}

void cbx_resampler_close(cbx_resampler *r)
{
    if (!r)
        return;
    soxr_delete(r->soxr);
    free(r);
}
