#include "models/t3/internal.h"

#include <math.h>
#include <stdlib.h>

/* Heads that the config names and the model has. */
cbx_status t3_watch_open(t3 *m, cbx_error *err)
{
    const cbx_config_t3 *c = &m->config;

    if (!m->dev->k->look) /* a device without it */
        return CBX_OK;
    for (int i = 0; i < c->n_aligned; i++) {
        const int layer = c->aligned[i].layer, head = c->aligned[i].head;

        if (layer >= m->info.layers || head >= m->info.heads)
            continue; /* a smaller model of the family */
        if (!m->aligned)
            m->aligned = calloc((size_t)m->info.layers, sizeof *m->aligned);
        if (!m->aligned)
            return cbx_fail(err, CBX_E_NOMEM, "no memory for T3");
        if (!(m->aligned[layer] >> head & 1))
            m->n_aligned++;
        m->aligned[layer] |= UINT64_C(1) << head;
    }
    return CBX_OK;
}

static bool is_first(const t3 *m, int layer)
{
    for (int i = 0; i < layer; i++)
        if (m->aligned[i])
            return false;
    return true;
}

void t3_watch_layer(const t3 *m, const t3_work *w, int layer)
{
    const int width = m->info.width, size = width / m->info.heads;

    if (!w->n_watches || !m->aligned[layer])
        return;
    for (int i = 0; i < w->n_watches; i++) {
        const t3_watch *at = &w->watches[i];

        m->dev->k->look(
            m->dev,
            &(cbx_look){.q = cbx_cols(cbx_rows(w->qkv, at->row, 1), 0, width),
                        .kv = at->kv,
                        .layer = layer,
                        .heads = m->info.heads,
                        .which = m->aligned[layer],
                        .scale = 1.0f / sqrtf((float)size),
                        .from = at->from,
                        .add = !is_first(m, layer),
                        .out = at->out});
    }
}
