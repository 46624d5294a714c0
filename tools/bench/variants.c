/* Is the variant that is taken by itself the fastest of those that run here?
 * The variants take turns, and of each the best round counts: neighbours on the
 * machine then disturb all alike. */
#include "rt/clock.h"
#include "tools/bench/operands.h"

#include <stdio.h>
#include <string.h>

enum { MOST_VARIANTS = 8, ROUNDS = 40 };

typedef struct {
    const char *what;
    cbx_format format;
    int M, K, N, taps;
} work;

static const work works[] = {
    {"T3, one row", CBX_FMT_F32, 1, 1024, 4096, 1},
    {"T3, one row", CBX_FMT_BF16, 1, 1024, 4096, 1},
    {"T3, one row", CBX_FMT_I8, 1, 1024, 4096, 1},
    {"T3, one row", CBX_FMT_I4, 1, 1024, 4096, 1},
    {"T3, 40 rows", CBX_FMT_I8, 40, 1024, 1024, 1},
    {"U-Net", CBX_FMT_F32, 40, 256, 1536, 1},
    {"U-Net", CBX_FMT_BF16A, 40, 256, 1536, 1},
    {"U-Net", CBX_FMT_I8A, 40, 256, 1536, 1},
    {"vocoder", CBX_FMT_F32, 160, 128, 128, 7},
    {"vocoder", CBX_FMT_BF16A, 160, 128, 128, 7},
    {"vocoder", CBX_FMT_I8A, 160, 128, 128, 7},
};

typedef struct {
    cbx_dev *d[MOST_VARIANTS];
    cbx_linear op[MOST_VARIANTS];
    cbx_weight *w[MOST_VARIANTS];
    double best[MOST_VARIANTS];
    int n;
} field;

static cbx_status open_field(bench *b, field *f, cbx_error *err)
{
    cbx_status st = CBX_OK;
    for (const char *const *name = cbx_cpu_variants();
         *name && strcmp(*name, "ref") != 0 && f->n < MOST_VARIANTS && !st;
         name++)
        if (!(st = cbx_cpu_open(b->threads, *name, &f->d[f->n], err)))
            f->n++;
    return st;
}

static void round_of(field *f, int i)
{
    const int64_t t0 = cbx_clock_ns();
    f->d[i]->k->linear(f->d[i], &f->op[i]);
    f->d[i]->k->sync(f->d[i]);
    const double s = 1e-9 * (double)(cbx_clock_ns() - t0);
    if (f->best[i] == 0 || s < f->best[i])
        f->best[i] = s;
}

/* Returns how much slower the default is than the best. */
static cbx_status compare(bench *b, field *f, const work *w, double *behind,
                          cbx_error *err)
{
    cbx_status st = CBX_OK;
    double least = 0;
    for (int i = 0; i < f->n && !st; i++) {
        f->best[i] = 0;
        f->w[i] = operand_weight(f->d[i], w->format, w->taps, w->K, w->N, err);
        f->op[i] = (cbx_linear){.w = f->w[i]};
        f->op[i].x = operand_mat(f->d[i], w->M + w->taps - 1, w->K);
        f->op[i].out = operand_mat(f->d[i], w->M, w->N);
        if (!f->w[i])
            st = err->status;
        else if (!f->op[i].x.p || !f->op[i].out.p)
            st = cbx_fail(err, CBX_E_NOMEM, "no memory for activations");
    }
    for (int r = 0; r < (b->quick ? 1 : ROUNDS) && !st; r++)
        for (int i = 0; i < f->n; i++)
            round_of(f, i);
    for (int i = 0; i < f->n; i++) {
        if (least == 0 || f->best[i] < least)
            least = f->best[i];
        operand_free(f->d[i], f->op[i].x);
        operand_free(f->d[i], f->op[i].out);
        if (f->w[i])
            f->d[i]->k->weight_free(f->d[i], f->w[i]);
        f->w[i] = NULL;
    }
    *behind = least > 0 ? f->best[0] / least - 1 : 0;
    for (int i = 0; i < f->n && !st; i++)
        bench_row(b, "variants",
                  json_pack("{s:s, s:s, s:s, s:f, s:f}", "what", w->what,
                            "format", cbx_format_name(w->format), "kernels",
                            f->d[i]->k->name, "ms", 1e3 * f->best[i],
                            "times_default", f->best[i] / f->best[0]));
    return st;
}

cbx_status bench_variants(bench *b, cbx_error *err)
{
    field f = {0};
    double worst = 0;
    cbx_status st = open_field(b, &f, err);
    for (size_t i = 0; i < sizeof works / sizeof *works && !st && f.n; i++) {
        double behind = 0;
        st = compare(b, &f, &works[i], &behind, err);
        worst = behind > worst ? behind : worst;
    }
    if (!st && f.n)
        bench_row(b, "variants_summary",
                  json_pack("{s:s, s:f, s:s}", "default", f.d[0]->k->name,
                            "behind_the_best", worst, "says",
                            worst <= 0.05
                                ? "the default is the fastest, within 5 %"
                                : "another variant is more than 5 % faster at "
                                  "something"));
    for (int i = 0; i < f.n; i++)
        cbx_dev_close(f.d[i]);
    return st;
}
