#include "models/watermark/internal.h"

#include <math.h>
#include <stdlib.h>

static const float floor_magnitude = 1e-9f, range = 195;

static void load_all(load *l, perth *p)
{
    static const char *const names[BRANCHES] = {
        "decoder.slow_layers", "decoder.normal_layers", "decoder.fast_layers"};
    stack_load(l, "encoder.layers", &p->encoder);
    p->bands = p->encoder.in;
    p->hears = load_has(l, "%s.0.conv", names[0]);
    for (int i = 0; i < BRANCHES && p->hears; i++)
        stack_load(l, names[i], &p->ear[i]);
    if (l->status)
        return;
    bool fits = p->bands <= BINS && p->encoder.out == p->bands;
    for (int i = 0; i < BRANCHES && p->hears; i++)
        fits = fits && p->ear[i].in == p->bands && p->ear[i].out == 2;
    if (!fits)
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: the widths of the watermark's networks do "
                             "not belong together",
                             cbx_tensor_file_path(l->file));
}

cbx_status perth_open(cbx_dev *dev, const cbx_tensor_file *file, perth **out,
                      cbx_error *err)
{
    perth *p = calloc(1, sizeof *p);
    if (!p)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the watermark");
    p->dev = dev;
    cbx_status st = load_owned_open(dev, &p->own, err);
    if (!st) {
        load l = {.dev = dev,
                  .file = file,
                  .format = CBX_FMT_F32,
                  .own = p->own,
                  .err = err};
        load_all(&l, p);
        st = l.status;
    }
    if (st) {
        perth_close(p);
        return st;
    }
    for (int i = 0; i < PERTH_FFT; i++)
        p->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / PERTH_FFT));
    *out = p;
    return CBX_OK;
}

void perth_close(perth *p)
{
    if (!p)
        return;
    load_owned_close(p->own);
    free(p);
}

int perth_reach(const perth *p)
{
    return p->encoder.reach;
}

size_t perth_bytes(const perth *p)
{
    return load_owned_bytes(p->own);
}

bool perth_hears(const perth *p)
{
    return p->hears;
}

float perth_level(cbx_bin x)
{
    const float magnitude = fmaxf(hypotf(x.re, x.im), floor_magnitude);
    return (20 * log10f(magnitude) + 180) / range;
}

float perth_frame(const perth *p, cbx_fft *fft, const float *x, float *work,
                  cbx_bin *bins, float *levels)
{
    double sum = 0;
    for (int i = 0; i < PERTH_FFT; i++)
        work[i] = x[i] * p->window[i];
    cbx_fft_run(fft, work, bins);
    for (int i = 0; i < BINS; i++) {
        const float level = perth_level(bins[i]);
        sum += (double)level;
        if (i < p->bands)
            levels[i] = level;
    }
    return (float)sum;
}
