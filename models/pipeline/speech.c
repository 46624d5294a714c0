#include "models/pipeline/work.h"

#include "rt/clock.h"

#include <stdio.h>

void cbx_pipeline_language(cbx_pipeline *p, const char *language)
{
    snprintf(p->options.language, sizeof p->options.language, "%s", language);
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

cbx_status speech_begin(cbx_pipeline *p, const char *text, size_t n,
                        cbx_error *err)
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
                                .key = pipeline_key(p, CBX_RANDOM_SAMPLER)};
    if ((st = t3_begin(p->m->t3, p->t3, p->speaker->t3, &segment, err)))
        return st;
    const int room = t3_room(p->t3);
    const int most = p->m->config.limits.max_speech_tokens;
    p->limit = room < most ? room : most;
    p->drawn = p->n_tokens = 0;
    p->spoken = p->cut = p->given = false;
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

static bool wants_more(const cbx_pipeline *p)
{
    return !p->spoken && p->n_tokens < cells_wanted(p);
}

/* -- tokens from outside --------------------------------------------------- */

void speech_begin_given(cbx_pipeline *p)
{
    p->limit = p->m->config.limits.max_speech_tokens;
    p->drawn = p->n_tokens = 0;
    p->spoken = p->cut = false;
    p->given = true;
}

cbx_status cbx_pipeline_give(cbx_pipeline *p, const int32_t *tokens, int n,
                             bool last, cbx_error *err)
{
    const int codes = s3gen_get_info(p->m->s3gen)->codes;
    if (n > p->limit - p->n_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a segment of more than %d speech tokens", p->limit);
    for (int i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= codes)
            return cbx_fail(err, CBX_E_ARG,
                            "speech token %d; the model has %d of them",
                            (int)tokens[i], codes);
    for (int i = 0; i < n; i++)
        p->tokens[p->n_tokens++] = tokens[i];
    p->stats.tokens += (uint64_t)n;
    p->spoken = last;
    return CBX_OK;
}

bool cbx_pipeline_waits(const cbx_pipeline *p)
{
    return p->given && p->stage == T3 && wants_more(p);
}

int cbx_pipeline_max_tokens(const cbx_pipeline *p)
{
    return p->m->config.limits.max_speech_tokens;
}

/* -- steps ----------------------------------------------------------------- */

cbx_status speech_step(cbx_pipeline *p, cbx_error *err)
{
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = CBX_OK;
    for (int i = 0; !p->given && i < TOKENS_A_STEP && wants_more(p) && !st;
         i++) {
        int32_t token;
        if (!(st = t3_step(p->m->t3, &p->t3, 1, NULL, &token, err)))
            take_token(p, token);
    }
    p->stats.t3_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    if (p->spoken && p->n_tokens == 0)
        pipeline_end_segment(p); /* it stopped at once: nothing to hear */
    else if (!wants_more(p))
        p->stage = FLOW;
    return st;
}
