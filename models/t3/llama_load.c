#include "models/t3/llama.h"

#include "models/t3/rope.h"

#include <stdlib.h>

enum { NAME = 96, MAX_HEAD = 1024 };

static cbx_status load_norm(const t3_source *s, const char *name, cbx_norm *out,
                            cbx_error *err)
{
    char full[NAME + 8];

    out->kind = CBX_NORM_RMS;
    out->eps = s->m->config.norm_eps;
    snprintf(full, sizeof full, "%s.weight", name);
    return t3_load_vec(s, full, s->m->info.width, &out->gamma, err);
}

/* Weights of one input, found under one layer. */
static cbx_status load_joined(const t3_source *s, int layer,
                              const char *const *names, int n, int out,
                              cbx_weight **w, cbx_error *err)
{
    char full[3][NAME];
    const char *list[3];

    for (int i = 0; i < n; i++) {
        snprintf(full[i], NAME, "tfmr.layers.%d.%s", layer, names[i]);
        list[i] = full[i];
    }
    return t3_load_joined(s, list, n, s->m->info.width, out, false, w, err);
}

static cbx_status load_layer(const t3_source *s, int i, llama_layer *l,
                             cbx_error *err)
{
    static const char *const qkv[] = {"self_attn.q_proj", "self_attn.k_proj",
                                      "self_attn.v_proj"};
    static const char *const gate_up[] = {"mlp.gate_proj", "mlp.up_proj"};
    const int width = s->m->info.width, inner = s->m->inner / 2;
    char name[NAME];
    cbx_status st;

    snprintf(name, sizeof name, "tfmr.layers.%d.input_layernorm", i);
    if ((st = load_norm(s, name, &l->norm1, err)))
        return st;
    snprintf(name, sizeof name, "tfmr.layers.%d.post_attention_layernorm", i);
    if ((st = load_norm(s, name, &l->norm2, err)))
        return st;
    if ((st = load_joined(s, i, qkv, 3, width, &l->qkv, err)) ||
        (st = load_joined(s, i, gate_up, 2, inner, &l->gate_up, err)))
        return st;
    snprintf(name, sizeof name, "tfmr.layers.%d.self_attn.o_proj", i);
    if ((st = t3_load_weight(s, name, T3_OUT_IN, width, width, false,
                             &l->attn_out, err)))
        return st;
    snprintf(name, sizeof name, "tfmr.layers.%d.mlp.down_proj", i);
    return t3_load_weight(s, name, T3_OUT_IN, inner, width, false, &l->down,
                          err);
}

/* Sizes are read off the tensors. */
static cbx_status load_sizes(const t3_source *s, cbx_error *err)
{
    t3 *m = s->m;
    t3_info *i = &m->info;
    cbx_status st;
    int inner, ignored;

    if ((st = t3_load_shape(s, "speech_emb.weight", -1, &i->speech_vocab,
                            &i->width, err)))
        return st;
    if ((st = t3_load_shape(s, "text_emb.weight", i->width, &i->text_vocab,
                            NULL, err)))
        return st;
    if ((st = t3_load_shape(s, "text_pos_emb.emb.weight", i->width,
                            &m->max_text, NULL, err)))
        return st;
    if ((st = t3_load_shape(s, "speech_pos_emb.emb.weight", i->width,
                            &m->max_speech, NULL, err)))
        return st;
    if ((st = t3_load_shape(s, "cond_enc.spkr_enc.weight", -1, &ignored,
                            &i->speaker_dim, err)))
        return st;
    if ((st = t3_load_shape(s, "tfmr.layers.0.mlp.gate_proj.weight", i->width,
                            &inner, NULL, err)))
        return st;
    m->inner = 2 * inner;
    i->layers = t3_load_layers(s, "tfmr.layers.");
    return CBX_OK;
}

static cbx_status load_embeddings(const t3_source *s, llama *l, cbx_error *err)
{
    const t3 *m = s->m;
    const t3_info *i = &m->info;
    const struct {
        const char *name;
        int rows;
        cbx_table **out;
    } tables[] = {
        {"text_emb.weight", i->text_vocab, &l->text},
        {"text_pos_emb.emb.weight", m->max_text, &l->text_positions},
        {"speech_emb.weight", i->speech_vocab, &l->speech},
        {"speech_pos_emb.emb.weight", m->max_speech, &l->speech_positions},
    };
    cbx_status st = CBX_OK;

    for (int n = 0; n < 4 && !st; n++)
        st = t3_load_table(s, tables[n].name, tables[n].rows, i->width,
                           tables[n].out, err);
    if (st)
        return st;
    return t3_load_counting(
        s, m->max_text > m->max_speech ? m->max_text : m->max_speech,
        &l->counting, err);
}

/* What the prefix is made of. Run once for each voice or segment: precision is
 * worth more than its bytes. */
static cbx_status load_conditioning(const t3_source *s, llama *l,
                                    cbx_error *err)
{
    const t3_source exact = {s->m, s->file, CBX_FMT_F32};
    const t3_info *i = &s->m->info;
    cbx_status st;

    if ((st = t3_load_weight(&exact, "cond_enc.spkr_enc", T3_OUT_IN,
                             i->speaker_dim, i->width, true, &l->speaker, err)))
        return st;
    if ((st = perceiver_open(&exact, &l->perceiver, err)))
        return st;
    if (!s->m->config.emotion_adv)
        return CBX_OK;
    s->m->lead = 1;
    return t3_load_weight(&exact, "cond_enc.emotion_adv_fc", T3_OUT_IN, 1,
                          i->width, false, &l->emotion, err);
}

/* Every position that a segment can have: speaker, perceiver, emotion, text,
 * two start tokens with one position between them, speech. */
static int count_positions(const t3 *m, const llama *l)
{
    return 1 + l->perceiver.queries + m->lead + m->max_text + 1 + m->max_speech;
}

static cbx_status make_rope(t3 *m, llama *l, cbx_error *err)
{
    const int heads = m->info.heads,
              size = heads > 0 ? m->info.width / heads : 0;
    const size_t n = (size_t)m->info.positions * (size_t)size;

    if (size < 2 || size % 2 || size > MAX_HEAD)
        return cbx_fail(err, CBX_E_SHAPE,
                        "a T3 of width %d cannot have %d heads: set t3.n_head "
                        "in config.json",
                        m->info.width, heads);
    float *table = malloc(n * sizeof *table);
    l->frequencies = malloc((size_t)size / 2 * sizeof *l->frequencies);
    if (table && l->frequencies) {
        rope_frequencies(&m->config, size, l->frequencies);
        rope_table(l->frequencies, size, m->info.positions, table);
        l->rope = cbx_vec_new(m->dev, table, n);
    }
    free(table);
    if (!l->rope)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %d positions",
                        m->info.positions);
    return CBX_OK;
}

static cbx_status load_layers(const t3_source *s, llama *l, cbx_error *err)
{
    const int n = s->m->info.layers;
    cbx_status st = CBX_OK;

    l->layers = calloc((size_t)n, sizeof *l->layers);
    if (!l->layers)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %d layers", n);
    /* Counted before it is loaded: close releases what is there of it. */
    while (l->n_layers < n && !st) {
        l->n_layers++;
        st = load_layer(s, l->n_layers - 1, &l->layers[l->n_layers - 1], err);
    }
    return st;
}

cbx_status llama_open(t3 *m, const cbx_tensor_file *f, cbx_format format,
                      cbx_error *err)
{
    const t3_source s = {m, f, format};
    cbx_status st;
    llama *l = calloc(1, sizeof *l);

    if (!l)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for T3");
    m->weights = l;
    if ((st = load_sizes(&s, err)) || (st = load_embeddings(&s, l, err)) ||
        (st = load_conditioning(&s, l, err)))
        return st;
    m->info.positions = count_positions(m, l);
    if ((st = make_rope(m, l, err)) || (st = load_layers(&s, l, err)) ||
        (st = load_norm(&s, "tfmr.norm", &l->norm, err)))
        return st;
    return t3_load_weight(&s, "speech_head", T3_OUT_IN, m->info.width,
                          m->info.speech_vocab, false, &l->head, err);
}

void llama_close(t3 *m)
{
    cbx_dev *d = m->dev;
    llama *l = m->weights;

    if (!l)
        return;
    for (int i = 0; i < l->n_layers; i++) {
        llama_layer *y = &l->layers[i];
        t3_free_norm(d, &y->norm1);
        t3_free_norm(d, &y->norm2);
        t3_free_weight(d, y->qkv);
        t3_free_weight(d, y->attn_out);
        t3_free_weight(d, y->gate_up);
        t3_free_weight(d, y->down);
    }
    free(l->layers);
    free(l->frequencies);
    t3_free_norm(d, &l->norm);
    perceiver_close(d, &l->perceiver);
    t3_free_weight(d, l->speaker);
    t3_free_weight(d, l->emotion);
    t3_free_weight(d, l->head);
    t3_free_table(d, l->text);
    t3_free_table(d, l->text_positions);
    t3_free_table(d, l->speech);
    t3_free_table(d, l->speech_positions);
    if (l->rope)
        d->k->mem_free(d, (void *)l->rope);
    if (l->counting)
        d->k->mem_free(d, l->counting);
    free(l);
}
