#include "kernels/cpu/pack.h"

#include "kernels/cpu/host.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 }; /* the scales in front of a group */

static size_t up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Bytes of the numbers of a group of n inputs. */
static size_t group_bytes(cbx_format f, int n)
{
    const size_t pairs = ((size_t)n + 1) / 2;
    switch (f) {
    case CBX_FMT_I8:
        return pairs * 2 * PANEL_Q;
    case CBX_FMT_I4:
        return up(pairs * PANEL_Q, 64);
    default:
        return (size_t)CBX_GROUP * PANEL;
    }
}

size_t cpu_tap_bytes(cbx_format f, int in)
{
    size_t bytes = 0;
    if (f == CBX_FMT_F32)
        return (size_t)in * PANEL * sizeof(float);
    if (f == CBX_FMT_BF16 || f == CBX_FMT_BF16A)
        return up((size_t)in, 32) * PANEL * sizeof(uint16_t);
    for (int c = 0; c < in; c += CBX_GROUP)
        bytes +=
            BLOCK + group_bytes(f, in - c < CBX_GROUP ? in - c : CBX_GROUP);
    return bytes;
}

static const float *weight_at(const cbx_weight_spec *s, int t, int c, int o)
{
    return s->w + t * s->tap_stride + c * s->in_stride + o * s->out_stride;
}

/* -- floats ---------------------------------------------------------------- */

static void pack_f32(const cbx_weight_spec *s, int t, int from, int n,
                     float *to)
{
    for (int c = 0; c < s->in; c++, to += PANEL)
        for (int o = 0; o < n; o++)
            to[o] = *weight_at(s, t, c, from + o);
}

static void pack_bf16(const cbx_weight_spec *s, int t, int from, int n,
                      uint16_t *to)
{
    for (int c = 0; c < s->in; c++)
        for (int o = 0; o < n; o++)
            to[(c / 2 * PANEL + o) * 2 + c % 2] =
                cbx_bf16_of(*weight_at(s, t, c, from + o));
}

/* -- groups ---------------------------------------------------------------- */

/* Number i of output o of a group, from its first number on. */
static void put(cbx_format f, unsigned char *at, int i, int o, int q)
{
    if (f == CBX_FMT_I8) {
        at[i * PANEL_Q + o] = (unsigned char)(q & 255);
    } else if (f == CBX_FMT_I4) {
        unsigned char *b = &at[i / 2 * PANEL_Q + o];
        *b = (unsigned char)(i % 2 ? (*b & 15) | (q + 8) << 4
                                   : (*b & 240) | (q + 8));
    } else {
        at[(i / 4 * PANEL + o) * 4 + i % 4] = (unsigned char)(q + 128);
    }
}

/* n outputs from `from` of the group of inputs from c; false: not finite. */
static bool pack_group(const cbx_weight_spec *s, int t, int c, int from, int n,
                       unsigned char *to)
{
    const int inputs = s->in - c < CBX_GROUP ? s->in - c : CBX_GROUP;
    for (int o = 0; o < panel_width(s->format); o++) {
        float w[CBX_GROUP] = {0};
        int8_t q[CBX_GROUP] = {0};
        uint16_t scale = 0;
        for (int i = 0; i < inputs && o < n; i++)
            w[i] = *weight_at(s, t, c + i, from + o);
        if (!(s->format == CBX_FMT_I4 ? cbx_quantise_i4(w, q, &scale)
                                      : cbx_quantise_i8(w, q, &scale)))
            return false;
        memcpy(to + 2 * o, &scale, sizeof scale);
        const int all = s->format == CBX_FMT_I8A ? CBX_GROUP : inputs;
        for (int i = 0; i < all; i++)
            put(s->format, to + BLOCK, i, o, q[i]);
    }
    return true;
}

static bool pack_groups(const cbx_weight_spec *s, int t, int from, int n,
                        unsigned char *to)
{
    for (int c = 0; c < s->in; c += CBX_GROUP) {
        if (!pack_group(s, t, c, from, n, to))
            return false;
        to += BLOCK + group_bytes(s->format, s->in - c < CBX_GROUP ? s->in - c
                                                                   : CBX_GROUP);
    }
    return true;
}

/* -- panels ---------------------------------------------------------------- */

typedef struct {
    const cbx_weight_spec *s;
    cbx_weight *w;
    size_t tap; /* bytes */
    atomic_bool bad;
} job;

static void pack_panel(void *arg, int panel, int worker)
{
    job *j = arg;
    const cbx_weight_spec *s = j->s;
    const int width = panel_width(s->format), from = panel * width;
    const int n = s->out - from < width ? s->out - from : width;
    unsigned char *to =
        (unsigned char *)j->w->data + (size_t)panel * (size_t)s->taps * j->tap;
    (void)worker;
    for (int t = 0; t < s->taps; t++, to += j->tap) {
        if (s->format == CBX_FMT_F32)
            pack_f32(s, t, from, n, (float *)(void *)to);
        else if (s->format == CBX_FMT_BF16 || s->format == CBX_FMT_BF16A)
            pack_bf16(s, t, from, n, (uint16_t *)(void *)to);
        else if (!pack_groups(s, t, from, n, to))
            atomic_store(&j->bad, true);
    }
}

cbx_status cpu_weight_new(cbx_dev *d, const cbx_weight_spec *s,
                          cbx_weight **out, cbx_error *e)
{
    const size_t width = (size_t)panel_width(s->format);
    const size_t panels = ((size_t)s->out + width - 1) / width;
    job j = {.s = s, .tap = cpu_tap_bytes(s->format, s->in)};
    const size_t bytes = panels * (size_t)s->taps * j.tap;
    cbx_weight *w = calloc(1, sizeof *w);
    void *data = d->k->mem_new(d, bytes);
    float *bias = d->k->mem_new(d, panels * width * sizeof *bias);
    if (!w || !data || !bias) {
        free(w);
        d->k->mem_free(d, data);
        d->k->mem_free(d, bias);
        return cbx_fail(e, CBX_E_NOMEM, "no memory for %zu bytes of weights",
                        bytes);
    }
    if (s->bias)
        memcpy(bias, s->bias, (size_t)s->out * sizeof *bias);
    *w = (cbx_weight){.taps = s->taps,
                      .in = s->in,
                      .out = s->out,
                      .format = s->format,
                      .bias = bias,
                      .data = data,
                      .bytes = bytes + panels * width * sizeof *bias};
    j.w = w;
    cbx_pool_run(cpu_of(d)->pool, pack_panel, &j, (int)panels);
    if (atomic_load(&j.bad)) {
        host_weight_free(d, w);
        return cbx_fail(e, CBX_E_ARG,
                        "a weight is not a finite number and cannot be held "
                        "as %s",
                        cbx_format_name(s->format));
    }
    *out = w;
    return CBX_OK;
}
