#include "dsp/mel_bank.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct cbx_mel_bank {
    int mels, bins;
    struct span {
        int from, to; /* bins that the triangle touches */
    } * spans;
    float *w; /* [mels][bins] */
};

/* Slaney: linear up to 1 kHz, then 27 steps for each factor of 6.4. */
static const double slaney_hz = 200.0 / 3, slaney_knee = 1000.0;

static double slaney_step(void)
{
    return log(6.4) / 27;
}

static double to_mel(cbx_mel_scale scale, double hz)
{
    if (scale == CBX_MEL_KALDI)
        return 1127 * log(1 + hz / 700);
    if (hz < slaney_knee)
        return hz / slaney_hz;
    return slaney_knee / slaney_hz + log(hz / slaney_knee) / slaney_step();
}

static double slaney_to_hz(double mel)
{
    const double knee = slaney_knee / slaney_hz;
    if (mel < knee)
        return mel * slaney_hz;
    return slaney_knee * exp(slaney_step() * (mel - knee));
}

/* Corner i of the triangles: triangle m has corners m, m + 1, m + 2. */
static double corner(const cbx_mel_bank_config *c, int i)
{
    const double low = to_mel(c->scale, c->low),
                 high = to_mel(c->scale, c->high);
    const double mel = low + (high - low) * i / (c->mels + 1);
    return c->scale == CBX_MEL_SLANEY ? slaney_to_hz(mel) : mel;
}

static void draw(const cbx_mel_bank_config *c, int m, struct span *span,
                 float *w)
{
    const double l = corner(c, m), top = corner(c, m + 1), r = corner(c, m + 2);
    const double height = c->scale == CBX_MEL_SLANEY ? 2 / (r - l) : 1;
    /* Kaldi leaves out the bin of half the sample rate */
    const int bins = c->n_fft / 2 + (c->scale == CBX_MEL_SLANEY);
    for (int k = 0; k < bins; k++) {
        const double hz = (double)k * c->rate / c->n_fft;
        const double x = c->scale == CBX_MEL_SLANEY ? hz : to_mel(c->scale, hz);
        const double y = fmin((x - l) / (top - l), (r - x) / (r - top));
        if (!(y > 0))
            continue;
        if (span->to == 0)
            span->from = k;
        span->to = k + 1;
        w[k] = (float)(y * height);
    }
}

static bool config_is_sound(const cbx_mel_bank_config *c)
{
    return c->rate > 0 && c->n_fft > 1 && c->n_fft <= 65536 && c->mels > 0 &&
           c->mels <= 1024 && c->low >= 0 && c->low < c->high &&
           c->high <= c->rate / 2.0;
}

cbx_status cbx_mel_bank_open(const cbx_mel_bank_config *c, cbx_mel_bank **out,
                             cbx_error *err)
{
    if (!config_is_sound(c))
        return cbx_fail(err, CBX_E_ARG,
                        "mel filters: %d from %g to %g Hz over %d points at "
                        "%d Hz cannot be made",
                        c->mels, c->low, c->high, c->n_fft, c->rate);
    cbx_mel_bank *b = calloc(1, sizeof *b);
    if (!b)
        return cbx_fail(err, CBX_E_NOMEM, "mel filters: out of memory");
    b->mels = c->mels;
    b->bins = c->n_fft / 2 + 1;
    b->spans = calloc((size_t)b->mels, sizeof *b->spans);
    b->w = calloc((size_t)b->mels * (size_t)b->bins, sizeof *b->w);
    if (!b->spans || !b->w) {
        cbx_mel_bank_close(b);
        return cbx_fail(err, CBX_E_NOMEM, "mel filters: out of memory");
    }
    for (int m = 0; m < b->mels; m++)
        draw(c, m, &b->spans[m], b->w + (size_t)m * (size_t)b->bins);
    *out = b;
    return CBX_OK;
}

void cbx_mel_bank_close(cbx_mel_bank *b)
{
    if (!b)
        return;
    free(b->spans);
    free(b->w);
    free(b);
}

void cbx_mel_bank_run(const cbx_mel_bank *b, const float *spectrum, float *out)
{
    for (int m = 0; m < b->mels; m++) {
        const float *w = b->w + (size_t)m * (size_t)b->bins;
        double sum = 0;
        for (int k = b->spans[m].from; k < b->spans[m].to; k++)
            sum += (double)w[k] * (double)spectrum[k];
        out[m] = (float)sum;
    }
}
