#include "models/pipeline/work.h"

#include "rt/clock.h"
#include "rt/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- open ------------------------------------------------------------------ */

static cbx_status open_t3(cbx_pipeline *p, cbx_error *err)
{
    const int most = t3_voice_positions(p->speaker->t3) + (int)p->ids_cap +
                     p->m->config.limits.max_speech_tokens;
    const int can = t3_get_info(p->m->t3)->positions;
    return t3_state_open(p->m->t3, most < can ? most : can, &p->t3, err);
}

cbx_status tokens_open(cbx_pipeline *p, cbx_error *err)
{
    const cbx_config_limits *l = &p->m->config.limits;
    const int most = l->max_speech_tokens + l->silence_appended;
    p->samples_a_token = p->m->config.flow.token_mel_ratio *
                         s3gen_get_info(p->m->s3gen)->samples_per_frame;
    p->max_bytes = 4 * l->max_text_chars;
    p->ids_cap = 2 * (size_t)p->max_bytes + 64;
    p->ids = malloc(p->ids_cap * sizeof *p->ids);
    p->look = malloc(p->ids_cap * sizeof *p->look);
    p->tokens = malloc((size_t)most * sizeof *p->tokens);
    p->all = malloc((size_t)l->max_speech_tokens * sizeof *p->all);
    if (!p->ids || !p->look || !p->tokens || !p->all)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    const cbx_status st =
        words_open(p->max_bytes, l->max_speech_tokens, &p->words, err);
    return st ? st : open_t3(p, err);
}

void tokens_close(cbx_pipeline *p)
{
    t3_state_close(p->t3);
    words_close(p->words);
    free(p->all);
    free(p->tokens);
    free(p->look);
    free(p->ids);
}

void cbx_pipeline_language(cbx_pipeline *p, const char *language)
{
    snprintf(p->options.language, sizeof p->options.language, "%s", language);
}

/* -- a segment ------------------------------------------------------------- */

static uint64_t sampler_key(const cbx_pipeline *p)
{
    return cbx_random_key(p->options.seed, CBX_RANDOM_SAMPLER, p->number,
                          (uint32_t)p->retries);
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

/* T3 over the text, with the random numbers of this try. */
static cbx_status begin_t3(cbx_pipeline *p, cbx_error *err)
{
    const t3_segment segment = {.text = p->ids,
                                .n = p->n_ids,
                                .sampling = p->options.sampling,
                                .exaggeration = &p->options.exaggeration,
                                .key = sampler_key(p)};
    return t3_begin(p->m->t3, p->t3, p->speaker->t3, &segment, err);
}

cbx_status tokens_begin(cbx_pipeline *p, const char *text, size_t n,
                        cbx_error *err)
{
    size_t n_ids;
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = tokenise(p, text, n, &n_ids, err);
    if (st)
        return st;
    p->n_ids = (int)n_ids;
    p->retries = 0;
    words_begin(p->words, &(words_text){.tokenizer = p->m->tokenizer,
                                        .language = p->options.language,
                                        .text = text,
                                        .n = n,
                                        .ids = p->ids,
                                        .n_ids = p->n_ids});
    guard_begin(&p->guard, p->speaker->silent, text, n);
    cbx_trace_span("decode", "text", t0, (int64_t)n);
    const int64_t t1 = cbx_clock_ns();
    if ((st = begin_t3(p, err)))
        return st;
    const int room = t3_room(p->t3);
    const int most = p->m->config.limits.max_speech_tokens;
    p->limit = room < most ? room : most;
    p->drawn = p->n_tokens = 0;
    p->fixed.cell = p->fixed.n_tokens = p->fixed.drawn = 0;
    p->spoken = p->cut = p->given = false;
    p->n_stepped_in = 0;
    p->stats.text_seconds += 1e-9 * (double)(t1 - t0);
    cbx_trace_span("decode", "t3", t1, 0);
    p->stats.t3_seconds += 1e-9 * (double)(cbx_clock_ns() - t1);
    return CBX_OK;
}

/* The tokens are complete: the silence that the reference puts behind them
 * (tts_turbo.py: generate). */
static void end_tokens(cbx_pipeline *p)
{
    const cbx_config_limits *l = &p->m->config.limits;
    words_settle(p->words, p->n_tokens, true);
    p->stats.tokens += (uint64_t)p->n_tokens;
    for (int i = 0; i < l->silence_appended; i++)
        p->tokens[p->n_tokens++] = l->silence_token;
    p->spoken = true;
}

/* -- guards ---------------------------------------------------------------- */

static void note(cbx_pipeline *p, guard_kind kind, const char *done)
{
    p->stats.guards++;
    if (p->n_stepped_in == MOST_INTERVENTIONS)
        return;
    cbx_intervention *i = &p->stepped_in[p->n_stepped_in++];
    i->kind = (int)kind;
    i->sample = p->lead_all + (int64_t)p->n_tokens * p->samples_a_token;
    snprintf(i->text, sizeof i->text, "%s after %.1f s: %s", guard_what(kind),
             p->n_tokens / 25.0, done);
}

/* Back to the last token that the flow may have used, and on from there with
 * other random numbers. */
static cbx_status try_again(cbx_pipeline *p, cbx_error *err)
{
    p->retries++;
    p->n_tokens = p->fixed.n_tokens;
    p->drawn = p->fixed.drawn;
    words_back(p->words, p->n_tokens);
    guard_back(&p->guard, p->tokens, p->n_tokens);
    if (p->drawn == 0)
        return begin_t3(p, err);
    t3_back(p->m->t3, p->t3, p->all, p->drawn, sampler_key(p));
    return CBX_OK;
}

/* good: tokens worth keeping, for the case that it ends here. */
static cbx_status step_in(cbx_pipeline *p, guard_kind kind, int good,
                          cbx_error *err)
{
    const bool said =
        kind == GUARD_ENDLESS || kind == GUARD_TAIL ||
        (kind == GUARD_SILENCE &&
         guard_stop(&p->guard, good, words_progress(p->words)) == GUARD_NONE);
    if (!said && p->retries < MOST_RETRIES) {
        note(p, kind, "spoken again from there on");
        return try_again(p, err);
    }
    note(p, kind, kind == GUARD_EARLY ? "left as it is" : "ended there");
    if (good < p->fixed.n_tokens)
        good = p->fixed.n_tokens;
    if (good < p->n_tokens)
        p->n_tokens = good;
    end_tokens(p);
    return CBX_OK;
}

/* -- tokens ---------------------------------------------------------------- */

/* A cell has all the tokens that it sees: no later one can change it. */
static void fix_tokens(cbx_pipeline *p)
{
    if (p->n_tokens < cells_known(p, p->fixed.cell))
        return;
    words_settle(p->words, cells_known(p, p->fixed.cell), false);
    p->fixed.cell++;
    p->fixed.n_tokens = p->n_tokens;
    p->fixed.drawn = p->drawn;
}

static cbx_status keep_token(cbx_pipeline *p, int32_t token, cbx_error *err)
{
    int good;
    p->tokens[p->n_tokens++] = token;
    words_token(p->words,
                t3_read_look(p->m->t3, p->t3, p->look) ? p->look : NULL);
    const guard_kind kind =
        guard_token(&p->guard, p->tokens, p->n_tokens, words_progress(p->words),
                    words_behind_end(p->words), &good);
    if (p->options.guards && kind != GUARD_NONE)
        return step_in(p, kind, good, err);
    fix_tokens(p);
    return CBX_OK;
}

static cbx_status stop_tokens(cbx_pipeline *p, cbx_error *err)
{
    const guard_kind kind =
        guard_stop(&p->guard, p->n_tokens, words_progress(p->words));
    if (p->options.guards && kind != GUARD_NONE)
        return step_in(p, kind, p->n_tokens, err);
    end_tokens(p);
    return CBX_OK;
}

static void cut_tokens(cbx_pipeline *p)
{
    p->cut = true;
    p->stats.cuts++;
    if (p->options.guards)
        note(p, GUARD_ENDLESS, "ended there");
    end_tokens(p);
}

/* t3.py: inference_turbo does not test the first token for stop, inference
 * does. Ids that are no sound are dropped (s3tokenizer: drop_invalid_tokens,
 * tts.py, tts_turbo.py: generate). */
static cbx_status take_token(cbx_pipeline *p, int32_t token, cbx_error *err)
{
    const bool tested = p->drawn > 0 || !p->m->config.t3.gpt2;
    cbx_status st = CBX_OK;
    p->all[p->drawn++] = token;
    if (tested && token == t3_get_info(p->m->t3)->stop)
        return stop_tokens(p, err);
    if (token < s3gen_get_info(p->m->s3gen)->codes)
        st = keep_token(p, token, err);
    if (!st && !p->spoken && p->drawn == p->limit)
        cut_tokens(p);
    return st;
}

bool tokens_wanted(const cbx_pipeline *p)
{
    return !p->spoken && p->n_tokens < cells_wanted(p);
}

/* One token for each of them that wants one. False: nobody did. */
static bool draw_tokens(cbx_pipeline *const *all, int n, cbx_status *st,
                        cbx_error *err)
{
    cbx_pipeline *who[CBX_PIPELINE_TOGETHER];
    t3_state *states[CBX_PIPELINE_TOGETHER];
    int32_t tokens[CBX_PIPELINE_TOGETHER];
    int k = 0;
    for (int i = 0; i < n; i++)
        if (tokens_wanted(all[i])) {
            states[k] = all[i]->t3;
            who[k++] = all[i];
        }
    if (k == 0)
        return false;
    *st = t3_step(all[0]->m->t3, states, k, NULL, tokens, err);
    for (int i = 0; i < k && !*st; i++)
        *st = take_token(who[i], tokens[i], err);
    return true;
}

static void end_step(cbx_pipeline *p)
{
    if (p->spoken && p->n_tokens == 0)
        pipeline_end_segment(p); /* it stopped at once: nothing to hear */
    else if (!tokens_wanted(p))
        p->stage = FLOW;
}

cbx_status tokens_step(cbx_pipeline *p, cbx_pipeline *const *others, int n,
                       cbx_error *err)
{
    const int64_t t0 = cbx_clock_ns();
    cbx_pipeline *all[CBX_PIPELINE_TOGETHER];
    cbx_status st = CBX_OK;
    all[0] = p;
    for (int i = 0; i < n; i++)
        all[i + 1] = others[i];
    for (int i = 0; !p->given && i < TOKENS_A_STEP && !st; i++)
        if (!draw_tokens(all, n + 1, &st, err))
            break;
    cbx_trace_span("decode", "t3", t0, p->n_tokens);
    const double seconds = 1e-9 * (double)(cbx_clock_ns() - t0) / (n + 1);
    for (int i = 0; i <= n; i++) {
        all[i]->stats.t3_seconds += seconds;
        end_step(all[i]);
    }
    return st;
}

/* -- what others ask ------------------------------------------------------- */

static int64_t sample_at(const cbx_pipeline *p, int token)
{
    return p->lead_all + (int64_t)token * p->samples_a_token;
}

bool cbx_pipeline_word(cbx_pipeline *p, cbx_word *out)
{
    word w;
    if (!words_next(p->words, &w))
        return false;
    *out = (cbx_word){w.from, w.to, sample_at(p, w.token)};
    return true;
}

bool cbx_pipeline_sample_of(const cbx_pipeline *p, int at, int64_t *sample)
{
    const int token = words_token_of(p->words, at);
    if (token < 0)
        return false;
    *sample = sample_at(p, token);
    return true;
}

bool cbx_pipeline_intervention(cbx_pipeline *p, cbx_intervention *out)
{
    if (p->n_stepped_in == 0)
        return false;
    *out = p->stepped_in[0];
    p->n_stepped_in--;
    memmove(p->stepped_in, p->stepped_in + 1,
            (size_t)p->n_stepped_in * sizeof *p->stepped_in);
    return true;
}
