#include "models/t3/internal.h"

#include <stdlib.h>

struct t3_state {
    const t3 *model;
    int positions;           /* capacity of each cache */
    cbx_kv *kv[T3_MAX_ROWS]; /* conditional, unconditional or NULL */
    cbx_sampler *seen;
    cbx_dmem mem;
    cbx_mat logits; /* [T3_MAX_ROWS or 1][speech_vocab], newest position */
    int32_t *token; /* device: the newest token */
    cbx_mat look;  /* [1][max_text or what fits]: t3_read_look; may be absent */
    int text_at;   /* position of the text */
    int text;      /* ids of the segment's text */
    int speech_at; /* position of the first token that is drawn */
    int rows;      /* of them in use by this segment */
    bool begun;
    bool pending; /* `token` has not gone through the layers yet */
    int count;    /* tokens drawn or fed in this segment */
    cbx_sampling sampling;
    uint64_t key;
};

static int most_rows(const t3 *m)
{
    return m->backbone->guided ? T3_MAX_ROWS : 1;
}

static void lay_out(t3_state *s)
{
    s->logits =
        cbx_dmem_mat(&s->mem, most_rows(s->model), s->model->info.speech_vocab);
    s->token = cbx_dmem_take(&s->mem, sizeof *s->token);
    if (s->model->aligned)
        s->look = cbx_dmem_mat(&s->mem, 1, s->positions);
}

static void free_caches(t3_state *s)
{
    for (int i = 0; i < T3_MAX_ROWS; i++)
        if (s->kv[i])
            s->model->dev->k->kv_free(s->model->dev, s->kv[i]);
}

static cbx_status open_caches(t3_state *s, cbx_error *err)
{
    cbx_status st = CBX_OK;

    for (int i = 0; i < most_rows(s->model) && !st; i++)
        st = t3_kv_open(s->model, s->positions, &s->kv[i], err);
    if (st)
        free_caches(s);
    return st;
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
    if ((st = open_caches(s, err)))
        goto close_mem;
    if ((st = k->sampler_new(m->dev, m->info.speech_vocab, &s->seen, err)))
        goto close_caches;
    *out = s;
    return CBX_OK;

close_caches:
    free_caches(s);
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
    free_caches(s);
    cbx_dmem_close(s->model->dev, &s->mem);
    free(s);
}

/* A row of the batch whose logits the next token comes from. */
static t3_watch watch(const t3_state *s, int row)
{
    return (t3_watch){.row = row,
                      .kv = s->kv[0],
                      .from = s->text_at,
                      .out = cbx_cols(s->look, 0, s->text)};
}

static bool watched(const t3_state *s)
{
    return s->look.p && s->text > 0;
}

/* What the segment puts behind the voice, a piece at a time, both rows in one
 * batch; then the logits behind the last position. */
static void prefill(const t3 *m, t3_state *s, const t3_segment *segment,
                    float exaggeration)
{
    t3_work work = m->work, *w = &work;
    const int total = t3_segment_rows(m, segment), most = w->rows / s->rows;
    const cbx_mat last = cbx_rows(w->last, 0, s->rows);
    int n = 0;

    for (int at = 0; at < total; at += n) {
        cbx_seq seqs[T3_MAX_ROWS];

        n = total - at < most ? total - at : most;
        for (int i = 0; i < s->rows; i++) {
            seqs[i] = (cbx_seq){s->kv[i], i * n, n};
            t3_embed_segment(m, w, segment, i ? T3_UNCOND : T3_COND,
                             exaggeration, at, n, i * n);
        }
        const t3_watch row = watch(s, n - 1);
        w->watches = &row;
        w->n_watches = at + n == total && watched(s);
        t3_run(m, w, seqs, s->rows, NULL);
    }
    for (int i = 0; i < s->rows; i++)
        m->dev->k->copy(m->dev,
                        &(cbx_copy){.src = cbx_rows(w->x, (i + 1) * n - 1, 1),
                                    .dst = cbx_rows(last, i, 1)});
    m->backbone->head(m, last, cbx_rows(s->logits, 0, s->rows));
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
    s->rows = t3_segment_seqs(m, segment);
    for (int i = 0; i < s->rows; i++)
        k->kv_copy(m->dev, s->kv[i], v->kv, v->positions);
    k->sampler_reset(m->dev, s->seen);
    k->sampler_mark(m->dev, s->seen, m->info.start);
    s->text_at = v->positions + m->lead;
    s->text = segment->n;
    prefill(m, s, segment,
            segment->exaggeration ? *segment->exaggeration : v->exaggeration);
    s->speech_at = k->kv_len(s->kv[0]);
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
    const int positions =
        s->positions - s->model->dev->k->kv_len(s->kv[0]) + !s->pending;
    const int tokens = s->model->max_speech - s->count;

    return positions < tokens ? positions : tokens;
}

/* Tokens that are pending go through the layers, in one batch. */
static void advance(const t3 *m, t3_state *const *states, int n)
{
    const cbx_kernels *k = m->dev->k;
    t3_work work = m->work, *w = &work;
    t3_state *batch[T3_MAX_BATCH];
    cbx_seq seqs[T3_ROWS];
    t3_watch watches[T3_MAX_BATCH];
    int n_batch = 0, rows = 0;

    for (int i = 0; i < n; i++) {
        t3_state *s = states[i];

        if (!s->pending)
            continue;
        batch[n_batch++] = s;
        if (watched(s))
            watches[w->n_watches++] = watch(s, rows);
        for (int r = 0; r < s->rows; r++, rows++) {
            m->backbone->embed_speech(m, s->token, s->count,
                                      cbx_rows(w->embeds, rows, 1));
            seqs[rows] = (cbx_seq){s->kv[r], rows, 1};
        }
    }
    if (!rows)
        return;
    w->watches = watches;
    t3_run(m, w, seqs, rows, NULL);
    m->backbone->head(m, cbx_rows(w->x, 0, rows), cbx_rows(w->logits, 0, rows));
    for (int i = 0, row = 0; i < n_batch; row += batch[i++]->rows) {
        k->copy(
            m->dev,
            &(cbx_copy){.src = cbx_rows(w->logits, row, batch[i]->rows),
                        .dst = cbx_rows(batch[i]->logits, 0, batch[i]->rows)});
        batch[i]->pending = false;
    }
}

static void draw(const t3 *m, t3_state *s, const double *u)
{
    m->dev->k->sample(m->dev,
                      &(cbx_sample){
                          .logits = cbx_rows(s->logits, 0, s->rows),
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

void t3_back(const t3 *m, t3_state *s, const int32_t *tokens, int n,
             uint64_t key)
{
    const cbx_kernels *k = m->dev->k;

    for (int i = 0; i < s->rows; i++)
        k->kv_set_len(m->dev, s->kv[i], s->speech_at + n - 1);
    k->sampler_reset(m->dev, s->seen);
    if (!m->backbone->forgets_start)
        k->sampler_mark(m->dev, s->seen, m->info.start);
    for (int i = 0; i < n; i++)
        k->sampler_mark(m->dev, s->seen, tokens[i]);
    k->upload(m->dev, s->token, &tokens[n - 1], sizeof *tokens);
    s->count = n;
    s->key = key;
    s->pending = true;
}

int t3_rows(const t3_state *s)
{
    return s->rows;
}

void t3_read_logits(const t3 *m, const t3_state *s, float *out)
{
    m->dev->k->download(m->dev, out, s->logits.p,
                        (size_t)s->rows * (size_t)s->logits.cols * sizeof *out);
}

int t3_read_look(const t3 *m, const t3_state *s, float *out)
{
    if (!watched(s))
        return 0;
    m->dev->k->download(m->dev, out, s->look.p, (size_t)s->text * sizeof *out);
    for (int i = 0; i < s->text; i++)
        out[i] /= (float)m->n_aligned;
    return s->text;
}
