#include "kernels/cpu/cpu.h"
#include "kernels/ref/ref.h"

#include <stdlib.h>
#include <string.h>

cbx_status ref_weight_new(cbx_dev *d, const cbx_weight_spec *s,
                          cbx_weight **out, cbx_error *e)
{
    (void)d;
    if (s->format != CBX_FMT_F32)
        return cbx_fail(e, CBX_E_UNSUPPORTED,
                        "the plain kernels hold weights as f32 only");
    const size_t n = (size_t)s->taps * (size_t)s->in * (size_t)s->out;
    cbx_weight *w = calloc(1, sizeof *w);
    float *data = malloc(n * sizeof *data);
    float *bias = calloc((size_t)s->out, sizeof *bias);
    if (!w || !data || !bias) {
        free(w);
        free(data);
        free(bias);
        return cbx_fail(e, CBX_E_NOMEM, "no memory for %zu weights", n);
    }
    float *at = data;
    for (int t = 0; t < s->taps; t++)
        for (int c = 0; c < s->in; c++)
            for (int o = 0; o < s->out; o++)
                *at++ = s->w[t * s->tap_stride + c * s->in_stride +
                             o * s->out_stride];
    if (s->bias)
        memcpy(bias, s->bias, (size_t)s->out * sizeof *bias);
    *w = (cbx_weight){.taps = s->taps,
                      .in = s->in,
                      .out = s->out,
                      .format = s->format,
                      .bias = bias,
                      .data = data,
                      .bytes = (n + (size_t)s->out) * sizeof *data};
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
            add_tap(x, (const float *)w->data + (size_t)t * tap, w->in, w->out,
                    acc);
        }
        finish_row(op, m, acc);
    }
}
