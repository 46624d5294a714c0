#include "models/s3gen/encoder.h"

#include <math.h>
#include <stdlib.h>

/* (q + v) . P for all distances, heads below one another, and the same shifted
 * so that column j is key j (attention.py: RelPositionMultiHeadedAttention,
 * rel_shift). The attention operation keeps this to itself. */
static void show_bd(const encoder *m, const encoder_block *b,
                    const encoder_run *r, cbx_mat q)
{
    const cbx_kernels *k = r->dev->k;
    const int n = q.rows, d = m->width / m->heads, wide = 2 * n - 1;
    const cbx_mat pos = cbx_rows(b->pos, b->zero - (n - 1), wide);
    cbx_mat qv = space_mat(r->mem, n, m->width);
    cbx_mat bd = space_mat(r->mem, m->heads * n, wide);
    cbx_mat shifted = space_mat(r->mem, m->heads * n, n);
    const size_t count = (size_t)wide * (size_t)m->width;
    float *host = malloc(count * sizeof *host);
    cbx_error err;

    if (!host)
        return;
    k->download(r->dev, host, pos.p, count * sizeof *host);
    k->normalize(r->dev, &(cbx_normalize){.x = q, .add_row = b->v, .out = qv});
    for (int h = 0; h < m->heads; h++) {
        cbx_mat head = cbx_rows(bd, h * n, n), view = head;
        cbx_weight *w;
        if (k->weight_new(r->dev,
                          &(cbx_weight_spec){.taps = 1,
                                             .in = d,
                                             .out = wide,
                                             .w = host + h * d,
                                             .in_stride = 1,
                                             .out_stride = m->width},
                          &w, &err))
            break;
        k->linear(
            r->dev,
            &(cbx_linear){.x = cbx_cols(qv, h * d, d), .w = w, .out = head});
        k->sync(r->dev);
        k->weight_free(r->dev, w);
        /* row i of the shifted matrix starts n - 1 - i into row i */
        view = (cbx_mat){head.p + (n - 1), n, n, wide - 1};
        k->copy(r->dev,
                &(cbx_copy){.src = view, .dst = cbx_rows(shifted, h * n, n)});
    }
    free(host);
    cbx_probe_see(r->probe, "flow.enc.block0.bd_before_shift", bd);
    cbx_probe_see(r->probe, "flow.enc.block0.bd_after_shift", shifted);
    cbx_probe_see(r->probe, "flow.enc.block0.linear_pos", pos);
}

static void show_attention(const encoder *m, const encoder_block *b,
                           const encoder_run *r, cbx_mat x, cbx_mat out)
{
    const cbx_kernels *k = r->dev->k;
    const int n = x.rows, d = m->width;
    cbx_mat norm = space_mat(r->mem, n, d), qkv = space_mat(r->mem, n, 3 * d);
    cbx_mat ctx = space_mat(r->mem, n, d), part = space_mat(r->mem, n, d);
    const char *const names[3] = {"q", "k", "v"};

    k->normalize(r->dev,
                 &(cbx_normalize){.x = x, .norm = b->norm_mha, .out = norm});
    cbx_probe_see(r->probe, "flow.enc.block0.norm_mha", norm);
    k->linear(r->dev, &(cbx_linear){.x = norm, .w = b->qkv, .out = qkv});
    for (int i = 0; i < 3; i++)
        cbx_probe_seef(r->probe, cbx_cols(qkv, i * d, d),
                       "flow.enc.block0.linear_%s", names[i]);
    show_bd(m, b, r, cbx_cols(qkv, 0, d));
    k->attention(
        r->dev,
        &(cbx_attention){
            .q = cbx_cols(qkv, 0, d),
            .k = cbx_cols(qkv, d, d),
            .v = cbx_cols(qkv, 2 * d, d),
            .heads = m->heads,
            .scale = 1 / sqrtf((float)(d / m->heads)),
            .rel = {.pos = b->pos, .zero = b->zero, .u = b->u, .v_bias = b->v},
            .out = ctx});
    cbx_probe_see(r->probe, "flow.enc.block0.attn_ctx", ctx);
    k->linear(r->dev, &(cbx_linear){.x = ctx, .w = b->out, .out = part});
    cbx_probe_see(r->probe, "flow.enc.block0.attn_out", part);
    k->normalize(r->dev, &(cbx_normalize){.x = part, .add = x, .out = out});
}

/* The table that linear_pos was applied to when the model was opened. */
static void show_positions(const encoder *m, const encoder_run *r)
{
    const int rows = 2 * r->n - 1, d = m->width;
    const size_t count = (size_t)rows * (size_t)d;
    cbx_mat pe = space_mat(r->mem, rows, d);
    float *host = malloc(count * sizeof *host);

    if (!host)
        return;
    encoder_fill_positions(host, r->n, d);
    r->dev->k->upload(r->dev, pe.p, host, count * sizeof *host);
    r->dev->k->sync(r->dev);
    free(host);
    cbx_probe_see(r->probe, "flow.enc.block0.pos_emb", pe);
}

void encoder_show_block(const encoder *m, const encoder_block *b,
                        const encoder_run *r, cbx_mat x)
{
    const cbx_kernels *k = r->dev->k;
    const size_t mark = space_mark(r->mem);
    cbx_mat y = space_mat(r->mem, x.rows, m->width);
    cbx_mat ff = space_mat(r->mem, x.rows, m->ff);

    show_positions(m, r);
    show_attention(m, b, r, x, y);
    k->linear(r->dev, &(cbx_linear){.x = y,
                                    .norm = b->norm_ff,
                                    .w = b->w1,
                                    .act = {.kind = CBX_ACT_SILU},
                                    .acted = ff});
    k->linear(r->dev, &(cbx_linear){.x = ff, .w = b->w2, .out = y});
    cbx_probe_see(r->probe, "flow.enc.block0.ffn_out", y);
    space_rewind(r->mem, mark);
}
