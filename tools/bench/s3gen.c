/* S3Gen: the cells of each grid, and the vocoder. */
#include "models/pipeline/grid.h"
#include "rt/clock.h"
#include "tools/bench/parts.h"
#include "tools/bench/profile.h"

#include <stdlib.h>

enum { CELLS = 6, MOST_TOKENS = 280 };

typedef struct s3gen_bench {
    bench *b;
    parts p;
    s3gen *m;
    flow_voice *voice;
    flow_state *state;
    int32_t tokens[MOST_TOKENS];
} s3gen_bench;

static const char *const grid_names[] = {
    [CBX_GRID_LOWEST] = "lowest",
    [CBX_GRID_BALANCED] = "balanced",
    [CBX_GRID_SAFEST] = "safest",
};

typedef struct cell_job {
    s3gen_bench *t;
    flow_cell cell;
    cbx_status st;
    cbx_error *err;
} cell_job;

static void run_cell(void *arg)
{
    cell_job *j = arg;
    cbx_mat mel;
    if (!j->st)
        j->st = flow_run(s3gen_flow(j->t->m), j->t->state, j->t->voice,
                         &j->cell, NULL, &mel, j->err);
    j->t->p.dev->k->sync(j->t->p.dev);
}

/* Cell k in the mode `prefix`, which computes everything before it anew. */
static cbx_status measure_cell(s3gen_bench *t, cbx_grid grid, int k,
                               cbx_error *err)
{
    const s3gen_info *info = s3gen_get_info(t->m);
    cell_job j = {.t = t, .err = err};
    j.cell = (flow_cell){.tokens = t->tokens,
                         .from = k ? cbx_grid_end(grid, k - 1) : 0,
                         .to = cbx_grid_end(grid, k),
                         .known = cbx_grid_end(grid, k) + info->lookahead};
    run_cell(&j); /* grows scratch, if anything does */
    const uint64_t before = bench_allocations();
    const timing d = bench_time(t->b, 1, run_cell, &j);
    if (j.st)
        return j.st;
    const double sound = (double)(j.cell.to - j.cell.from) *
                         info->frames_per_token * info->samples_per_frame /
                         info->sample_rate;
    bench_row(t->b, "flow",
              json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:I}", "grid",
                        grid_names[grid], "cell", k, "from", j.cell.from, "to",
                        j.cell.to, "ms", 1e3 * d.median, "ms_min", 1e3 * d.min,
                        "rtf", d.median / sound, "allocations",
                        (json_int_t)(bench_allocations() - before)));
    return CBX_OK;
}

static cbx_status measure_flow(s3gen_bench *t, cbx_error *err)
{
    const flow *m = s3gen_flow(t->m);
    const int codes = s3gen_get_info(t->m)->codes;
    for (int i = 0; i < MOST_TOKENS; i++)
        t->tokens[i] = (i * 37 + 11) % codes;
    cbx_status st = flow_voice_open(m, t->p.conds, &t->voice, err);
    if (!st)
        st = flow_state_open(m, flow_voice_tokens(t->voice) + MOST_TOKENS,
                             false, &t->state, err);
    if (!st)
        bench_row(t->b, "flow_voice",
                  json_pack("{s:i, s:s}", "prompt_tokens",
                            flow_voice_tokens(t->voice), "mode", "prefix"));
    const int cells = t->b->quick ? 1 : CELLS;
    for (int g = CBX_GRID_LOWEST; g <= CBX_GRID_SAFEST; g++)
        for (int k = 0; k < cells && !st; k++)
            st = measure_cell(t, (cbx_grid)g, k, err);
    return st;
}

/* -- causal ---------------------------------------------------------------- */

/* Cells one after the other, each of them once; seconds[k] of cell k. */
static cbx_status run_causal(s3gen_bench *t, flow_causal *s, cbx_grid grid,
                             int cells, double *seconds, cbx_error *err)
{
    const flow *m = s3gen_flow(t->m);
    cbx_mat mel;
    cbx_status st = flow_causal_begin(m, s, t->voice, 1, err);
    for (int k = 0; k < cells && !st; k++) {
        const int end = cbx_grid_end(grid, k);
        const flow_cells call = {.tokens = t->tokens,
                                 .known = end + flow_get_info(m).lookahead,
                                 .ends = &end,
                                 .n = 1};
        const int64_t t0 = cbx_clock_ns();
        st = flow_causal_run(m, s, &call, &mel, err);
        t->p.dev->k->sync(t->p.dev);
        seconds[k] = 1e-9 * (double)(cbx_clock_ns() - t0);
    }
    return st;
}

/* In the mode `causal` every row is computed once, the whole past kept. */
static cbx_status measure_grid_causal(s3gen_bench *t, flow_causal *s,
                                      cbx_grid grid, cbx_error *err)
{
    enum { ROUNDS = 5 };
    const s3gen_info *info = s3gen_get_info(t->m);
    const int cells = t->b->quick ? 1 : CELLS;
    double each[CELLS][ROUNDS], seconds[CELLS];
    cbx_status st = run_causal(t, s, grid, cells, seconds, err);
    const uint64_t before = bench_allocations();
    for (int i = 0; i < ROUNDS && !st; i++) {
        st = run_causal(t, s, grid, cells, seconds, err);
        for (int k = 0; k < cells; k++)
            each[k][i] = seconds[k];
    }
    const uint64_t allocations = bench_allocations() - before;
    for (int k = 0; k < cells && !st; k++) {
        const timing d = bench_summary(each[k], ROUNDS);
        const int from = k ? cbx_grid_end(grid, k - 1) : 0;
        const int to = cbx_grid_end(grid, k);
        const double sound = (double)(to - from) * info->frames_per_token *
                             info->samples_per_frame / info->sample_rate;
        bench_row(t->b, "flow_causal",
                  json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:I}", "grid",
                            grid_names[grid], "cell", k, "from", from, "to", to,
                            "ms", 1e3 * d.median, "ms_min", 1e3 * d.min, "rtf",
                            d.median / sound, "allocations",
                            (json_int_t)allocations));
    }
    return st;
}

static cbx_status measure_causal(s3gen_bench *t, cbx_error *err)
{
    enum { MOST = 50 };
    const flow *m = s3gen_flow(t->m);
    const flow_causal_options options = {.max_tokens = MOST_TOKENS,
                                         .most = MOST};
    flow_causal *s = NULL;
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = flow_voice_prepare(m, t->voice, err);
    const double seconds = 1e-9 * (double)(cbx_clock_ns() - t0);
    if (!st)
        st = flow_causal_open(m, &options, &s, err);
    if (!st)
        bench_row(t->b, "flow_causal_voice",
                  json_pack("{s:i, s:f, s:f, s:f}", "prompt_tokens",
                            flow_voice_tokens(t->voice), "prepare_ms",
                            1e3 * seconds, "voice_mb",
                            1e-6 * (double)flow_voice_bytes(t->voice),
                            "stream_mb", 1e-6 * (double)flow_causal_bytes(s)));
    for (int g = CBX_GRID_LOWEST; g <= CBX_GRID_SAFEST && !st; g++)
        st = measure_grid_causal(t, s, (cbx_grid)g, err);
    flow_causal_close(s);
    return st;
}

/* -- vocoder --------------------------------------------------------------- */

enum { FRAMES = 16, PIECES = 8 };

typedef struct hift_job {
    const hift *m;
    hift_state *state;
    cbx_mat mel;
    float *pcm;
} hift_job;

static void run_hift(void *arg)
{
    hift_job *j = arg;
    for (int i = 0; i < PIECES; i++)
        hift_run(j->m, j->state, j->mel, false, NULL, j->pcm);
}

static void time_hift(s3gen_bench *t, hift_job *j)
{
    const s3gen_info *info = s3gen_get_info(t->m);
    hift_begin(j->m, j->state, &(hift_segment){0});
    run_hift(j); /* past the delay */
    const uint64_t before = bench_allocations();
    const timing d = bench_time(t->b, 2, run_hift, j);
    const double frames = FRAMES * PIECES;
    const double sound =
        frames * info->samples_per_frame / (double)info->sample_rate;
    bench_row(t->b, "vocoder",
              json_pack("{s:i, s:f, s:f, s:f, s:I}", "frames_a_call",
                        (int)FRAMES, "ms_a_frame", 1e3 * d.median / frames,
                        "ms_a_frame_min", 1e3 * d.min / frames, "rtf",
                        d.median / sound, "allocations",
                        (json_int_t)(bench_allocations() - before)));
}

static cbx_status measure_vocoder(s3gen_bench *t, cbx_error *err)
{
    enum { MELS = 80, MOST_PCM = 480 * (FRAMES + 24) };
    cbx_dev *d = t->p.dev;
    float host[FRAMES * MELS];
    hift_job j = {.m = s3gen_hift(t->m)};
    bench_fill(host, FRAMES * MELS);
    j.mel = (cbx_mat){cbx_vec_new(d, host, FRAMES * MELS), FRAMES, MELS, MELS};
    j.pcm = malloc(MOST_PCM * sizeof *j.pcm);
    cbx_status st;
    if (!j.mel.p || !j.pcm)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for a mel");
    else if (!(st = hift_state_open(j.m, FRAMES, false, &j.state, err)))
        time_hift(t, &j);
    hift_state_close(j.state);
    if (j.mel.p)
        d->k->mem_free(d, j.mel.p);
    free(j.pcm);
    return st;
}

cbx_status bench_s3gen(bench *b, cbx_error *err)
{
    s3gen_bench t = {.b = b};
    cbx_status st = parts_open(b, PARTS_S3GEN, &t.p, err);
    const int64_t t0 = cbx_clock_ns();
    if (!st)
        st = s3gen_open(t.p.dev, t.p.file, &t.p.config,
                        b->compute ? (cbx_format)bench_format(b->compute, true)
                                   : CBX_FMT_F32,
                        t.p.conds->n_prompt_tokens + MOST_TOKENS, &t.m, err);
    if (!st)
        bench_row(b, "s3gen_load",
                  json_pack("{s:s, s:f, s:f}", "format",
                            b->compute ? b->compute : "f32", "mb",
                            1e-6 * (double)s3gen_get_info(t.m)->weight_bytes,
                            "seconds", 1e-9 * (double)(cbx_clock_ns() - t0)));
    if (!st && b->profile)
        profile_begin(t.p.dev);
    if (!st && !(st = measure_flow(&t, err)) && !(st = measure_causal(&t, err)))
        st = measure_vocoder(&t, err);
    if (!st && b->profile)
        profile_end(b, t.p.dev, "s3gen");
    flow_state_close(t.state);
    flow_voice_close(t.voice);
    s3gen_close(t.m);
    parts_close(&t.p);
    return st;
}
