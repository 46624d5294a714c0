#include "tools/parity/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *need(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p) {
        fprintf(stderr, "parity: no memory for %zu values\n", n);
        exit(1);
    }
    return p;
}

cbx_status path_in(const char *folder, const char *name, char *out, size_t cap,
                   cbx_error *err)
{
    const int n = snprintf(out, cap, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= cap)
        return cbx_fail(err, CBX_E_FILE, "%s: the path is too long", folder);
    return CBX_OK;
}

cbx_status golden_open(const char *path, golden *out, cbx_error *err)
{
    golden g = {0};
    const cbx_status st = cbx_tensor_file_open(path, &g.file, err);
    if (st)
        return st;
    g.n = cbx_tensor_count(g.file);
    g.fates = need(g.n, sizeof *g.fates);
    *out = g;
    return CBX_OK;
}

void golden_close(golden *g)
{
    for (size_t i = 0; i < g->n_owned; i++)
        free(g->owned[i]);
    free(g->owned);
    free(g->fates);
    cbx_tensor_file_close(g->file);
    *g = (golden){0};
}

const cbx_file_tensor *golden_find(const golden *g, const char *key)
{
    return cbx_tensor_find(g->file, key);
}

bool golden_has(const golden *g, const char *prefix)
{
    for (size_t i = 0; i < g->n; i++)
        if (!strncmp(cbx_tensor_at(g->file, i)->name, prefix, strlen(prefix)))
            return true;
    return false;
}

void golden_settle(golden *g, const char *key, golden_fate fate)
{
    for (size_t i = 0; i < g->n; i++)
        if (!strcmp(cbx_tensor_at(g->file, i)->name, key) && fate > g->fates[i])
            g->fates[i] = fate;
}

/* Memory that lives as long as the golden file. */
static void *keep(golden *g, size_t n, size_t size)
{
    void **owned = realloc(g->owned, (g->n_owned + 1) * sizeof *owned);
    void *p = need(n, size);
    if (!owned) {
        fprintf(stderr, "parity: no memory\n");
        exit(1);
    }
    g->owned = owned;
    g->owned[g->n_owned++] = p;
    return p;
}

cbx_status golden_floats(golden *g, const char *key, int ndim, int64_t *dims,
                         const float **out, cbx_error *err)
{
    const cbx_file_tensor *t;
    cbx_status st = cbx_tensor_need(g->file, key, ndim, dims, &t, err);
    if (st)
        return st;
    float *v = keep(g, t->numel, sizeof *v);
    if ((st = cbx_tensor_f32(t, v, err)))
        return st;
    memcpy(dims, t->dims, (size_t)ndim * sizeof *dims);
    golden_settle(g, key, GOLDEN_INPUT);
    *out = v;
    return CBX_OK;
}

cbx_status golden_signal(golden *g, const char *key, const float **out,
                         size_t *n, cbx_error *err)
{
    const cbx_file_tensor *t = golden_find(g, key);
    int64_t dims[2] = {1, -1};
    const int ndim = t && t->ndim == 2 ? 2 : 1;
    const cbx_status st =
        golden_floats(g, key, ndim, dims + 2 - ndim, out, err);
    if (!st)
        *n = (size_t)dims[1];
    return st;
}

cbx_status golden_ids(golden *g, const char *key, int *n, const int32_t **out,
                      cbx_error *err)
{
    const int64_t dims[1] = {-1};
    const cbx_file_tensor *t;
    cbx_status st = cbx_tensor_need(g->file, key, 1, dims, &t, err);
    if (st)
        return st;
    if (t->numel > 1 << 24)
        return cbx_fail(err, CBX_E_LIMIT, "%s: %zu ids are too many", key,
                        t->numel);
    int32_t *v = keep(g, t->numel, sizeof *v);
    if ((st = cbx_tensor_i32(t, v, err)))
        return st;
    golden_settle(g, key, GOLDEN_INPUT);
    *n = (int)t->numel;
    *out = v;
    return CBX_OK;
}

cbx_status golden_number(golden *g, const char *key, float *out, cbx_error *err)
{
    int64_t dims[1] = {1};
    const float *v;
    const cbx_status st = golden_floats(g, key, 1, dims, &v, err);
    if (!st)
        *out = v[0];
    return st;
}

cbx_status golden_text(golden *g, const char *key, size_t *n, const char **out,
                       cbx_error *err)
{
    const int64_t dims[1] = {-1};
    const cbx_file_tensor *t;
    const cbx_status st = cbx_tensor_need(g->file, key, 1, dims, &t, err);
    if (st)
        return st;
    if (t->dtype != CBX_FILE_U8)
        return cbx_fail(err, CBX_E_FORMAT, "%s: text is U8, this is %s", key,
                        t->dtype_name);
    golden_settle(g, key, GOLDEN_INPUT);
    *n = t->numel;
    *out = (const char *)t->data;
    return CBX_OK;
}

static bool is_float(const cbx_file_tensor *t)
{
    return t->dtype == CBX_FILE_F32 || t->dtype == CBX_FILE_F16 ||
           t->dtype == CBX_FILE_BF16;
}

cbx_status golden_values(const cbx_file_tensor *t, double **out, cbx_error *err)
{
    union {
        float f;
        int32_t i;
    } *raw = need(t->numel, sizeof *raw);
    double *v = need(t->numel, sizeof *v);
    const bool floats = is_float(t);
    const cbx_status st = floats ? cbx_tensor_f32(t, &raw->f, err)
                                 : cbx_tensor_i32(t, &raw->i, err);
    for (size_t i = 0; i < t->numel && !st; i++)
        v[i] = floats ? (double)raw[i].f : (double)raw[i].i;
    free(raw);
    if (st) {
        free(v);
        return st;
    }
    *out = v;
    return CBX_OK;
}
