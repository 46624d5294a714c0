#include "dsp/fir.h"
#include "models/watermark/internal.h"
#include "tools/parity/parity.h"
#include "tools/parity/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* wm.*: Perth with its real weights, which are not in the repository: from
 * 24 kHz to 24 kHz, and what the detector says. */

#define TOL_LOGS 3e-3

static cbx_status open_perth(parity *p, perth **out, cbx_error *err)
{
    cbx_tensor_file *file;
    if (!p->perth)
        return cbx_fail(err, CBX_E_FILE,
                        "the watermark's weights are not in the repository; "
                        "name them by --perth");
    cbx_status st = cbx_tensor_file_open(p->perth, &file, err);
    if (st)
        return st;
    st = perth_open(p->dev, file, out, err);
    cbx_tensor_file_close(file);
    return st;
}

static cbx_status compare_in32(parity *p, const float *in, size_t n,
                               cbx_error *err)
{
    cbx_fir *up;
    const cbx_status st = cbx_fir_open(24000, 32000, &up, err);
    if (st)
        return st;
    float *out = need(cbx_fir_room(up, n) + cbx_fir_room(up, 0), sizeof *out);
    size_t got = cbx_fir_push(up, in, n, out);
    got += cbx_fir_flush(up, out + got);
    report_floats(&p->report, "wm.in32", out, got, TOL_STAGE);
    free(out);
    cbx_fir_close(up);
    return CBX_OK;
}

/* Levels, their sums and the mask of the reference's signal at 32 kHz; then
 * what the reference's change makes of the levels. */
static cbx_status compare_frames(parity *p, const perth *m, cbx_error *err)
{
    const float *x, *res;
    size_t n;
    cbx_fft *fft;
    int64_t dims[2] = {m->bands, -1};
    cbx_status st = golden_signal(&p->golden, "wm.in32", &x, &n, err);
    if (!st)
        st = golden_floats(&p->golden, "wm.residual_subband", 2, dims, &res,
                           err);
    if (!st)
        st = cbx_fft_open(PERTH_FFT, &fft, err);
    if (st)
        return st;
    const size_t frames = (size_t)dims[1], bands = (size_t)m->bands;
    float frame[PERTH_FFT], work[PERTH_FFT], loudest = 0;
    float *levels = need(frames * bands, sizeof *levels);
    float *sums = need(2 * frames, sizeof *sums), *mask = sums + frames;
    cbx_bin *bins = need(BINS, sizeof *bins);
    for (size_t t = 0; t < frames; t++) {
        for (int i = 0; i < PERTH_FFT; i++) {
            int64_t at = (int64_t)t * PERTH_HOP - PERTH_FFT / 2 + i;
            at = at < 0 ? -at : at;
            at = at >= (int64_t)n ? 2 * ((int64_t)n - 1) - at : at;
            frame[i] = at >= 0 && at < (int64_t)n ? x[at] : 0;
        }
        sums[t] = perth_frame(m, fft, frame, work, bins, levels + t * bands);
        loudest = fmaxf(loudest, sums[t]);
    }
    /* the sum of 1025 logarithms; where the sound stops, many bins hold nothing
     * but what either FFT rounds */
    report_floats(&p->report, "wm.mag_sum", sums, frames, TOL_LOGS);
    report_matrix(&p->report, "wm.mag_subband", levels, frames, bands,
                  BY_CHANNEL, TOL_STAGE);
    for (size_t t = 0; t < frames; t++) {
        mask[t] = sums[t] > 0.05f * loudest;
        for (size_t b = 0; b < bands && mask[t] > 0; b++)
            levels[t * bands + b] += res[b * frames + t];
    }
    report_floats(&p->report, "wm.mask", mask, frames, TOL_EXACT);
    report_matrix(&p->report, "wm.out_mag_subband", levels, frames, bands,
                  BY_CHANNEL, TOL_STAGE);
    free(bins);
    free(sums);
    free(levels);
    cbx_fft_close(fft);
    return CBX_OK;
}

/* The golden has the first channels only. */
static void compare_layer0(parity *p, const watch *w)
{
    const watch_entry *e = watch_find(w, "wm.layer0");
    const cbx_file_tensor *t = golden_find(&p->golden, "wm.layer0");
    if (!e || !t || t->ndim != 2 || t->dims[0] < 1 ||
        (size_t)t->dims[0] > e->cols)
        return;
    const size_t cols = (size_t)t->dims[0];
    float *v = need(e->rows * cols, sizeof *v);
    for (size_t i = 0; i < e->rows; i++)
        memcpy(v + i * cols, e->v + i * e->cols, cols * sizeof *v);
    report_matrix(&p->report, "wm.layer0", v, e->rows, cols, BY_CHANNEL,
                  TOL_STAGE);
    free(v);
}

/* The network on the reference's levels. */
static cbx_status compare_network(parity *p, const perth *m, cbx_error *err)
{
    int64_t dims[2] = {m->bands, -1};
    const stack *net = &m->encoder;
    const float *levels;
    cbx_dmem mem = {0};
    stack_state state;
    watch w;
    cbx_status st =
        golden_floats(&p->golden, "wm.mag_subband", 2, dims, &levels, err);
    if (st)
        return st;
    const int frames = (int)dims[1];
    stack_place(net, &state, frames, &mem);
    (void)cbx_dmem_mat(&mem, frames, net->in);
    (void)cbx_dmem_mat(&mem, frames + net->reach, net->out);
    if ((st = cbx_dmem_open(p->dev, mem.used, &mem, err)))
        return st;
    stack_place(net, &state, frames, &mem);
    const cbx_mat in = cbx_dmem_mat(&mem, frames, net->in);
    const cbx_mat out = cbx_dmem_mat(&mem, frames + net->reach, net->out);
    float *rows = need((size_t)frames * (size_t)m->bands, sizeof *rows);
    transpose(levels, (size_t)m->bands, (size_t)frames, rows);
    p->dev->k->upload(p->dev, in.p, rows,
                      (size_t)frames * (size_t)m->bands * sizeof *rows);
    p->dev->k->sync(p->dev);
    stack_reset(net, &state, p->dev);
    watch_open(&w, p->dev, true);
    const int made = stack_run(net, &state, p->dev, in, true, &w.probe, out);
    compare_layer0(p, &w);
    cbx_probe_see(&w.probe, "wm.residual_subband", cbx_rows(out, 0, made));
    const watch_entry *e = watch_find(&w, "wm.residual_subband");
    if (e)
        report_matrix(&p->report, "wm.residual_subband", e->v, e->rows, e->cols,
                      BY_CHANNEL, TOL_STAGE);
    watch_close(&w);
    free(rows);
    cbx_dmem_close(p->dev, &mem);
    return CBX_OK;
}

/* By the way that speech takes, in pieces of 50 ms. */
static cbx_status compare_mark(parity *p, const perth *m, const float *in,
                               size_t n, cbx_error *err)
{
    enum { PIECE = 1200 };
    perth_mark *mark;
    watch w;
    const cbx_status st = perth_mark_open(m, perth_reach(m), PIECE, &mark, err);
    if (st)
        return st;
    watch_open(&w, p->dev, true);
    float *out = need(n + perth_mark_room(mark), sizeof *out);
    size_t got = 0;
    for (size_t at = 0; at < n; at += PIECE) {
        const size_t k = n - at < PIECE ? n - at : PIECE;
        got +=
            perth_mark_run(mark, in + at, k, at + k == n, &w.probe, out + got);
    }
    const watch_entry *out32 = watch_find(&w, "wm.out32");
    if (out32)
        report_floats(&p->report, "wm.out32", out32->v, out32->rows, TOL_STAGE);
    report_floats(&p->report, "wm.out24", out, got, TOL_STAGE);
    free(out);
    watch_close(&w);
    perth_mark_close(mark);
    return CBX_OK;
}

/* in: a golden's key; raw and rounded: of the answer, or NULL. */
static cbx_status compare_ear(parity *p, const perth *m, const char *in,
                              uint32_t rate, const char *raw,
                              const char *rounded, cbx_error *err)
{
    const float *x;
    size_t n;
    float sure;
    cbx_status st = golden_signal(&p->golden, in, &x, &n, err);
    if (!st)
        st = perth_detect(m, x, n, rate, &sure, err);
    if (st)
        return st;
    report_floats(&p->report, raw, &sure, 1, TOL_END);
    sure = roundf(sure);
    if (rounded)
        report_floats(&p->report, rounded, &sure, 1, TOL_EXACT);
    return CBX_OK;
}

static cbx_status compare(parity *p, const perth *m, cbx_error *err)
{
    const float *in;
    size_t n;
    cbx_status st = golden_signal(&p->golden, "wm.in24", &in, &n, err);
    if (st || (st = compare_in32(p, in, n, err)) ||
        (st = compare_frames(p, m, err)) || (st = compare_network(p, m, err)) ||
        (st = compare_mark(p, m, in, n, err)) ||
        (st = compare_ear(p, m, "wm.out24", 24000, "wm.detect_marked_raw",
                          "wm.detect_marked", err)) ||
        (st = compare_ear(p, m, "wm.in24", 24000, "wm.detect_clean_raw",
                          "wm.detect_clean", err)))
        return st;
    return compare_ear(p, m, "wm.out32", 32000, "wm.detect32_marked_raw", NULL,
                       err);
}

void parity_wm(parity *p)
{
    perth *m = NULL;
    cbx_error err;
    cbx_status st = open_perth(p, &m, &err);
    if (!st)
        st = compare(p, m, &err);
    if (st)
        report_not_run(&p->report, "wm.", "%s", err.text);
    perth_close(m);
}
