#include "models/t3/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 128, MAX_LAYERS = 256, MAX_DIM = 1 << 24 };

/* malloc'ed floats of a tensor. */
static cbx_status read_floats(const t3_source *s, const char *name, int ndim,
                              const int64_t *dims, float **out, cbx_error *err)
{
    const cbx_file_tensor *t;
    cbx_status st = cbx_tensor_need(s->file, name, ndim, dims, &t, err);

    if (st)
        return st;
    float *p = malloc(t->numel * sizeof *p);
    if (!p)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to read %s of %s", name,
                        t->file);
    if ((st = cbx_tensor_f32(t, p, err))) {
        free(p);
        return st;
    }
    *out = p;
    return CBX_OK;
}

static cbx_status pack(const t3_source *s, t3_layout layout, int in, int out,
                       const float *values, const float *bias, cbx_weight **w,
                       cbx_error *err)
{
    const cbx_kernels *k = s->m->dev->k;
    const bool in_out = layout == T3_IN_OUT;
    const cbx_status st = k->weight_new(s->m->dev,
                                        &(cbx_weight_spec){
                                            .taps = 1,
                                            .in = in,
                                            .out = out,
                                            .w = values,
                                            .in_stride = in_out ? out : 1,
                                            .out_stride = in_out ? 1 : in,
                                            .bias = bias,
                                            .format = s->format,
                                        },
                                        w, err);

    if (!st)
        s->m->info.weight_bytes += k->weight_bytes(*w);
    return st;
}

cbx_status t3_load_weight(const t3_source *s, const char *name,
                          t3_layout layout, int in, int out, bool bias,
                          cbx_weight **w, cbx_error *err)
{
    const bool in_out = layout == T3_IN_OUT;
    const int64_t dims[2] = {in_out ? in : out, in_out ? out : in};
    const int64_t bias_dims[1] = {out};
    char full[NAME];
    float *values = NULL, *biases = NULL;

    snprintf(full, sizeof full, "%s.weight", name);
    cbx_status st = read_floats(s, full, 2, dims, &values, err);
    if (st)
        return st;
    snprintf(full, sizeof full, "%s.bias", name);
    if (bias || cbx_tensor_find(s->file, full))
        st = read_floats(s, full, 1, bias_dims, &biases, err);
    if (!st)
        st = pack(s, layout, in, out, values, biases, w, err);
    free(values);
    free(biases);
    return st;
}

/* Tensors `name`.`tail`, n_names of them with `n` floats each, one behind the
 * other; *out is to be freed. */
static cbx_status read_joined(const t3_source *s, const char *const *names,
                              int n_names, const char *tail, int ndim,
                              const int64_t *dims, size_t n, float **out,
                              cbx_error *err)
{
    char full[NAME];
    cbx_status st = CBX_OK;
    float *all = NULL;

    for (int i = 0; i < n_names && !st; i++) {
        float *part = NULL;

        snprintf(full, sizeof full, "%s.%s", names[i], tail);
        /* The first one shows that the file really has that many. */
        if ((st = read_floats(s, full, ndim, dims, &part, err)))
            break;
        if (!all && !(all = malloc((size_t)n_names * n * sizeof *all)))
            st = cbx_fail(err, CBX_E_NOMEM, "no memory to read %s", full);
        else
            memcpy(all + (size_t)i * n, part, n * sizeof *all);
        free(part);
    }
    if (st)
        free(all);
    else
        *out = all;
    return st;
}

cbx_status t3_load_joined(const t3_source *s, const char *const *names,
                          int n_names, int in, int out, bool bias,
                          cbx_weight **w, cbx_error *err)
{
    const int64_t dims[2] = {out, in}, bias_dims[1] = {out};
    float *values = NULL, *biases = NULL;
    cbx_status st = read_joined(s, names, n_names, "weight", 2, dims,
                                (size_t)in * (size_t)out, &values, err);

    if (!st && bias)
        st = read_joined(s, names, n_names, "bias", 1, bias_dims, (size_t)out,
                         &biases, err);
    if (!st)
        st = pack(s, T3_OUT_IN, in, n_names * out, values, biases, w, err);
    free(values);
    free(biases);
    return st;
}

cbx_status t3_load_floats(const t3_source *s, const char *name, int ndim,
                          const int64_t *dims, const float **out,
                          cbx_error *err)
{
    float *values = NULL;
    size_t n = 1;
    cbx_status st = read_floats(s, name, ndim, dims, &values, err);

    if (st)
        return st;
    for (int i = 0; i < ndim; i++)
        n *= (size_t)dims[i];
    const float *vec = cbx_vec_new(s->m->dev, values, n);
    free(values);
    if (!vec)
        return cbx_fail(err, CBX_E_NOMEM, "no device memory for %s of %s", name,
                        cbx_tensor_file_path(s->file));
    s->m->info.weight_bytes += n * sizeof *vec;
    *out = vec;
    return CBX_OK;
}

cbx_status t3_load_vec(const t3_source *s, const char *name, int n,
                       const float **out, cbx_error *err)
{
    return t3_load_floats(s, name, 1, (int64_t[]){n}, out, err);
}

cbx_status t3_load_table(const t3_source *s, const char *name, int rows,
                         int cols, cbx_table **out, cbx_error *err)
{
    const cbx_file_tensor *t;
    cbx_dtype type;
    cbx_status st =
        cbx_tensor_need(s->file, name, 2, (int64_t[]){rows, cols}, &t, err);

    if (st)
        return st;
    switch (t->dtype) {
    case CBX_FILE_F32:
        type = CBX_DT_F32;
        break;
    case CBX_FILE_F16:
        type = CBX_DT_F16;
        break;
    case CBX_FILE_BF16:
        type = CBX_DT_BF16;
        break;
    default:
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "%s: %s holds %s, and an embedding must be F32, F16 "
                        "or BF16",
                        t->file, name, t->dtype_name);
    }
    return s->m->dev->k->table_new(s->m->dev, rows, cols, type, t->data, out,
                                   err);
}

cbx_status t3_load_shape(const t3_source *s, const char *name, int64_t cols,
                         int *rows, int *got_cols, cbx_error *err)
{
    const cbx_file_tensor *t;
    cbx_status st =
        cbx_tensor_need(s->file, name, 2, (int64_t[]){-1, cols}, &t, err);

    if (st)
        return st;
    for (int i = 0; i < 2; i++)
        if (t->dims[i] < 1 || t->dims[i] > MAX_DIM)
            return cbx_fail(err, CBX_E_SHAPE,
                            "%s: %s has a side of %lld, which no model has",
                            t->file, name, (long long)t->dims[i]);
    *rows = (int)t->dims[0];
    if (got_cols)
        *got_cols = (int)t->dims[1];
    return CBX_OK;
}

int t3_load_layers(const t3_source *s, const char *prefix)
{
    const size_t len = strlen(prefix);
    int layers = 0;

    for (size_t i = 0; i < cbx_tensor_count(s->file); i++) {
        const char *name = cbx_tensor_at(s->file, i)->name;
        char *end;

        if (strncmp(name, prefix, len) || name[len] < '0' || name[len] > '9')
            continue;
        errno = 0;
        const long layer = strtol(name + len, &end, 10);
        if (!errno && *end == '.' && layer < MAX_LAYERS && layer >= layers)
            layers = (int)layer + 1;
    }
    return layers;
}

cbx_status t3_load_counting(const t3_source *s, int n, int32_t **out,
                            cbx_error *err)
{
    cbx_dev *d = s->m->dev;
    const size_t bytes = (size_t)n * sizeof(int32_t);
    int32_t *host = malloc(bytes), *device = d->k->mem_new(d, bytes);

    if (!host || !device) {
        free(host);
        if (device)
            d->k->mem_free(d, device);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %d positions", n);
    }
    for (int i = 0; i < n; i++)
        host[i] = i;
    d->k->upload(d, device, host, bytes);
    d->k->sync(d);
    free(host);
    *out = device;
    return CBX_OK;
}

void t3_free_weight(cbx_dev *d, cbx_weight *w)
{
    if (w)
        d->k->weight_free(d, w);
}

void t3_free_table(cbx_dev *d, cbx_table *t)
{
    if (t)
        d->k->table_free(d, t);
}

void t3_free_norm(cbx_dev *d, cbx_norm *n)
{
    if (n->gamma)
        d->k->mem_free(d, (void *)n->gamma);
    if (n->beta)
        d->k->mem_free(d, (void *)n->beta);
}
