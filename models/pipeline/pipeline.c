#include "models/pipeline/pipeline.h"

#include "models/pipeline/internal.h"
#include "rt/clock.h"
#include "rt/random.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The units of work: small enough that a cancel or another stream waits little,
 * large enough that the cost of a call does not show. */
enum { TOKENS_A_STEP = 4, FRAMES_A_STEP = 16, SILENCE_A_STEP = 4800 };

/* Frames of finished cells that `causal` keeps in sight, and its longest cell
 * in tokens (models/pipeline/grid.c; the last one can be longer by a few). */
enum { HISTORY = 100, MOST_CELL = 64 };

/* What a segment does next. */
typedef enum { IDLE, LEAD, T3, FLOW, VOCODER } stage;

struct cbx_pipeline {
    const cbx_tts *m;
    const cbx_speaker *speaker;
    cbx_pipeline_options options;
    cbx_pipeline_stats stats;

    /* text */
    int max_bytes; /* of a segment's text */
    int32_t *ids;
    size_t ids_cap;

    /* the segment */
    stage stage;
    uint32_t number; /* of the segment since open or reset */
    int lead;        /* samples of silence still to give */
    t3_state *t3;
    int drawn;       /* tokens drawn, spoken or not */
    int limit;       /* most tokens that are drawn */
    int32_t *tokens; /* [limit + silence]: those that are spoken */
    int n_tokens;
    bool spoken; /* no more tokens will come */
    bool cut;

    /* cells */
    flow_state *flow;    /* FULL and PREFIX, else NULL */
    flow_causal *causal; /* CAUSAL, else NULL */
    int cell, from;      /* the next cell and its first token */
    cbx_mat mel;         /* what the vocoder has not taken yet; rows may be 0 */
    hift_state *hift;
    int64_t sample; /* of the segment: where the next piece begins */
    float *pcm;
    size_t pcm_cap, pcm_len;
};

/* -- open ------------------------------------------------------------------ */

static cbx_status open_flow(cbx_pipeline *p, cbx_error *err)
{
    const cbx_config_limits *l = &p->m->config.limits;
    const flow *m = s3gen_flow(p->m->s3gen);
    const int prompt = flow_voice_tokens(p->speaker->flow);
    const int most = l->max_speech_tokens + l->silence_appended;
    cbx_flow mode = p->options.flow;
    if (mode == CBX_PIPELINE_AUTO)
        mode = prompt > 100 ? CBX_PIPELINE_CAUSAL : CBX_PIPELINE_PREFIX;
    p->options.flow = mode;
    if (mode != CBX_PIPELINE_CAUSAL)
        return flow_state_open(m, prompt + most, false, &p->flow, err);
    cbx_status st = flow_voice_prepare(m, p->speaker->flow, err);
    if (!st)
        st = flow_causal_open(
            m,
            &(flow_causal_options){.history = HISTORY,
                                   .max_tokens = most,
                                   .most = most < MOST_CELL ? most : MOST_CELL},
            &p->causal, err);
    return st;
}

static cbx_status open_states(cbx_pipeline *p, cbx_error *err)
{
    const cbx_config_limits *l = &p->m->config.limits;
    const t3_info *ti = t3_get_info(p->m->t3);
    const int most = t3_voice_positions(p->speaker->t3) + (int)p->ids_cap +
                     l->max_speech_tokens;
    cbx_status st = t3_state_open(
        p->m->t3, most < ti->positions ? most : ti->positions, &p->t3, err);
    if (!st)
        st = open_flow(p, err);
    if (!st)
        st = hift_state_open(s3gen_hift(p->m->s3gen), FRAMES_A_STEP, false,
                             &p->hift, err);
    return st;
}

cbx_status cbx_pipeline_open(const cbx_tts *m, const cbx_speaker *speaker,
                             const cbx_pipeline_options *options,
                             cbx_pipeline **out, cbx_error *err)
{
    const cbx_config_limits *l = &m->config.limits;
    const s3gen_info *si = s3gen_get_info(m->s3gen);
    cbx_pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    p->m = m;
    p->speaker = speaker;
    p->options = *options;
    p->max_bytes = 4 * l->max_text_chars;
    p->ids_cap = 2 * (size_t)p->max_bytes + 64;
    p->pcm_cap = (size_t)(FRAMES_A_STEP + si->hift_delay + 2) *
                 (size_t)si->samples_per_frame;
    if (p->pcm_cap < SILENCE_A_STEP)
        p->pcm_cap = SILENCE_A_STEP;
    p->ids = malloc(p->ids_cap * sizeof *p->ids);
    p->tokens = malloc((size_t)(l->max_speech_tokens + l->silence_appended) *
                       sizeof *p->tokens);
    p->pcm = malloc(p->pcm_cap * sizeof *p->pcm);
    cbx_status st;
    if (!p->ids || !p->tokens || !p->pcm)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    else
        st = open_states(p, err);
    if (st) {
        cbx_pipeline_close(p);
        return st;
    }
    *out = p;
    return CBX_OK;
}

void cbx_pipeline_close(cbx_pipeline *p)
{
    if (!p)
        return;
    hift_state_close(p->hift);
    flow_causal_close(p->causal);
    flow_state_close(p->flow);
    t3_state_close(p->t3);
    free(p->pcm);
    free(p->tokens);
    free(p->ids);
    free(p);
}

void cbx_pipeline_reset(cbx_pipeline *p)
{
    p->stage = IDLE;
    p->number = 0;
    p->pcm_len = 0;
    p->cut = false;
}

/* -- text and T3 ----------------------------------------------------------- */

static uint64_t key_for(const cbx_pipeline *p, cbx_random_purpose purpose)
{
    return cbx_random_key(p->options.seed, purpose, p->number, 0);
}

static cbx_status tokenise(cbx_pipeline *p, const char *text, size_t n,
                           size_t *n_ids, cbx_error *err)
{
    if (n > (size_t)p->max_bytes)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a segment of %zu bytes; the model takes %d", n,
                        p->max_bytes);
    return cbx_tokenizer_encode(p->m->tokenizer, text, n, p->options.language,
                                p->ids, p->ids_cap, n_ids, err);
}

cbx_status cbx_pipeline_begin(cbx_pipeline *p, const char *text, size_t n,
                              int lead, cbx_error *err)
{
    size_t n_ids;
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = tokenise(p, text, n, &n_ids, err);
    const int64_t t1 = cbx_clock_ns();
    if (st)
        return st;
    const t3_segment segment = {.text = p->ids,
                                .n = (int)n_ids,
                                .sampling = p->options.sampling,
                                .exaggeration = &p->options.exaggeration,
                                .key = key_for(p, CBX_RANDOM_SAMPLER)};
    if ((st = t3_begin(p->m->t3, p->t3, p->speaker->t3, &segment, err)))
        return st;
    if (p->causal && (st = flow_causal_begin(s3gen_flow(p->m->s3gen), p->causal,
                                             p->speaker->flow,
                                             key_for(p, CBX_RANDOM_FLOW), err)))
        return st;
    hift_begin(
        s3gen_hift(p->m->s3gen), p->hift,
        &(hift_segment){.phase_key = key_for(p, CBX_RANDOM_SOURCE_PHASE),
                        .noise_key = key_for(p, CBX_RANDOM_SOURCE_NOISE)});
    const int room = t3_room(p->t3);
    const int most = p->m->config.limits.max_speech_tokens;
    p->limit = room < most ? room : most;
    p->lead = lead;
    p->stage = lead > 0 ? LEAD : T3;
    p->drawn = p->n_tokens = p->cell = p->from = 0;
    p->spoken = p->cut = false;
    p->mel.rows = 0;
    p->sample = 0;
    p->pcm_len = 0;
    p->stats.text_seconds += 1e-9 * (double)(t1 - t0);
    p->stats.t3_seconds += 1e-9 * (double)(cbx_clock_ns() - t1);
    return CBX_OK;
}

/* The tokens are complete: the silence that the reference puts behind them
 * (tts_turbo.py: generate). */
static void end_tokens(cbx_pipeline *p)
{
    const cbx_config_limits *l = &p->m->config.limits;
    for (int i = 0; i < l->silence_appended; i++)
        p->tokens[p->n_tokens++] = l->silence_token;
    p->spoken = true;
}

/* The token behind the next cell, if the segment is that long. */
static int cell_end(const cbx_pipeline *p)
{
    return p->options.flow == CBX_PIPELINE_FULL
               ? INT_MAX / 2
               : cbx_grid_end(p->options.grid, p->cell);
}

/* Tokens that the next cell needs to know. */
static int wanted_tokens(const cbx_pipeline *p)
{
    return cell_end(p) + s3gen_get_info(p->m->s3gen)->lookahead;
}

/* t3.py: inference_turbo does not test the first token for stop, inference
 * does. Ids that are no sound are dropped (s3tokenizer: drop_invalid_tokens,
 * tts.py, tts_turbo.py: generate). */
static void take_token(cbx_pipeline *p, int32_t token)
{
    const bool tested = p->drawn > 0 || !p->m->config.t3.gpt2;
    const bool stop = tested && token == t3_get_info(p->m->t3)->stop;
    p->drawn++;
    if (!stop && token < s3gen_get_info(p->m->s3gen)->codes) {
        p->tokens[p->n_tokens++] = token;
        p->stats.tokens++;
    }
    if (!stop && p->drawn == p->limit) {
        p->cut = true;
        p->stats.cuts++;
    }
    if (stop || p->drawn == p->limit)
        end_tokens(p);
}

static void end_segment(cbx_pipeline *p)
{
    p->stage = IDLE;
    p->stats.segments++;
    p->number++;
}

static cbx_status step_t3(cbx_pipeline *p, cbx_error *err)
{
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = CBX_OK;
    for (int i = 0; i < TOKENS_A_STEP && !p->spoken && !st &&
                    p->n_tokens < wanted_tokens(p);
         i++) {
        int32_t token;
        if (!(st = t3_step(p->m->t3, &p->t3, 1, NULL, &token, err)))
            take_token(p, token);
    }
    p->stats.t3_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    if (p->spoken && p->n_tokens == 0)
        end_segment(p); /* Llama stopped at once: there is nothing to hear */
    else if (p->spoken || p->n_tokens >= wanted_tokens(p))
        p->stage = FLOW;
    return st;
}

/* -- flow and vocoder ------------------------------------------------------ */

static bool last_cell(const cbx_pipeline *p)
{
    return p->spoken && p->n_tokens <= cell_end(p);
}

static cbx_status run_cell(cbx_pipeline *p, int to, cbx_error *err)
{
    const flow *m = s3gen_flow(p->m->s3gen);
    if (p->causal)
        return flow_causal_run(m, p->causal,
                               &(flow_cells){.tokens = p->tokens,
                                             .known = p->n_tokens,
                                             .final = p->spoken,
                                             .ends = &to,
                                             .n = 1},
                               &p->mel, err);
    return flow_run(m, p->flow, p->speaker->flow,
                    &(flow_cell){.tokens = p->tokens,
                                 .known = p->n_tokens,
                                 .final = p->spoken,
                                 .from = p->from,
                                 .to = to,
                                 .key = key_for(p, CBX_RANDOM_FLOW)},
                    NULL, &p->mel, err);
}

static cbx_status step_flow(cbx_pipeline *p, cbx_error *err)
{
    const int64_t t0 = cbx_clock_ns();
    const int end = cell_end(p);
    const cbx_status st =
        run_cell(p, end < p->n_tokens ? end : p->n_tokens, err);
    p->stats.flow_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    p->stats.cells++;
    p->stage = VOCODER;
    return st;
}

/* The next frames of the cell; behind its last one, on to the next cell. */
static void step_vocoder(cbx_pipeline *p)
{
    const int64_t t0 = cbx_clock_ns();
    const hift *h = s3gen_hift(p->m->s3gen);
    const int n = p->mel.rows < FRAMES_A_STEP ? p->mel.rows : FRAMES_A_STEP;
    const bool cell_done = n == p->mel.rows;
    const bool final = cell_done && last_cell(p);
    p->pcm_len = (size_t)hift_samples(h, p->hift, n, final);
    hift_run(h, p->hift, cbx_rows(p->mel, 0, n), final, NULL, p->pcm);
    s3gen_trim_fade(p->m->s3gen, p->sample, p->pcm, (int)p->pcm_len);
    p->sample += (int64_t)p->pcm_len;
    p->mel = cbx_rows(p->mel, n, p->mel.rows - n);
    p->stats.vocoder_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    if (final) {
        end_segment(p);
    } else if (cell_done) {
        p->from = cell_end(p);
        p->cell++;
        p->stage = T3;
    }
}

static void step_lead(cbx_pipeline *p)
{
    const int n = p->lead < SILENCE_A_STEP ? p->lead : SILENCE_A_STEP;
    memset(p->pcm, 0, (size_t)n * sizeof *p->pcm);
    p->pcm_len = (size_t)n;
    p->lead -= n;
    if (p->lead == 0)
        p->stage = T3;
}

cbx_status cbx_pipeline_step(cbx_pipeline *p, bool *done, cbx_error *err)
{
    cbx_status st = CBX_OK;
    p->pcm_len = 0;
    switch (p->stage) {
    case IDLE:
        break;
    case LEAD:
        step_lead(p);
        break;
    case T3:
        st = step_t3(p, err);
        break;
    case FLOW:
        st = step_flow(p, err);
        break;
    case VOCODER:
        step_vocoder(p);
        break;
    }
    p->stats.samples += p->pcm_len;
    *done = p->stage == IDLE;
    return st;
}

size_t cbx_pipeline_max_pcm(const cbx_pipeline *p)
{
    return p->pcm_cap;
}

const float *cbx_pipeline_pcm(const cbx_pipeline *p, size_t *n)
{
    *n = p->pcm_len;
    return p->pcm;
}

const cbx_pipeline_stats *cbx_pipeline_get_stats(const cbx_pipeline *p)
{
    return &p->stats;
}

bool cbx_pipeline_was_cut(const cbx_pipeline *p, int *tokens)
{
    *tokens = p->drawn;
    return p->cut && p->stage == IDLE;
}
