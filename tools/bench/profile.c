/* Which operations of the kernel table cost most: the table of a device is
 * replaced by one that measures. */
#include "tools/bench/profile.h"
#include "rt/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 512, SHOWN = 15 };

typedef struct {
    char what[96];
    long calls;
    double seconds, flops;
} entry;

static struct {
    cbx_kernels table;
    const cbx_kernels *real;
    entry entries[MOST];
    int n;
    double seconds;
} p;

static void add(const char *what, int64_t t0, double flops)
{
    const double s = 1e-9 * (double)(cbx_clock_ns() - t0);
    int i = 0;
    while (i < p.n && strcmp(p.entries[i].what, what) != 0)
        i++;
    if (i == MOST)
        return;
    if (i == p.n)
        snprintf(p.entries[p.n++].what, sizeof p.entries[i].what, "%s", what);
    p.entries[i].calls++;
    p.entries[i].seconds += s;
    p.entries[i].flops += flops;
    p.seconds += s;
}

static void timed_linear(cbx_dev *d, const cbx_linear *op)
{
    char what[96];
    int taps, in, out;
    const int rows = op->out.p ? op->out.rows : op->acted.rows;
    const char *format = cbx_weight_shape(op->w, &taps, &in, &out);
    const int64_t t0 = cbx_clock_ns();
    p.real->linear(d, op);
    d->k->sync(d);
    snprintf(what, sizeof what, "linear %s %d x %d, %d taps, %s rows", format,
             in, out, taps,
             rows <= 2    ? "1-2"
             : rows <= 16 ? "3-16"
                          : "more");
    add(what, t0, 2.0 * rows * taps * in * (double)out);
}

#define TIMED(name, type)                                \
    static void timed_##name(cbx_dev *d, const type *op) \
    {                                                    \
        const int64_t t0 = cbx_clock_ns();               \
        p.real->name(d, op);                             \
        d->k->sync(d);                                   \
        add(#name, t0, 0);                               \
    }
TIMED(normalize, cbx_normalize)
TIMED(attention, cbx_attention)
TIMED(attention_kv, cbx_attention_kv)
TIMED(muladd, cbx_muladd)
TIMED(copy, cbx_copy)
TIMED(sine_source, cbx_sine_source)
TIMED(istft, cbx_istft)
TIMED(sample, cbx_sample)

static void timed_activate(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out)
{
    const int64_t t0 = cbx_clock_ns();
    p.real->activate(d, x, act, out);
    d->k->sync(d);
    add("activate", t0, 0);
}

static void timed_normal(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0)
{
    const int64_t t0 = cbx_clock_ns();
    p.real->normal(d, out, key, row0);
    d->k->sync(d);
    add("normal", t0, 0);
}

void profile_begin(cbx_dev *d)
{
    p.real = d->k;
    p.table = *d->k;
    p.n = 0;
    p.seconds = 0;
    memset(p.entries, 0, sizeof p.entries);
    p.table.linear = timed_linear;
    p.table.normalize = timed_normalize;
    p.table.attention = timed_attention;
    p.table.attention_kv = timed_attention_kv;
    p.table.muladd = timed_muladd;
    p.table.copy = timed_copy;
    p.table.sine_source = timed_sine_source;
    p.table.istft = timed_istft;
    p.table.sample = timed_sample;
    p.table.activate = timed_activate;
    p.table.normal = timed_normal;
    d->k = &p.table;
}

static int by_cost(const void *a, const void *b)
{
    const double x = ((const entry *)a)->seconds;
    const double y = ((const entry *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

void profile_end(bench *b, cbx_dev *d, const char *stage)
{
    d->k = p.real;
    qsort(p.entries, (size_t)p.n, sizeof *p.entries, by_cost);
    for (int i = 0; i < p.n && i < SHOWN; i++) {
        const entry *e = &p.entries[i];
        bench_row(b, "profile",
                  json_pack("{s:s, s:s, s:I, s:f, s:f, s:f}", "stage", stage,
                            "what", e->what, "calls", (json_int_t)e->calls,
                            "ms", 1e3 * e->seconds, "share",
                            p.seconds > 0 ? e->seconds / p.seconds : 0,
                            "gflops",
                            e->seconds > 0 ? 1e-9 * e->flops / e->seconds : 0));
    }
}
