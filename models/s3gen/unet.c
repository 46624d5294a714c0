#include "models/s3gen/unet.h"

#include <math.h>

static const cbx_act mish = {.kind = CBX_ACT_MISH};

static void add_block(const unet *m, const unet_block *b, past *p,
                      cbx_dmem *mem)
{
    past_add_conv(p, mem, UNET_PAST, b->resnet.in);
    past_add_conv(p, mem, UNET_PAST, m->channels);
    for (int i = 0; i < b->n_transformers; i++)
        past_add_attn(p, mem, m->inner);
}

void unet_add_past(const unet *m, past *p, cbx_dmem *mem)
{
    add_block(m, &m->down, p, mem);
    past_add_conv(p, mem, UNET_PAST, m->channels); /* down_conv */
    for (int i = 0; i < m->n_mids; i++)
        add_block(m, &m->mid[i], p, mem);
    add_block(m, &m->up, p, mem);
    past_add_conv(p, mem, UNET_PAST, m->channels); /* up_conv */
    past_add_conv(p, mem, UNET_PAST, m->channels); /* final_conv */
}

/* Rows that a causal convolution reads: T rows behind UNET_PAST older ones. */
static cbx_mat past_mat(const unet_run *r, int frames, int cols)
{
    return space_mat(r->mem, UNET_PAST + frames, cols);
}

static cbx_mat new_rows(cbx_mat x)
{
    return cbx_rows(x, UNET_PAST, x.rows - UNET_PAST);
}

/* x: [UNET_PAST + T][in]. out: [T][C], may be x's new rows. */
static void resnet(const unet *m, const unet_resnet *b, const unet_run *r,
                   cbx_mat x, cbx_mat out)
{
    const cbx_kernels *k = r->dev->k;
    const int frames = x.rows - UNET_PAST, c = m->channels;
    const size_t mark = space_mark(r->mem);
    cbx_mat h = space_mat(r->mem, frames, c);
    cbx_mat res = space_mat(r->mem, frames, c);
    cbx_mat mid = past_mat(r, frames, c);

    past_conv(r->past, r->dev, x, UNET_PAST);
    k->linear(r->dev, &(cbx_linear){.x = x, .w = b->conv[0], .out = h});
    k->normalize(r->dev,
                 &(cbx_normalize){.x = h,
                                  .norm = b->norm[0],
                                  .act = mish,
                                  .add_row = cbx_rows(b->time, r->step, 1).p,
                                  .out = new_rows(mid)});
    past_conv(r->past, r->dev, mid, UNET_PAST);
    k->linear(r->dev, &(cbx_linear){.x = mid, .w = b->conv[1], .out = h});
    k->linear(r->dev, &(cbx_linear){.x = new_rows(x), .w = b->res, .out = res});
    k->normalize(
        r->dev,
        &(cbx_normalize){
            .x = h, .norm = b->norm[1], .act = mish, .add = res, .out = out});
    space_rewind(r->mem, mark);
}

/* x: [T][C], in place. */
static void transformer(const unet *m, const unet_transformer *b,
                        const unet_run *r, cbx_mat x)
{
    const cbx_kernels *k = r->dev->k;
    const int i = m->inner;
    const size_t mark = space_mark(r->mem);
    cbx_mat qkv = space_mat(r->mem, x.rows, 3 * i);
    cbx_mat ctx = space_mat(r->mem, x.rows, i);
    cbx_mat ff;

    k->linear(r->dev,
              &(cbx_linear){.x = x, .norm = b->norm1, .w = b->qkv, .out = qkv});
    past_attend(r->past, r->dev,
                &(cbx_attention){.q = cbx_cols(qkv, 0, i),
                                 .k = cbx_cols(qkv, i, i),
                                 .v = cbx_cols(qkv, 2 * i, i),
                                 .heads = m->heads,
                                 .scale = 1 / sqrtf((float)(i / m->heads)),
                                 .out = ctx});
    k->linear(r->dev, &(cbx_linear){.x = ctx, .w = b->out, .add = x, .out = x});
    space_rewind(r->mem, mark);
    ff = space_mat(r->mem, x.rows, m->ff);
    k->linear(r->dev, &(cbx_linear){.x = x,
                                    .norm = b->norm3,
                                    .w = b->ff1,
                                    .act = {.kind = CBX_ACT_GELU_ERF},
                                    .acted = ff});
    k->linear(r->dev, &(cbx_linear){.x = ff, .w = b->ff2, .add = x, .out = x});
    space_rewind(r->mem, mark);
}

/* Resnet and transformers. out as in resnet(). `name` is for the probe. */
static void block(const unet *m, const unet_block *b, const unet_run *r,
                  cbx_mat x, cbx_mat out, const char *name)
{
    const bool first = r->probe && b == &m->down;

    if (first)
        unet_show_resnet(m, &b->resnet, r, x);
    resnet(m, &b->resnet, r, x, out);
    cbx_probe_seef(r->probe, out, "flow.est.%s.resnet", name);
    for (int i = 0; i < b->n_transformers; i++) {
        if (first && i == 0)
            unet_show_transformer(m, &b->transformer[0], r, out);
        transformer(m, &b->transformer[i], r, out);
        if (first)
            cbx_probe_seef(r->probe, out, "flow.est.%s.tb%d.out", name, i);
    }
}

static void final_block(const unet *m, const unet_run *r, cbx_mat x, cbx_mat v)
{
    const cbx_kernels *k = r->dev->k;
    cbx_mat h = space_mat(r->mem, v.rows, m->channels);

    past_conv(r->past, r->dev, x, UNET_PAST);
    k->linear(r->dev, &(cbx_linear){.x = x, .w = m->final_conv, .out = h});
    k->normalize(
        r->dev,
        &(cbx_normalize){.x = h, .norm = m->final_norm, .act = mish, .out = h});
    cbx_probe_see(r->probe, "flow.est.final_block", h);
    k->linear(r->dev, &(cbx_linear){.x = h, .w = m->final_proj, .out = v});
    cbx_probe_see(r->probe, "flow.est.out", v);
}

void unet_velocity(const unet *m, const unet_run *r, cbx_mat x, cbx_mat v)
{
    const cbx_kernels *k = r->dev->k;
    const int frames = v.rows, c = m->channels;
    const size_t mark = space_mark(r->mem);
    /* the up block's input: what the mid blocks say beside what the down block
     * said */
    cbx_mat both = past_mat(r, frames, 2 * c);
    cbx_mat skip = new_rows(cbx_cols(both, 0, c)),
            hidden = cbx_cols(both, c, c);
    cbx_mat y = past_mat(r, frames, c), z = past_mat(r, frames, c);
    cbx_mat next;
    char name[16];

    if (r->probe)
        unet_show_time(m, r);
    cbx_probe_see(r->probe, "flow.est.down0.in", new_rows(x));
    block(m, &m->down, r, x, new_rows(hidden), "down0");
    next = m->n_mids ? new_rows(y) : skip;
    past_conv(r->past, r->dev, hidden, UNET_PAST);
    k->linear(r->dev,
              &(cbx_linear){.x = hidden, .w = m->down_conv, .out = next});
    cbx_probe_see(r->probe, "flow.est.down0.downsample", next);
    for (int i = 0; i < m->n_mids; i++) {
        snprintf(name, sizeof name, "mid%d", i);
        next = i + 1 < m->n_mids ? new_rows(y) : skip;
        block(m, &m->mid[i], r, y, next, name);
        cbx_probe_seef(r->probe, next, "flow.est.%s.out", name);
    }
    cbx_probe_see(r->probe, "flow.est.up0.in", new_rows(both));
    block(m, &m->up, r, both, new_rows(y), "up0");
    cbx_probe_see(r->probe, "flow.est.up0.tb_out", new_rows(y));
    past_conv(r->past, r->dev, y, UNET_PAST);
    k->linear(r->dev,
              &(cbx_linear){.x = y, .w = m->up_conv, .out = new_rows(z)});
    cbx_probe_see(r->probe, "flow.est.up0.upsample", new_rows(z));
    final_block(m, r, z, v);
    space_rewind(r->mem, mark);
}
