#include "models/voice/features.h"

#include "dsp/fbank.h"
#include "dsp/loudness.h"
#include "dsp/mel.h"
#include "dsp/resample.h"
#include "dsp/sinc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double target_lufs = -27;

static cbx_status no_memory(cbx_error *err)
{
    return cbx_fail(err, CBX_E_NOMEM, "no memory for the recording");
}

static cbx_status too_short(size_t n, cbx_error *err)
{
    return cbx_fail(err, CBX_E_ARG, "a recording of %zu samples is too short",
                    n);
}

static cbx_status rows_open(int rows, int cols, voice_rows *out, cbx_error *err)
{
    voice_rows r = {.rows = rows, .cols = cols};
    r.v = calloc((size_t)rows * (size_t)cols, sizeof *r.v);
    if (!r.v)
        return no_memory(err);
    *out = r;
    return CBX_OK;
}

cbx_status voice_normalise(float *x, size_t n, double *gain, cbx_error *err)
{
    double lufs;
    const cbx_status st = cbx_loudness(x, n, VOICE_RATE_24K, &lufs, err);
    if (st)
        return st;
    *gain = cbx_loudness_gain(lufs, target_lufs);
    for (size_t i = 0; i < n; i++)
        x[i] *= (float)*gain;
    return CBX_OK;
}

/* -- 24 to 16 kHz ---------------------------------------------------------- */

static cbx_status run_soxr(cbx_resampler *r, const float *x, size_t n,
                           float *out, size_t cap, cbx_error *err)
{
    size_t used, got, at;
    bool done = false;
    cbx_status st = cbx_resampler_push(r, x, n, &used, out, cap, &got, err);
    for (at = got; !st && !done && at < cap; at += got)
        st = cbx_resampler_flush(r, out + at, cap - at, &got, &done, err);
    return st;
}

/* Samples that the resampler does not give are zeros, as in librosa. */
cbx_status voice_resample_soxr(const float *x, size_t n, float **out,
                               size_t *n_out, cbx_error *err)
{
    const size_t length = cbx_sinc_length(n, VOICE_RATE_24K, VOICE_RATE_16K);
    cbx_resampler *r;
    float *y = calloc(length + 1, sizeof *y);
    if (!y)
        return no_memory(err);
    cbx_status st = cbx_resampler_open(VOICE_RATE_24K, VOICE_RATE_16K,
                                       CBX_RESAMPLE_HQ, &r, err);
    if (!st) {
        st = run_soxr(r, x, n, y, length, err);
        cbx_resampler_close(r);
    }
    if (st) {
        free(y);
        return st;
    }
    *out = y;
    *n_out = length;
    return CBX_OK;
}

cbx_status voice_resample_sinc(const float *x, size_t n, float **out,
                               size_t *n_out, cbx_error *err)
{
    const size_t length = cbx_sinc_length(n, VOICE_RATE_24K, VOICE_RATE_16K);
    float *y = calloc(length + 1, sizeof *y);
    if (!y)
        return no_memory(err);
    const cbx_status st =
        cbx_sinc_resample(x, n, VOICE_RATE_24K, VOICE_RATE_16K, y, err);
    if (st) {
        free(y);
        return st;
    }
    *out = y;
    *n_out = length;
    return CBX_OK;
}

/* -- mel spectrograms ------------------------------------------------------ */

static cbx_status mel_rows(const cbx_mel_config *c, const float *x, size_t n,
                           voice_rows *out, cbx_error *err)
{
    cbx_mel *m;
    cbx_status st = cbx_mel_open(c, &m, err);
    if (st)
        return st;
    const int frames = cbx_mel_frames(m, n);
    st = frames ? rows_open(frames, c->mels, out, err) : too_short(n, err);
    if (!st)
        cbx_mel_run(m, x, n, out->v);
    cbx_mel_close(m);
    return st;
}

static size_t count(const voice_rows *r)
{
    return (size_t)r->rows * (size_t)r->cols;
}

cbx_status voice_prompt_mel(const float *x, size_t n, voice_rows *out,
                            cbx_error *err)
{
    const cbx_mel_config c = {.rate = VOICE_RATE_24K,
                              .n_fft = 1920,
                              .hop = 480,
                              .pad = 720,
                              .mels = 80,
                              .high = 8000,
                              .magnitudes = true};
    const cbx_status st = mel_rows(&c, x, n, out, err);
    if (st)
        return st;
    for (size_t i = 0; i < count(out); i++)
        out->v[i] = logf(fmaxf(out->v[i], 1e-5f));
    return CBX_OK;
}

/* The last frame is dropped before anything else is done with it. */
cbx_status voice_token_mel(const float *x, size_t n, voice_rows *out,
                           cbx_error *err)
{
    const cbx_mel_config c = {.rate = VOICE_RATE_16K,
                              .n_fft = 400,
                              .hop = 160,
                              .pad = 200,
                              .mels = 128,
                              .high = 8000};
    float top = -INFINITY;
    voice_rows r;
    const cbx_status st = mel_rows(&c, x, n, &r, err);
    if (st)
        return st;
    if (--r.rows == 0) {
        free(r.v);
        return too_short(n, err);
    }
    for (size_t i = 0; i < count(&r); i++) {
        r.v[i] = log10f(fmaxf(r.v[i], 1e-10f));
        top = fmaxf(top, r.v[i]);
    }
    for (size_t i = 0; i < count(&r); i++)
        r.v[i] = (fmaxf(r.v[i], top - 8) + 4) / 4;
    *out = r;
    return CBX_OK;
}

cbx_status voice_ve_mel(const float *x, size_t n, voice_rows *out,
                        cbx_error *err)
{
    const cbx_mel_config c = {.rate = VOICE_RATE_16K,
                              .n_fft = 400,
                              .hop = 160,
                              .pad = 200,
                              .mels = 40,
                              .high = 8000};
    return mel_rows(&c, x, n, out, err);
}

/* -- the rest -------------------------------------------------------------- */

cbx_status voice_fbank(const float *x, size_t n, voice_rows *out,
                       cbx_error *err)
{
    enum { MELS = 80 };
    cbx_fbank *f;
    cbx_status st = cbx_fbank_open(VOICE_RATE_16K, MELS, &f, err);
    if (st)
        return st;
    const int frames = cbx_fbank_frames(f, n);
    st = frames ? rows_open(frames, MELS, out, err) : too_short(n, err);
    if (!st)
        cbx_fbank_run(f, x, n, out->v);
    cbx_fbank_close(f);
    return st;
}

void voice_remove_mean(voice_rows *rows)
{
    for (int c = 0; c < rows->cols; c++) {
        double sum = 0;
        for (int t = 0; t < rows->rows; t++)
            sum += (double)rows->v[t * rows->cols + c];
        const float mean = (float)(sum / rows->rows);
        for (int t = 0; t < rows->rows; t++)
            rows->v[t * rows->cols + c] -= mean;
    }
}

enum { TRIM_FRAME = 2048, TRIM_HOP = 512 };

/* Mean square of the frame around sample f * TRIM_HOP, zeros outside. */
static double trim_power(const float *x, size_t n, size_t f)
{
    const size_t middle = f * TRIM_HOP, half = TRIM_FRAME / 2;
    const size_t from = middle > half ? middle - half : 0;
    double sum = 0;
    for (size_t i = from; i < middle + half && i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / TRIM_FRAME;
}

void voice_trim(const float *x, size_t n, size_t *from, size_t *to)
{
    const size_t frames = n / TRIM_HOP + 1;
    const double least = 1e-10;
    double top = least;
    for (size_t f = 0; f < frames; f++)
        top = fmax(top, trim_power(x, n, f));
    *from = *to = 0;
    for (size_t f = 0; f < frames; f++) {
        if (!(fmax(trim_power(x, n, f), least) > top / 100))
            continue;
        if (*to == 0)
            *from = f * TRIM_HOP;
        *to = (f + 1) * TRIM_HOP < n ? (f + 1) * TRIM_HOP : n;
    }
}
