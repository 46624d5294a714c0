#include "models/voice/s3tok.h"

#include "models/s3gen/load.h"
#include "models/voice/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_LAYERS = 64,
    CONV_TAPS = 3,
    CONV_STRIDE = 2,
    DIGITS = 8, /* of a token, in base 3 */
};

typedef struct block {
    cbx_norm attn_norm, mlp_norm;
    const cbx_weight *qkv; /* q, turned q, k, turned k, v: [width][5 * width] */
    const cbx_weight *out, *up, *down;
    const float *memory; /* [taps][width], a depthwise convolution */
} block;

struct s3tok {
    cbx_dev *dev;
    load_owned *own;
    int mels, width, hidden, heads, taps /* of the memory */, n_layers;
    float theta;
    const cbx_weight *conv[2];
    const cbx_weight *project;
    block layers[MAX_LAYERS];
};

/* -- loading --------------------------------------------------------------- */

#define ENCODER "tokenizer.encoder."

/* A rotation by an angle is x cos + turned(x) sin, where turned() swaps the
 * halves of each head and negates the first (model_v2.py: apply_rotary_emb).
 * Turning a linear layer's rows turns its result. in: columns, or 1. */
static void turn_rows(const float *w, int width, int heads, int in, float *out)
{
    const int size = width / heads, half = size / 2;
    for (int row = 0; row < width; row++) {
        const int d = row % size;
        const float *from =
            w + (ptrdiff_t)(d < half ? row + half : row - half) * in;
        for (int c = 0; c < in; c++)
            out[(ptrdiff_t)row * in + c] = d < half ? -from[c] : from[c];
    }
}

/* Part `at` of the five in qkv. bias_of: NULL when there is none. */
static void place(const s3tok *m, int at, const float *w, const float *b,
                  bool turned, float *all, float *bias)
{
    const int C = m->width;
    float *to = all + (size_t)at * (size_t)C * (size_t)C;
    if (turned)
        turn_rows(w, C, m->heads, C, to);
    else
        memcpy(to, w, (size_t)C * (size_t)C * sizeof *to);
    if (b && turned)
        turn_rows(b, C, m->heads, 1, bias + at * C);
    else if (b)
        memcpy(bias + at * C, b, (size_t)C * sizeof *b);
}

static const cbx_weight *load_qkv(load *l, const s3tok *m, int i)
{
    const size_t C = (size_t)m->width;
    const char *x = ENCODER "blocks";
    float *q = load_numbers(l, C * C, "%s.%d.attn.query.weight", x, i);
    float *qb = load_numbers(l, C, "%s.%d.attn.query.bias", x, i);
    float *k = load_numbers(l, C * C, "%s.%d.attn.key.weight", x, i);
    float *v = load_numbers(l, C * C, "%s.%d.attn.value.weight", x, i);
    float *vb = load_numbers(l, C, "%s.%d.attn.value.bias", x, i);
    float *all = calloc(5 * C * C + 1, sizeof *all);
    float *bias = calloc(5 * C + 1, sizeof *bias);
    const cbx_weight *packed = NULL;

    if (!l->status && (!all || !bias))
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "no memory for a model");
    if (!l->status) {
        place(m, 0, q, qb, false, all, bias);
        place(m, 1, q, qb, true, all, bias);
        place(m, 2, k, NULL, false, all, bias);
        place(m, 3, k, NULL, true, all, bias);
        place(m, 4, v, vb, false, all, bias);
        packed = load_packed(l, &(cbx_weight_spec){.taps = 1,
                                                   .in = m->width,
                                                   .out = 5 * m->width,
                                                   .w = all,
                                                   .in_stride = 1,
                                                   .out_stride = m->width,
                                                   .bias = bias,
                                                   .format = l->format});
    }
    free(q), free(qb), free(k), free(v), free(vb);
    free(all), free(bias);
    return packed;
}

/* [width][1][taps] in the file; here one row for each tap. */
static const float *load_memory_taps(load *l, const s3tok *m, int i)
{
    const size_t C = (size_t)m->width, taps = (size_t)m->taps;
    float *w = load_numbers(l, C * taps,
                            ENCODER "blocks.%d.attn.fsmn_block.weight", i);
    float *rows = calloc(C * taps + 1, sizeof *rows);
    const float *p = NULL;

    if (!l->status && !rows)
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "no memory for a model");
    if (!l->status) {
        for (size_t c = 0; c < C; c++)
            for (size_t t = 0; t < taps; t++)
                rows[t * C + c] = w[c * taps + t];
        p = load_host_vec(l, (int)(C * taps), rows);
    }
    free(w);
    free(rows);
    return p;
}

static void load_block(load *l, const s3tok *m, int i, block *b)
{
    const int C = m->width;
    const char *x = ENCODER "blocks";
    b->attn_norm = load_norm(l, C, 1e-5f, "%s.%d.attn_ln", x, i);
    b->mlp_norm = load_norm(l, C, 1e-5f, "%s.%d.mlp_ln", x, i);
    b->qkv = load_qkv(l, m, i);
    b->out = load_linear(l, C, C, true, "%s.%d.attn.out", x, i);
    b->up = load_linear(l, C, m->hidden, true, "%s.%d.mlp.0", x, i);
    b->down = load_linear(l, m->hidden, C, true, "%s.%d.mlp.2", x, i);
    b->memory = load_memory_taps(l, m, i);
}

static cbx_status check_sizes(const s3tok *m, cbx_error *err)
{
    if (m->width > 8192 || m->taps > 255 || m->taps % 2 == 0)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the speech tokenizer has a width of %d and %d taps of "
                        "memory, which is out of range",
                        m->width, m->taps);
    if (m->heads < 1 || m->width % (2 * m->heads))
        return cbx_fail(err, CBX_E_SHAPE,
                        "the speech tokenizer's width of %d cannot be split "
                        "into %d heads of even size; is s3tok.n_head right?",
                        m->width, m->heads);
    return CBX_OK;
}

static void load_all(load *l, s3tok *m)
{
    m->mels = load_dim(l, 3, 1, ENCODER "conv1");
    m->width = load_dim(l, 3, 0, ENCODER "conv1");
    m->hidden = load_dim(l, 2, 0, ENCODER "blocks.0.mlp.0");
    m->taps = load_dim(l, 3, 2, ENCODER "blocks.0.attn.fsmn_block");
    if (l->status || (l->status = check_sizes(m, l->err)))
        return;
    m->conv[0] =
        load_conv_folded(l, m->mels, m->width, CONV_TAPS, ENCODER "conv1");
    m->conv[1] =
        load_conv_folded(l, m->width, m->width, CONV_TAPS, ENCODER "conv2");
    while (m->n_layers < MAX_LAYERS &&
           load_has(l, ENCODER "blocks.%d.attn.out", m->n_layers)) {
        load_block(l, m, m->n_layers, &m->layers[m->n_layers]);
        m->n_layers++;
    }
    m->project = load_linear(l, m->width, DIGITS, true,
                             "tokenizer.quantizer._codebook.project_down");
}

cbx_status s3tok_open(cbx_dev *dev, const cbx_tensor_file *file,
                      const cbx_config_s3tok *config, s3tok **out,
                      cbx_error *err)
{
    s3tok *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a model");
    m->dev = dev;
    m->heads = config->heads;
    m->theta = config->rope_theta;
    cbx_status st = load_owned_open(dev, &m->own, err);
    if (!st) {
        load l = {
            .dev = dev, .file = file, .own = m->own, .format = CBX_FMT_F32};
        l.err = err;
        load_all(&l, m);
        st = l.status;
    }
    if (st) {
        s3tok_close(m);
        return st;
    }
    *out = m;
    return CBX_OK;
}

void s3tok_close(s3tok *m)
{
    if (!m)
        return;
    load_owned_close(m->own);
    free(m);
}

/* -- running --------------------------------------------------------------- */

static int halved(int n)
{
    return (n + 1) / CONV_STRIDE;
}

int s3tok_count(int frames)
{
    return halved(halved(frames));
}

/* Matrices of T rows, but for the padded ones. */
typedef struct work {
    int T;
    cbx_mat cos, sin; /* [T][width] */
    cbx_mat x, h;     /* the stream, and something normalised */
    cbx_mat qkv;      /* [T][5 * width] */
    cbx_mat q, k;     /* rotated */
    cbx_mat ctx, memory, hidden;
    cbx_mat padded; /* [T + taps - 1][width], zeros around v */
    cbx_mat digits; /* [T][DIGITS] */
} work;

/* model_v2.py: precompute_freqs_cis, in its precision. */
static float *rotation(const s3tok *m, int T, bool sine)
{
    const int size = m->width / m->heads, half = size / 2;
    float *v = malloc((size_t)T * (size_t)m->width * sizeof *v);
    for (int t = 0; v && t < T; t++)
        for (int c = 0; c < m->width; c++) {
            const float e = (float)(2 * (c % half)) / (float)size;
            const float angle = (float)t * (1.0f / powf(m->theta, e));
            v[(ptrdiff_t)t * m->width + c] = sine ? sinf(angle) : cosf(angle);
        }
    return v;
}

static cbx_status take_work(const s3tok *m, scratch *s, int T, work *w,
                            cbx_error *err)
{
    const int C = m->width;
    float *cosines = rotation(m, T, false), *sines = rotation(m, T, true);
    if (cosines && sines) {
        w->cos = scratch_upload(s, cosines, T, C);
        w->sin = scratch_upload(s, sines, T, C);
    }
    s->failed |= !cosines || !sines;
    free(cosines);
    free(sines);
    w->T = T;
    w->x = scratch_mat(s, T, C);
    w->h = scratch_mat(s, T, C);
    w->qkv = scratch_mat(s, T, 5 * C);
    w->q = scratch_mat(s, T, C);
    w->k = scratch_mat(s, T, C);
    w->ctx = scratch_mat(s, T, C);
    w->memory = scratch_mat(s, T, C);
    w->hidden = scratch_mat(s, T, m->hidden);
    w->padded = scratch_mat(s, T + m->taps - 1, C);
    w->digits = scratch_mat(s, T, DIGITS);
    const cbx_status st = scratch_status(s, err);
    return st ? st : m->dev->k->reserve(m->dev, T, C, T, err);
}

/* A convolution of stride 2 with one row of padding at either end; x has those
 * rows around it. */
static void halve(const s3tok *m, int i, cbx_mat padded, cbx_mat out,
                  const char *name, const cbx_probe *probe, cbx_mat raw)
{
    const int C = padded.cols;
    m->dev->k->linear(
        m->dev,
        &(cbx_linear){.x = {padded.p, out.rows, CONV_TAPS * C, CONV_STRIDE * C},
                      .w = m->conv[i],
                      .out = raw,
                      .act = {.kind = CBX_ACT_GELU_ERF},
                      .acted = out});
    cbx_probe_see(probe, name, raw);
}

/* a = x cos + turned(x) sin */
static void rotate(const s3tok *m, const work *w, cbx_mat x, cbx_mat turned,
                   cbx_mat out)
{
    const cbx_kernels *k = m->dev->k;
    k->muladd(m->dev, &(cbx_muladd){.a = x, .b = w->cos, .out = out});
    k->muladd(m->dev,
              &(cbx_muladd){.a = turned, .b = w->sin, .c = out, .out = out});
}

/* model_v2.py: FSMNMultiHeadAttention.forward_fsmn: v, and what a depthwise
 * convolution makes of it. */
static void remember(const s3tok *m, const block *b, const work *w, cbx_mat v,
                     const char *name, const cbx_probe *probe)
{
    const cbx_kernels *k = m->dev->k;
    const int C = m->width, before = (m->taps - 1) / 2;
    k->copy(m->dev,
            &(cbx_copy){.src = v, .dst = cbx_rows(w->padded, before, w->T)});
    for (int t = 0; t < m->taps; t++) {
        const cbx_mat tap = {(float *)b->memory + (ptrdiff_t)t * C, w->T, C, 0};
        k->muladd(m->dev, &(cbx_muladd){.a = cbx_rows(w->padded, t, w->T),
                                        .b = tap,
                                        .c = t ? w->memory : (cbx_mat){0},
                                        .out = w->memory});
    }
    cbx_probe_see(probe, name, w->memory);
    k->muladd(m->dev, &(cbx_muladd){.a = w->memory, .c = v, .out = w->memory});
}

/* h = attention(norm(x)) + memory */
static void attend(const s3tok *m, int i, const work *w, const cbx_probe *probe)
{
    const cbx_kernels *k = m->dev->k;
    const block *b = &m->layers[i];
    const int C = m->width;
    char name[64];
    cbx_mat part[5];

    k->normalize(
        m->dev, &(cbx_normalize){.x = w->x, .norm = b->attn_norm, .out = w->h});
    k->linear(m->dev, &(cbx_linear){.x = w->h, .w = b->qkv, .out = w->qkv});
    for (int p = 0; p < 5; p++)
        part[p] = cbx_cols(w->qkv, p * C, C);
    cbx_probe_seef(probe, w->h, "voice.tok.block%d.attn_ln", i);
    cbx_probe_seef(probe, part[0], "voice.tok.block%d.q", i);
    cbx_probe_seef(probe, part[2], "voice.tok.block%d.k", i);
    cbx_probe_seef(probe, part[4], "voice.tok.block%d.v", i);
    rotate(m, w, part[0], part[1], w->q);
    rotate(m, w, part[2], part[3], w->k);
    snprintf(name, sizeof name, "voice.tok.block%d.fsmn_conv", i);
    remember(m, b, w, part[4], name, probe);
    k->attention(m->dev,
                 &(cbx_attention){.q = w->q,
                                  .k = w->k,
                                  .v = part[4],
                                  .heads = m->heads,
                                  .scale = 1 / sqrtf((float)(C / m->heads)),
                                  .out = w->ctx});
    cbx_probe_seef(probe, w->ctx, "voice.tok.block%d.attn_ctx", i);
    k->linear(
        m->dev,
        &(cbx_linear){.x = w->ctx, .w = b->out, .add = w->memory, .out = w->h});
    cbx_probe_seef(probe, w->h, "voice.tok.block%d.attn", i);
}

static void run_block(const s3tok *m, int i, const work *w,
                      const cbx_probe *probe)
{
    const cbx_kernels *k = m->dev->k;
    const block *b = &m->layers[i];

    attend(m, i, w, probe);
    k->muladd(m->dev, &(cbx_muladd){.a = w->x, .c = w->h, .out = w->x});
    k->normalize(m->dev,
                 &(cbx_normalize){.x = w->x, .norm = b->mlp_norm, .out = w->h});
    k->linear(m->dev, &(cbx_linear){.x = w->h,
                                    .w = b->up,
                                    .act = {.kind = CBX_ACT_GELU_ERF},
                                    .acted = w->hidden});
    k->linear(
        m->dev,
        &(cbx_linear){.x = w->hidden, .w = b->down, .add = w->x, .out = w->x});
    cbx_probe_seef(probe, w->x, "voice.tok.block%d.out", i);
}

/* model_v2.py: FSQCodebook.encode: each number is rounded to -1, 0 or 1; the
 * first is the lowest digit. */
static int32_t token_of(const float *digits)
{
    int32_t token = 0;
    for (int d = DIGITS - 1; d >= 0; d--) {
        const float x = rintf(tanhf(digits[d]) * 0.9990000128746033f);
        token = 3 * token + (x > 0 ? 2 : x < 0 ? 0 : 1);
    }
    return token;
}

static cbx_status quantize(const s3tok *m, const work *w, int32_t **tokens,
                           cbx_error *err)
{
    const size_t T = (size_t)w->T;
    float *digits = malloc(T * DIGITS * sizeof *digits);
    int32_t *ids = malloc(T * sizeof *ids);
    cbx_status st = CBX_OK;

    if (!digits || !ids)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory to make a voice");
    if (!st)
        m->dev->k->download(m->dev, digits, w->digits.p,
                            T * DIGITS * sizeof *digits);
    for (size_t t = 0; !st && t < T; t++)
        ids[t] = token_of(digits + t * DIGITS);
    free(digits);
    if (st)
        free(ids);
    else
        *tokens = ids;
    return st;
}

static cbx_status check_mel(const s3tok *m, const voice_rows *mel, int frames,
                            cbx_error *err)
{
    if (mel->cols != m->mels)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the speech tokenizer takes %d mels, not %d", m->mels,
                        mel->cols);
    if (frames < 1 || frames > mel->rows)
        return cbx_fail(err, CBX_E_ARG,
                        "the speech tokenizer is asked for %d frames of %d",
                        frames, mel->rows);
    if (frames > S3TOK_MAX_FRAMES)
        return cbx_fail(err, CBX_E_LIMIT,
                        "the speech tokenizer takes 30 seconds at most");
    return CBX_OK;
}

cbx_status s3tok_encode(const s3tok *m, const voice_rows *mel, int frames,
                        const cbx_probe *probe, int32_t **tokens,
                        cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    const int mid = halved(frames), T = halved(mid);
    scratch s = scratch_on(m->dev);
    work w;
    cbx_status st = check_mel(m, mel, frames, err);
    if (st)
        return st;
    const cbx_mat in = scratch_mat(&s, frames + 2, m->mels);
    const cbx_mat raw = scratch_mat(&s, mid, m->width);
    const cbx_mat half = scratch_mat(&s, mid + 2, m->width);
    if (!(st = take_work(m, &s, T, &w, err))) {
        k->upload(m->dev, cbx_rows(in, 1, frames).p, mel->v,
                  (size_t)frames * (size_t)m->mels * sizeof *mel->v);
        halve(m, 0, in, cbx_rows(half, 1, mid), "voice.tok.conv1", probe, raw);
        halve(m, 1, half, w.x, "voice.tok.conv2", probe, cbx_rows(raw, 0, T));
        for (int i = 0; i < m->n_layers; i++)
            run_block(m, i, &w, probe);
        k->linear(m->dev,
                  &(cbx_linear){.x = w.x, .w = m->project, .out = w.digits});
        cbx_probe_see(probe, "voice.tok.pre_fsq", w.digits);
        st = quantize(m, &w, tokens, err);
    }
    scratch_close(&s);
    return st;
}
