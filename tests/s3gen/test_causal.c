/* Flow in the mode `causal`: any way of feeding gives the bits of all cells in
 * one call. Arguments: folders of models; "-" for one that is not there. */

#include "tests/s3gen/fixture.h"

#include "models/s3gen/flow_model.h"
#include "rt/random.h"

enum { MOST = 60, MAX_CELLS = MOST };

typedef struct subject {
    cbx_dev *dev;
    cbx_config config;
    cbx_tensor_file *weights;
    cbx_conds *conds;
    s3gen *model;
    const flow *flow;
    flow_voice *voice;
    int look, mels;
    int codes; /* that can be spoken: more may have an embedding */
    int32_t tokens[MOST];
} subject;

/* One segment's cells, in the order they are asked for. */
typedef struct plan {
    int history, n_tokens, n_cells;
    int ends[MAX_CELLS];
    uint64_t key;
} plan;

static int random_below(uint64_t key, uint64_t i, int n)
{
    return (int)(cbx_random_uniform(key, i) * n);
}

static void must(cbx_status st, const cbx_error *err)
{
    if (!st)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static void open_model(subject *x)
{
    const int tokens = x->conds->n_prompt_tokens + MOST;
    cbx_error err;

    must(s3gen_open(x->dev, x->weights, &x->config, CBX_FMT_F32, tokens,
                    &x->model, &err),
         &err);
    x->flow = s3gen_flow(x->model);
    must(flow_voice_open(x->flow, x->conds, &x->voice, &err), &err);
    must(flow_voice_prepare(x->flow, x->voice, &err), &err);
    x->look = flow_get_info(x->flow).lookahead;
    x->codes = x->config.flow.used_codes;
    x->mels = flow_get_info(x->flow).mels;
}

static void close_model(subject *x)
{
    flow_voice_close(x->voice);
    s3gen_close(x->model);
}

static int subject_open(const char *folder, subject *x)
{
    char path[600];
    cbx_error err;

    *x = (subject){0};
    if (cbx_config_open(folder, &x->config, &err))
        return 0;
    snprintf(path, sizeof path, "%.500s/%s", folder, x->config.files.s3gen);
    must(cbx_tensor_file_open(path, &x->weights, &err), &err);
    snprintf(path, sizeof path, "%.500s/%s", folder, x->config.files.conds);
    must(cbx_conds_open(path, &x->conds, &err), &err);
    must(cbx_cpu_open(0, NULL, &x->dev, &err), &err);
    open_model(x);
    for (int i = 0; i < MOST; i++)
        x->tokens[i] = random_below(11, (uint64_t)i, x->codes);
    return 1;
}

static void subject_close(subject *x)
{
    close_model(x);
    cbx_dev_close(x->dev);
    cbx_conds_close(x->conds);
    cbx_tensor_file_close(x->weights);
}

static float *host_copy(const subject *x, cbx_mat mel)
{
    float *p = malloc(sizeof *p * (size_t)(mel.rows * x->mels + 1));

    CHECK(p && mel.cols == x->mels);
    for (int r = 0; r < mel.rows; r++)
        x->dev->k->download(x->dev, p + (ptrdiff_t)r * x->mels,
                            cbx_rows(mel, r, 1).p, sizeof *p * (size_t)x->mels);
    return p;
}

static flow_causal *open_causal(const subject *x, int history, int max, int n)
{
    flow_causal *s;
    cbx_error err;

    must(flow_causal_open(x->flow,
                          &(flow_causal_options){
                              .history = history, .max_tokens = max, .most = n},
                          &s, &err),
         &err);
    return s;
}

static plan random_plan(uint64_t key)
{
    static const int histories[] = {0, 1, 2, 3, 7, 12, 25, 50, 1000};
    plan p = {.history = histories[random_below(key, 0, 9)],
              .n_tokens = 1 + random_below(key, 1, MOST),
              .key = key};
    const int widest = 1 + random_below(key, 2, 20);
    int at = 0;

    for (uint64_t i = 3; at < p.n_tokens; i++) {
        at += 1 + random_below(key, i, widest);
        p.ends[p.n_cells++] = at < p.n_tokens ? at : p.n_tokens;
    }
    return p;
}

/* Up to `widest` cells in a call; eager: each call as soon as it can be made,
 * else everything is known from the start. Returns the mel on the host. */
static float *speak(const subject *x, flow_causal *s, const flow_voice *v,
                    const plan *p, int widest, int eager)
{
    const int frames = flow_frames(x->flow, v, 0, p->n_tokens);
    float *all = malloc(sizeof *all * (size_t)(frames * x->mels + 1));
    float *to = all;
    cbx_error err = {0};

    CHECK(all);
    must(flow_causal_begin(x->flow, s, v, p->key, &err), &err);
    for (int c = 0, n; c < p->n_cells; c += n) {
        int known, from = c ? p->ends[c - 1] : 0;
        cbx_mat mel;
        float *part;
        n = 1 + random_below(p->key + 9, (uint64_t)c, widest);
        n = n < p->n_cells - c ? n : p->n_cells - c;
        known = eager ? p->ends[c + n - 1] + x->look : p->n_tokens;
        known = known < p->n_tokens ? known : p->n_tokens;
        must(flow_causal_run(x->flow, s,
                             &(flow_cells){.tokens = x->tokens,
                                           .known = known,
                                           .final = known == p->n_tokens,
                                           .ends = p->ends + c,
                                           .n = n},
                             &mel, &err),
             &err);
        CHECK(mel.rows == flow_frames(x->flow, v, from, p->ends[c + n - 1]));
        part = host_copy(x, mel);
        memcpy(to, part, sizeof *to * (size_t)(mel.rows * x->mels));
        to += (ptrdiff_t)mel.rows * x->mels;
        free(part);
    }
    CHECK(to - all == (ptrdiff_t)frames * x->mels);
    return all;
}

static size_t mel_bytes(const subject *x, const plan *p)
{
    return sizeof(float) *
           (size_t)flow_frames(x->flow, x->voice, 0, p->n_tokens) *
           (size_t)x->mels;
}

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

static float *speak_plan(const subject *x, const flow_voice *v, const plan *p)
{
    flow_causal *s = open_causal(x, p->history, MOST, MOST);
    float *mel = speak(x, s, v, p, 1, 1);

    flow_causal_close(s);
    return mel;
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
        one_cell_is_near_full(&x);
        rows_see_what_the_definition_says(&x);
        a_prompt_is_a_cell_that_sees_no_further(&x);
        nothing_is_seen_past_the_look_ahead(&x);
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
