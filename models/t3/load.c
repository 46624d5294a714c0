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

cbx_status t3_load_weight(const t3_source *s, const char *name,
                          t3_layout layout, int in, int out, bool bias,
                          cbx_weight **w, cbx_error *err)
{
    const cbx_kernels *k = s->m->dev->k;
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
        st = k->weight_new(s->m->dev,
                           &(cbx_weight_spec){
                               .taps = 1,
                               .in = in,
                               .out = out,
                               .w = values,
                               .in_stride = in_out ? out : 1,
                               .out_stride = in_out ? 1 : in,
                               .bias = biases,
                               .format = s->format,
                           },
                           w, err);
    if (!st)
        s->m->info.weight_bytes += k->weight_bytes(*w);
    free(values);
    free(biases);
    return st;
}

cbx_status t3_load_vec(const t3_source *s, const char *name, int n,
                       const float **out, cbx_error *err)
{
    float *values = NULL;
    cbx_status st = read_floats(s, name, 1, (int64_t[]){n}, &values, err);

    if (st)
        return st;
    const float *vec = cbx_vec_new(s->m->dev, values, (size_t)n);
    free(values);
    if (!vec)
        return cbx_fail(err, CBX_E_NOMEM, "no device memory for %s of %s", name,
                        cbx_tensor_file_path(s->file));
    s->m->info.weight_bytes += (size_t)n * sizeof *vec;
    *out = vec;
    return CBX_OK;
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
