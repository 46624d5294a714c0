#include "models/t3/internal.h"

#include <math.h>

int t3_segment_rows(const t3 *m, const t3_segment *segment)
{
    return m->lead + segment->n + m->backbone->starts;
}

int t3_segment_seqs(const t3 *m, const t3_segment *segment)
{
    const bool asked =
        segment->sampling.cfg_weight < 0 || segment->sampling.cfg_weight > 0;

    return m->backbone->guided && asked ? 2 : 1;
}

static cbx_status check_text(const t3 *m, const t3_segment *segment,
                             cbx_error *err)
{
    if (segment->n > m->max_text)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a text of %d tokens: the model takes %d at once: "
                        "split it",
                        segment->n, m->max_text);
    for (int i = 0; i < segment->n; i++)
        if (segment->text[i] < 0 || segment->text[i] >= m->info.text_vocab)
            return cbx_fail(err, CBX_E_ARG,
                            "text token %d is %d, outside the model's %d: the "
                            "tokenizer belongs to another model",
                            i, (int)segment->text[i], m->info.text_vocab);
    return CBX_OK;
}

cbx_status t3_check_segment(const t3 *m, const t3_segment *segment, int prefix,
                            int positions, cbx_error *err)
{
    const int beside = prefix + m->lead + m->backbone->starts;

    if (segment->n < 0 || segment->n > positions - beside)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a text of %d tokens behind a voice of %d does not fit "
                        "into %d positions: split it",
                        segment->n, prefix, positions);
    if (segment->exaggeration && !isfinite(*segment->exaggeration))
        return cbx_fail(err, CBX_E_ARG, "exaggeration must be a number");
    if (!isfinite(segment->sampling.cfg_weight))
        return cbx_fail(err, CBX_E_ARG, "cfg_weight must be a number");
    return check_text(m, segment, err);
}

/* The part of [at, at + n) that lies in [from, to); *row moves on to it. */
static int overlap(int at, int n, int from, int to, int *row)
{
    const int begin = at > from ? at : from;
    const int end = at + n < to ? at + n : to;

    *row += begin - at;
    return end > begin ? end - begin : 0;
}

static void embed_text(const t3 *m, const t3_work *w, const t3_segment *segment,
                       t3_row_kind kind, int at, int n, int row)
{
    const cbx_mat out = cbx_rows(w->embeds, row, n);
    int32_t *ids = w->ids + row;

    if (kind == T3_UNCOND) {
        m->backbone->embed_blank(m, at, out);
        return;
    }
    m->dev->k->upload(m->dev, ids, segment->text + at, (size_t)n * sizeof *ids);
    m->backbone->embed_text(m, ids, at, out);
}

void t3_embed_segment(const t3 *m, const t3_work *w, const t3_segment *segment,
                      t3_row_kind kind, float exaggeration, int at, int n,
                      int row)
{
    const int text = m->lead, starts = text + segment->n;
    const int32_t id = m->info.start;
    int to = row;

    if (overlap(at, n, 0, text, &to))
        m->backbone->embed_lead(m, w, exaggeration,
                                cbx_rows(w->embeds, to, m->lead));
    to = row;
    const int n_text = overlap(at, n, text, starts, &to);
    if (n_text)
        embed_text(m, w, segment, kind, at > text ? at - text : 0, n_text, to);
    to = row;
    const int n_starts =
        overlap(at, n, starts, starts + m->backbone->starts, &to);
    for (int i = 0; i < n_starts; i++) {
        m->dev->k->upload(m->dev, w->ids + to + i, &id, sizeof id);
        m->backbone->embed_speech(m, w->ids + to + i, 0,
                                  cbx_rows(w->embeds, to + i, 1));
    }
}
