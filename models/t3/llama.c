#include "models/t3/llama.h"

#include <math.h>

static cbx_status prefix_rows(const t3 *m, const cbx_conds *c, int *out,
                              cbx_error *err)
{
    const llama *l = m->weights;

    if (c->speaker_dim != m->info.speaker_dim)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the voice's t3.speaker_emb has %d numbers and the "
                        "model takes %d: it was made for another model",
                        c->speaker_dim, m->info.speaker_dim);
    if (c->n_t3_tokens > m->max_speech)
        return cbx_fail(err, CBX_E_LIMIT,
                        "the voice's prompt of %d tokens is longer than the "
                        "model's %d positions",
                        c->n_t3_tokens, m->max_speech);
    for (int i = 0; i < c->n_t3_tokens; i++)
        if (c->t3_tokens[i] < 0 || c->t3_tokens[i] >= m->info.speech_vocab)
            return cbx_fail(err, CBX_E_ARG,
                            "the voice's t3.cond_prompt_speech_tokens[%d] is "
                            "%d, outside the model's %d speech tokens",
                            i, (int)c->t3_tokens[i], m->info.speech_vocab);
    if (!isfinite(c->emotion_adv))
        return cbx_fail(err, CBX_E_FORMAT,
                        "the voice's t3.emotion_adv is not a number");
    /* cond_enc.py: T3CondEnc.forward: no prompt, no rows of the perceiver */
    *out = 1 + (c->n_t3_tokens ? l->perceiver.queries : 0);
    return CBX_OK;
}

/* table[ids] + positions[at...] */
static void embed(const t3 *m, const cbx_table *table,
                  const cbx_table *positions, const int32_t *ids, int at,
                  cbx_mat out)
{
    const cbx_kernels *k = m->dev->k;
    const llama *l = m->weights;

    k->gather(m->dev, positions, l->counting + at, out.rows, (cbx_mat){0}, out);
    k->gather(m->dev, table, ids, out.rows, out, out);
}

/* t3.py: prepare_conditioning: the prompt's tokens with speech positions from
 * 0 on, through the perceiver. Always embedded anew: a saved voice may carry
 * the embedding, but of the checkpoint that made it. */
static cbx_status embed_prompt(const t3 *m, const cbx_conds *c, cbx_mat out,
                               const cbx_probe *probe, cbx_error *err)
{
    const llama *l = m->weights;
    const int n = c->n_t3_tokens;
    const size_t bytes = (size_t)n * sizeof(int32_t);
    cbx_dmem mem = {0};
    cbx_mat prompt = {0};
    int32_t *ids = NULL;

    for (int pass = 0; pass < 2; pass++) {
        ids = cbx_dmem_take(&mem, bytes);
        prompt = cbx_dmem_mat(&mem, n, m->info.width);
        if (pass)
            break;
        const cbx_status st = cbx_dmem_open(m->dev, mem.used, &mem, err);
        if (st)
            return st;
    }
    m->dev->k->upload(m->dev, ids, c->t3_tokens, bytes);
    embed(m, l->speech, l->speech_positions, ids, 0, prompt);
    cbx_probe_see(probe, "t3.cond.prompt_emb", prompt);
    const cbx_status st =
        perceiver_run(m->dev, &l->perceiver, prompt, out, probe, err);
    m->dev->k->sync(m->dev);
    cbx_dmem_close(m->dev, &mem);
    return st;
}

/* modules/cond_enc.py: T3CondEnc.forward; the emotion is the lead of each
 * segment. */
static cbx_status embed_prefix(const t3 *m, const t3_work *w,
                               const cbx_conds *c, const cbx_probe *probe,
                               cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    const llama *l = m->weights;
    const cbx_mat speaker = cbx_rows(w->embeds, 0, 1);

    k->upload(m->dev, w->speaker.p, c->speaker_emb,
              (size_t)c->speaker_dim * sizeof(float));
    k->linear(m->dev,
              &(cbx_linear){.x = w->speaker, .w = l->speaker, .out = speaker});
    cbx_probe_see(probe, "t3.cond.spkr", speaker);
    if (!c->n_t3_tokens)
        return CBX_OK;
    return embed_prompt(m, c, cbx_rows(w->embeds, 1, l->perceiver.queries),
                        probe, err);
}

static void embed_lead(const t3 *m, const t3_work *w, float exaggeration,
                       cbx_mat out)
{
    const llama *l = m->weights;
    const cbx_mat x = cbx_cols(w->speaker, 0, 1);

    m->dev->k->upload(m->dev, x.p, &exaggeration, sizeof exaggeration);
    m->dev->k->linear(m->dev,
                      &(cbx_linear){.x = x, .w = l->emotion, .out = out});
}

static void embed_text(const t3 *m, const int32_t *ids, int at, cbx_mat out)
{
    const llama *l = m->weights;

    embed(m, l->text, l->text_positions, ids, at, out);
}

/* t3.py: prepare_input_embeds: zeroed before the positions are added. */
static void embed_blank(const t3 *m, int at, cbx_mat out)
{
    const llama *l = m->weights;

    m->dev->k->gather(m->dev, l->text_positions, l->counting + at, out.rows,
                      (cbx_mat){0}, out);
}

static void embed_speech(const t3 *m, const int32_t *id, int at, cbx_mat out)
{
    const llama *l = m->weights;

    embed(m, l->speech, l->speech_positions, id, at, out);
}

/* The views of one pass: all rows of the batch. */
typedef struct pass {
    cbx_mat x, y, qkv, context;
    cbx_mat gate_up, gate, up; /* the latter two are its halves */
    const cbx_seq *seqs;
    int n_seqs;
    const t3_work *work;
} pass;

static void attend(const t3 *m, const pass *p, int layer)
{
    const int size = m->info.width / m->info.heads;

    m->dev->k->attention_kv(m->dev,
                            &(cbx_attention_kv){
                                .qkv = p->qkv,
                                .layer = layer,
                                .heads = m->info.heads,
                                .scale = 1.0f / sqrtf((float)size),
                                .rope = ((const llama *)m->weights)->rope,
                                .seqs = p->seqs,
                                .n_seqs = p->n_seqs,
                                .out = p->context,
                            });
}

/* transformers: LlamaMLP.forward, its first half: silu(gate) * up, to gate. */
static void swiglu(const t3 *m, const pass *p)
{
    m->dev->k->muladd(m->dev, &(cbx_muladd){.a = p->gate,
                                            .b = p->up,
                                            .act_a = {.kind = CBX_ACT_SILU},
                                            .out = p->gate});
}

/* transformers: LlamaDecoderLayer.forward */
static void run_layer(const t3 *m, const pass *p, int layer)
{
    const cbx_kernels *k = m->dev->k;
    const llama_layer *l = &((const llama *)m->weights)->layers[layer];

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
                                    .w = l->gate_up,
                                    .out = p->gate_up});
    swiglu(m, p);
    k->linear(
        m->dev,
        &(cbx_linear){.x = p->gate, .w = l->down, .add = p->x, .out = p->x});
}

/* The same with every result on its own; y holds norms and what is added to
 * the residual. */
static void show_layer(const t3 *m, const pass *p, int layer,
                       const cbx_probe *probe)
{
    const cbx_kernels *k = m->dev->k;
    const llama_layer *l = &((const llama *)m->weights)->layers[layer];
    const cbx_normalize add = {.x = p->x, .add = p->y, .out = p->x};
    const int width = p->x.cols;

#define SHOW(what, mat) \
    cbx_probe_seef(probe, mat, "t3.prefill.layer%d." what, layer)
    k->normalize(m->dev,
                 &(cbx_normalize){.x = p->x, .norm = l->norm1, .out = p->y});
    SHOW("norm1", p->y);
    k->linear(m->dev, &(cbx_linear){.x = p->y, .w = l->qkv, .out = p->qkv});
    SHOW("q", cbx_cols(p->qkv, 0, width));
    SHOW("k", cbx_cols(p->qkv, width, width));
    SHOW("v", cbx_cols(p->qkv, 2 * width, width));
    attend(m, p, layer);
    SHOW("attn_ctx", p->context);
    k->linear(m->dev,
              &(cbx_linear){.x = p->context, .w = l->attn_out, .out = p->y});
    SHOW("attn_out", p->y);
    k->normalize(m->dev, &add);
    k->normalize(m->dev,
                 &(cbx_normalize){.x = p->x, .norm = l->norm2, .out = p->y});
    SHOW("norm2", p->y);
    k->linear(m->dev,
              &(cbx_linear){.x = p->y, .w = l->gate_up, .out = p->gate_up});
    swiglu(m, p);
    k->linear(m->dev, &(cbx_linear){.x = p->gate, .w = l->down, .out = p->y});
    SHOW("mlp_out", p->y);
    k->normalize(m->dev, &add);
    SHOW("out", p->x);
#undef SHOW
}

static void layers(const t3 *m, const t3_work *w, const cbx_seq *seqs,
                   int n_seqs, const cbx_probe *probe)
{
    const int rows = seqs[n_seqs - 1].row + seqs[n_seqs - 1].rows;
    const int inner = m->inner / 2;
    const cbx_mat gate_up = cbx_rows(w->inner, 0, rows);
    const pass p = {
        .x = cbx_rows(w->x, 0, rows),
        .y = cbx_rows(w->embeds, 0, rows),
        .qkv = cbx_rows(w->qkv, 0, rows),
        .context = cbx_rows(w->context, 0, rows),
        .gate_up = gate_up,
        .gate = cbx_cols(gate_up, 0, inner),
        .up = cbx_cols(gate_up, inner, inner),
        .seqs = seqs,
        .n_seqs = n_seqs,
        .work = w,
    };

    m->dev->k->copy(m->dev, &(cbx_copy){.src = p.y, .dst = p.x});
    for (int i = 0; i < m->info.layers; i++) {
        if (probe)
            show_layer(m, &p, i, probe);
        else
            run_layer(m, &p, i);
    }
}

static void hidden(const t3 *m, cbx_mat x, cbx_mat out)
{
    const llama *l = m->weights;

    m->dev->k->normalize(m->dev,
                         &(cbx_normalize){.x = x, .norm = l->norm, .out = out});
}

static void head(const t3 *m, cbx_mat x, cbx_mat logits)
{
    const llama *l = m->weights;

    m->dev->k->linear(
        m->dev,
        &(cbx_linear){.x = x, .norm = l->norm, .w = l->head, .out = logits});
}

/* The reference keeps every cosine and sine twice, once for each half of a
 * head. */
static void show_doubled(const t3 *m, const char *name, int from, cbx_mat out,
                         const cbx_probe *probe)
{
    const llama *l = m->weights;
    const int half = out.cols / 2;
    const cbx_mat table = {(float *)l->rope, out.rows, out.cols, out.cols};

    for (int i = 0; i < 2; i++)
        m->dev->k->copy(m->dev,
                        &(cbx_copy){.src = cbx_cols(table, from, half),
                                    .dst = cbx_cols(out, i * half, half)});
    cbx_probe_see(probe, name, out);
}

static cbx_status show_tables(const t3 *m, int rows, const cbx_probe *probe,
                              cbx_error *err)
{
    const llama *l = m->weights;
    const int size = m->info.width / m->info.heads, half = size / 2;
    cbx_dmem mem;
    cbx_status st = cbx_dmem_open(
        m->dev, (size_t)rows * (size_t)size * sizeof(float), &mem, err);

    if (st)
        return st;
    const cbx_mat out = cbx_dmem_mat(&mem, rows, size);
    show_doubled(m, "t3.rope.cos", 0, out, probe);
    show_doubled(m, "t3.rope.sin", half, out, probe);
    m->dev->k->upload(m->dev, out.p, l->frequencies,
                      (size_t)half * sizeof *l->frequencies);
    cbx_probe_see(probe, "t3.rope.inv_freq", (cbx_mat){out.p, 1, half, half});
    m->dev->k->sync(m->dev);
    cbx_dmem_close(m->dev, &mem);
    return CBX_OK;
}

const t3_backbone t3_llama = {
    .starts = 2,
    .guided = true,
    .open = llama_open,
    .close = llama_close,
    .prefix_rows = prefix_rows,
    .embed_prefix = embed_prefix,
    .embed_lead = embed_lead,
    .embed_text = embed_text,
    .embed_blank = embed_blank,
    .embed_speech = embed_speech,
    .layers = layers,
    .hidden = hidden,
    .head = head,
    .show_tables = show_tables,
};
