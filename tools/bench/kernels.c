/* Operations of the kernel table at the shapes of the published models. */
#include "tools/bench/operands.h"

#include <stdio.h>
#include <stdlib.h>

/* -- tap GEMM -------------------------------------------------------------- */

typedef struct gemm_shape {
    int M, K, N, taps, dilation;
    const char *what;
} gemm_shape;

static const gemm_shape gemm_shapes[] = {
    {40, 256, 1536, 1, 1, "U-Net QKV, 20 frames x 2"},
    {40, 1024, 256, 1, 1, "U-Net FF2"},
    {1040, 256, 1536, 1, 1, "U-Net QKV, 520 frames x 2"},
    {1040, 256, 1024, 1, 1, "U-Net FF1"},
    {1040, 1024, 256, 1, 1, "U-Net FF2"},
    {550, 512, 2048, 1, 1, "encoder FF"},
    {80, 1024, 4096, 1, 1, "T3 prefill"},
    {80, 4096, 1024, 1, 1, "T3 prefill"},
    {160, 256, 256, 11, 1, "vocoder 256 ch, k 11"},
    {160, 256, 256, 11, 5, "vocoder 256 ch, k 11, dilation 5"},
    {800, 128, 128, 11, 5, "vocoder 128 ch, k 11, dilation 5"},
    {2400, 64, 64, 11, 5, "vocoder 64 ch, k 11, dilation 5"},
    {1040, 256, 256, 3, 1, "U-Net conv, k 3"},
};
enum { N_GEMMS = sizeof gemm_shapes / sizeof *gemm_shapes };

typedef struct linear_job {
    cbx_dev *d;
    cbx_linear op;
    cbx_weight **w; /* one after the other */
    int n;
} linear_job;

static void run_linear(void *arg)
{
    linear_job *j = arg;
    for (int i = 0; i < j->n; i++) {
        j->op.w = j->w[i];
        j->d->k->linear(j->d, &j->op);
    }
    j->d->k->sync(j->d);
}

static cbx_status measure_gemm(bench *b, cbx_dev *d, cbx_format f,
                               const gemm_shape *s, double *share,
                               cbx_error *err)
{
    const double peak = f == CBX_FMT_I8A ? b->peak_gops : b->peak_gflops;
    cbx_weight *w = operand_weight(d, f, s->taps, s->K, s->N, err);
    if (!w)
        return err->status;
    linear_job j = {.d = d, .w = &w, .n = 1};
    j.op.x = operand_mat(d, s->M + (s->taps - 1) * s->dilation, s->K);
    j.op.out = operand_mat(d, s->M, s->N);
    j.op.dilation = s->dilation;
    cbx_status st = CBX_OK;
    if (!j.op.x.p || !j.op.out.p) {
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for activations");
    } else {
        const timing t = bench_time(b, 0.4, run_linear, &j);
        const double g = 2e-9 * s->M * (double)s->K * s->N * s->taps / t.median;
        *share = peak > 0 ? g / peak : 0;
        bench_row(b, "gemm",
                  json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:f}",
                            "format", cbx_format_name(f), "what", s->what, "m",
                            s->M, "k", s->K, "n", s->N, "taps", s->taps,
                            "dilation", s->dilation, "gflops", g, "of_peak",
                            *share));
    }
    operand_free(d, j.op.x);
    operand_free(d, j.op.out);
    d->k->weight_free(d, w);
    return st;
}

static cbx_status measure_gemms(bench *b, cbx_dev *d, cbx_format f,
                                cbx_error *err)
{
    double share[N_GEMMS];
    const int n = b->quick ? 2 : N_GEMMS;
    for (int i = 0; i < n; i++) {
        const cbx_status st =
            measure_gemm(b, d, f, &gemm_shapes[i], &share[i], err);
        if (st)
            return st;
    }
    const timing t = bench_summary(share, n);
    bench_row(b, "gemm_summary",
              json_pack("{s:s, s:f, s:f, s:f}", "format", cbx_format_name(f),
                        "of_peak_median", t.median, "of_peak_min", t.min,
                        "of_peak_max", t.max));
    return CBX_OK;
}

/* -- products of few rows -------------------------------------------------- */

/* Enough matrices that none is left in a cache when its turn comes. */
static cbx_status measure_gemv(bench *b, cbx_dev *d, cbx_format f, int K, int N,
                               cbx_error *err)
{
    enum { MOST = 256, LARGEST = 16 };
    static const int rows[] = {1, 2, 4, LARGEST};
    /* of int4, the smallest */
    const size_t each = (size_t)K * (size_t)N / 2;
    const size_t total = (size_t)(b->quick ? 8 : 128) << 20;
    cbx_weight *w[MOST];
    double median, max, one = 0;
    linear_job j = {.d = d, .w = w};
    cbx_status st = bench_bandwidth(b, total, &median, &max, err);
    while (!st && j.n < MOST && (size_t)j.n * each < total) {
        if (!(w[j.n] = operand_weight(d, f, 1, K, N, err)))
            st = err->status;
        else
            j.n++;
    }
    const cbx_mat x = operand_mat(d, LARGEST, K),
                  out = operand_mat(d, LARGEST, N);
    if (!st && (!x.p || !out.p))
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for activations");
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !st; i++) {
        j.op.x = cbx_rows(x, 0, rows[i]);
        j.op.out = cbx_rows(out, 0, rows[i]);
        const timing t = bench_time(b, 0.5, run_linear, &j);
        const double bytes = (double)d->k->weight_bytes(w[0]) * j.n;
        if (i == 0)
            one = t.median;
        bench_row(b, "gemv",
                  json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f}",
                            "format", cbx_format_name(f), "rows", rows[i], "k",
                            K, "n", N, "gb_s", 1e-9 * bytes / t.median,
                            "read_gb_s", median, "of_read",
                            1e-9 * bytes / t.median / median, "times_one_row",
                            t.median / one));
    }
    operand_free(d, x);
    operand_free(d, out);
    while (j.n > 0)
        d->k->weight_free(d, w[--j.n]);
    return st;
}

/* -- attention ------------------------------------------------------------- */

typedef struct attention_job {
    cbx_dev *d;
    cbx_attention op;
} attention_job;

static void run_attention(void *arg)
{
    attention_job *j = arg;
    j->d->k->attention(j->d, &j->op);
    j->d->k->sync(j->d);
}

static cbx_status measure_attention(bench *b, cbx_dev *d, int queries, int keys,
                                    cbx_error *err)
{
    enum { HEADS = 8, D = 64 };
    attention_job j = {.d = d, .op = {.heads = HEADS, .scale = 0.125f}};
    cbx_attention *op = &j.op;
    op->q = operand_mat(d, queries, HEADS * D);
    op->out = operand_mat(d, queries, HEADS * D);
    op->k = operand_mat(d, keys, HEADS * D);
    op->v = operand_mat(d, keys, HEADS * D);
    cbx_status st = CBX_OK;
    if (!op->q.p || !op->out.p || !op->k.p || !op->v.p) {
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for attention");
    } else {
        const timing t = bench_time(b, 0.4, run_attention, &j);
        const double g = 4e-9 * queries * (double)keys * HEADS * D / t.median;
        bench_row(b, "attention",
                  json_pack("{s:s, s:i, s:i, s:f, s:f, s:f}", "what",
                            "U-Net, 8 heads of 64", "queries", queries, "keys",
                            keys, "ms", 1e3 * t.median, "gflops", g, "of_peak",
                            b->peak_gflops > 0 ? g / b->peak_gflops : 0));
    }
    operand_free(d, op->q);
    operand_free(d, op->out);
    operand_free(d, op->k);
    operand_free(d, op->v);
    return st;
}

enum { KV_LAYERS = 24, KV_HEADS = 16, KV_WIDTH = 1024, KV_LEN = 500 };

typedef struct kv_job {
    cbx_dev *d;
    cbx_attention_kv op;
} kv_job;

static void run_attention_kv(void *arg)
{
    kv_job *j = arg;
    for (j->op.layer = 0; j->op.layer < KV_LAYERS; j->op.layer++)
        j->d->k->attention_kv(j->d, &j->op);
    j->d->k->sync(j->d);
}

/* One token of turbo: all layers. */
static cbx_status measure_attention_kv(bench *b, cbx_dev *d, cbx_format f,
                                       cbx_error *err)
{
    cbx_seq seq = {.rows = 1};
    cbx_status st =
        d->k->kv_new(d, KV_LAYERS, KV_WIDTH, KV_LEN + 1, f, &seq.kv, err);
    if (st)
        return st;
    d->k->kv_set_len(d, seq.kv, KV_LEN);
    kv_job j = {.d = d,
                .op = {.qkv = operand_mat(d, 1, 3 * KV_WIDTH),
                       .heads = KV_HEADS,
                       .scale = 0.125f,
                       .seqs = &seq,
                       .n_seqs = 1,
                       .out = operand_mat(d, 1, KV_WIDTH)}};
    if (!j.op.qkv.p || !j.op.out.p) {
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for attention");
    } else {
        const timing t = bench_time(b, 0.4, run_attention_kv, &j);
        const double bytes = (f == CBX_FMT_F32 ? 8.0 : 4.0) * KV_LAYERS *
                             KV_WIDTH * (KV_LEN + 1);
        bench_row(b, "attention",
                  json_pack("{s:s, s:s, s:i, s:i, s:f, s:f}", "what",
                            "T3 turbo, 24 layers", "format", cbx_format_name(f),
                            "queries", 1, "keys", KV_LEN + 1, "ms",
                            1e3 * t.median, "gb_s", 1e-9 * bytes / t.median));
    }
    operand_free(d, j.op.qkv);
    operand_free(d, j.op.out);
    d->k->kv_free(d, seq.kv);
    return st;
}

cbx_status bench_kernels(bench *b, cbx_error *err)
{
    cbx_dev *d;
    cbx_status st = cbx_cpu_open(b->threads, b->kernels, &d, err);
    if (st)
        return st;
    static const cbx_format gemm[] = {CBX_FMT_F32, CBX_FMT_BF16A, CBX_FMT_I8A};
    static const cbx_format gemv[] = {CBX_FMT_F32, CBX_FMT_BF16, CBX_FMT_I8,
                                      CBX_FMT_I4};
    st = d->k->reserve(d, 1040, 4096, 1040, err);
    for (int i = 0; i < 3 && !st; i++)
        st = measure_gemms(b, d, gemm[i], err);
    for (int i = 0; i < 4 && !st; i++)
        if (!(st = measure_gemv(b, d, gemv[i], 1024, 4096, err)))
            st = measure_gemv(b, d, gemv[i], 4096, 1024, err);
    if (!st && !(st = measure_attention(b, d, 520, 520, err)) &&
        !(st = measure_attention(b, d, 50, 550, err)) &&
        !(st = measure_attention_kv(b, d, CBX_FMT_F32, err)))
        st = measure_attention_kv(b, d, CBX_FMT_BF16, err);
    cbx_dev_close(d);
    return st;
}
