#include "models/t3/gpt2.h"

#include <stdlib.h>

enum { NAME = 96 };

static cbx_status load_norm(const t3_source *s, const char *name, cbx_norm *out,
                            cbx_error *err)
{
    const int width = s->m->info.width;
    char full[NAME];

    out->kind = CBX_NORM_LAYER;
    out->eps = s->m->config.norm_eps;
    snprintf(full, sizeof full, "%.80s.weight", name);
    cbx_status st = t3_load_vec(s, full, width, &out->gamma, err);
    if (st)
        return st;
    snprintf(full, sizeof full, "%.80s.bias", name);
    return t3_load_vec(s, full, width, &out->beta, err);
}

static cbx_status load_layer(const t3_source *s, int i, gpt2_layer *l,
                             cbx_error *err)
{
    const int width = s->m->info.width, inner = s->m->inner;
    const struct {
        const char *name;
        cbx_norm *out;
    } norms[] = {{"ln_1", &l->norm1}, {"ln_2", &l->norm2}};
    const struct {
        const char *name;
        int in, out;
        cbx_weight **w;
    } weights[] = {
        {"attn.c_attn", width, 3 * width, &l->qkv},
        {"attn.c_proj", width, width, &l->attn_out},
        {"mlp.c_fc", width, inner, &l->fc},
        {"mlp.c_proj", inner, width, &l->mlp_out},
    };
    char name[NAME];
    cbx_status st = CBX_OK;

    for (int n = 0; n < 2 && !st; n++) {
        snprintf(name, sizeof name, "tfmr.h.%d.%s", i, norms[n].name);
        st = load_norm(s, name, norms[n].out, err);
    }
    for (int n = 0; n < 4 && !st; n++) {
        snprintf(name, sizeof name, "tfmr.h.%d.%s", i, weights[n].name);
        st = t3_load_weight(s, name, T3_IN_OUT, weights[n].in, weights[n].out,
                            true, weights[n].w, err);
    }
    return st;
}

/* Sizes are read off the tensors. */
static cbx_status load_sizes(const t3_source *s, cbx_error *err)
{
    t3_info *i = &s->m->info;
    cbx_status st;
    int ignored;

    if ((st = t3_load_shape(s, "speech_emb.weight", -1, &i->speech_vocab,
                            &i->width, err)))
        return st;
    if ((st = t3_load_shape(s, "text_emb.weight", i->width, &i->text_vocab,
                            NULL, err)))
        return st;
    if ((st = t3_load_shape(s, "tfmr.wpe.weight", i->width, &i->positions, NULL,
                            err)))
        return st;
    if ((st = t3_load_shape(s, "cond_enc.spkr_enc.weight", -1, &ignored,
                            &i->speaker_dim, err)))
        return st;
    if ((st = t3_load_shape(s, "tfmr.h.0.mlp.c_fc.weight", -1, &ignored,
                            &s->m->inner, err)))
        return st;
    i->layers = t3_load_layers(s, "tfmr.h.");
    s->m->max_text = s->m->max_speech = i->positions;
    return CBX_OK;
}

static cbx_status load_embeddings(const t3_source *s, gpt2 *g, cbx_error *err)
{
    const t3_info *i = &s->m->info;
    cbx_status st;

    if ((st = t3_load_table(s, "text_emb.weight", i->text_vocab, i->width,
                            &g->text, err)))
        return st;
    if ((st = t3_load_table(s, "speech_emb.weight", i->speech_vocab, i->width,
                            &g->speech, err)))
        return st;
    return t3_load_table(s, "tfmr.wpe.weight", i->positions, i->width,
                         &g->positions, err);
}

cbx_status gpt2_open(t3 *m, const cbx_tensor_file *f, cbx_format format,
                     cbx_error *err)
{
    const t3_source s = {m, f, format};
    /* Run once for each voice: precision is worth more than its bytes. */
    const t3_source exact = {m, f, CBX_FMT_F32};
    const t3_info *i = &m->info;
    cbx_status st;
    gpt2 *g = calloc(1, sizeof *g);

    if (!g)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for T3");
    m->weights = g;
    if ((st = load_sizes(&s, err)) || (st = load_embeddings(&s, g, err)) ||
        (st = t3_load_counting(&s, i->positions, &g->counting, err)))
        return st;
    if ((st = t3_load_weight(&exact, "cond_enc.spkr_enc", T3_OUT_IN,
                             i->speaker_dim, i->width, true, &g->speaker, err)))
        return st;
    g->layers = calloc((size_t)i->layers, sizeof *g->layers);
    if (!g->layers)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %d layers", i->layers);
    for (; g->n_layers < i->layers; g->n_layers++)
        if ((st = load_layer(&s, g->n_layers, &g->layers[g->n_layers], err))) {
            g->n_layers++; /* partly loaded: close releases it */
            return st;
        }
    if ((st = load_norm(&s, "tfmr.ln_f", &g->norm, err)))
        return st;
    return t3_load_weight(&s, "speech_head", T3_OUT_IN, i->width,
                          i->speech_vocab, false, &g->head, err);
}

void gpt2_close(t3 *m)
{
    cbx_dev *d = m->dev;
    gpt2 *g = m->weights;

    if (!g)
        return;
    for (int i = 0; i < g->n_layers; i++) {
        gpt2_layer *l = &g->layers[i];
        t3_free_norm(d, &l->norm1);
        t3_free_norm(d, &l->norm2);
        t3_free_weight(d, l->qkv);
        t3_free_weight(d, l->attn_out);
        t3_free_weight(d, l->fc);
        t3_free_weight(d, l->mlp_out);
    }
    free(g->layers);
    t3_free_norm(d, &g->norm);
    t3_free_weight(d, g->speaker);
    t3_free_weight(d, g->head);
    t3_free_table(d, g->text);
    t3_free_table(d, g->speech);
    t3_free_table(d, g->positions);
    if (g->counting)
        d->k->mem_free(d, g->counting);
    free(g);
}
