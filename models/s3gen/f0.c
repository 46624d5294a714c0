#include "models/s3gen/f0.h"

#define F0 "mel2wav.f0_predictor"

void f0_load(load *l, int mels, f0 *m)
{
    int n = 0;

    *m = (f0){.channels = load_dim(l, 3, 0, F0 ".condnet.0")};
    for (; !l->status && load_has(l, F0 ".condnet.%d", 2 * n); n++) {
        if (n == F0_MAX_CONVS) {
            l->status = cbx_fail(l->err, CBX_E_UNSUPPORTED,
                                 "%s: " F0 " has more than %d convolutions",
                                 cbx_tensor_file_path(l->file), n);
            return;
        }
        m->conv[n] = conv_load(l, n ? m->channels : mels, m->channels, 1,
                               F0 ".condnet.%d", 2 * n);
    }
    m->n_convs = n;
    m->classifier = load_linear(l, m->channels, 1, true, F0 ".classifier");
}

int f0_init(const f0 *m, f0_state *s, rows *mel)
{
    for (int i = 0; i < m->n_convs; i++) {
        rows *in = i ? &s->h[i - 1] : mel;
        const int pad = m->conv[i].pad, lag = in->lag + pad;

        rows_init(&s->h[i], m->channels, 1, lag,
                  i + 1 < m->n_convs ? m->conv[i + 1].pad : 0);
        rows_serve(in, lag, pad);
    }
    return s->h[m->n_convs - 1].lag;
}

void f0_place(const f0 *m, f0_state *s, cbx_dmem *mem)
{
    for (int i = 0; i < m->n_convs; i++)
        rows_place(&s->h[i], mem);
}

void f0_reset(const f0 *m, f0_state *s, cbx_dev *dev)
{
    for (int i = 0; i < m->n_convs; i++)
        rows_reset(&s->h[i], dev);
}

cbx_mat f0_run(const f0 *m, f0_state *s, const rows_step *st, const rows *mel)
{
    const cbx_kernels *k = st->dev->k;
    const rows *in = mel;
    rows_new n = {0, 0};
    cbx_mat out;

    for (int i = 0; i < m->n_convs; in = &s->h[i++]) {
        cbx_mat raw = {0};
        n = rows_grow(&s->h[i], st);
        if (!n.n)
            continue;
        if (st->probe)
            raw = space_mat(st->mem, n.n, m->channels);
        k->linear(st->dev,
                  &(cbx_linear){.x = conv_input(&m->conv[i], in, n),
                                .w = m->conv[i].w,
                                .act = {.kind = CBX_ACT_ELU},
                                .out = raw,
                                .acted = rows_at(&s->h[i], n.from, n.n)});
        if (st->probe)
            cbx_probe_seef(st->probe, raw, "hift.f0.conv%d", i);
    }
    out = space_mat(st->mem, n.n, 1);
    if (n.n) {
        k->linear(st->dev, &(cbx_linear){.x = rows_at(in, n.from, n.n),
                                         .w = m->classifier,
                                         .act = {.kind = CBX_ACT_ABS},
                                         .acted = out});
        cbx_probe_see(st->probe, "hift.f0", out);
    }
    for (int i = 0; i < m->n_convs; i++)
        rows_keep(&s->h[i], st);
    return out;
}
