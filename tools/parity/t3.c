#include "tools/parity/parity.h"
#include "tools/parity/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* t3.*: prefix, prefill and teacher-forced steps; gen.*: the free-running
 * loop with the reference's random numbers. */

cbx_status parity_open_t3(parity *p, cbx_error *err)
{
    char path[4096];
    cbx_status st;
    if (p->t3)
        return CBX_OK;
    if (!p->config.files.t3[0])
        return cbx_fail(err, CBX_E_FILE, "%s: no T3 file", p->folder);
    if ((st = path_in(p->folder, p->config.files.t3, path, sizeof path, err)))
        return st;
    if (!p->t3_file && (st = cbx_tensor_file_open(path, &p->t3_file, err)))
        return st;
    return t3_open(p->dev, p->t3_file, &p->config, CBX_FMT_F32, &p->t3, err);
}

int golden_last_step(const parity *p)
{
    int last = 0;
    for (size_t i = 0; i < p->golden.n; i++) {
        int k;
        if (sscanf(cbx_tensor_at(p->golden.file, i)->name, "t3.step%4d.", &k) ==
                1 &&
            k > last)
            last = k;
    }
    return last;
}

cbx_status t3_inputs_read(parity *p, const char *text_key, t3_inputs *out,
                          cbx_error *err)
{
    golden *g = &p->golden;
    t3_inputs in = {.segment = {.sampling = golden_sampling(p)}};
    int64_t dims[2] = {1, -1};
    const float *speaker;
    const int32_t *prompt;
    cbx_status st;
    if ((st = golden_ids(g, text_key, &in.segment.n, &in.segment.text, err)) ||
        (st = golden_floats(g, "t3.in.speaker_emb", 2, dims, &speaker, err)) ||
        (st = golden_ids(g, "t3.in.prompt_tokens", &in.conds.n_t3_tokens,
                         &prompt, err)) ||
        (st = golden_number(g, "t3.in.emotion", &in.conds.emotion_adv, err)))
        return st;
    in.conds.speaker_dim = (int)dims[1];
    in.conds.speaker_emb = (float *)speaker;
    in.conds.t3_tokens = (int32_t *)prompt;
    if (golden_find(g, "t3.in.forced_tokens")) {
        if ((st = golden_ids(g, "t3.in.forced_tokens", &in.n_forced, &in.forced,
                             err)))
            return st;
        if (in.n_forced > golden_last_step(p))
            in.n_forced = golden_last_step(p);
    }
    *out = in;
    return CBX_OK;
}

/* t3.in.text through our own front end: it is the first text
 * (export_golden.py: main). */
static void run_text(parity *p)
{
    const char *text;
    char language[16];
    int32_t *ids;
    size_t n, count;
    cbx_error err;
    if (!golden_find(&p->golden, "t3.in.text"))
        return;
    if (golden_text(&p->golden, "t3.in.text", &n, &text, &err) ||
        text_language(p, 0, language, &err) ||
        text_to_ids(p, text, n, language[0] ? language : "en", &ids, &count,
                    &err)) {
        report_fail(&p->report, "t3.in.text_ids", "%s", err.text);
        return;
    }
    report_ids(&p->report, "t3.in.text_ids", ids, count);
    report_ids(&p->report, "gen.text_ids", ids, count);
    free(ids);
}

void parity_t3(parity *p)
{
    t3_inputs in;
    watch w;
    cbx_error err;
    run_text(p);
    if (t3_inputs_read(p, "t3.in.text_ids", &in, &err) ||
        parity_open_t3(p, &err)) {
        report_not_run(&p->report, "t3.", "%s", err.text);
        return;
    }
    const t3_trace_run run = {.conds = &in.conds,
                              .segment = in.segment,
                              .forced = in.forced,
                              .n_forced = in.n_forced};
    watch_open(&w, p->dev, false);
    w.ignore = "t3.step*.probs"; /* parity_probs has them */
    if (t3_trace(p->t3, &run, &w.probe, &err))
        report_not_run(&p->report, "t3.", "%s", err.text);
    else
        watch_report(&w, &p->report);
    watch_close(&w);
}

/* -- gen ------------------------------------------------------------------- */

/* What the loop is compared with. */
typedef struct gen_golden {
    const float *u, *margin;
    const int32_t *tokens;
    int n_u, n_tokens;
} gen_golden;

static cbx_status read_gen(parity *p, gen_golden *out, cbx_error *err)
{
    golden *g = &p->golden;
    gen_golden r = {0};
    int64_t n[1] = {-1};
    cbx_status st;
    if ((st = golden_floats(g, "gen.u", 1, n, &r.u, err)) ||
        (st = golden_ids(g, "gen.tokens", &r.n_tokens, &r.tokens, err)))
        return st;
    if (n[0] < 1 || n[0] > 1 << 20 || r.n_tokens > n[0])
        return cbx_fail(err, CBX_E_SHAPE,
                        "gen.tokens has %d tokens for the %lld numbers of "
                        "gen.u",
                        r.n_tokens, (long long)n[0]);
    r.n_u = (int)n[0];
    if (golden_find(g, "gen.cdf_margin") &&
        (st = golden_floats(g, "gen.cdf_margin", 1, n, &r.margin, err)))
        return st;
    *out = r;
    return CBX_OK;
}

/* t3.py: inference: the stop token ends it and is kept; inference_turbo: one
 * after the first token ends it and is not. Returns the number of tokens, or
 * -1. */
static int generate(parity *p, const t3_inputs *in, const gen_golden *want,
                    int32_t *tokens, cbx_error *err)
{
    const int stop = t3_get_info(p->t3)->stop;
    const bool gpt2 = p->config.t3.gpt2;
    t3_voice *voice = NULL;
    t3_state *state = NULL;
    int n = 0;
    bool stopped = false;
    cbx_status st = t3_voice_open(p->t3, &in->conds, &voice, err);
    if (!st)
        st = t3_state_open(
            p->t3, t3_voice_positions(voice) + in->segment.n + want->n_u,
            &state, err);
    if (!st)
        st = t3_begin(p->t3, state, voice, &in->segment, err);
    for (int i = 0; i < want->n_u && !st && !stopped; i++) {
        const double u = (double)want->u[i];
        st = t3_step(p->t3, &state, 1, &u, &tokens[n], err);
        stopped = !st && (i > 0 || !gpt2) && tokens[n] == stop;
        n += !st && !(stopped && gpt2);
    }
    t3_state_close(state);
    t3_voice_close(voice);
    return st ? -1 : n;
}

/* A draw whose number lies within 1e-4 of an edge of the distribution may go
 * either way; what follows it is then another sentence. */
static void compare_tokens(parity *p, const gen_golden *want,
                           const int32_t *tokens, int n)
{
    const int least = n < want->n_tokens ? n : want->n_tokens;
    int i = 0;
    while (i < least && tokens[i] == want->tokens[i])
        i++;
    const bool equal = i == n && i == want->n_tokens;
    if (equal || !want->margin || i >= want->n_u ||
        !(want->margin[i] < 1e-4f)) {
        report_ids(&p->report, "gen.tokens", tokens, (size_t)n);
        return;
    }
    report_note(&p->report,
                "gen.tokens: token %d of %d differs, where the random number "
                "lies %.1e from another token; not compared from there on",
                i, want->n_tokens, (double)want->margin[i]);
    report_named_ids(&p->report, "gen.tokens", tokens, want->tokens, (size_t)i);
    golden_settle(&p->golden, "gen.tokens", GOLDEN_COMPARED);
}

void parity_gen(parity *p)
{
    t3_inputs in;
    gen_golden want = {0};
    cbx_error err;
    if (t3_inputs_read(p, "gen.text_ids", &in, &err) ||
        read_gen(p, &want, &err) || parity_open_t3(p, &err)) {
        report_not_run(&p->report, "gen.", "%s", err.text);
        return;
    }
    int32_t *tokens = need((size_t)want.n_u + 1, sizeof *tokens);
    const int n = generate(p, &in, &want, tokens, &err);
    if (n < 0)
        report_fail(&p->report, "gen.tokens", "%s", err.text);
    else
        compare_tokens(p, &want, tokens, n);
    free(tokens);
}
