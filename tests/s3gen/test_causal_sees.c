/* Flow in the mode `causal`: what a row sees (flow.h). Arguments: folders of
 * models. */

#include "tests/s3gen/causal.h"

/* With one it is near: only what the prompt sees, and its noise, differ. */
static void one_cell_is_near_full(const subject *x)
{
    const plan p = {.n_tokens = 33, .n_cells = 1, .ends = {33}, .key = 6};
    const size_t n = mel_bytes(x, &p) / sizeof(float);
    flow_state *s;
    cbx_mat mel;
    float *got = speak_plan(x, x->voice, &p), *want;
    cbx_error err;

    must(flow_state_open(x->flow, x->conds->n_prompt_tokens + MOST, false, &s,
                         &err),
         &err);
    must(flow_run(x->flow, s, x->voice,
                  &(flow_cell){.tokens = x->tokens,
                               .known = 33,
                               .final = true,
                               .to = 33,
                               .key = 6},
                  NULL, &mel, &err),
         &err);
    want = host_copy(x, mel);
    printf("one cell against full: relative L2 %.2g\n",
           relative_l2(got, want, n));
    CHECK(relative_l2(got, want, n) < 0.5 && memcmp(got, want, 4 * n) != 0);
    free(got);
    free(want);
    flow_state_close(s);
}

/* `seen` is what was uploaded for a run of cells that ended at those tokens. */
static void check_seen(const int32_t *seen, const plan *p, int first,
                       int history, int held, int rate)
{
    int from = rate * (first ? p->ends[first - 1] : 0);
    const int oldest = from - held;

    for (int c = first; c < p->n_cells; c++)
        for (const int a = from, b = rate * p->ends[c]; from < b; from++) {
            CHECK(*seen++ + oldest ==
                  (history && a > history ? a - history : 0));
            CHECK(*seen++ + oldest == b);
        }
}

/* The ranges of flow.h, whole cells at once and behind a first call. */
static void rows_see_what_the_definition_says(const subject *x)
{
    for (uint64_t key = 40; key < 60; key++) {
        const plan p = random_plan(key);
        const int tokens = (p.history + 1) / 2;
        flow_causal *s = open_causal(x, p.history, MOST, MOST);
        for (int first = 0; first < 2 && first < p.n_cells; first++) {
            const int done = first ? p.ends[0] : 0;
            const int held = p.history && tokens < done ? tokens : done;
            const int frames =
                p.history && p.history < 2 * done ? p.history : 2 * done;
            flow_cells c = {.tokens = x->tokens,
                            .known = p.n_tokens,
                            .final = true,
                            .ends = p.ends,
                            .n = 1};
            cbx_mat mel;
            cbx_error err;
            must(flow_causal_begin(x->flow, s, x->voice, 0, &err), &err);
            if (first)
                must(flow_causal_run(x->flow, s, &c, &mel, &err), &err);
            c.ends += first;
            c.n = p.n_cells - first;
            must(flow_causal_run(x->flow, s, &c, &mel, &err), &err);
            check_seen(s->host, &p, first, tokens, held, 1);
            check_seen(s->host + 2 * (p.n_tokens - done), &p, first, p.history,
                       frames, 2);
        }
        flow_causal_close(s);
    }
}

static void check_past(const past *a, const past *b)
{
    CHECK(a->n_attns == b->n_attns && a->n_convs == b->n_convs);
    CHECK(a->n_attns && a->held == b->held && a->held > 0);
    for (int i = 0; i < a->n_attns; i++)
        CHECK(!memcmp(a->attns[i].p, b->attns[i].p,
                      sizeof(float) * (size_t)(a->held * a->attns[i].cols)));
    for (int i = 0; i < a->n_convs; i++)
        CHECK(!memcmp(a->convs[i].p, b->convs[i].p,
                      sizeof(float) *
                          (size_t)(a->convs[i].rows * a->convs[i].cols)));
}

/* A prompt whose mel is silent (zeros) leaves what a cell leaves that is said
 * without a prompt, with the prompt's key. Reads device memory: CPU only. */
static void a_prompt_is_a_cell_that_sees_no_further(const subject *x)
{
    cbx_conds conds = *x->conds, none = *x->conds;
    const int n = conds.n_prompt_tokens;
    flow_causal *s = open_causal(x, 0, n + MOST, n);
    flow_voice *prompt, *empty;
    cbx_mat mel;
    cbx_error err;

    none.n_prompt_tokens = none.n_prompt_frames = 0;
    conds.prompt_feat = calloc((size_t)conds.n_prompt_frames * (size_t)x->mels,
                               sizeof *conds.prompt_feat);
    CHECK(conds.prompt_feat && n > 0);
    must(flow_voice_open(x->flow, &conds, &prompt, &err), &err);
    must(flow_voice_open(x->flow, &none, &empty, &err), &err);
    must(flow_voice_prepare(x->flow, prompt, &err), &err);
    must(flow_voice_prepare(x->flow, empty, &err), &err);
    must(flow_causal_begin(x->flow, s, empty, FLOW_PROMPT_KEY, &err), &err);
    must(flow_causal_run(x->flow, s,
                         &(flow_cells){.tokens = conds.prompt_tokens,
                                       .known = n,
                                       .final = true,
                                       .ends = &n,
                                       .n = 1},
                         &mel, &err),
         &err);
    check_past(&s->past->tokens, &prompt->past->tokens);
    check_past(&s->past->frames, &prompt->past->frames);
    for (int i = 0; i < s->past->n_unet; i++)
        check_past(&s->past->unet[i], &prompt->past->unet[i]);
    free(conds.prompt_feat);
    flow_causal_close(s);
    flow_voice_close(prompt);
    flow_voice_close(empty);
}

/* Tokens past the look-ahead change nothing; those inside do. */
static void nothing_is_seen_past_the_look_ahead(subject *x)
{
    const plan p = {
        .history = 8, .n_tokens = 40, .n_cells = 3, .ends = {9, 20, 40}};
    const size_t frames = (size_t)flow_frames(x->flow, x->voice, 0, 20);
    const size_t bytes = sizeof(float) * frames * (size_t)x->mels;
    float *want = speak_plan(x, x->voice, &p), *mel;

    for (int i = 19; i < 26; i++) {
        const int32_t was = x->tokens[i];
        x->tokens[i] = (was + 1) % x->codes;
        mel = speak_plan(x, x->voice, &p);
        CHECK((memcmp(mel, want, bytes) == 0) == (i >= 20 + x->look));
        x->tokens[i] = was;
        free(mel);
    }
    free(want);
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
        one_cell_is_near_full(&x);
        rows_see_what_the_definition_says(&x);
        a_prompt_is_a_cell_that_sees_no_further(&x);
        nothing_is_seen_past_the_look_ahead(&x);
        subject_close(&x);
    }
    if (!found)
        SKIP("no model was given");
    return 0;
}
