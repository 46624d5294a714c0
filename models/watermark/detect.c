/* The second network: does a signal carry the mark? (perth_watermarker.py:
 * get_watermark; model/decoder.py: Decoder) */
#include "models/watermark/internal.h"

#include "dsp/poly.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, LEAST_SAMPLES = PERTH_RATE / 10 };

/* The signal as the networks see it. */
typedef struct heard {
    int frames, bands;
    float *levels; /* [frames][bands] */
    float *sums;   /* [frames] */
    float loudest;
} heard;

/* -- levels ---------------------------------------------------------------- */

/* x[0..n) with its ends mirrored (torch.stft: reflect). */
static float mirrored(const float *x, int64_t n, int64_t i)
{
    if (i < 0)
        i = -i;
    if (i >= n)
        i = 2 * (n - 1) - i;
    return x[i];
}

static cbx_status transform(const perth *p, const float *x, int64_t n, heard *h,
                            cbx_error *err)
{
    float frame[PERTH_FFT], work[PERTH_FFT];
    cbx_fft *fft;
    cbx_bin *bins = malloc(BINS * sizeof *bins);
    h->bands = p->bands;
    h->frames = (int)(n / PERTH_HOP) + 1;
    h->sums = malloc((size_t)h->frames * sizeof *h->sums);
    h->levels = malloc((size_t)h->frames * (size_t)h->bands * sizeof(float));
    cbx_status st = CBX_OK;
    if (!bins || !h->sums || !h->levels)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for the detector");
    if (!st && !(st = cbx_fft_open(PERTH_FFT, &fft, err))) {
        for (int t = 0; t < h->frames; t++) {
            const int64_t from = (int64_t)t * PERTH_HOP - PERTH_FFT / 2;
            for (int i = 0; i < PERTH_FFT; i++)
                frame[i] = mirrored(x, n, from + i);
            h->sums[t] = perth_frame(p, fft, frame, work, bins,
                                     h->levels + (size_t)t * (size_t)h->bands);
            h->loudest = fmaxf(h->loudest, h->sums[t]);
        }
        cbx_fft_close(fft);
    }
    free(bins);
    return st;
}

static cbx_status listen(const perth *p, const float *x, size_t n,
                         uint32_t rate, heard *h, cbx_error *err)
{
    const size_t n32 = cbx_poly_length(n, rate, PERTH_RATE);
    if (n32 < LEAST_SAMPLES || n32 > INT32_MAX)
        return cbx_fail(err, CBX_E_ARG,
                        "%.3f seconds of sound: the watermark's detector takes "
                        "from 0.1 seconds to some hours",
                        (double)n / rate);
    float *x32 = malloc(n32 * sizeof *x32);
    if (!x32)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the detector");
    cbx_status st = cbx_poly_resample(x, n, rate, PERTH_RATE, x32, err);
    if (!st)
        st = transform(p, x32, (int64_t)n32, h, err);
    free(x32);
    return st;
}

static bool counts(const heard *h, int t)
{
    return h->sums[t] > 0.05f * h->loudest;
}

/* -- one branch ------------------------------------------------------------ */

/* Row i of the levels stretched to `frames` rows, ends on ends
 * (F.interpolate: linear, align_corners). */
static void stretched(const heard *h, int frames, int i, float *out)
{
    const size_t bands = (size_t)h->bands;
    const double at =
        frames > 1 ? (double)i * (h->frames - 1) / (frames - 1) : 0;
    const int a = (int)at, b = a + 1 < h->frames ? a + 1 : a;
    const float f = (float)(at - a);
    for (size_t c = 0; c < bands; c++)
        out[c] = (1 - f) * h->levels[(size_t)a * bands + c] +
                 f * h->levels[(size_t)b * bands + c];
}

/* Means over the frames that count: of attention, and of the mark. */
typedef struct verdict {
    double attention, mark;
    int frames;
} verdict;

static void gather(const heard *h, int frames, int from, const float *rows,
                   int n, verdict *v)
{
    for (int i = 0; i < n; i++) {
        /* F.interpolate: nearest */
        const int t = (int)((int64_t)(from + i) * h->frames / frames);
        if (!counts(h, t))
            continue;
        v->attention += (double)rows[2 * i];
        v->mark += (double)rows[2 * i + 1];
        v->frames++;
    }
}

typedef struct ear {
    stack_state net;
    cbx_mat in, out;
} ear;

static void place(const stack *s, ear *e, cbx_dmem *mem)
{
    stack_place(s, &e->net, CHUNK, mem);
    e->in = cbx_dmem_mat(mem, CHUNK, s->in);
    e->out = cbx_dmem_mat(mem, CHUNK + s->reach, s->out);
}

static cbx_status run_branch(const perth *p, const stack *s, const heard *h,
                             int frames, verdict *v, cbx_error *err)
{
    cbx_dev *dev = p->dev;
    cbx_dmem mem = {0};
    ear e;
    place(s, &e, &mem);
    cbx_status st = cbx_dmem_open(dev, mem.used, &mem, err);
    if (st)
        return st;
    place(s, &e, &mem);
    stack_reset(s, &e.net, dev);
    const size_t in = (size_t)s->in, room = (size_t)(CHUNK + s->reach);
    float *rows = malloc((CHUNK * in + room * 2) * sizeof *rows);
    if (!rows)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for the detector");
    *v = (verdict){.frames = 0};
    for (int from = 0, heard_to = 0; from < frames && !st; from += CHUNK) {
        const int n = frames - from < CHUNK ? frames - from : CHUNK;
        for (int i = 0; i < n; i++)
            stretched(h, frames, from + i, rows + (size_t)i * in);
        dev->k->upload(dev, e.in.p, rows, (size_t)n * in * sizeof *rows);
        const int made = stack_run(s, &e.net, dev, cbx_rows(e.in, 0, n),
                                   from + n == frames, NULL, e.out);
        float *got = rows + CHUNK * in;
        dev->k->download(dev, got, e.out.p, (size_t)made * 2 * sizeof *got);
        gather(h, frames, heard_to, got, made, v);
        heard_to += made;
    }
    free(rows);
    cbx_dmem_close(dev, &mem);
    if (!st && !v->frames)
        st = cbx_fail(err, CBX_E_ARG,
                      "silence: there is nothing that could carry a watermark");
    if (!st) {
        v->attention /= v->frames;
        v->mark /= v->frames;
    }
    return st;
}

/* -- all of it ------------------------------------------------------------- */

static cbx_status decide(const perth *p, const heard *h, float *out,
                         cbx_error *err)
{
    static const double speed[BRANCHES] = {1.25, 1, 0.75};
    verdict v[BRANCHES];
    double most = -INFINITY, total = 0, sum = 0;
    if (!(h->loudest > 0))
        return cbx_fail(err, CBX_E_ARG,
                        "silence: there is nothing that could carry a "
                        "watermark");
    for (int i = 0; i < BRANCHES; i++) {
        const int frames = (int)(h->frames * speed[i]);
        const cbx_status st = run_branch(p, &p->ear[i], h, frames, &v[i], err);
        if (st)
            return st;
        most = fmax(most, v[i].attention);
    }
    for (int i = 0; i < BRANCHES; i++) {
        const double w = exp(v[i].attention - most);
        total += w;
        sum += w * v[i].mark;
    }
    *out = (float)fmin(1, fmax(0, sum / total));
    return CBX_OK;
}

cbx_status perth_detect(const perth *p, const float *x, size_t n, uint32_t rate,
                        float *out, cbx_error *err)
{
    heard h = {0};
    if (!p->hears)
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "the watermark's file has no detector; convert it "
                        "again");
    cbx_status st = listen(p, x, n, rate, &h, err);
    if (!st)
        st = decide(p, &h, out, err);
    free(h.levels);
    free(h.sums);
    return st;
}
