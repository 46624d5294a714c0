#include "dsp/resample.h"
#include "dsp/fir.h"
#include "dsp/sinc.h"
#include "models/voice/features.h"
#include "tools/parity/parity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* resample.*: each pair of rates by the function that we use for it. */

/* librosa makes ceil(n * to / from) samples of whatever soxr gave. */
static void report_fixed(parity *p, const char *key, const float *v, size_t got,
                         size_t n, uint32_t from, uint32_t to)
{
    const size_t due = cbx_sinc_length(n, from, to);
    float *fixed = need(due, sizeof *fixed);
    memcpy(fixed, v, (got < due ? got : due) * sizeof *v);
    report_floats(&p->report, key, fixed, due, TOL_STAGE);
    free(fixed);
}

static cbx_status by_stream(const float *x, size_t n, uint32_t from,
                            uint32_t to, float *out, size_t cap, size_t *got,
                            cbx_error *err)
{
    cbx_resampler *r;
    size_t used, more;
    bool done = false;
    cbx_status st = cbx_resampler_open(from, to, CBX_RESAMPLE_HQ, &r, err);
    if (st)
        return st;
    st = cbx_resampler_push(r, x, n, &used, out, cap, got, err);
    while (!st && !done) {
        st = cbx_resampler_flush(r, out + *got, cap - *got, &more, &done, err);
        *got += more;
    }
    cbx_resampler_close(r);
    return st;
}

static cbx_status by_fir(const float *x, size_t n, uint32_t from, uint32_t to,
                         float *out, size_t *got, cbx_error *err)
{
    cbx_fir *f;
    const cbx_status st = cbx_fir_open(from, to, &f, err);
    if (st)
        return st;
    *got = cbx_fir_push(f, x, n, out);
    *got += cbx_fir_flush(f, out + *got);
    cbx_fir_close(f);
    return st;
}

static cbx_status run_soxr(parity *p, const float *x, size_t n, uint32_t from,
                           uint32_t to, cbx_error *err)
{
    char key[64];
    const bool fir = from * 4 == to * 3 || from * 3 == to * 4;
    const size_t cap = 2 * n * to / from + 8192;
    float *out = need(cap, sizeof *out), *made = NULL;
    size_t got = 0;
    cbx_status st;
    snprintf(key, sizeof key, "resample.soxr_hq.%u_%u", (unsigned)from,
             (unsigned)to);
    if (!golden_find(&p->golden, key)) {
        free(out);
        return CBX_OK;
    }
    if (fir)
        st = by_fir(x, n, from, to, out, &got, err);
    else if (from == VOICE_RATE_24K && to == VOICE_RATE_16K)
        st = voice_resample_soxr(x, n, &made, &got, err);
    else
        st = by_stream(x, n, from, to, out, cap, &got, err);
    if (!st)
        report_fixed(p, key, made ? made : out, got, n, from, to);
    free(made);
    free(out);
    return st;
}

/* Tap i of phase q, asked for by an impulse: output 2 j + q has tap i at input
 * 3 j + i - width. */
static cbx_status run_kernel(parity *p, cbx_error *err)
{
    enum { UP = 2, DOWN = 3, TAPS = 23, WIDTH = 10, N = 90, MIDDLE = 15 };
    float x[N], out[N], taps[UP][TAPS];
    for (int i = 0; i < TAPS; i++) {
        memset(x, 0, sizeof x);
        x[DOWN * MIDDLE + i - WIDTH] = 1;
        const cbx_status st =
            cbx_sinc_resample(x, N, VOICE_RATE_24K, VOICE_RATE_16K, out, err);
        if (st)
            return st;
        for (int q = 0; q < UP; q++)
            taps[q][i] = out[UP * MIDDLE + q];
    }
    report_floats(&p->report, "resample.torchaudio.24000_16000.kernel", taps[0],
                  UP * TAPS, TOL_STAGE);
    return CBX_OK;
}

static cbx_status run(parity *p, cbx_error *err)
{
    static const uint32_t pairs[][2] = {{24000, 16000}, {44100, 24000},
                                        {16000, 24000}, {24000, 32000},
                                        {32000, 24000}, {22050, 24000}};
    const float *x;
    size_t n, got;
    float *out;
    cbx_status st = golden_signal(&p->golden, "resample.in", &x, &n, err);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && !st; i++)
        st = run_soxr(p, x, n, pairs[i][0], pairs[i][1], err);
    if (st || (st = voice_resample_sinc(x, n, &out, &got, err)))
        return st;
    report_floats(&p->report, "resample.torchaudio.24000_16000", out, got,
                  TOL_STAGE);
    free(out);
    return run_kernel(p, err);
}

void parity_resample(parity *p)
{
    cbx_error err;
    if (run(p, &err))
        report_not_run(&p->report, "resample.", "%s", err.text);
}
