#include "dsp/fbank.h"

#include "dsp/fft.h"
#include "dsp/mel_bank.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

struct cbx_fbank {
    int mels, size, hop, n_fft; /* samples of a frame, and to the next */
    cbx_fft *fft;
    cbx_mel_bank *bank;
    float *window;   /* [size] */
    float *frame;    /* [n_fft] */
    float *spectrum; /* [n_fft] */
    cbx_bin *bins;   /* [n_fft] */
};

static cbx_status make_room(cbx_fbank *f, cbx_error *err)
{
    const size_t n = (size_t)f->n_fft;
    f->window = calloc(n, sizeof *f->window);
    f->frame = calloc(n, sizeof *f->frame);
    f->spectrum = calloc(n, sizeof *f->spectrum);
    f->bins = calloc(n, sizeof *f->bins);
    if (!f->window || !f->frame || !f->spectrum || !f->bins)
        return cbx_fail(err, CBX_E_NOMEM, "filterbank: out of memory");
    for (int i = 0; i < f->size; i++) {
        const double hann = 0.5 - 0.5 * cos(2 * M_PI * i / (f->size - 1));
        f->window[i] = (float)pow(hann, 0.85);
    }
    return CBX_OK;
}

cbx_status cbx_fbank_open(int rate, int mels, cbx_fbank **out, cbx_error *err)
{
    if (rate < 8000 || rate > 48000)
        return cbx_fail(err, CBX_E_ARG,
                        "filterbank: %d Hz; 8000 to 48000 are supported", rate);
    cbx_fbank *f = calloc(1, sizeof *f);
    if (!f)
        return cbx_fail(err, CBX_E_NOMEM, "filterbank: out of memory");
    f->mels = mels;
    f->size = rate / 40;
    f->hop = rate / 100;
    for (f->n_fft = 1; f->n_fft < f->size;)
        f->n_fft *= 2;
    const cbx_mel_bank_config bank = {CBX_MEL_KALDI, rate, f->n_fft,
                                      mels,          20,   rate / 2.0};
    cbx_status st = cbx_mel_bank_open(&bank, &f->bank, err);
    if (!st)
        st = cbx_fft_open(f->n_fft, &f->fft, err);
    if (!st)
        st = make_room(f, err);
    if (st) {
        cbx_fbank_close(f);
        return st;
    }
    *out = f;
    return CBX_OK;
}

void cbx_fbank_close(cbx_fbank *f)
{
    if (!f)
        return;
    cbx_fft_close(f->fft);
    cbx_mel_bank_close(f->bank);
    free(f->window);
    free(f->frame);
    free(f->spectrum);
    free(f->bins);
    free(f);
}

int cbx_fbank_frames(const cbx_fbank *f, size_t n)
{
    if (n < (size_t)f->size || n > INT_MAX / 2)
        return 0;
    return (int)((n - (size_t)f->size) / (size_t)f->hop) + 1;
}

static void fill_frame(cbx_fbank *f, const float *x)
{
    double mean = 0;
    for (int i = 0; i < f->size; i++)
        mean += (double)x[i];
    mean /= f->size;
    float before = x[0] - (float)mean;
    for (int i = 0; i < f->size; i++) {
        const float y = x[i] - (float)mean;
        f->frame[i] = (y - 0.97f * before) * f->window[i];
        before = y;
    }
}

void cbx_fbank_run(cbx_fbank *f, const float *x, size_t n, float *out)
{
    const int frames = cbx_fbank_frames(f, n);
    for (int t = 0; t < frames; t++) {
        float *row = out + (ptrdiff_t)t * f->mels;
        fill_frame(f, x + (ptrdiff_t)t * f->hop);
        cbx_fft_run(f->fft, f->frame, f->bins);
        for (int k = 0; k <= f->n_fft / 2; k++)
            f->spectrum[k] =
                f->bins[k].re * f->bins[k].re + f->bins[k].im * f->bins[k].im;
        cbx_mel_bank_run(f->bank, f->spectrum, row);
        for (int m = 0; m < f->mels; m++)
            row[m] = logf(fmaxf(row[m], FLT_EPSILON));
    }
}
