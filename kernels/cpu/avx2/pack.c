#include "kernels/cpu/avx2/avx2.h"

#include <stdlib.h>
#include <string.h>

static void pack_panel(const cbx_weight_spec *s, int from, float *to)
{
    const int n = s->out - from < PANEL ? s->out - from : PANEL;
    for (int t = 0; t < s->taps; t++)
        for (int c = 0; c < s->in; c++, to += PANEL) {
            const float *w = s->w + t * s->tap_stride + c * s->in_stride +
                             from * s->out_stride;
            for (int o = 0; o < n; o++)
                to[o] = w[o * s->out_stride];
        }
}

cbx_status avx2_weight_new(cbx_dev *d, const cbx_weight_spec *s,
                           cbx_weight **out, cbx_error *e)
{
    if (s->format != CBX_FMT_F32)
        return cbx_fail(e, CBX_E_UNSUPPORTED,
                        "the avx2 kernels hold weights as f32 only");
    const size_t panels = ((size_t)s->out + PANEL - 1) / PANEL;
    const size_t panel = (size_t)s->taps * (size_t)s->in * PANEL;
    const size_t n = panels * panel;
    cbx_weight *w = calloc(1, sizeof *w);
    float *data = d->k->mem_new(d, n * sizeof *data);
    float *bias = d->k->mem_new(d, panels * PANEL * sizeof *bias);
    if (!w || !data || !bias) {
        free(w);
        d->k->mem_free(d, data);
        d->k->mem_free(d, bias);
        return cbx_fail(e, CBX_E_NOMEM, "no memory for %zu weights", n);
    }
    for (size_t p = 0; p < panels; p++)
        pack_panel(s, (int)(p * PANEL), data + p * panel);
    if (s->bias)
        memcpy(bias, s->bias, (size_t)s->out * sizeof *bias);
    *w = (cbx_weight){.taps = s->taps,
                      .in = s->in,
                      .out = s->out,
                      .format = s->format,
                      .bias = bias,
                      .data = data,
                      .bytes = (n + panels * PANEL) * sizeof *data};
    *out = w;
    return CBX_OK;
}
