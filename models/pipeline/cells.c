#include "models/pipeline/work.h"

#include "rt/clock.h"
#include "rt/trace.h"

#include <limits.h>

/* -- open ------------------------------------------------------------------ */

static cbx_status open_causal(cbx_pipeline *p, int most, cbx_error *err)
{
    const flow *m = s3gen_flow(p->m->s3gen);
    const flow_causal_options options = {
        .history = p->options.history,
        .max_tokens = most,
        .most = most < MOST_TOKENS ? most : MOST_TOKENS};
    const cbx_status st = flow_voice_prepare(m, p->speaker->flow, err);
    return st ? st : flow_causal_open(m, &options, &p->causal, err);
}

static cbx_status open_flow(cbx_pipeline *p, cbx_error *err)
{
    const cbx_config_limits *l = &p->m->config.limits;
    const int prompt = flow_voice_tokens(p->speaker->flow);
    const int most = l->max_speech_tokens + l->silence_appended;
    if (p->options.flow == CBX_PIPELINE_AUTO)
        p->options.flow =
            prompt > 100 ? CBX_PIPELINE_CAUSAL : CBX_PIPELINE_PREFIX;
    return p->options.flow == CBX_PIPELINE_CAUSAL
               ? open_causal(p, most, err)
               : flow_state_open(s3gen_flow(p->m->s3gen), prompt + most, false,
                                 &p->flow, err);
}

/* R that cannot be heard (docs/STREAMING.md). */
static int look_ahead(const cbx_pipeline *p)
{
    static const int frames[] = {
        [CBX_GRID_LOWEST] = 4, [CBX_GRID_BALANCED] = 8, [CBX_GRID_LIVE] = 8};
    const int whole = s3gen_get_info(p->m->s3gen)->hift_delay;
    if (p->options.look_ahead >= 0)
        return p->options.look_ahead;
    if (p->options.grid == CBX_GRID_SAFEST || frames[p->options.grid] > whole)
        return whole;
    return frames[p->options.grid];
}

cbx_status cells_open(cbx_pipeline *p, cbx_error *err)
{
    const cbx_status st = open_flow(p, err);
    return st ? st
              : hift_cells_open(s3gen_hift(p->m->s3gen), FRAMES_A_STEP,
                                look_ahead(p), &p->hift, err);
}

void cells_close(cbx_pipeline *p)
{
    hift_cells_close(p->hift);
    flow_causal_close(p->causal);
    flow_state_close(p->flow);
}

cbx_status cells_begin(cbx_pipeline *p, cbx_error *err)
{
    const hift_segment segment = {
        .phase_key = pipeline_key(p, CBX_RANDOM_SOURCE_PHASE),
        .noise_key = pipeline_key(p, CBX_RANDOM_SOURCE_NOISE)};
    p->cell = p->from = 0;
    p->ready.n = p->ready.at = 0;
    p->sample = 0;
    hift_cells_begin(s3gen_hift(p->m->s3gen), p->hift, &segment);
    return p->causal ? flow_causal_begin(s3gen_flow(p->m->s3gen), p->causal,
                                         p->speaker->flow,
                                         pipeline_key(p, CBX_RANDOM_FLOW), err)
                     : CBX_OK;
}

/* -- flow ------------------------------------------------------------------ */

/* The token behind cell k, if the segment is that long. */
static int cell_end(const cbx_pipeline *p, int k)
{
    return p->options.flow == CBX_PIPELINE_FULL
               ? INT_MAX / 2
               : cbx_grid_end(p->options.grid, k);
}

/* The last of the cells that go through in one call, if the segment is long
 * enough. */
static int last_of_call(const cbx_pipeline *p)
{
    int k = p->cell;
    while (p->causal && p->hurry && k + 1 < p->cell + MOST_CELLS &&
           cell_end(p, k + 1) - p->from <= MOST_TOKENS)
        k++;
    return k;
}

int cells_known(const cbx_pipeline *p, int k)
{
    return cell_end(p, k) + s3gen_get_info(p->m->s3gen)->lookahead;
}

int cells_wanted(const cbx_pipeline *p)
{
    return cells_known(p, last_of_call(p));
}

double cbx_pipeline_cell_seconds(const cbx_pipeline *p, int k)
{
    if (p->options.flow == CBX_PIPELINE_FULL)
        return p->m->config.limits.max_speech_tokens / 25.0;
    const int from = p->cell + k > 0 ? cell_end(p, p->cell + k - 1) : 0;
    return (cell_end(p, p->cell + k) - from) / 25.0;
}

/* Ends of the next call's cells: those that can be computed by now. */
static int ends_of_call(const cbx_pipeline *p, int *ends)
{
    const int last = last_of_call(p);
    int n = 0;
    for (int k = p->cell; k <= last; k++) {
        const int end = cell_end(p, k);
        if (p->spoken && end >= p->n_tokens) {
            ends[n++] = p->n_tokens;
            break;
        }
        if (!p->spoken && cells_known(p, k) > p->n_tokens)
            break;
        ends[n++] = end;
    }
    return n;
}

static cbx_status run_cells(cbx_pipeline *p, const int *ends, int n,
                            cbx_error *err)
{
    const flow *m = s3gen_flow(p->m->s3gen);
    if (p->causal)
        return flow_causal_run(m, p->causal,
                               &(flow_cells){.tokens = p->tokens,
                                             .known = p->n_tokens,
                                             .final = p->spoken,
                                             .ends = ends,
                                             .n = n},
                               &p->ready.mel, err);
    return flow_run(m, p->flow, p->speaker->flow,
                    &(flow_cell){.tokens = p->tokens,
                                 .known = p->n_tokens,
                                 .final = p->spoken,
                                 .from = p->from,
                                 .to = ends[0],
                                 .key = pipeline_key(p, CBX_RANDOM_FLOW)},
                    NULL, &p->ready.mel, err);
}

cbx_status cells_flow(cbx_pipeline *p, cbx_error *err)
{
    const int64_t t0 = cbx_clock_ns();
    const flow *m = s3gen_flow(p->m->s3gen);
    int ends[MOST_CELLS];
    const int n = ends_of_call(p, ends);
    const cbx_status st = run_cells(p, ends, n, err);
    if (st)
        return st;
    for (int i = 0; i < n; i++) {
        p->ready.frames[i] = flow_frames(m, p->speaker->flow, p->from, ends[i]);
        p->from = ends[i];
    }
    p->ready.n = n;
    p->ready.at = 0;
    p->cell += n;
    p->stats.cells += (uint64_t)n;
    p->stats.calls++;
    cbx_trace_span("decode", "flow", t0, p->cell);
    p->stats.flow_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    p->stage = VOCODER;
    return CBX_OK;
}

/* -- vocoder --------------------------------------------------------------- */

/* What is behind the next n frames. */
static hift_end behind(const cbx_pipeline *p, int n)
{
    if (n < p->ready.frames[p->ready.at])
        return HIFT_MORE;
    return p->ready.at + 1 == p->ready.n && p->spoken && p->from == p->n_tokens
               ? HIFT_SEGMENT
               : HIFT_CELL;
}

/* The next frames of a cell; behind the last one, on to more tokens. */
void cells_vocoder(cbx_pipeline *p)
{
    const int64_t t0 = cbx_clock_ns();
    const hift *h = s3gen_hift(p->m->s3gen);
    const int left = p->ready.frames[p->ready.at];
    const int n = left < FRAMES_A_STEP ? left : FRAMES_A_STEP;
    const hift_end end = behind(p, n);
    p->pcm_len = (size_t)hift_cells_samples(h, p->hift, n, end);
    hift_cells_run(h, p->hift, cbx_rows(p->ready.mel, 0, n), end, p->pcm);
    s3gen_trim_fade(p->m->s3gen, p->sample, p->pcm, (int)p->pcm_len);
    p->sample += (int64_t)p->pcm_len;
    p->ready.mel = cbx_rows(p->ready.mel, n, p->ready.mel.rows - n);
    p->ready.frames[p->ready.at] -= n;
    cbx_trace_span("decode", "vocoder", t0, (int64_t)p->pcm_len);
    p->stats.vocoder_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    if (end == HIFT_SEGMENT)
        pipeline_end_segment(p);
    else if (end == HIFT_CELL && ++p->ready.at == p->ready.n)
        p->stage = T3;
}
