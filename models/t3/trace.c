#include "kernels/sampling.h"
#include "models/t3/internal.h"

#include <stdlib.h>

/* One run, and what it needs beside the model. */
typedef struct trace {
    const t3 *m;
    const t3_trace_run *run;
    const cbx_probe *probe;
    t3_work w;
    int rows; /* sequences: 2 with guidance */
    cbx_kv *kv[T3_MAX_ROWS];
    cbx_sampling sampling;
    float *probs;        /* host, [T3_MAX_ROWS][V] */
    int32_t *order;      /* host, [2 * V] */
    unsigned char *seen; /* host, [V] */
} trace;

/* t3.py: inference_turbo: the list of logits processors. */
static void process_turbo(trace *t, float *x, int V)
{
    const cbx_sampling *p = &t->sampling;

    if (p->temperature > 0.0f)
        cbx_temperature(x, V, p->temperature);
    if (p->top_k > 0)
        cbx_top_k(x, V, p->top_k, t->order);
    if (p->top_p < 1.0f)
        cbx_top_p(x, V, p->top_p, t->order);
    cbx_repetition_penalty(x, V, t->seen, p->repetition_penalty);
}

/* t3.py: inference */
static void process_llama(trace *t, float *x, int V)
{
    const cbx_sampling *p = &t->sampling;

    if (t->rows > 1)
        cbx_cfg_mix(x, x + V, V, p->cfg_weight);
    cbx_repetition_penalty(x, V, t->seen, p->repetition_penalty);
    cbx_temperature(x, V, p->temperature);
    cbx_min_p(x, V, p->min_p);
    cbx_top_p(x, V, p->top_p, t->order);
}

static void show_probs(trace *t, int step)
{
    const cbx_kernels *k = t->m->dev->k;
    const cbx_mat logits = cbx_rows(t->w.logits, 0, t->rows);
    const int V = logits.cols;
    const size_t bytes = (size_t)V * sizeof *t->probs;

    k->download(t->m->dev, t->probs, logits.p, (size_t)t->rows * bytes);
    if (t->sampling.order == CBX_SAMPLE_TURBO)
        process_turbo(t, t->probs, V);
    else
        process_llama(t, t->probs, V);
    cbx_softmax(t->probs, V);
    k->upload(t->m->dev, logits.p, t->probs, bytes);
    cbx_probe_seef(t->probe, cbx_rows(logits, 0, 1), "t3.step%d.probs", step);
}

/* Hidden states of all rows of x, n for each sequence, and the logits of each
 * last one. Embeddings are done with: their rows take the hidden states. */
static void show_head(trace *t, int n, const char *stage)
{
    const t3 *m = t->m;
    const int all = t->rows * n;
    const cbx_mat y = cbx_rows(t->w.embeds, 0, all);
    const cbx_mat last = cbx_rows(t->w.last, 0, t->rows);
    const cbx_mat out = cbx_rows(t->w.logits, 0, t->rows);

    m->backbone->hidden(m, cbx_rows(t->w.x, 0, all), y);
    cbx_probe_seef(t->probe, y, "t3.%s.hidden", stage);
    cbx_probe_seef(t->probe, cbx_rows(y, n - 1, 1), "t3.%s.hidden_last", stage);
    for (int i = 0; i < t->rows; i++)
        m->dev->k->copy(m->dev,
                        &(cbx_copy){.src = cbx_rows(t->w.x, (i + 1) * n - 1, 1),
                                    .dst = cbx_rows(last, i, 1)});
    m->backbone->head(m, last, out);
    if (!m->backbone->guided)
        cbx_probe_seef(t->probe, out, "t3.%s.logits", stage);
    else
        cbx_probe_seef(t->probe, cbx_rows(out, 0, 1), "t3.%s.logits_cond",
                       stage);
    if (t->rows > 1)
        cbx_probe_seef(t->probe, cbx_rows(out, 1, 1), "t3.%s.logits_uncond",
                       stage);
}

/* Prefix and segment of every sequence, `rows` for each, to w.embeds. */
static cbx_status embed_all(trace *t, int prefix, int rows, cbx_error *err)
{
    const t3 *m = t->m;
    const t3_segment *segment = &t->run->segment;
    const cbx_mat embeds = t->w.embeds;
    const float exaggeration = segment->exaggeration
                                   ? *segment->exaggeration
                                   : t->run->conds->emotion_adv;
    cbx_status st =
        m->backbone->embed_prefix(m, &t->w, t->run->conds, t->probe, err);

    if (st)
        return st;
    for (int i = 0; i < t->rows; i++) {
        if (i)
            m->dev->k->copy(
                m->dev, &(cbx_copy){.src = cbx_rows(embeds, 0, prefix),
                                    .dst = cbx_rows(embeds, i * rows, prefix)});
        t3_embed_segment(m, &t->w, segment, i ? T3_UNCOND : T3_COND,
                         exaggeration, 0, rows - prefix, i * rows + prefix);
    }
    if (m->lead)
        cbx_probe_see(t->probe, "t3.cond.emotion",
                      cbx_rows(embeds, prefix, m->lead));
    cbx_probe_see(t->probe, "t3.cond.out",
                  cbx_rows(embeds, 0, prefix + m->lead));
    cbx_probe_see(t->probe, "t3.prefill.embeds",
                  cbx_rows(embeds, 0, t->rows * rows));
    return CBX_OK;
}

static void run(trace *t, int n, const cbx_probe *probe)
{
    cbx_seq seqs[T3_MAX_ROWS];

    for (int i = 0; i < t->rows; i++)
        seqs[i] = (cbx_seq){t->kv[i], i * n, n};
    t3_run(t->m, &t->w, seqs, t->rows, probe);
}

static cbx_status show_prefill(trace *t, int prefix, int rows, cbx_error *err)
{
    const t3 *m = t->m;
    cbx_status st = CBX_OK;

    if (m->backbone->show_tables)
        st = m->backbone->show_tables(m, rows, t->probe, err);
    if (!st)
        st = embed_all(t, prefix, rows, err);
    if (st)
        return st;
    run(t, rows, t->probe);
    show_head(t, rows, "prefill");
    t->seen[m->info.start] = 1;
    show_probs(t, 0);
    if (m->backbone->forgets_start)
        t->seen[m->info.start] = 0;
    return CBX_OK;
}

static void show_step(trace *t, int step)
{
    const t3 *m = t->m;
    const int32_t token = t->run->forced[step - 1];
    const cbx_mat embeds = cbx_rows(t->w.embeds, 0, t->rows);
    char stage[16];

    snprintf(stage, sizeof stage, "step%d", step);
    m->dev->k->upload(m->dev, t->w.ids, &token, sizeof token);
    for (int i = 0; i < t->rows; i++)
        m->backbone->embed_speech(m, t->w.ids, step, cbx_rows(embeds, i, 1));
    cbx_probe_seef(t->probe, embeds, "t3.%s.embed", stage);
    run(t, 1, NULL);
    show_head(t, 1, stage);
    t->seen[token] = 1;
    show_probs(t, step);
}

static cbx_status check_forced(const t3 *m, const t3_trace_run *run, int room,
                               cbx_error *err)
{
    if (run->n_forced < 0 || run->n_forced > room)
        return cbx_fail(err, CBX_E_LIMIT,
                        "%d forced tokens where %d positions are left",
                        run->n_forced, room);
    for (int i = 0; i < run->n_forced; i++)
        if (run->forced[i] < 0 || run->forced[i] >= m->info.speech_vocab)
            return cbx_fail(err, CBX_E_ARG,
                            "forced token %d is %d: the model has 0 to %d", i,
                            (int)run->forced[i], m->info.speech_vocab - 1);
    return CBX_OK;
}

static cbx_status open_trace(trace *t, int rows, cbx_error *err)
{
    const t3 *m = t->m;
    const size_t V = (size_t)m->info.speech_vocab;
    const int positions = rows + t->run->n_forced;
    cbx_status st = CBX_OK;

    t->probs = malloc(T3_MAX_ROWS * V * sizeof *t->probs);
    t->order = malloc(2 * V * sizeof *t->order);
    t->seen = calloc(V, 1);
    if (!t->probs || !t->order || !t->seen)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a trace");
    for (int i = 0; i < t->rows && !st; i++)
        st = t3_kv_open(m, positions, &t->kv[i], err);
    return st ? st : t3_work_open(m, t->rows * rows, positions, &t->w, err);
}

static void close_trace(trace *t)
{
    t3_work_close(t->m, &t->w);
    for (int i = 0; i < t->rows; i++)
        if (t->kv[i])
            t->m->dev->k->kv_free(t->m->dev, t->kv[i]);
    free(t->probs);
    free(t->order);
    free(t->seen);
}

cbx_status t3_trace(const t3 *m, const t3_trace_run *run,
                    const cbx_probe *probe, cbx_error *err)
{
    trace t = {
        .m = m,
        .run = run,
        .probe = probe,
        .rows = t3_segment_seqs(m, &run->segment),
        .sampling = run->segment.sampling,
    };
    int prefix;
    cbx_status st = m->backbone->prefix_rows(m, run->conds, &prefix, err);

    if (st)
        return st;
    if ((st = t3_check_segment(m, &run->segment, prefix, m->info.positions,
                               err)))
        return st;
    const int rows = prefix + t3_segment_rows(m, &run->segment);
    const int left = m->info.positions - rows, room = m->max_speech - 1;
    if ((st = check_forced(m, run, left < room ? left : room, err)))
        return st;
    if (!(st = open_trace(&t, rows, err)))
        st = show_prefill(&t, prefix, rows, err);
    for (int step = 1; step <= run->n_forced && !st; step++)
        show_step(&t, step);
    close_trace(&t);
    return st;
}
