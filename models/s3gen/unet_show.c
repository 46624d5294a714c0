#include "models/s3gen/unet.h"

#include <math.h>

/* Those of t; the goldens hold the first call only, which is t's. */
void unet_show_time(const unet *m, const unet_run *r)
{
    cbx_probe_see(r->probe, "flow.est.time_sinusoid",
                  cbx_rows(m->sinusoid, r->step, 1));
    cbx_probe_see(r->probe, "flow.est.time_mlp",
                  cbx_rows(m->embedded, r->step, 1));
    if (m->meanflow)
        cbx_probe_see(r->probe, "flow.est.time_mixed",
                      cbx_rows(m->mixed, r->step, 1));
}

void unet_show_resnet(const unet *m, const unet_resnet *b, const unet_run *r,
                      cbx_mat x)
{
    const cbx_kernels *k = r->dev->k;
    const int frames = x.rows - UNET_PAST, c = m->channels;
    const size_t mark = space_mark(r->mem);
    const cbx_mat time = cbx_rows(b->time, r->step, 1);
    cbx_mat h = space_mat(r->mem, frames, c);
    cbx_mat mid = space_mat(r->mem, UNET_PAST + frames, c);
    cbx_mat mid_new = cbx_rows(mid, UNET_PAST, frames);
    const cbx_act mish = {.kind = CBX_ACT_MISH};

    k->linear(r->dev, &(cbx_linear){.x = x, .w = b->conv[0], .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.block1_conv", h);
    k->normalize(r->dev,
                 &(cbx_normalize){.x = h, .norm = b->norm[0], .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.block1_ln", h);
    k->activate(r->dev, h, mish, h);
    cbx_probe_see(r->probe, "flow.est.down0.block1", h);
    cbx_probe_see(r->probe, "flow.est.down0.time_proj", time);
    k->zero(r->dev, cbx_rows(mid, 0, UNET_PAST));
    k->normalize(r->dev,
                 &(cbx_normalize){.x = h, .add_row = time.p, .out = mid_new});
    k->linear(r->dev, &(cbx_linear){.x = mid, .w = b->conv[1], .out = h});
    k->normalize(
        r->dev,
        &(cbx_normalize){.x = h, .norm = b->norm[1], .act = mish, .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.block2", h);
    k->linear(r->dev, &(cbx_linear){.x = cbx_rows(x, UNET_PAST, frames),
                                    .w = b->res,
                                    .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.res_conv", h);
    space_rewind(r->mem, mark);
}

void unet_show_transformer(const unet *m, const unet_transformer *b,
                           const unet_run *r, cbx_mat x)
{
    const cbx_kernels *k = r->dev->k;
    const int n = x.rows, i = m->inner, c = m->channels;
    const size_t mark = space_mark(r->mem);
    cbx_mat h = space_mat(r->mem, n, c), y = space_mat(r->mem, n, c);
    cbx_mat qkv = space_mat(r->mem, n, 3 * i), ctx = space_mat(r->mem, n, i);
    cbx_mat ff = space_mat(r->mem, n, m->ff);

    k->normalize(r->dev, &(cbx_normalize){.x = x, .norm = b->norm1, .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.tb0.norm1", h);
    k->linear(r->dev, &(cbx_linear){.x = h, .w = b->qkv, .out = qkv});
    cbx_probe_see(r->probe, "flow.est.down0.tb0.q", cbx_cols(qkv, 0, i));
    k->attention(r->dev,
                 &(cbx_attention){.q = cbx_cols(qkv, 0, i),
                                  .k = cbx_cols(qkv, i, i),
                                  .v = cbx_cols(qkv, 2 * i, i),
                                  .heads = m->heads,
                                  .scale = 1 / sqrtf((float)(i / m->heads)),
                                  .out = ctx});
    cbx_probe_see(r->probe, "flow.est.down0.tb0.attn_ctx", ctx);
    k->linear(r->dev, &(cbx_linear){.x = ctx, .w = b->out, .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.tb0.attn", h);
    k->normalize(r->dev, &(cbx_normalize){.x = h, .add = x, .out = y});
    k->normalize(r->dev, &(cbx_normalize){.x = y, .norm = b->norm3, .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.tb0.norm3", h);
    k->linear(r->dev, &(cbx_linear){.x = h,
                                    .w = b->ff1,
                                    .act = {.kind = CBX_ACT_GELU_ERF},
                                    .acted = ff});
    cbx_probe_see(r->probe, "flow.est.down0.tb0.ff_gelu", ff);
    k->linear(r->dev, &(cbx_linear){.x = ff, .w = b->ff2, .out = h});
    cbx_probe_see(r->probe, "flow.est.down0.tb0.ff", h);
    space_rewind(r->mem, mark);
}
