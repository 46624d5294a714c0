#include "tools/parity/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The difference of two lists of numbers. */
typedef struct difference {
    double max_abs, rel;
    size_t at;         /* of max_abs, or of the fault */
    const char *fault; /* what no tolerance allows, or NULL */
} difference;

/* Written so that NaN is never equal and never small. An infinity must stand
 * in both lists at the same place. */
static difference measure(const double *got, const double *want, size_t n)
{
    difference d = {0};
    double sum = 0, norm = 0;
    for (size_t i = 0; i < n && !d.fault; i++) {
        if (got[i] == want[i] && isinf(want[i]))
            continue;
        const double e = fabs(got[i] - want[i]);
        if (isnan(got[i]) || isnan(want[i]))
            d.fault = "a NaN";
        else if (isinf(e))
            d.fault = "an infinity in one only";
        if (d.fault || e > d.max_abs)
            d.at = i;
        if (d.fault || e > d.max_abs)
            d.max_abs = e;
        sum += e * e;
        norm += want[i] * want[i];
    }
    if (d.fault)
        d.rel = NAN;
    else
        d.rel = sum > 0 ? sqrt(sum / norm) : 0;
    return d;
}

bool report_wants(const report *r, const char *prefix)
{
    for (int i = 0; i < r->n_only; i++) {
        const size_t a = strlen(r->only[i]), b = strlen(prefix);
        if (!strncmp(r->only[i], prefix, a < b ? a : b))
            return true;
    }
    return r->n_only == 0;
}

/* Whether this very key is let through. */
static bool wants_key(const report *r, const char *key)
{
    for (int i = 0; i < r->n_only; i++)
        if (!strncmp(r->only[i], key, strlen(r->only[i])))
            return true;
    return r->n_only == 0;
}

/* Stages are grouped by the first word of their names. */
static report_group *group_of(report *r, const char *name)
{
    const size_t n = strcspn(name, ".");
    for (int i = 0; i < r->n_groups; i++)
        if (strlen(r->groups[i].name) == n &&
            !strncmp(r->groups[i].name, name, n))
            return &r->groups[i];
    if (r->n_groups == MAX_GROUPS)
        return &r->groups[MAX_GROUPS - 1];
    report_group *g = &r->groups[r->n_groups++];
    snprintf(g->name, sizeof g->name, "%.*s", (int)n, name);
    return g;
}

static void line(report *r, const char *name, const char *shape,
                 const difference *d, double tolerance)
{
    const bool ok = !d->fault && d->rel <= tolerance;
    report_group *g = group_of(r, name);
    printf("%-36s %-17s max %8.2e  rel %8.2e  ", name, shape, d->max_abs,
           d->rel);
    if (ok)
        printf("ok");
    else if (d->fault)
        printf("FAIL: %s at %zu", d->fault, d->at);
    else
        printf("FAIL: over %g", tolerance);
    if (r->verbose && !d->fault && d->max_abs > 0)
        printf("  (largest at %zu)", d->at);
    putchar('\n');
    r->stages++;
    r->failed += !ok;
    g->stages++;
    g->failed += !ok;
    if (!isnan(g->worst) && !(d->rel <= g->worst)) {
        g->worst = d->rel;
        snprintf(g->where, sizeof g->where, "%s", name);
    }
}

void report_fail(report *r, const char *name, const char *fmt, ...)
{
    va_list args;
    if (!wants_key(r, name))
        return;
    printf("%-36s FAIL: ", name);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    r->stages++;
    r->failed++;
    group_of(r, name)->stages++;
    group_of(r, name)->failed++;
    golden_settle(r->g, name, GOLDEN_COMPARED);
}

void report_note(report *r, const char *fmt, ...)
{
    va_list args;
    (void)r;
    printf("note: ");
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}

void report_not_run(report *r, const char *prefix, const char *fmt, ...)
{
    char why[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    for (size_t i = 0; i < r->g->n; i++) {
        const char *key = cbx_tensor_at(r->g->file, i)->name;
        if (strncmp(key, prefix, strlen(prefix)) || !wants_key(r, key) ||
            r->g->fates[i] != GOLDEN_UNTOUCHED)
            continue;
        printf("%-36s not run: %s\n", key, why);
        r->not_run++;
        r->g->fates[i] = GOLDEN_NOT_RUN;
    }
}

/* -- comparing ------------------------------------------------------------- */

static const char *shape_of(const cbx_file_tensor *t, char *out, size_t cap)
{
    return cbx_tensor_shape_text(t->ndim, t->dims, out, cap);
}

/* got: in the golden's order; consumed. The golden has `batch` times n values,
 * of which the first n count. */
static void compare_first(report *r, const char *key, double *got, size_t n,
                          size_t batch, double tolerance)
{
    char shape[128];
    double *want = NULL;
    cbx_error err;
    const cbx_file_tensor *t = golden_find(r->g, key);
    if (!t) {
        free(got);
        return;
    }
    golden_settle(r->g, key, GOLDEN_COMPARED);
    if (!wants_key(r, key)) {
        free(got);
        return;
    }
    shape_of(t, shape, sizeof shape);
    if (t->numel != batch * n) {
        report_fail(r, key, "%zu values, where the golden has %s", n, shape);
    } else if (golden_values(t, &want, &err)) {
        report_fail(r, key, "%s", err.text);
    } else {
        const difference d = measure(got, want, n);
        line(r, key, shape, &d, tolerance);
    }
    free(want);
    free(got);
}

static void compare(report *r, const char *key, double *got, size_t n,
                    double tolerance)
{
    compare_first(r, key, got, n, 1, tolerance);
}

/* By time, dims in front of the last (one batch, or heads) count as rows; by
 * channel, as channels. */
static bool same_shape(const cbx_file_tensor *t, size_t rows, size_t cols,
                       layout l, size_t batch)
{
    const int n = t->ndim;
    if (t->numel != batch * rows * cols)
        return false;
    if (n < 2)
        return rows == 1 || cols == 1;
    if (l == BY_TIME)
        return t->dims[n - 1] == (int64_t)cols;
    return t->dims[n - 1] == (int64_t)rows;
}

void report_matrix(report *r, const char *key, const float *got, size_t rows,
                   size_t cols, layout l, double tolerance)
{
    char shape[128];
    const cbx_file_tensor *t = golden_find(r->g, key);
    if (!t)
        return;
    /* The reference runs the flow's guidance as a batch of two; ours is shown
     * for the conditional row, the first. The other one's result is a stage of
     * its own (flow.cfm.stepN.dphi_uncond). */
    const bool pair = !strncmp(key, "flow.est.", 9) && t->ndim > 1 &&
                      t->dims[0] == 2 && t->numel == 2 * rows * cols;
    if (!same_shape(t, rows, cols, l, pair ? 2 : 1)) {
        report_fail(r, key,
                    "%zu time steps of %zu channels, where the golden has %s",
                    rows, cols, shape_of(t, shape, sizeof shape));
        return;
    }
    const bool turn = l == BY_CHANNEL && t->ndim > 1;
    double *v = need(rows * cols, sizeof *v);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            v[turn ? j * rows + i : i * cols + j] = (double)got[i * cols + j];
    compare_first(r, key, v, rows * cols, pair ? 2 : 1, tolerance);
}

void report_floats(report *r, const char *key, const float *got, size_t n,
                   double tolerance)
{
    double *v = need(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (double)got[i];
    compare(r, key, v, n, tolerance);
}

void report_ids(report *r, const char *key, const int32_t *got, size_t n)
{
    double *v = need(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = got[i];
    compare(r, key, v, n, TOL_EXACT);
}

void report_bytes(report *r, const char *key, const char *got, size_t n)
{
    double *v = need(n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (unsigned char)got[i];
    compare(r, key, v, n, TOL_EXACT);
}

static difference measure_floats(const float *got, const float *want, size_t n)
{
    double *v = need(2 * n, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        v[i] = (double)got[i];
        v[n + i] = (double)want[i];
    }
    const difference d = measure(v, v + n, n);
    free(v);
    return d;
}

void report_named(report *r, const char *name, const float *got,
                  const float *want, size_t n, double tolerance)
{
    char shape[32];
    if (!wants_key(r, name))
        return;
    const difference d = measure_floats(got, want, n);
    snprintf(shape, sizeof shape, "[%zu]", n);
    line(r, name, shape, &d, tolerance);
}

void report_named_ids(report *r, const char *name, const int32_t *got,
                      const int32_t *want, size_t n)
{
    float *v = need(2 * n, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        v[i] = (float)got[i];
        v[n + i] = (float)want[i];
    }
    report_named(r, name, v, v + n, n, TOL_EXACT);
    free(v);
}

void report_apart(report *r, const char *name, const float *got,
                  const float *want, size_t n, const char *why)
{
    char shape[32];
    if (!wants_key(r, name))
        return;
    const difference d = measure_floats(got, want, n);
    snprintf(shape, sizeof shape, "[%zu]", n);
    if (d.fault)
        line(r, name, shape, &d, 0);
    else
        printf("%-36s %-17s max %8.2e  rel %8.2e  apart: %s\n", name, shape,
               d.max_abs, d.rel, why);
}

/* -- the end --------------------------------------------------------------- */

bool report_end(report *r)
{
    size_t fates[GOLDEN_NOT_RUN + 1] = {0}, keys = 0;
    report_not_run(r, "", "no stage of this program has that name");
    for (size_t i = 0; i < r->g->n; i++) {
        const char *key = cbx_tensor_at(r->g->file, i)->name;
        if (!wants_key(r, key))
            continue;
        fates[r->g->fates[i]]++;
        keys++;
        if (r->verbose && r->g->fates[i] == GOLDEN_INPUT)
            printf("%-36s input\n", key);
    }
    printf("\n%-8s %6s %6s  %-13s\n", "group", "stages", "failed",
           "worst rel L2");
    for (int i = 0; i < r->n_groups; i++) {
        const report_group *g = &r->groups[i];
        printf("%-8s %6d %6d  %-12.2e  %s\n", g->name, g->stages, g->failed,
               g->worst, g->where);
    }
    printf("\n%zu keys%s: %zu compared, %zu inputs, %d not run. "
           "%d stages, %d over their tolerance.\n",
           keys, r->n_only ? " that --only lets through" : "",
           fates[GOLDEN_COMPARED], fates[GOLDEN_INPUT], r->not_run, r->stages,
           r->failed);
    if (r->stages == 0)
        printf("Nothing was compared.\n");
    return r->failed == 0 && r->not_run == 0 && r->stages > 0;
}
