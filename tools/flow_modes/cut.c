#include "tools/flow_modes/flow_modes.h"

#include "rt/clock.h"
#include "rt/random.h"

#include <stdlib.h>
#include <string.h>

int cell_ends(cbx_grid grid, int n, int *ends)
{
    int cells = 0;

    do
        ends[cells] = cbx_grid_end(grid, cells);
    while (ends[cells++] < n);
    ends[cells - 1] = n;
    return cells;
}

static cbx_mat run_cell(const bench *b, const speech *s, const cut *c,
                        uint64_t key, int from, int to)
{
    cbx_mat mel;
    cbx_error err;

    if (c->mode == CUT_CAUSAL)
        must(flow_causal_run(b->flow, c->own,
                             &(flow_cells){.tokens = s->tokens,
                                           .known = s->n,
                                           .final = true,
                                           .ends = &to,
                                           .n = 1},
                             &mel, &err),
             &err);
    else
        must(flow_run(b->flow, b->state, b->voice,
                      &(flow_cell){.tokens = s->tokens,
                                   .known = s->n,
                                   .final = true,
                                   .from = from,
                                   .to = to,
                                   .key = key},
                      NULL, &mel, &err),
             &err);
    return mel;
}

float *cut_mel(const bench *b, const speech *s, const cut *c, int *frames,
               double *ms)
{
    int ends[MAX_TOKENS] = {s->n};
    const int cells = c->mode == CUT_FULL ? 1 : cell_ends(c->grid, s->n, ends);
    const uint64_t key =
        cbx_random_key(s->seed + c->noise, CBX_RANDOM_FLOW, 0, 0);
    const int all = flow_frames(b->flow, b->voice, 0, s->n);
    float *out = need(malloc(sizeof *out * (size_t)(all * b->mels))), *to = out;
    cbx_error err;

    if (c->mode == CUT_CAUSAL)
        must(flow_causal_begin(b->flow, c->own, b->voice, key, &err), &err);
    for (int i = 0; i < cells; i++) {
        const int64_t t0 = cbx_clock_ns();
        const cbx_mat mel =
            run_cell(b, s, c, key, i ? ends[i - 1] : 0, ends[i]);
        b->dev->k->sync(b->dev);
        if (ms)
            ms[i] = 1e-6 * (double)(cbx_clock_ns() - t0);
        for (int r = 0; r < mel.rows; r++, to += b->mels)
            b->dev->k->download(b->dev, to, cbx_rows(mel, r, 1).p,
                                sizeof *to * (size_t)b->mels);
    }
    *frames = all;
    return out;
}

static void run_cells(const bench *b, hift_cells *h, cbx_mat mel,
                      const int *ends, int cells, int first, float *pcm)
{
    int done = 0;

    for (int i = 0; i < cells; i++) {
        const bool last = i == cells - 1;
        const hift_end end = last ? HIFT_SEGMENT : HIFT_CELL;
        const int to = last ? mel.rows : 2 * ends[i] - first;
        const int64_t n = hift_cells_samples(b->hift, h, to - done, end);
        hift_cells_run(b->hift, h, cbx_rows(mel, done, to - done), end, pcm);
        pcm += n;
        done = to;
    }
}

float *cut_sound(const bench *b, const speech *s, const float *mel, int frames,
                 cbx_grid grid, int lookahead)
{
    const size_t floats = (size_t)frames * (size_t)b->mels;
    float *dev = need(b->dev->k->mem_new(b->dev, floats * sizeof *dev));
    float *pcm =
        need(malloc(sizeof *pcm * (size_t)frames * (size_t)b->samples));
    int ends[MAX_TOKENS];
    const int cells = cell_ends(grid, s->n, ends);
    hift_cells *h;
    cbx_error err;

    must(hift_cells_open(b->hift, 16, lookahead, &h, &err), &err);
    b->dev->k->upload(b->dev, dev, mel, floats * sizeof *dev);
    hift_cells_begin(
        b->hift, h,
        &(hift_segment){
            .phase_key = cbx_random_key(s->seed, CBX_RANDOM_SOURCE_PHASE, 0, 0),
            .noise_key =
                cbx_random_key(s->seed, CBX_RANDOM_SOURCE_NOISE, 0, 0)});
    run_cells(b, h, (cbx_mat){dev, frames, b->mels, b->mels}, ends, cells,
              2 * s->n - frames, pcm);
    hift_cells_close(h);
    b->dev->k->mem_free(b->dev, dev);
    return pcm;
}
