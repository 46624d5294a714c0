#include "models/t3/internal.h"

#include <stdlib.h>

struct t3_state {
    const t3 *model;
    int positions; /* capacity of kv */
    cbx_kv *kv;
    cbx_sampler *seen;
    cbx_dmem mem;
    cbx_mat logits; /* [1][speech_vocab] of the newest position */
    int32_t *token; /* device: the newest token */
    bool begun;
    bool pending; /* `token` has not gone through the layers yet */
    int count;    /* tokens drawn or fed in this segment */
    cbx_sampling sampling;
    uint64_t key;
};

static void lay_out(t3_state *s)
{
    s->logits = cbx_dmem_mat(&s->mem, 1, s->model->info.speech_vocab);
    s->token = cbx_dmem_take(&s->mem, sizeof *s->token);
}

cbx_status t3_state_open(const t3 *m, int positions, t3_state **out,
                         cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    cbx_status st;

    if (positions < 1 || positions > m->info.positions)
        return cbx_fail(err, CBX_E_ARG,
                        "a stream of %d positions: the model takes 1 to %d",
                        positions, m->info.positions);
    t3_state *s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    s->model = m;
    s->positions = positions;
    lay_out(s);
    if ((st = cbx_dmem_open(m->dev, s->mem.used, &s->mem, err)))
        goto free_state;
    lay_out(s);
    if ((st = t3_kv_open(m, positions, &s->kv, err)))
        goto close_mem;
    if ((st = k->sampler_new(m->dev, m->info.speech_vocab, &s->seen, err)))
        goto free_kv;
    *out = s;
    return CBX_OK;

free_kv:
    k->kv_free(m->dev, s->kv);
close_mem:
    cbx_dmem_close(m->dev, &s->mem);
free_state:
    free(s);
    return st;
}

void t3_state_close(t3_state *s)
{
    if (!s)
        return;
    const cbx_kernels *k = s->model->dev->k;
    k->sampler_free(s->model->dev, s->seen);
    k->kv_free(s->model->dev, s->kv);
    cbx_dmem_close(s->model->dev, &s->mem);
    free(s);
}

cbx_status t3_check_segment(const t3 *m, const t3_segment *segment, int prefix,
                            int positions, cbx_error *err)
{
    if (segment->n < 0 || segment->n > positions - prefix - 1)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a text of %d tokens behind a voice of %d does not fit "
                        "into %d positions: split it",
                        segment->n, prefix, positions);
    for (int i = 0; i < segment->n; i++)
        if (segment->text[i] < 0 || segment->text[i] >= m->info.text_vocab)
            return cbx_fail(err, CBX_E_ARG,
                            "text token %d is %d, outside the model's %d: the "
                            "tokenizer belongs to another model",
                            i, (int)segment->text[i], m->info.text_vocab);
    return CBX_OK;
}

void t3_embed_segment(const t3 *m, const t3_work *w, const t3_segment *segment,
                      int at, int n, int row)
{
    const cbx_kernels *k = m->dev->k;
    const bool start = at + n > segment->n;
    const int n_text = start ? n - 1 : n;

    if (n_text) {
        k->upload(m->dev, w->ids, segment->text + at,
                  (size_t)n_text * sizeof *w->ids);
        m->backbone->embed_text(m, w->ids, at,
                                cbx_rows(w->embeds, row, n_text));
    }
    if (start) {
        const int32_t id = m->info.start;

        k->upload(m->dev, w->ids + n_text, &id, sizeof id);
        m->backbone->embed_speech(m, w->ids + n_text, 0,
                                  cbx_rows(w->embeds, row + n_text, 1));
    }
}

/* Text and start token, a piece at a time; the logits behind the last. */
static void prefill(const t3 *m, t3_state *s, const t3_segment *segment)
{
    const t3_work *w = &m->work;
    const int total = segment->n + 1;
    int n = 0;

    for (int at = 0; at < total; at += n) {
        n = total - at < w->rows ? total - at : w->rows;
        t3_embed_segment(m, w, segment, at, n, 0);
        t3_run(m, w, &(cbx_seq){s->kv, 0, n}, 1, NULL);
    }
    m->backbone->head(m, cbx_rows(w->x, n - 1, 1), s->logits);
}

cbx_status t3_begin(const t3 *m, t3_state *s, const t3_voice *v,
                    const t3_segment *segment, cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    cbx_status st =
        t3_check_segment(m, segment, v->positions, s->positions, err);

    s->begun = false;
    if (st)
        return st;
    k->kv_copy(m->dev, s->kv, v->kv, v->positions);
    k->sampler_reset(m->dev, s->seen);
    k->sampler_mark(m->dev, s->seen, m->info.start);
    prefill(m, s, segment);
    s->sampling = segment->sampling;
    s->key = segment->key;
    s->count = 0;
    s->pending = false;
    s->begun = true;
    return CBX_OK;
}

int t3_room(const t3_state *s)
{
    if (!s->begun)
        return 0;
    /* The token drawn last needs no position. */
    return s->positions - s->model->dev->k->kv_len(s->kv) + !s->pending;
}

/* Tokens that are pending go through the layers, in one batch. */
static void advance(const t3 *m, t3_state *const *states, int n)
{
    const cbx_kernels *k = m->dev->k;
    const t3_work *w = &m->work;
    t3_state *batch[T3_MAX_BATCH];
    cbx_seq seqs[T3_MAX_BATCH];
    int rows = 0;

    for (int i = 0; i < n; i++) {
        t3_state *s = states[i];

        if (!s->pending)
            continue;
        m->backbone->embed_speech(m, s->token, s->count,
                                  cbx_rows(w->embeds, rows, 1));
        batch[rows] = s;
        seqs[rows] = (cbx_seq){s->kv, rows, 1};
        rows++;
    }
    if (!rows)
        return;
    t3_run(m, w, seqs, rows, NULL);
    m->backbone->head(m, cbx_rows(w->x, 0, rows), cbx_rows(w->logits, 0, rows));
    for (int i = 0; i < rows; i++) {
        k->copy(m->dev, &(cbx_copy){.src = cbx_rows(w->logits, i, 1),
                                    .dst = batch[i]->logits});
        batch[i]->pending = false;
    }
}

static void draw(const t3 *m, t3_state *s, const double *u)
{
    m->dev->k->sample(m->dev,
                      &(cbx_sample){
                          .logits = s->logits,
                          .params = s->sampling,
                          .seen = s->seen,
                          .forget = !s->count && m->backbone->forgets_start,
                          .key = s->key,
                          .index = (uint64_t)s->count,
                          .u = u,
                          .token = s->token,
                      });
    s->count++;
    s->pending = true;
}

cbx_status t3_step(const t3 *m, t3_state *const *states, int n, const double *u,
                   int32_t *tokens, cbx_error *err)
{
    if (n < 0 || n > T3_MAX_BATCH)
        return cbx_fail(err, CBX_E_ARG, "%d streams in a batch of at most %d",
                        n, T3_MAX_BATCH);
    for (int i = 0; i < n; i++)
        if (t3_room(states[i]) < 1)
            return cbx_fail(err, CBX_E_LIMIT,
                            "stream %d of the batch has used its %d positions",
                            i, states[i]->positions);
    advance(m, states, n);
    for (int i = 0; i < n; i++)
        draw(m, states[i], u ? &u[i] : NULL);
    for (int i = 0; i < n; i++)
        m->dev->k->download(m->dev, &tokens[i], states[i]->token,
                            sizeof *tokens);
    return CBX_OK;
}

cbx_status t3_feed(const t3 *m, t3_state *s, int32_t token, cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;

    if (token < 0 || token >= m->info.speech_vocab)
        return cbx_fail(err, CBX_E_ARG,
                        "speech token %d: the model has 0 to %d", (int)token,
                        m->info.speech_vocab - 1);
    if (t3_room(s) < 2)
        return cbx_fail(err, CBX_E_LIMIT,
                        "the stream has used its %d positions", s->positions);
    advance(m, &s, 1);
    if (!s->count && m->backbone->forgets_start)
        k->sampler_reset(m->dev, s->seen);
    k->sampler_mark(m->dev, s->seen, token);
    k->upload(m->dev, s->token, &token, sizeof token);
    s->count++;
    s->pending = true;
    advance(m, &s, 1);
    return CBX_OK;
}

void t3_read_logits(const t3 *m, const t3_state *s, float *out)
{
    m->dev->k->download(m->dev, out, s->logits.p,
                        (size_t)s->logits.cols * sizeof *out);
}
