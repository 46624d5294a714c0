#include "models/t3/gpt2.h"

#include <math.h>

static cbx_status prefix_rows(const t3 *m, const cbx_conds *c, int *out,
                              cbx_error *err)
{
    if (c->speaker_dim != m->info.speaker_dim)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the voice's t3.speaker_emb has %d numbers and the "
                        "model takes %d: it was made for another model",
                        c->speaker_dim, m->info.speaker_dim);
    for (int i = 0; i < c->n_t3_tokens; i++)
        if (c->t3_tokens[i] < 0 || c->t3_tokens[i] >= m->info.speech_vocab)
            return cbx_fail(err, CBX_E_ARG,
                            "the voice's t3.cond_prompt_speech_tokens[%d] is "
                            "%d, outside the model's %d speech tokens",
                            i, (int)c->t3_tokens[i], m->info.speech_vocab);
    *out = 1 + c->n_t3_tokens;
    return CBX_OK;
}

/* modules/cond_enc.py: T3CondEnc.forward without perceiver and emotion. The
 * prompt is always embedded anew: a saved voice may carry the embedding
 * (t3.py: prepare_conditioning), but of the checkpoint that made it. */
static cbx_status embed_prefix(const t3 *m, const t3_work *w,
                               const cbx_conds *c, const cbx_probe *probe,
                               cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    const gpt2 *g = m->weights;
    const int n = c->n_t3_tokens;
    const cbx_mat speaker = cbx_rows(w->embeds, 0, 1);

    (void)err;
    k->upload(m->dev, w->speaker.p, c->speaker_emb,
              (size_t)c->speaker_dim * sizeof(float));
    k->linear(m->dev,
              &(cbx_linear){.x = w->speaker, .w = g->speaker, .out = speaker});
    cbx_probe_see(probe, "t3.cond.spkr", speaker);
    if (n) {
        k->upload(m->dev, w->ids, c->t3_tokens, (size_t)n * sizeof *w->ids);
        k->gather(m->dev, g->speech, w->ids, n, (cbx_mat){0},
                  cbx_rows(w->embeds, 1, n));
    }
    return CBX_OK;
}

static void embed_text(const t3 *m, const int32_t *ids, int at, cbx_mat out)
{
    const gpt2 *g = m->weights;

    (void)at; /* positions come from wpe alone */
    m->dev->k->gather(m->dev, g->text, ids, out.rows, (cbx_mat){0}, out);
}

static void embed_speech(const t3 *m, const int32_t *id, int at, cbx_mat out)
{
    const gpt2 *g = m->weights;

    (void)at;
    m->dev->k->gather(m->dev, g->speech, id, 1, (cbx_mat){0}, out);
}

/* x = embeds + wpe[position]. Positions run over prefix, text and speech. */
static void add_positions(const t3 *m, const t3_work *w, const cbx_seq *seqs,
                          int n_seqs)
{
    const cbx_kernels *k = m->dev->k;
    const gpt2 *g = m->weights;

    for (int i = 0; i < n_seqs; i++) {
        const int row = seqs[i].row, rows = seqs[i].rows;

        k->gather(m->dev, g->positions, g->counting + k->kv_len(seqs[i].kv),
                  rows, cbx_rows(w->embeds, row, rows),
                  cbx_rows(w->x, row, rows));
    }
}

/* The views of one pass: all rows of the batch. */
typedef struct pass {
    cbx_mat x, y, qkv, context, inner;
    const cbx_seq *seqs;
    int n_seqs;
    const t3_work *work;
} pass;

static void attend(const t3 *m, const pass *p, int layer)
{
    const int size = m->info.width / m->info.heads;

    m->dev->k->attention_kv(m->dev, &(cbx_attention_kv){
                                        .qkv = p->qkv,
                                        .layer = layer,
                                        .heads = m->info.heads,
                                        .scale = 1.0f / sqrtf((float)size),
                                        .seqs = p->seqs,
                                        .n_seqs = p->n_seqs,
                                        .out = p->context,
                                    });
}

/* transformers: GPT2Block.forward */
static void run_layer(const t3 *m, const pass *p, int layer)
{
    const cbx_kernels *k = m->dev->k;
    const gpt2_layer *l = &((const gpt2 *)m->weights)->layers[layer];

    k->linear(
        m->dev,
        &(cbx_linear){.x = p->x, .norm = l->norm1, .w = l->qkv, .out = p->qkv});
    attend(m, p, layer);
    t3_watch_layer(m, p->work, layer);
    k->linear(m->dev,
              &(cbx_linear){
                  .x = p->context, .w = l->attn_out, .add = p->x, .out = p->x});
    k->linear(m->dev, &(cbx_linear){.x = p->x,
                                    .norm = l->norm2,
                                    .w = l->fc,
                                    .act = {.kind = CBX_ACT_GELU_TANH},
                                    .acted = p->inner});
    k->linear(m->dev,
              &(cbx_linear){
                  .x = p->inner, .w = l->mlp_out, .add = p->x, .out = p->x});
}

/* The same with every result on its own; y holds norms and what is added to
 * the residual. */
static void show_layer(const t3 *m, const pass *p, int layer,
                       const cbx_probe *probe)
{
    const cbx_kernels *k = m->dev->k;
    const gpt2_layer *l = &((const gpt2 *)m->weights)->layers[layer];
    const cbx_normalize add = {.x = p->x, .add = p->y, .out = p->x};

#define SHOW(what, mat) \
    cbx_probe_seef(probe, mat, "t3.prefill.layer%d." what, layer)
    k->normalize(m->dev,
                 &(cbx_normalize){.x = p->x, .norm = l->norm1, .out = p->y});
    SHOW("norm1", p->y);
    k->linear(m->dev, &(cbx_linear){.x = p->y, .w = l->qkv, .out = p->qkv});
    SHOW("qkv", p->qkv);
    attend(m, p, layer);
    SHOW("attn_ctx", p->context);
    k->linear(m->dev,
              &(cbx_linear){.x = p->context, .w = l->attn_out, .out = p->y});
    SHOW("attn_out", p->y);
    k->normalize(m->dev, &add);
    k->normalize(m->dev,
                 &(cbx_normalize){.x = p->x, .norm = l->norm2, .out = p->y});
    SHOW("norm2", p->y);
    k->linear(m->dev, &(cbx_linear){.x = p->y, .w = l->fc, .out = p->inner});
    k->activate(m->dev, p->inner, (cbx_act){.kind = CBX_ACT_GELU_TANH},
                p->inner);
    SHOW("fc_gelu", p->inner);
    k->linear(m->dev,
              &(cbx_linear){.x = p->inner, .w = l->mlp_out, .out = p->y});
    SHOW("mlp_out", p->y);
    k->normalize(m->dev, &add);
    SHOW("out", p->x);
#undef SHOW
}

static void layers(const t3 *m, const t3_work *w, const cbx_seq *seqs,
                   int n_seqs, const cbx_probe *probe)
{
    const int rows = seqs[n_seqs - 1].row + seqs[n_seqs - 1].rows;
    const pass p = {
        .x = cbx_rows(w->x, 0, rows),
        .y = cbx_rows(w->embeds, 0, rows),
        .qkv = cbx_rows(w->qkv, 0, rows),
        .context = cbx_rows(w->context, 0, rows),
        .inner = cbx_rows(w->inner, 0, rows),
        .seqs = seqs,
        .n_seqs = n_seqs,
        .work = w,
    };

    add_positions(m, w, seqs, n_seqs);
    for (int i = 0; i < m->info.layers; i++) {
        if (probe)
            show_layer(m, &p, i, probe);
        else
            run_layer(m, &p, i);
    }
}

static void hidden(const t3 *m, cbx_mat x, cbx_mat out)
{
    const gpt2 *g = m->weights;

    m->dev->k->normalize(m->dev,
                         &(cbx_normalize){.x = x, .norm = g->norm, .out = out});
}

static void head(const t3 *m, cbx_mat x, cbx_mat logits)
{
    const gpt2 *g = m->weights;

    m->dev->k->linear(
        m->dev,
        &(cbx_linear){.x = x, .norm = g->norm, .w = g->head, .out = logits});
}

const t3_backbone t3_gpt2 = {
    .forgets_start = true,
    .starts = 1,
    .open = gpt2_open,
    .close = gpt2_close,
    .prefix_rows = prefix_rows,
    .embed_prefix = embed_prefix,
    .embed_text = embed_text,
    .embed_speech = embed_speech,
    .layers = layers,
    .hidden = hidden,
    .head = head,
};
