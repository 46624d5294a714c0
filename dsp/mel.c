#include "dsp/mel.h"

#include "dsp/fft.h"
#include "dsp/mel_bank.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

struct cbx_mel {
    cbx_mel_config c;
    cbx_fft *fft;
    cbx_mel_bank *bank;
    float *window, *frame; /* [n_fft] */
    float *spectrum;       /* [n_fft/2 + 1] */
    cbx_bin *bins;         /* [n_fft/2 + 1] */
};

cbx_status cbx_mel_open(const cbx_mel_config *c, cbx_mel **out, cbx_error *err)
{
    if (c->hop <= 0 || c->pad < 0 || c->pad > c->n_fft)
        return cbx_fail(err, CBX_E_ARG,
                        "mel spectrogram: a hop of %d and a pad of %d cannot "
                        "be",
                        c->hop, c->pad);
    cbx_mel *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "mel spectrogram: out of memory");
    m->c = *c;
    const cbx_mel_bank_config bank = {CBX_MEL_SLANEY, c->rate, c->n_fft,
                                      c->mels,        0,       c->high};
    cbx_status st = cbx_fft_open(c->n_fft, &m->fft, err);
    if (!st)
        st = cbx_mel_bank_open(&bank, &m->bank, err);
    if (st) {
        cbx_mel_close(m);
        return st;
    }
    const size_t n = (size_t)c->n_fft;
    m->window = calloc(n, sizeof *m->window);
    m->frame = calloc(n, sizeof *m->frame);
    m->spectrum = calloc(n, sizeof *m->spectrum);
    m->bins = calloc(n, sizeof *m->bins);
    if (!m->window || !m->frame || !m->spectrum || !m->bins) {
        cbx_mel_close(m);
        return cbx_fail(err, CBX_E_NOMEM, "mel spectrogram: out of memory");
    }
    for (size_t i = 0; i < n; i++)
        m->window[i] =
            (float)(0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)n));
    *out = m;
    return CBX_OK;
}

void cbx_mel_close(cbx_mel *m)
{
    if (!m)
        return;
    cbx_fft_close(m->fft);
    cbx_mel_bank_close(m->bank);
    free(m->window);
    free(m->frame);
    free(m->spectrum);
    free(m->bins);
    free(m);
}

int cbx_mel_frames(const cbx_mel *m, size_t n)
{
    const size_t pad = (size_t)m->c.pad, n_fft = (size_t)m->c.n_fft;
    if (n <= pad || n > INT_MAX / 2 || n + 2 * pad < n_fft)
        return 0;
    return (int)((n + 2 * pad - n_fft) / (size_t)m->c.hop) + 1;
}

/* x reflected at its ends, without the end sample twice. */
static float reflected(const float *x, size_t n, ptrdiff_t i)
{
    if (i < 0)
        i = -i;
    if (i >= (ptrdiff_t)n)
        i = 2 * ((ptrdiff_t)n - 1) - i;
    return x[i];
}

static void spectrum_of_frame(cbx_mel *m)
{
    cbx_fft_run(m->fft, m->frame, m->bins);
    for (int k = 0; k <= m->c.n_fft / 2; k++) {
        const float p =
            m->bins[k].re * m->bins[k].re + m->bins[k].im * m->bins[k].im;
        m->spectrum[k] = m->c.magnitudes ? sqrtf(p + 1e-9f) : p;
    }
}

void cbx_mel_run(cbx_mel *m, const float *x, size_t n, float *out)
{
    const int frames = cbx_mel_frames(m, n);
    for (int f = 0; f < frames; f++) {
        const ptrdiff_t from = (ptrdiff_t)f * m->c.hop - m->c.pad;
        for (int i = 0; i < m->c.n_fft; i++)
            m->frame[i] = m->window[i] * reflected(x, n, from + i);
        spectrum_of_frame(m);
        cbx_mel_bank_run(m->bank, m->spectrum, out + (ptrdiff_t)f * m->c.mels);
    }
}
