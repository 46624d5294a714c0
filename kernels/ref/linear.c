#include "kernels/cpu/cpu.h"
#include "kernels/cpu/host.h"
#include "kernels/formats.h"
#include "kernels/ref/ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Packed as floats [tap][in][out]; int8 and int4 hold whole numbers, and behind
 * them their scales [tap][group][out]. */

static bool grouped(cbx_format f)
{
    return f == CBX_FMT_I8 || f == CBX_FMT_I4 || f == CBX_FMT_I8A;
}

static size_t groups_of(int in)
{
    return ((size_t)in + CBX_GROUP - 1) / CBX_GROUP;
}

static const float *scales_of(const cbx_weight *w)
{
    return (const float *)w->data +
           (size_t)w->taps * (size_t)w->in * (size_t)w->out;
}

static float weight_at(const cbx_weight_spec *s, int t, int c, int o)
{
    return s->w[t * s->tap_stride + c * s->in_stride + o * s->out_stride];
}

/* Inputs [c, c + 64) of one output. */
static bool pack_group(const cbx_weight_spec *s, int t, int c, int o, float *to,
                       float *scale)
{
    float w[CBX_GROUP] = {0};
    int8_t q[CBX_GROUP];
    uint16_t h;
    const int n = s->in - c < CBX_GROUP ? s->in - c : CBX_GROUP;
    for (int i = 0; i < n; i++)
        w[i] = weight_at(s, t, c + i, o);
    if (!(s->format == CBX_FMT_I4 ? cbx_quantise_i4(w, q, &h)
                                  : cbx_quantise_i8(w, q, &h)))
        return false;
    for (int i = 0; i < n; i++)
        to[(size_t)i * (size_t)s->out] = q[i];
    *scale = cbx_bf16_value(h);
    return true;
}

static bool pack_tap(const cbx_weight_spec *s, int t, float *to, float *scales)
{
    const size_t out = (size_t)s->out;
    for (int o = 0; o < s->out; o++)
        for (int c = 0; c < s->in; c++) {
            float *at = to + (size_t)c * out + o;
            if (!grouped(s->format)) {
                *at = weight_at(s, t, c, o);
                if (s->format != CBX_FMT_F32)
                    *at = cbx_bf16_value(cbx_bf16_of(*at));
            } else if (c % CBX_GROUP == 0) {
                float *scale = scales + (size_t)(c / CBX_GROUP) * out + o;
                if (!pack_group(s, t, c, o, at, scale))
                    return false;
            }
        }
    return true;
}

cbx_status ref_weight_new(cbx_dev *d, const cbx_weight_spec *s,
                          cbx_weight **out, cbx_error *e)
{
    const size_t tap = (size_t)s->in * (size_t)s->out;
    const size_t tap_scales =
        grouped(s->format) ? groups_of(s->in) * (size_t)s->out : 0;
    const size_t n = (size_t)s->taps * (tap + tap_scales);
    cbx_weight *w = calloc(1, sizeof *w);
    float *data = malloc(n * sizeof *data);
    float *bias = calloc((size_t)s->out, sizeof *bias);
    if (!w || !data || !bias) {
        free(w);
        free(data);
        free(bias);
        return cbx_fail(e, CBX_E_NOMEM, "no memory for %zu weights", n);
    }
    if (s->bias)
        memcpy(bias, s->bias, (size_t)s->out * sizeof *bias);
    *w = (cbx_weight){.taps = s->taps,
                      .in = s->in,
                      .out = s->out,
                      .format = s->format,
                      .bias = bias,
                      .data = data,
                      .bytes = (n + (size_t)s->out) * sizeof *data};
    float *scales = data + (size_t)s->taps * tap;
    for (int t = 0; t < s->taps; t++)
        if (!pack_tap(s, t, data + (size_t)t * tap,
                      scales + (size_t)t * tap_scales)) {
            host_weight_free(d, w);
            return cbx_fail(e, CBX_E_ARG,
                            "a weight is not a finite number and cannot be "
                            "held as %s",
                            cbx_format_name(s->format));
        }
    *out = w;
    return CBX_OK;
}

/* acc[n] = sum over one input row of one tap */
static void add_tap(const float *x, const float *w, int in, int out, float *acc)
{
    for (int c = 0; c < in; c++)
        for (int n = 0; n < out; n++)
            acc[n] += x[c] * w[(size_t)c * (size_t)out + (size_t)n];
}

/* The same of a group of at most 64 inputs with its scales. */
static void add_group(const float *x, const float *q, const float *scale, int n,
                      int out, float *acc)
{
    for (int o = 0; o < out; o++) {
        float sum = 0;
        for (int c = 0; c < n; c++)
            sum += x[c] * q[(size_t)c * (size_t)out + (size_t)o];
        acc[o] += scale[o] * sum;
    }
}

/* The same with inputs of 8 bits. */
static void add_whole_group(const float *x, const float *q, const float *scale,
                            int n, int out, float *acc)
{
    float padded[CBX_GROUP] = {0};
    int8_t xq[CBX_GROUP];
    memcpy(padded, x, (size_t)n * sizeof *x);
    const float x_scale = cbx_quantise_inputs(padded, xq);
    for (int o = 0; o < out; o++) {
        int32_t sum = 0;
        for (int c = 0; c < n; c++)
            sum += xq[c] * (int)q[(size_t)c * (size_t)out + (size_t)o];
        acc[o] = fmaf((float)sum, scale[o] * x_scale, acc[o]);
    }
}

static void add_groups(const cbx_weight *w, int tap, const float *x, float *acc)
{
    const size_t in = (size_t)w->in, out = (size_t)w->out;
    const float *q = (const float *)w->data + (size_t)tap * in * out;
    const float *scale = scales_of(w) + (size_t)tap * groups_of(w->in) * out;
    for (int c = 0; c < w->in; c += CBX_GROUP) {
        const int n = w->in - c < CBX_GROUP ? w->in - c : CBX_GROUP;
        const float *at = q + (size_t)c * out;
        if (w->format == CBX_FMT_I8A)
            add_whole_group(x + c, at, scale, n, w->out, acc);
        else
            add_group(x + c, at, scale, n, w->out, acc);
        scale += out;
    }
}

static void finish_row(const cbx_linear *op, int m, const float *acc)
{
    const float scale = op->scale != 0 ? op->scale : 1.0f;
    for (int n = 0; n < op->w->out; n++) {
        float v = acc[n] + op->w->bias[n];
        if (op->add.p)
            v += ref_row(op->add, m)[n];
        if (op->add2.p)
            v += ref_row(op->add2, m)[n];
        v *= scale;
        if (op->out.p)
            ref_row(op->out, m)[n] = v;
        if (op->acted.p)
            ref_row(op->acted, m)[n] = ref_act(&op->act, v, n);
    }
}

void ref_linear(cbx_dev *d, const cbx_linear *op)
{
    const cbx_weight *w = op->w;
    const int dilation = op->dilation ? op->dilation : 1;
    const size_t tap = (size_t)w->in * (size_t)w->out;
    float *acc = cpu_scratch(d, (size_t)w->out + (size_t)w->in);
    float *normed = acc + w->out;
    for (int m = 0; m < ref_linear_rows(op); m++) {
        memset(acc, 0, (size_t)w->out * sizeof *acc);
        for (int t = 0; t < w->taps; t++) {
            const float *x = ref_row(op->x, m + t * dilation);
            if (op->norm.kind != CBX_NORM_NONE) {
                ref_norm_row(&op->norm, x, w->in, normed);
                x = normed;
            }
            if (w->format == CBX_FMT_BF16A) {
                for (int c = 0; c < w->in; c++)
                    normed[c] = cbx_bf16_value(cbx_bf16_of(x[c]));
                x = normed;
            }
            if (grouped(w->format))
                add_groups(w, t, x, acc);
            else
                add_tap(x, (const float *)w->data + (size_t)t * tap, w->in,
                        w->out, acc);
        }
        finish_row(op, m, acc);
    }
}
