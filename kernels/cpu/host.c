/* Objects in host memory, the same for all CPU variants. */
#include "kernels/cpu/host.h"

#include "kernels/cpu/cpu.h"

#include <stdlib.h>
#include <string.h>

void *host_mem_new(cbx_dev *d, size_t bytes)
{
    void *p = NULL;
    (void)d;
    if (bytes > SIZE_MAX - 63)
        return NULL;
    const size_t whole = bytes ? (bytes + 63) / 64 * 64 : 64;
    if (posix_memalign(&p, 64, whole))
        return NULL;
    return memset(p, 0, whole);
}

void host_mem_free(cbx_dev *d, void *p)
{
    (void)d;
    free(p);
}

float *cpu_scratch(cbx_dev *d, size_t n)
{
    cpu_dev *c = cpu_of(d);
    if (n > c->scratch_floats) {
        float *more = host_mem_new(d, n * sizeof *more);
        if (!more)
            abort(); /* an operation has no way to fail */
        free(c->scratch);
        c->scratch = more;
        c->scratch_floats = n;
    }
    return c->scratch;
}

cbx_status host_reserve(cbx_dev *d, int rows, int cols, int keys, cbx_error *e)
{
    cpu_dev *c = cpu_of(d);
    /* normalised and rounded rows, or the scores of each thread, and room to
     * align */
    const size_t norm = ((size_t)rows + 64) * ((size_t)cols + 64) * 3 / 2;
    const size_t scores = (size_t)d->threads * 8 * ((size_t)keys + 512);
    const size_t n = (norm > scores ? norm : scores) + 1024;
    if (n <= c->scratch_floats)
        return CBX_OK;
    float *more = host_mem_new(d, n * sizeof *more);
    if (!more)
        return cbx_fail(e, CBX_E_NOMEM, "no memory for %zu floats of scratch",
                        n);
    free(c->scratch);
    c->scratch = more;
    c->scratch_floats = n;
    return CBX_OK;
}

void host_weight_free(cbx_dev *d, cbx_weight *w)
{
    (void)d;
    if (!w)
        return;
    free(w->data);
    free(w->bias);
    free(w);
}

size_t host_weight_bytes(const cbx_weight *w)
{
    return w->bytes;
}

const char *cbx_weight_shape(const cbx_weight *w, int *taps, int *in, int *out)
{
    *taps = w->taps;
    *in = w->in;
    *out = w->out;
    return cbx_format_name(w->format);
}

cbx_status host_table_new(cbx_dev *d, int rows, int cols, cbx_dtype type,
                          const void *host, cbx_table **out, cbx_error *e)
{
    cbx_table *t = malloc(sizeof *t);
    (void)d;
    if (!t)
        return cbx_fail(e, CBX_E_NOMEM, "no memory for a table");
    *t = (cbx_table){rows, cols, type, host};
    *out = t;
    return CBX_OK;
}

void host_table_free(cbx_dev *d, cbx_table *t)
{
    (void)d;
    free(t);
}

void host_kv_free(cbx_dev *d, cbx_kv *kv)
{
    (void)d;
    if (!kv)
        return;
    free(kv->k);
    free(kv->v);
    free(kv);
}

static cbx_status kv_new(cbx_dev *d, const cbx_kv *shape, cbx_kv **out,
                         cbx_error *e)
{
    if (shape->format != CBX_FMT_F32 && shape->format != CBX_FMT_BF16)
        return cbx_fail(e, CBX_E_UNSUPPORTED,
                        "the cache holds keys and values as f32 or bf16");
    const size_t n = (size_t)shape->layers * (size_t)shape->width *
                     (size_t)shape->capacity * shape->size;
    cbx_kv *kv = calloc(1, sizeof *kv);
    if (kv) {
        *kv = *shape;
        kv->k = host_mem_new(d, n);
        kv->v = host_mem_new(d, n);
    }
    if (!kv || !kv->k || !kv->v) {
        host_kv_free(d, kv);
        return cbx_fail(e, CBX_E_NOMEM,
                        "no memory for the keys and values of %d positions",
                        shape->capacity);
    }
    *out = kv;
    return CBX_OK;
}

cbx_status host_kv_new(cbx_dev *d, int layers, int width, int capacity,
                       cbx_format format, cbx_kv **out, cbx_error *e)
{
    const cbx_kv shape = {.layers = layers,
                          .width = width,
                          .capacity = capacity,
                          .format = format,
                          .size = format == CBX_FMT_BF16 ? 2 : 4};
    return kv_new(d, &shape, out, e);
}

cbx_status host_wide_kv_new(cbx_dev *d, int layers, int width, int capacity,
                            cbx_format format, cbx_kv **out, cbx_error *e)
{
    const cbx_kv shape = {.layers = layers,
                          .width = width,
                          .capacity = capacity,
                          .format = format,
                          .size = 4};
    return kv_new(d, &shape, out, e);
}

int host_kv_len(const cbx_kv *kv)
{
    return kv->len;
}

void host_kv_set_len(cbx_dev *d, cbx_kv *kv, int len)
{
    (void)d;
    kv->len = len;
}

void host_kv_copy(cbx_dev *d, cbx_kv *dst, const cbx_kv *src, int n)
{
    const size_t row = (size_t)src->width * src->size, bytes = (size_t)n * row;
    (void)d;
    for (int l = 0; l < src->layers; l++) {
        const size_t to = (size_t)l * (size_t)dst->capacity * row;
        const size_t from = (size_t)l * (size_t)src->capacity * row;
        memcpy((char *)dst->k + to, (const char *)src->k + from, bytes);
        memcpy((char *)dst->v + to, (const char *)src->v + from, bytes);
    }
    dst->len = n;
}

void host_sampler_free(cbx_dev *d, cbx_sampler *s)
{
    (void)d;
    if (!s)
        return;
    free(s->seen);
    free(s->x);
    free(s->order);
    free(s);
}

cbx_status host_sampler_new(cbx_dev *d, int vocab, cbx_sampler **out,
                            cbx_error *e)
{
    const size_t V = (size_t)vocab;
    cbx_sampler *s = calloc(1, sizeof *s);
    if (s) {
        s->vocab = vocab;
        s->seen = calloc(V, 1);
        s->x = malloc(V * sizeof *s->x);
        s->order = malloc(2 * V * sizeof *s->order);
    }
    if (!s || !s->seen || !s->x || !s->order) {
        host_sampler_free(d, s);
        return cbx_fail(e, CBX_E_NOMEM, "no memory for a sampler");
    }
    *out = s;
    return CBX_OK;
}

void host_sampler_reset(cbx_dev *d, cbx_sampler *s)
{
    (void)d;
    memset(s->seen, 0, (size_t)s->vocab);
}

void host_sampler_mark(cbx_dev *d, cbx_sampler *s, int32_t id)
{
    (void)d;
    s->seen[id] = 1;
}

void host_copy_in(cbx_dev *d, void *dst, const void *host, size_t bytes)
{
    (void)d;
    memcpy(dst, host, bytes);
}

void host_sync(cbx_dev *d)
{
    (void)d;
}
