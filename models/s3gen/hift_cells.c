#include "models/s3gen/hift_cells.h"

#include "models/s3gen/hift_model.h"

#include <stdlib.h>

struct hift_cells {
    int lookahead, max_frames;
    hift_state *state;
    hift_snapshot *before; /* the end of a cell */
    float *part;           /* host: what one step of the network gives */
    int64_t out;           /* samples given */
    int64_t blend_at;      /* the first sample to blend, or -HIFT_BLEND */
    float blend[HIFT_BLEND];
};

cbx_status hift_cells_open(const hift *m, int max_frames, int lookahead,
                           hift_cells **out, cbx_error *err)
{
    hift_cells *c;
    cbx_status st;

    if (lookahead < 0 || lookahead > m->delay)
        return cbx_fail(err, CBX_E_ARG,
                        "a vocoder that looks %d mel frames ahead was asked "
                        "for; 0 to %d are possible",
                        lookahead, m->delay);
    c = calloc(1, sizeof *c);
    if (!c)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    c->lookahead = lookahead;
    c->max_frames = max_frames;
    if ((st = hift_state_open(m, max_frames, false, &c->state, err)) ||
        (st = hift_snapshot_open(c->state, &c->before, err)))
        goto close;
    c->part = malloc(sizeof *c->part * (size_t)m->samples *
                     (size_t)(max_frames + m->delay));
    if (!c->part) {
        st = cbx_fail(err, CBX_E_NOMEM, "memory ran out");
        goto close;
    }
    *out = c;
    return CBX_OK;

close:
    hift_cells_close(c);
    return st;
}

void hift_cells_close(hift_cells *c)
{
    if (!c)
        return;
    free(c->part);
    hift_snapshot_close(c->before);
    hift_state_close(c->state);
    free(c);
}

void hift_cells_begin(const hift *m, hift_cells *c, const hift_segment *segment)
{
    hift_begin(m, c->state, segment);
    c->out = 0;
    c->blend_at = -HIFT_BLEND;
}

/* The sample where cell ends at that frame give over to the next: o_k. */
static int64_t cell_out(const hift *m, const hift_cells *c, int64_t frames)
{
    const int64_t wait = (int64_t)m->samples * c->lookahead;

    return frames * m->samples - (wait > HIFT_BLEND ? wait : HIFT_BLEND);
}

static bool exact(const hift *m, const hift_cells *c)
{
    return c->lookahead == m->delay;
}

int64_t hift_cells_samples(const hift *m, const hift_cells *c, int n,
                           hift_end end)
{
    const int64_t frames = c->state->frames + n;
    int64_t to = hift_count(m, frames, end == HIFT_SEGMENT);

    if (end == HIFT_CELL && !exact(m, c) && to < cell_out(m, c, frames))
        to = cell_out(m, c, frames);
    return to > c->out ? to - c->out : 0;
}

/* Gives samples [first, to) at x, but those that were given. */
static float *give(hift_cells *c, const float *x, int64_t first, int64_t to,
                   float *pcm)
{
    for (; c->out < to; c->out++) {
        const int64_t i = c->out - c->blend_at;
        float y = x[c->out - first];
        if (i < HIFT_BLEND) {
            const float w = (float)(i + 1) / (HIFT_BLEND + 1);
            y = c->blend[i] + w * (y - c->blend[i]);
        }
        *pcm++ = y;
    }
    return pcm;
}

/* One step of the network, at most max_frames frames. */
static float *step(const hift *m, hift_cells *c, cbx_mat mel, bool final,
                   float *pcm)
{
    const int64_t first = hift_count(m, c->state->frames, false);
    const int64_t to = first + hift_samples(m, c->state, mel.rows, final);

    hift_run(m, c->state, mel, final, NULL, c->part);
    return give(c, c->part, first, to, pcm);
}

/* The rest of V_k, without its end. */
static void end_cell(const hift *m, hift_cells *c, float *pcm)
{
    const int64_t frames = c->state->frames, out = cell_out(m, c, frames);
    const int64_t first = hift_count(m, frames, false);
    const cbx_mat none = {NULL, 0, m->mels, m->mels};

    if (out <= 0)
        return;
    hift_save(c->state, c->before);
    hift_run(m, c->state, none, true, NULL, c->part);
    hift_restore(c->state, c->before);
    give(c, c->part, first, out, pcm);
    c->blend_at = out;
    for (int i = 0; i < HIFT_BLEND; i++)
        c->blend[i] = c->part[out - first + i];
}

void hift_cells_run(const hift *m, hift_cells *c, cbx_mat mel, hift_end end,
                    float *pcm)
{
    int done = 0;

    do {
        const int left = mel.rows - done;
        const int n = left < c->max_frames ? left : c->max_frames;
        pcm = step(m, c, cbx_rows(mel, done, n),
                   end == HIFT_SEGMENT && n == left, pcm);
        done += n;
    } while (done < mel.rows);
    if (end == HIFT_CELL && !exact(m, c))
        end_cell(m, c, pcm);
}
