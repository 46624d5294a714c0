#include "models/s3gen/load.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { OWN_WEIGHT, OWN_TABLE, OWN_MEMORY };

struct load_owned {
    cbx_dev *dev;
    size_t bytes;
    size_t n, room;
    struct owned_item {
        enum kind kind;
        void *p;
    } * items;
};

enum { NAME = 160 };

/* Formats the name behind the last named argument `last` into char x[NAME]. */
#define FORMAT(x, last)                 \
    do {                                \
        va_list args;                   \
        va_start(args, last);           \
        vsnprintf(x, NAME, last, args); \
        va_end(args);                   \
    } while (0)

cbx_status load_owned_open(cbx_dev *dev, load_owned **out, cbx_error *err)
{
    load_owned *o = calloc(1, sizeof *o);
    if (!o)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    o->dev = dev;
    *out = o;
    return CBX_OK;
}

void load_owned_close(load_owned *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n; i++) {
        struct owned_item *it = &o->items[i];
        if (it->kind == OWN_WEIGHT)
            o->dev->k->weight_free(o->dev, it->p);
        else if (it->kind == OWN_TABLE)
            o->dev->k->table_free(o->dev, it->p);
        else
            o->dev->k->mem_free(o->dev, it->p);
    }
    free(o->items);
    free(o);
}

size_t load_owned_bytes(const load_owned *o)
{
    return o->bytes;
}

static void no_memory(load *l)
{
    if (!l->status)
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "memory ran out loading %s",
                             cbx_tensor_file_path(l->file));
}

/* Room for one more, so that what is made next cannot be lost. */
static bool own_room(load *l)
{
    load_owned *o = l->own;
    size_t room = o->room ? 2 * o->room : 256;
    void *p;

    if (l->status)
        return false;
    if (o->n < o->room)
        return true;
    p = realloc(o->items, room * sizeof *o->items);
    if (!p) {
        no_memory(l);
        return false;
    }
    o->items = p;
    o->room = room;
    return true;
}

static void own(load *l, enum kind kind, void *p)
{
    l->own->items[l->own->n++] = (struct owned_item){kind, p};
}

/* -- host copies ----------------------------------------------------------- */

static float *host_floats(load *l, size_t n)
{
    float *p = l->status ? NULL : calloc(n ? n : 1, sizeof *p);
    if (!p)
        no_memory(l);
    return p;
}

static const cbx_file_tensor *need(load *l, const char *name, int ndim,
                                   const int64_t *dims)
{
    const cbx_file_tensor *t = NULL;
    if (l->status)
        return NULL;
    l->status = cbx_tensor_need(l->file, name, ndim, dims, &t, l->err);
    return l->status ? NULL : t;
}

static float *read_tensor(load *l, const char *name, int ndim,
                          const int64_t *dims)
{
    const cbx_file_tensor *t = need(l, name, ndim, dims);
    float *p = t ? host_floats(l, t->numel) : NULL;

    if (p && (l->status = cbx_tensor_f32(t, p, l->err))) {
        free(p);
        return NULL;
    }
    return p;
}

static bool weight_name(const load *l, const char *x, char out[NAME])
{
    snprintf(out, NAME, "%.100s.parametrizations.weight.original1", x);
    if (cbx_tensor_find(l->file, out))
        return true;
    snprintf(out, NAME, "%.100s.weight", x);
    return cbx_tensor_find(l->file, out) != NULL;
}

/* w = g * v / |v|, the norm over all sizes but the first
 * (torch.nn.utils.parametrizations.weight_norm). */
static void fold_weight_norm(float *v, const float *g, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)v[r * n + i] * (double)v[r * n + i];
        for (size_t i = 0; i < n; i++)
            v[r * n + i] = (float)(v[r * n + i] * (g[r] / sqrt(sum)));
    }
}

/* X's weight with its norm folded in. */
static float *read_weight(load *l, const char *x, int ndim, const int64_t *dims)
{
    char name[NAME];
    int64_t one[CBX_TENSOR_MAX_DIMS];
    float *v, *g;
    size_t n = 1;

    weight_name(l, x, name);
    v = read_tensor(l, name, ndim, dims);
    if (!v || !strstr(name, "original1"))
        return v;
    for (int i = 0; i < ndim; i++) {
        one[i] = i ? 1 : dims[0];
        n *= i ? (size_t)dims[i] : 1;
    }
    snprintf(name, sizeof name, "%.100s.parametrizations.weight.original0", x);
    g = read_tensor(l, name, ndim, one);
    if (g)
        fold_weight_norm(v, g, (size_t)dims[0], n);
    free(g);
    if (!l->status)
        return v;
    free(v);
    return NULL;
}

static float *read_bias(load *l, const char *x, int n)
{
    char name[NAME];
    const int64_t dims[1] = {n};

    snprintf(name, sizeof name, "%.100s.bias", x);
    return read_tensor(l, name, 1, dims);
}

/* -- what the models call -------------------------------------------------- */

bool load_has(load *l, const char *x, ...)
{
    char layer[NAME], name[NAME];
    FORMAT(layer, x);
    return weight_name(l, layer, name);
}

static int dim_of(load *l, const char *name, int ndim, int i)
{
    int64_t any[CBX_TENSOR_MAX_DIMS] = {0};
    const cbx_file_tensor *t;
    char shape[96];

    for (int d = 0; d < ndim; d++)
        any[d] = -1;
    t = need(l, name, ndim, any);
    if (!t)
        return 0;
    for (int d = 0; d < ndim; d++) {
        if (t->dims[d] >= 1 && t->dims[d] <= LOAD_MAX_DIM)
            continue;
        cbx_tensor_shape_text(t->ndim, t->dims, shape, sizeof shape);
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: tensor %s has shape %s; each size must lie "
                             "between 1 and %d",
                             t->file, t->name, shape, LOAD_MAX_DIM);
        return 0;
    }
    return (int)t->dims[i];
}

int load_dim(load *l, int ndim, int i, const char *x, ...)
{
    char layer[NAME], name[NAME];
    FORMAT(layer, x);
    weight_name(l, layer, name);
    return dim_of(l, name, ndim, i);
}

int load_tensor_dim(load *l, int ndim, int i, const char *name, ...)
{
    char full[NAME];
    FORMAT(full, name);
    return dim_of(l, full, ndim, i);
}

/* n numbers by their full name, whatever the tensor's shape. */
static float *read_numbers(load *l, const char *name, size_t n)
{
    const cbx_file_tensor *t;
    char shape[96];

    t = l->status ? NULL : cbx_tensor_find(l->file, name);
    if (t && t->numel != n) {
        cbx_tensor_shape_text(t->ndim, t->dims, shape, sizeof shape);
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: tensor %s has shape %s; %zu numbers were "
                             "expected",
                             t->file, name, shape, n);
    }
    return read_tensor(l, name, t ? t->ndim : 1,
                       t ? t->dims : (const int64_t[]){(int64_t)n});
}

float *load_numbers(load *l, size_t n, const char *name, ...)
{
    char full[NAME];
    FORMAT(full, name);
    return read_numbers(l, full, n);
}

const float *load_vec(load *l, int n, const char *name, ...)
{
    char full[NAME];
    float *host;
    const float *p;

    FORMAT(full, name);
    host = read_numbers(l, full, (size_t)n);
    p = load_host_vec(l, n, host);
    free(host);
    return p;
}

const float *load_host_vec(load *l, int n, const float *host)
{
    float *p;

    if (!own_room(l))
        return NULL;
    p = cbx_vec_new(l->dev, host, (size_t)n);
    if (p)
        own(l, OWN_MEMORY, p);
    else
        no_memory(l);
    return p;
}

cbx_norm load_norm(load *l, int n, float eps, const char *x, ...)
{
    char layer[NAME];
    cbx_norm norm = {.kind = CBX_NORM_LAYER, .eps = eps};

    FORMAT(layer, x);
    norm.gamma = load_vec(l, n, "%.100s.weight", layer);
    norm.beta = load_vec(l, n, "%.100s.bias", layer);
    return norm;
}

const cbx_weight *load_packed(load *l, const cbx_weight_spec *spec)
{
    cbx_weight *w = NULL;

    if (!own_room(l))
        return NULL;
    l->status = l->dev->k->weight_new(l->dev, spec, &w, l->err);
    if (l->status)
        return NULL;
    own(l, OWN_WEIGHT, w);
    l->own->bytes += l->dev->k->weight_bytes(w);
    return w;
}

const cbx_weight *load_linear(load *l, int in, int out, bool bias,
                              const char *x, ...)
{
    char layer[NAME];
    FORMAT(layer, x);
    return load_linears(l, in, out, bias, NULL, 1, "%s", layer);
}

const cbx_weight *load_linears(load *l, int in, int out, bool bias,
                               const char *const *part, int n, const char *x,
                               ...)
{
    char layer[NAME], name[NAME + NAME];
    const int64_t dims[2] = {out, in};
    const size_t size = (size_t)in * (size_t)out;
    float *w, *b = NULL;
    const cbx_weight *packed = NULL;

    FORMAT(layer, x);
    w = host_floats(l, size * (size_t)n);
    if (bias)
        b = host_floats(l, (size_t)out * (size_t)n);
    for (int i = 0; i < n && !l->status; i++) {
        float *wi, *bi = NULL;
        snprintf(name, sizeof name, part ? "%.100s.%.50s" : "%.100s", layer,
                 part ? part[i] : "");
        wi = read_weight(l, name, 2, dims);
        if (bias)
            bi = read_bias(l, name, out);
        if (wi)
            memcpy(w + size * (size_t)i, wi, size * sizeof *w);
        if (bi)
            memcpy(b + (size_t)out * (size_t)i, bi, (size_t)out * sizeof *b);
        free(wi);
        free(bi);
    }
    if (!l->status)
        packed = load_packed(l, &(cbx_weight_spec){.taps = 1,
                                                   .in = in,
                                                   .out = out * n,
                                                   .w = w,
                                                   .in_stride = 1,
                                                   .out_stride = in,
                                                   .bias = b,
                                                   .format = l->format});
    free(w);
    free(b);
    return packed;
}

static const cbx_weight *conv(load *l, const char *x, int in, int out, int taps,
                              bool fold)
{
    const int64_t dims[3] = {out, in, taps};
    float *w = read_weight(l, x, 3, dims);
    float *b = read_bias(l, x, out);
    float *folded =
        w && fold ? host_floats(l, (size_t)out * (size_t)in * (size_t)taps)
                  : NULL;
    cbx_weight_spec spec = {.taps = taps,
                            .in = in,
                            .out = out,
                            .w = w,
                            .tap_stride = 1,
                            .in_stride = taps,
                            .out_stride = (ptrdiff_t)in * taps,
                            .bias = b,
                            .format = l->format};
    const cbx_weight *packed = NULL;

    if (folded) {
        /* input t * in + c of the folded matrix is tap t, channel c */
        for (ptrdiff_t o = 0; o < out; o++)
            for (ptrdiff_t c = 0; c < in; c++)
                for (ptrdiff_t t = 0; t < taps; t++)
                    folded[(o * taps + t) * in + c] =
                        w[(o * in + c) * taps + t];
        spec.taps = 1;
        spec.in = in * taps;
        spec.in_stride = 1;
        spec.w = folded;
    }
    if (!l->status)
        packed = load_packed(l, &spec);
    free(w);
    free(b);
    free(folded);
    return packed;
}

const cbx_weight *load_conv(load *l, int in, int out, int taps, const char *x,
                            ...)
{
    char layer[NAME];
    FORMAT(layer, x);
    return conv(l, layer, in, out, taps, false);
}

const cbx_weight *load_conv_folded(load *l, int in, int out, int taps,
                                   const char *x, ...)
{
    char layer[NAME];
    FORMAT(layer, x);
    return conv(l, layer, in, out, taps, true);
}

/* Tap t, input c, output r * out + n of the packed matrix is
 * w[c][n][r + (packed taps - 1 - t) * stride], 0 outside. */
static void spread_transposed(const float *w, int in, int out, int taps,
                              int stride, float *spread)
{
    const int n_taps = (taps + stride - 1) / stride;
    const size_t width = (size_t)stride * (size_t)out;

    for (int c = 0; c < in; c++)
        for (int n = 0; n < out; n++)
            for (int k = 0; k < taps; k++) {
                const int t = n_taps - 1 - k / stride, r = k % stride;
                const size_t row = (size_t)t * (size_t)in + (size_t)c;
                const size_t col = (size_t)r * (size_t)out + (size_t)n;
                spread[row * width + col] =
                    w[((size_t)c * (size_t)out + (size_t)n) * (size_t)taps +
                      (size_t)k];
            }
}

const cbx_weight *load_conv_transposed(load *l, int in, int out, int taps,
                                       int stride, const char *x, ...)
{
    char layer[NAME];
    const int64_t dims[3] = {in, out, taps};
    const int n_taps = (taps + stride - 1) / stride;
    const ptrdiff_t width = (ptrdiff_t)stride * out;
    float *w, *b, *spread, *bias;
    const cbx_weight *packed = NULL;

    FORMAT(layer, x);
    w = read_weight(l, layer, 3, dims);
    b = read_bias(l, layer, out);
    spread = host_floats(l, (size_t)n_taps * (size_t)in * (size_t)width);
    bias = host_floats(l, (size_t)width);
    if (!l->status) {
        spread_transposed(w, in, out, taps, stride, spread);
        for (int r = 0; r < stride; r++)
            memcpy(bias + (ptrdiff_t)r * out, b, (size_t)out * sizeof *b);
        packed = load_packed(l, &(cbx_weight_spec){.taps = n_taps,
                                                   .in = in,
                                                   .out = (int)width,
                                                   .w = spread,
                                                   .tap_stride = in * width,
                                                   .in_stride = width,
                                                   .out_stride = 1,
                                                   .bias = bias,
                                                   .format = l->format});
    }
    free(w);
    free(b);
    free(spread);
    free(bias);
    return packed;
}

const cbx_weight *load_matrix(load *l, int in, int out, const float *w)
{
    return load_packed(l, &(cbx_weight_spec){.taps = 1,
                                             .in = in,
                                             .out = out,
                                             .w = w,
                                             .in_stride = out,
                                             .out_stride = 1,
                                             .format = CBX_FMT_F32});
}

const cbx_table *load_table(load *l, int rows, int cols, const char *name, ...)
{
    char full[NAME];
    const int64_t dims[2] = {rows, cols};
    const cbx_file_tensor *t;
    cbx_table *table = NULL;
    cbx_dtype type;

    FORMAT(full, name);
    t = need(l, full, 2, dims);
    if (!t || !own_room(l))
        return NULL;
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
        l->status = cbx_fail(l->err, CBX_E_UNSUPPORTED,
                             "%s: tensor %s is %s; F32, F16 or BF16 is needed",
                             t->file, t->name, t->dtype_name);
        return NULL;
    }
    l->status =
        l->dev->k->table_new(l->dev, rows, cols, type, t->data, &table, l->err);
    if (l->status)
        return NULL;
    own(l, OWN_TABLE, table);
    return table;
}

void *load_memory(load *l, size_t bytes)
{
    void *p = own_room(l) ? l->dev->k->mem_new(l->dev, bytes) : NULL;

    if (p)
        own(l, OWN_MEMORY, p);
    else
        no_memory(l);
    return p;
}
