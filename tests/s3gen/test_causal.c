/* Flow in the mode `causal`: any way of feeding gives the bits of all cells in
 * one call. Arguments: folders of models; "-" for one that is not there. */

#include "tests/s3gen/causal.h"

static void any_way_of_feeding_is_one_call(const subject *x, int plans)
{
    double energy = 0;

    for (int i = 0; i < plans; i++) {
        const plan p = random_plan((uint64_t)i + 500);
        const size_t bytes = mel_bytes(x, &p);
        flow_causal *one = open_causal(x, p.history, MOST, MOST);
        flow_causal *cut = open_causal(x, p.history, p.n_tokens, p.n_tokens);
        float *twin = speak(x, one, x->voice, &p, 10 * MAX_CELLS, 0);
        for (int widest = 1; widest <= 5; widest += 2) {
            float *mel = speak(x, cut, x->voice, &p, widest, widest != 3);
            CHECK(!memcmp(mel, twin, bytes));
            free(mel);
        }
        for (size_t j = 0; j < bytes / sizeof *twin; j++)
            energy += twin[j] * twin[j];
        free(twin);
        flow_causal_close(one);
        flow_causal_close(cut);
    }
    CHECK(energy > 1 && isfinite(energy));
}

/* The most tokens of a cell, and no more, is what a call has room for. */
static void a_state_that_just_fits_is_enough(const subject *x)
{
    for (uint64_t key = 1; key < 8; key++) {
        plan p = random_plan(key);
        int widest = 1;
        flow_causal *s;
        float *want = speak_plan(x, x->voice, &p), *mel;

        for (int i = 0, at = 0; i < p.n_cells; at = p.ends[i++])
            widest = p.ends[i] - at > widest ? p.ends[i] - at : widest;
        s = open_causal(x, p.history, p.n_tokens, widest);
        mel = speak(x, s, x->voice, &p, 1, 1);
        CHECK(!memcmp(mel, want, mel_bytes(x, &p)));
        free(mel);
        free(want);
        flow_causal_close(s);
    }
}

static void a_history_longer_than_the_speech_is_all(const subject *x)
{
    plan p = {.n_tokens = 30, .n_cells = 4, .ends = {7, 8, 20, 30}, .key = 4};
    float *all = speak_plan(x, x->voice, &p), *some;

    p.history = flow_frames(x->flow, x->voice, 0, 20);
    some = speak_plan(x, x->voice, &p);
    CHECK(!memcmp(all, some, mel_bytes(x, &p)));
    free(some);
    p.history = 3;
    some = speak_plan(x, x->voice, &p);
    CHECK(memcmp(all, some, mel_bytes(x, &p)) != 0);
    free(some);
    free(all);
}

/* Without a prompt one cell over everything is the mode `full`. */
static void one_cell_without_a_prompt_is_full(const subject *x)
{
    cbx_conds none = *x->conds;
    const plan p = {.n_tokens = 33, .n_cells = 1, .ends = {33}, .key = 6};
    flow_voice *v;
    flow_state *s;
    cbx_mat mel;
    float *got, *want;
    cbx_error err;

    none.n_prompt_tokens = none.n_prompt_frames = 0;
    must(flow_voice_open(x->flow, &none, &v, &err), &err);
    must(flow_voice_prepare(x->flow, v, &err), &err);
    must(flow_state_open(x->flow, MOST, false, &s, &err), &err);
    got = speak_plan(x, v, &p);
    must(flow_run(x->flow, s, v,
                  &(flow_cell){.tokens = x->tokens,
                               .known = 33,
                               .final = true,
                               .to = 33,
                               .key = 6},
                  NULL, &mel, &err),
         &err);
    want = host_copy(x, mel);
    CHECK(mel.rows == flow_frames(x->flow, v, 0, 33));
    CHECK(!memcmp(got, want, sizeof *got * (size_t)mel.rows * (size_t)x->mels));
    free(got);
    free(want);
    flow_state_close(s);
    flow_voice_close(v);
}

static void streams_share_a_prompt(const subject *x)
{
    const plan p = random_plan(71), q = random_plan(72);
    flow_causal *a = open_causal(x, 9, MOST, MOST);
    flow_causal *b = open_causal(x, 9, MOST, MOST);
    float *mel[4] = {speak(x, a, x->voice, &p, 1, 1),
                     speak(x, b, x->voice, &q, 2, 0)};

    mel[2] = speak(x, b, x->voice, &p, 2, 1);
    mel[3] = speak(x, a, x->voice, &q, 1, 1);
    CHECK(!memcmp(mel[0], mel[2], mel_bytes(x, &p)));
    CHECK(!memcmp(mel[1], mel[3], mel_bytes(x, &q)));
    for (int i = 0; i < 4; i++)
        free(mel[i]);
    flow_causal_close(a);
    flow_causal_close(b);
}

/* The frame behind an odd prompt is the prompt's. */
static void an_odd_prompt_costs_the_first_cell_a_frame(const subject *x)
{
    const plan p = {
        .history = 5, .n_tokens = 20, .n_cells = 3, .ends = {1, 8, 20}};
    const int frames = x->conds->n_prompt_frames;
    cbx_conds odd = *x->conds;
    float *feat = calloc((size_t)(frames + 1) * (size_t)x->mels, sizeof *feat);
    flow_causal *s = open_causal(x, 5, MOST, MOST);
    float *cut, *twin;
    flow_voice *v;
    cbx_error err;

    CHECK(feat && frames == 2 * odd.n_prompt_tokens);
    memcpy(feat, odd.prompt_feat,
           sizeof *feat * (size_t)frames * (size_t)x->mels);
    odd.prompt_feat = feat;
    odd.n_prompt_frames = frames + 1;
    must(flow_voice_open(x->flow, &odd, &v, &err), &err);
    must(flow_voice_prepare(x->flow, v, &err), &err);
    CHECK(flow_frames(x->flow, v, 0, 20) == 39);
    cut = speak(x, s, v, &p, 1, 1);
    twin = speak(x, s, v, &p, 100, 1);
    CHECK(!memcmp(cut, twin, sizeof *cut * 39 * (size_t)x->mels));
    free(cut);
    free(twin);
    free(feat);
    flow_causal_close(s);
    flow_voice_close(v);
}

static cbx_status try_run(const subject *x, flow_causal *s, int known,
                          int final, int end, cbx_error *err)
{
    cbx_mat mel;

    return flow_causal_run(x->flow, s,
                           &(flow_cells){.tokens = x->tokens,
                                         .known = known,
                                         .final = final,
                                         .ends = &end,
                                         .n = 1},
                           &mel, err);
}

static void wrong_cells_are_refused_and_change_nothing(subject *x)
{
    const plan p = {
        .history = 6, .n_tokens = 20, .n_cells = 2, .ends = {10, 20}};
    flow_causal *s = open_causal(x, 6, 30, 12);
    float *want = speak(x, s, x->voice, &p, 1, 1), *got;
    flow_voice *raw;
    cbx_mat mel;
    cbx_error err;

    must(flow_voice_open(x->flow, x->conds, &raw, &err), &err);
    CHECK(flow_voice_bytes(raw) == 0);
    CHECK(flow_causal_begin(x->flow, s, raw, 0, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "not prepared"));
    flow_voice_close(raw);
    must(flow_causal_begin(x->flow, s, x->voice, 0, &err), &err);
    must(try_run(x, s, 40, 0, 10, &err), &err);
    CHECK(try_run(x, s, 22, 0, 20, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "needs 3 tokens more"));
    CHECK(try_run(x, s, 40, 0, 10, &err) == CBX_E_ARG);
    CHECK(try_run(x, s, 15, 1, 16, &err) == CBX_E_ARG);
    CHECK(try_run(x, s, 40, 0, 23, &err) == CBX_E_LIMIT);
    CHECK(strstr(err.text, "13 tokens in one call"));
    x->tokens[12] += 1 << 20;
    CHECK(try_run(x, s, 40, 0, 20, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "speech token 12 is"));
    x->tokens[12] -= 1 << 20;
    CHECK(flow_causal_run(x->flow, s, &(flow_cells){.tokens = x->tokens}, &mel,
                          &err) == CBX_E_ARG);
    must(flow_causal_run(x->flow, s,
                         &(flow_cells){.tokens = x->tokens,
                                       .known = 20,
                                       .final = true,
                                       .ends = p.ends + 1,
                                       .n = 1},
                         &mel, &err),
         &err);
    got = host_copy(x, mel);
    CHECK(!memcmp(
        got, want + (ptrdiff_t)flow_frames(x->flow, x->voice, 0, 10) * x->mels,
        sizeof *got * (size_t)mel.rows * (size_t)x->mels));
    must(try_run(x, s, 40, 0, 30, &err), &err);
    CHECK(try_run(x, s, 40, 0, 31, &err) == CBX_E_LIMIT);
    CHECK(strstr(err.text, "31 speech tokens in a segment"));
    free(got);
    free(want);
    flow_causal_close(s);
}

static void wrong_options_are_refused(const subject *x)
{
    static const flow_causal_options wrong[] = {
        {-1, 10, 10}, {0, 0, 1}, {0, 10, 0}, {0, 10, 11}, {0, 1 << 20, 10}};
    const int most = x->conds->n_prompt_tokens + MOST;
    flow_causal *s;
    cbx_error err;

    for (int i = 0; i < 5; i++)
        CHECK(flow_causal_open(x->flow, &wrong[i], &s, &err) ==
              (i ? CBX_E_LIMIT : CBX_E_ARG));
    s = open_causal(x, 4, most, 4);
    CHECK(try_run(x, s, 10, 1, 4, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "no segment"));
    if (x->conds->n_prompt_tokens)
        CHECK(flow_causal_begin(x->flow, s, x->voice, 0, &err) == CBX_E_LIMIT);
    flow_causal_close(s);
}

/* The formula of flow.h; entries lie on 64 bytes. */
static void memory_is_what_the_header_says(const subject *x)
{
    const encoder *e = &x->flow->encoder;
    const unet *u = &x->flow->unet;
    const int steps = cfm_pasts(u, x->flow->cfg);
    int blocks = u->down.n_transformers + u->up.n_transformers;
    size_t token;
    flow_causal *a, *b;

    for (int i = 0; i < u->n_mids; i++)
        blocks += u->mid[i].n_transformers;
    token = 8 * (size_t)(e->width * e->n_blocks +
                         e->up * (e->width * e->n_up_blocks +
                                  steps * u->inner * blocks));
    a = open_causal(x, 0, 16, 16);
    b = open_causal(x, 0, 48, 16);
    CHECK(flow_causal_bytes(b) - flow_causal_bytes(a) == 32 * token);
    CHECK(flow_voice_bytes(x->voice) >=
          (size_t)x->conds->n_prompt_tokens * token);
    flow_causal_close(a);
    a = open_causal(x, 21, 48, 16);
    CHECK(flow_causal_bytes(b) - flow_causal_bytes(a) == (32 - 11) * token);
    flow_causal_close(a);
    flow_causal_close(b);
}

/* The weights of turbo with guidance and other steps: what they say is of no
 * use, but each row of each step needs its own past. */
static void guidance_keeps_a_past_for_each_row(subject *x)
{
    close_model(x);
    x->config.cfm.meanflow = false;
    x->config.cfm.steps = 3;
    x->config.cfm.cfg_rate = 0.7f;
    open_model(x);
    CHECK(cfm_pasts(&x->flow->unet, x->flow->cfg) == 6);
    any_way_of_feeding_is_one_call(x, 10);
    one_cell_without_a_prompt_is_full(x);
}

int main(int argc, char **argv)
{
    int found = 0;

    for (int i = 1; i < argc; i++) {
        subject x;
        if (!subject_open(argv[i], &x))
            continue;
        found++;
        printf("%s\n", argv[i]);
        any_way_of_feeding_is_one_call(&x, 40);
        a_state_that_just_fits_is_enough(&x);
        a_history_longer_than_the_speech_is_all(&x);
        one_cell_without_a_prompt_is_full(&x);
        streams_share_a_prompt(&x);
        an_odd_prompt_costs_the_first_cell_a_frame(&x);
        wrong_cells_are_refused_and_change_nothing(&x);
        wrong_options_are_refused(&x);
        memory_is_what_the_header_says(&x);
        guidance_keeps_a_past_for_each_row(&x);
        subject_close(&x);
    }
    if (!found)
        SKIP("no model was given");
    return 0;
}
