#include "kernels/sampling.h"
#include "models/t3/internal.h"

#include <stdlib.h>

/* One run, and what it needs beside the model. */
typedef struct trace {
    const t3 *m;
    const t3_trace_run *run;
    const cbx_probe *probe;
    t3_work w;
    cbx_kv *kv;
    cbx_sampling sampling;
    float *probs;        /* host, [V] */
    int32_t *order;      /* host, [2 * V] */
    unsigned char *seen; /* host, [V] */
} trace;

/* t3.py: inference_turbo: the list of logits processors, then softmax. */
static void show_probs(trace *t, int step)
{
    const cbx_kernels *k = t->m->dev->k;
    const cbx_sampling *p = &t->sampling;
    const cbx_mat logits = cbx_rows(t->w.logits, 0, 1);
    const int V = logits.cols;

    k->download(t->m->dev, t->probs, logits.p, (size_t)V * sizeof *t->probs);
    if (p->temperature > 0.0f)
        cbx_temperature(t->probs, V, p->temperature);
    if (p->top_k > 0)
        cbx_top_k(t->probs, V, p->top_k, t->order);
    if (p->top_p < 1.0f)
        cbx_top_p(t->probs, V, p->top_p, t->order);
    cbx_repetition_penalty(t->probs, V, t->seen, p->repetition_penalty);
    cbx_softmax(t->probs, V);
    k->upload(t->m->dev, logits.p, t->probs, (size_t)V * sizeof *t->probs);
    cbx_probe_seef(t->probe, logits, "t3.step%d.probs", step);
}

/* Hidden state and logits of row `row` of x. Embeddings are done with: their
 * first row takes the hidden state. */
static void show_head(trace *t, int row, const char *hidden, const char *logits)
{
    const cbx_mat x = cbx_rows(t->w.x, row, 1);
    const cbx_mat y = cbx_rows(t->w.embeds, 0, 1);
    const cbx_mat out = cbx_rows(t->w.logits, 0, 1);

    t->m->backbone->hidden(t->m, x, y);
    cbx_probe_see(t->probe, hidden, y);
    t->m->backbone->head(t->m, x, out);
    cbx_probe_see(t->probe, logits, out);
}

static void show_prefill(trace *t, int prefix, int rows)
{
    const t3 *m = t->m;

    m->backbone->embed_prefix(m, &t->w, t->run->conds, t->probe);
    t3_embed_segment(m, &t->w, &t->run->segment, 0, rows - prefix, prefix);
    cbx_probe_see(t->probe, "t3.prefill.embeds",
                  cbx_rows(t->w.embeds, 0, rows));
    t3_run(m, &t->w, &(cbx_seq){t->kv, 0, rows}, 1, t->probe);
    show_head(t, rows - 1, "t3.prefill.hidden_last", "t3.prefill.logits");
    t->seen[m->info.start] = 1;
    show_probs(t, 0);
    if (m->backbone->forgets_start)
        t->seen[m->info.start] = 0;
}

static void show_step(trace *t, int step)
{
    const t3 *m = t->m;
    const int32_t token = t->run->forced[step - 1];
    const cbx_mat embed = cbx_rows(t->w.embeds, 0, 1);
    char hidden[32], logits[32];

    snprintf(hidden, sizeof hidden, "t3.step%d.hidden", step);
    snprintf(logits, sizeof logits, "t3.step%d.logits", step);
    m->dev->k->upload(m->dev, t->w.ids, &token, sizeof token);
    m->backbone->embed_speech(m, t->w.ids, step, embed);
    cbx_probe_seef(t->probe, embed, "t3.step%d.embed", step);
    t3_run(m, &t->w, &(cbx_seq){t->kv, 0, 1}, 1, NULL);
    show_head(t, 0, hidden, logits);
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
    cbx_status st;

    t->probs = malloc(V * sizeof *t->probs);
    t->order = malloc(2 * V * sizeof *t->order);
    t->seen = calloc(V, 1);
    if (!t->probs || !t->order || !t->seen)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a trace");
    if ((st = t3_kv_open(m, positions, &t->kv, err)))
        return st;
    return t3_work_open(m, rows, positions, &t->w, err);
}

static void close_trace(trace *t)
{
    t3_work_close(t->m, &t->w);
    if (t->kv)
        t->m->dev->k->kv_free(t->m->dev, t->kv);
    free(t->probs);
    free(t->order);
    free(t->seen);
}

cbx_status t3_trace(const t3 *m, const t3_trace_run *run,
                    const cbx_probe *probe, cbx_error *err)
{
    trace t = {
        .m = m, .run = run, .probe = probe, .sampling = run->segment.sampling};
    int prefix;
    cbx_status st = m->backbone->prefix_rows(m, run->conds, &prefix, err);

    if (st)
        return st;
    if ((st = t3_check_segment(m, &run->segment, prefix, m->info.positions,
                               err)))
        return st;
    const int rows = prefix + run->segment.n + 1;
    if ((st = check_forced(m, run, m->info.positions - rows, err)))
        return st;
    if (!(st = open_trace(&t, rows, err))) {
        show_prefill(&t, prefix, rows);
        for (int step = 1; step <= run->n_forced; step++)
            show_step(&t, step);
    }
    close_trace(&t);
    return st;
}
