#include "models/t3/internal.h"

#include <stdlib.h>

/* The prefix in one piece: its keys and values end up in v->kv. */
static cbx_status run_prefix(t3_voice *v, const cbx_conds *conds,
                             cbx_error *err)
{
    const t3 *m = v->model;
    t3_work w;
    cbx_status st = t3_work_open(m, v->positions, v->positions, &w, err);

    if (st)
        return st;
    if (!(st = m->backbone->embed_prefix(m, &w, conds, NULL, err)))
        t3_run(m, &w, &(cbx_seq){v->kv, 0, v->positions}, 1, NULL);
    m->dev->k->sync(m->dev);
    t3_work_close(m, &w);
    return st;
}

cbx_status t3_voice_open(const t3 *m, const cbx_conds *conds, t3_voice **out,
                         cbx_error *err)
{
    int positions;
    cbx_status st = m->backbone->prefix_rows(m, conds, &positions, err);

    if (st)
        return st;
    /* Behind the prefix at least one text id and the start tokens. */
    if (positions + m->lead + 1 + m->backbone->starts > m->info.positions)
        return cbx_fail(err, CBX_E_LIMIT,
                        "the voice's prompt of %d tokens leaves no room for "
                        "text: the model has %d positions",
                        conds->n_t3_tokens, m->info.positions);
    t3_voice *v = calloc(1, sizeof *v);
    if (!v)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a voice");
    v->model = m;
    v->positions = positions;
    v->exaggeration = conds->emotion_adv;
    if ((st = t3_kv_open(m, positions, &v->kv, err)))
        goto free_voice;
    if ((st = run_prefix(v, conds, err)))
        goto free_kv;
    *out = v;
    return CBX_OK;

free_kv:
    m->dev->k->kv_free(m->dev, v->kv);
free_voice:
    free(v);
    return st;
}

void t3_voice_close(t3_voice *v)
{
    if (!v)
        return;
    v->model->dev->k->kv_free(v->model->dev, v->kv);
    free(v);
}

int t3_voice_positions(const t3_voice *v)
{
    /* The token drawn last needs none, so one start token counts as its. */
    return v->positions + v->model->lead + v->model->backbone->starts - 1;
}
