#include "models/s3gen/encoder.h"

#include <math.h>
#include <stdlib.h>

/* -- loading --------------------------------------------------------------- */

static const char *const block_group[2] = {"encoders", "up_encoders"};

static void load_block(load *l, const encoder *m, const char *group, int i,
                       encoder_block *b)
{
    static const char *const qkv[3] = {"linear_q", "linear_k", "linear_v"};
    char x[64];
    const int d = m->width;

    snprintf(x, sizeof x, "flow.encoder.%s.%d", group, i);
    b->norm_mha = load_norm(l, d, 1e-12f, "%s.norm_mha", x);
    b->norm_ff = load_norm(l, d, 1e-12f, "%s.norm_ff", x);
    b->qkv = load_linears(l, d, d, true, qkv, 3, "%s.self_attn", x);
    b->out = load_linear(l, d, d, true, "%s.self_attn.linear_out", x);
    b->u = load_vec(l, d, "%s.self_attn.pos_bias_u", x);
    b->v = load_vec(l, d, "%s.self_attn.pos_bias_v", x);
    b->w1 = load_linear(l, d, m->ff, true, "%s.feed_forward.w_1", x);
    b->w2 = load_linear(l, m->ff, d, true, "%s.feed_forward.w_2", x);
}

/* embedding.py: EspnetRelPositionalEncoding.extend_pe. Row r holds distance
 * n - 1 - r; fp32 throughout, as in the reference. */
void encoder_fill_positions(float *pe, int n, int d)
{
    const float step = -(float)(log(10000.0) / d);

    for (int r = 0; r < 2 * n - 1; r++)
        for (int c = 0; c < d; c++) {
            const float angle =
                (float)(n - 1 - r) * expf((float)(c & ~1) * step);
            pe[(size_t)r * (size_t)d + (size_t)c] =
                c & 1 ? cosf(angle) : sinf(angle);
        }
}

/* linear_pos is applied once, here: its weights are not kept. */
static void load_position_group(load *l, load *setup, const encoder *m,
                                const char *group, encoder_block *blocks,
                                int n_blocks, int longest)
{
    const int rows = 2 * longest - 1, d = m->width;
    const size_t bytes = sizeof(float) * (size_t)rows * (size_t)d;
    const cbx_kernels *k = l->dev->k;
    float *host = l->status ? NULL : malloc(bytes);
    cbx_mat pe = {load_memory(setup, bytes), rows, d, d};

    if (host && pe.p) {
        encoder_fill_positions(host, longest, d);
        k->upload(l->dev, pe.p, host, bytes);
    }
    for (int i = 0; i < n_blocks && !l->status && !setup->status; i++) {
        const cbx_weight *w =
            load_linear(setup, d, d, false,
                        "flow.encoder.%s.%d.self_attn.linear_pos", group, i);
        blocks[i].zero = longest - 1;
        blocks[i].pos = (cbx_mat){load_memory(l, bytes), rows, d, d};
        if (w && blocks[i].pos.p && host)
            k->linear(l->dev,
                      &(cbx_linear){.x = pe, .w = w, .out = blocks[i].pos});
    }
    if (!l->status && !setup->status && !host)
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "memory ran out");
    k->sync(l->dev);
    free(host);
}

static void load_positions(load *l, encoder *m)
{
    load setup = *l;

    if (l->status)
        return;
    setup.format = CBX_FMT_F32;
    l->status = load_owned_open(l->dev, &setup.own, l->err);
    if (l->status)
        return;
    load_position_group(l, &setup, m, block_group[0], m->block, m->n_blocks,
                        m->max_tokens);
    load_position_group(l, &setup, m, block_group[1], m->up_block,
                        m->n_up_blocks, m->max_tokens * m->up);
    if (!l->status)
        l->status = setup.status;
    load_owned_close(setup.own);
}

static int load_blocks(load *l, const encoder *m, const char *group,
                       encoder_block *b)
{
    int n = 0;

    for (; load_has(l, "flow.encoder.%s.%d.self_attn.linear_q", group, n);
         n++) {
        if (n == ENCODER_MAX_BLOCKS) {
            l->status = cbx_fail(l->err, CBX_E_UNSUPPORTED,
                                 "%s: flow.encoder.%s has more than %d blocks",
                                 cbx_tensor_file_path(l->file), group,
                                 ENCODER_MAX_BLOCKS);
            return 0;
        }
        load_block(l, m, group, n, &b[n]);
    }
    return n;
}

static void load_sizes(load *l, const cbx_config_flow *config, encoder *m)
{
    m->codes = load_tensor_dim(l, 2, 0, "flow.input_embedding.weight");
    m->token_dim = load_tensor_dim(l, 2, 1, "flow.input_embedding.weight");
    m->width = load_dim(l, 2, 0, "flow.encoder.embed.out.0");
    m->ff = load_dim(l, 2, 0, "flow.encoder.encoders.0.feed_forward.w_1");
    m->heads = load_tensor_dim(l, 2, 0,
                               "flow.encoder.encoders.0.self_attn.pos_bias_u");
    m->mels = load_dim(l, 2, 0, "flow.encoder_proj");
    m->lookahead =
        load_dim(l, 3, 2, "flow.encoder.pre_lookahead_layer.conv1") - 1;
    m->up_taps = load_dim(l, 3, 2, "flow.encoder.up_layer.conv");
    m->up = config->token_mel_ratio;
    if (!l->status && m->width % m->heads)
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: flow.encoder is %d wide, which %d heads do "
                             "not divide",
                             cbx_tensor_file_path(l->file), m->width, m->heads);
    if (!l->status && m->up_taps != 2 * m->up + 1)
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: flow.encoder.up_layer.conv has %d taps; "
                             "token_mel_ratio %d needs %d",
                             cbx_tensor_file_path(l->file), m->up_taps, m->up,
                             2 * m->up + 1);
}

void encoder_load(load *l, const cbx_config_flow *config, int max_tokens,
                  encoder *m)
{
    const char *x = "flow.encoder";
    int d;

    *m = (encoder){.dev = l->dev, .max_tokens = max_tokens};
    load_sizes(l, config, m);
    d = m->width;
    m->tokens =
        load_table(l, m->codes, m->token_dim, "flow.input_embedding.weight");
    m->embed = load_linear(l, m->token_dim, d, true, "%s.embed.out.0", x);
    m->embed_norm = load_norm(l, d, 1e-5f, "%s.embed.out.1", x);
    m->look[0] =
        load_conv(l, d, d, m->lookahead + 1, "%s.pre_lookahead_layer.conv1", x);
    m->look[1] = load_conv(l, d, d, 3, "%s.pre_lookahead_layer.conv2", x);
    m->n_blocks = load_blocks(l, m, block_group[0], m->block);
    m->up_conv = load_conv(l, d, d, m->up_taps, "%s.up_layer.conv", x);
    m->up_embed = load_linear(l, d, d, true, "%s.up_embed.out.0", x);
    m->up_embed_norm = load_norm(l, d, 1e-5f, "%s.up_embed.out.1", x);
    m->n_up_blocks = load_blocks(l, m, block_group[1], m->up_block);
    m->after_norm = load_norm(l, d, 1e-5f, "%s.after_norm", x);
    m->proj = load_linear(l, d, m->mels, true, "flow.encoder_proj");
    load_positions(l, m);
}

/* -- running --------------------------------------------------------------- */

enum { LOOK_PAST = 2 }; /* rows that the second look-ahead layer reads back */

static int up_past(const encoder *m)
{
    return 2 * m->up;
}

void encoder_add_past(const encoder *m, past *tokens, past *frames,
                      cbx_dmem *mem)
{
    past_add_conv(tokens, mem, LOOK_PAST, m->width);
    for (int i = 0; i < m->n_blocks; i++)
        past_add_attn(tokens, mem, m->width);
    past_add_conv(frames, mem, up_past(m), m->width);
    for (int i = 0; i < m->n_up_blocks; i++)
        past_add_attn(frames, mem, m->width);
}

/* subsampling.py: LinearNoSubsampling, and the scaling by sqrt(D) of
 * embedding.py: EspnetRelPositionalEncoding.forward. In place of x if wanted.
 */
static void embed(const encoder *m, const encoder_run *r, const cbx_weight *w,
                  cbx_norm norm, cbx_mat x, cbx_mat out)
{
    const cbx_kernels *k = r->dev->k;

    k->linear(r->dev, &(cbx_linear){.x = x, .w = w, .out = out});
    k->normalize(r->dev, &(cbx_normalize){.x = out,
                                          .norm = norm,
                                          .scale = sqrtf((float)m->width),
                                          .out = out});
}

/* Tokens to the input of the look-ahead layer: rows of zeros stand for tokens
 * behind the end. */
static cbx_mat embed_tokens(const encoder *m, const encoder_run *r)
{
    const cbx_kernels *k = r->dev->k;
    const int known = r->n + r->ahead;
    cbx_mat x = space_mat(r->mem, r->n + m->lookahead, m->width);
    const size_t mark = space_mark(r->mem);
    cbx_mat e = space_mat(r->mem, known, m->token_dim);

    k->gather(r->dev, m->tokens, r->ids, known, (cbx_mat){0}, e);
    cbx_probe_see(r->probe, "flow.token_emb", cbx_rows(e, 0, r->n));
    embed(m, r, m->embed, m->embed_norm, e, cbx_rows(x, 0, known));
    k->zero(r->dev, cbx_rows(x, known, m->lookahead - r->ahead));
    space_rewind(r->mem, mark);
    return x;
}

/* upsample_encoder.py: PreLookaheadLayer. x: [n + lookahead][D]. */
static void look_ahead(const encoder *m, const encoder_run *r, cbx_mat x,
                       cbx_mat out)
{
    const cbx_kernels *k = r->dev->k;
    const size_t mark = space_mark(r->mem);
    cbx_mat h = space_mat(r->mem, LOOK_PAST + r->n, m->width);

    k->linear(r->dev, &(cbx_linear){.x = x,
                                    .w = m->look[0],
                                    .act = {CBX_ACT_LEAKY, 0.01f, NULL},
                                    .acted = cbx_rows(h, LOOK_PAST, r->n)});
    past_conv(r->tokens, r->dev, h, LOOK_PAST);
    k->linear(r->dev, &(cbx_linear){.x = h,
                                    .w = m->look[1],
                                    .add = cbx_rows(x, 0, r->n),
                                    .out = out});
    space_rewind(r->mem, mark);
}

/* Attention and feed-forward, x in place. */
static void run_block(const encoder *m, const encoder_block *b,
                      const encoder_run *r, past *before, cbx_mat x)
{
    const cbx_kernels *k = r->dev->k;
    const int d = m->width;
    const size_t mark = space_mark(r->mem);
    cbx_mat qkv = space_mat(r->mem, x.rows, 3 * d);
    cbx_mat ctx = space_mat(r->mem, x.rows, d);
    cbx_mat ff = space_mat(r->mem, x.rows, m->ff);

    k->linear(
        r->dev,
        &(cbx_linear){.x = x, .norm = b->norm_mha, .w = b->qkv, .out = qkv});
    past_attend(
        before, r->dev,
        &(cbx_attention){
            .q = cbx_cols(qkv, 0, d),
            .k = cbx_cols(qkv, d, d),
            .v = cbx_cols(qkv, 2 * d, d),
            .heads = m->heads,
            .scale = 1 / sqrtf((float)(d / m->heads)),
            .rel = {.pos = b->pos, .zero = b->zero, .u = b->u, .v_bias = b->v},
            .out = ctx});
    k->linear(r->dev, &(cbx_linear){.x = ctx, .w = b->out, .add = x, .out = x});
    k->linear(r->dev, &(cbx_linear){.x = x,
                                    .norm = b->norm_ff,
                                    .w = b->w1,
                                    .act = {.kind = CBX_ACT_SILU},
                                    .acted = ff});
    k->linear(r->dev, &(cbx_linear){.x = ff, .w = b->w2, .add = x, .out = x});
    space_rewind(r->mem, mark);
}

/* upsample_encoder.py: Upsample1D, then up_embed. */
static cbx_mat upsample(const encoder *m, const encoder_run *r, cbx_mat x)
{
    const cbx_kernels *k = r->dev->k;
    const int d = m->width, n = m->up * x.rows, pad = up_past(m);
    cbx_mat out = space_mat(r->mem, n, d);
    const size_t mark = space_mark(r->mem);
    cbx_mat wide = space_mat(r->mem, pad + n, d);
    cbx_mat h = space_mat(r->mem, n, d);

    k->copy(
        r->dev,
        &(cbx_copy){.src = x, .dst = cbx_rows(wide, pad, n), .repeat = m->up});
    past_conv(r->frames, r->dev, wide, pad);
    k->linear(r->dev, &(cbx_linear){.x = wide, .w = m->up_conv, .out = h});
    cbx_probe_see(r->probe, "flow.enc.up_layer", h);
    embed(m, r, m->up_embed, m->up_embed_norm, h, out);
    cbx_probe_see(r->probe, "flow.enc.up_embed", out);
    space_rewind(r->mem, mark);
    return out;
}

static void show_h(const encoder *m, const encoder_run *r, cbx_mat x)
{
    const size_t mark = space_mark(r->mem);
    cbx_mat h = space_mat(r->mem, x.rows, x.cols);

    r->dev->k->normalize(
        r->dev, &(cbx_normalize){.x = x, .norm = m->after_norm, .out = h});
    cbx_probe_see(r->probe, "flow.enc.h", h);
    space_rewind(r->mem, mark);
}

void encoder_mu(const encoder *m, const encoder_run *r, cbx_mat mu)
{
    const size_t mark = space_mark(r->mem);
    cbx_mat tokens = embed_tokens(m, r);
    cbx_mat x = space_mat(r->mem, r->n, m->width), y;

    cbx_probe_see(r->probe, "flow.enc.embed", cbx_rows(tokens, 0, r->n));
    look_ahead(m, r, tokens, x);
    cbx_probe_see(r->probe, "flow.enc.pre_lookahead", x);
    for (int i = 0; i < m->n_blocks; i++) {
        if (r->probe && i == 0)
            encoder_show_block(m, &m->block[0], r, x);
        run_block(m, &m->block[i], r, r->tokens, x);
        cbx_probe_seef(r->probe, x, "flow.enc.block%d.out", i);
    }
    y = upsample(m, r, x);
    for (int i = 0; i < m->n_up_blocks; i++) {
        run_block(m, &m->up_block[i], r, r->frames, y);
        cbx_probe_seef(r->probe, y, "flow.enc.up_block%d.out", i);
    }
    if (r->probe)
        show_h(m, r, y);
    r->dev->k->linear(
        r->dev,
        &(cbx_linear){.x = y, .norm = m->after_norm, .w = m->proj, .out = mu});
    cbx_probe_see(r->probe, "flow.mu", mu);
    space_rewind(r->mem, mark);
}
