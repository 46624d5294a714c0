/* Pieces give what one piece gives, bit for bit. */

#include "tests/s3gen/fixture.h"

#include "rt/random.h"

enum { FRAMES = 61, MELS = 80, CUTS = 200 };

/* A mel that wanders as speech does, so that some of it is voiced. */
static cbx_mat random_mel(const fixture *f)
{
    const size_t n = (size_t)FRAMES * MELS;
    float *host = malloc(n * sizeof *host);
    float *p = f->dev->k->mem_new(f->dev, n * sizeof *p);

    CHECK(host && p);
    cbx_random_normals(7, 0, n, host);
    for (size_t i = 0; i < n; i++)
        host[i] = 2 * host[i] - 5;
    f->dev->k->upload(f->dev, p, host, n * sizeof *p);
    f->dev->k->sync(f->dev);
    free(host);
    return (cbx_mat){p, FRAMES, MELS, MELS};
}

static int random_below(uint64_t key, uint64_t i, int n)
{
    return (int)(cbx_random_uniform(key, i) * n);
}

static const hift_segment segment = {.phase_key = 3, .noise_key = 4};

/* Pieces of 0 to `most` frames; `trailing`: the end is told with an empty
 * piece. Returns the samples written. */
static int64_t run_cut(const hift *h, hift_state *s, cbx_mat mel, uint64_t key,
                       int most, bool trailing, float *pcm)
{
    int64_t written = 0;
    int at = 0;

    hift_begin(h, s, &segment);
    for (uint64_t i = 0; at < mel.rows; i++) {
        int n = random_below(key, i, most + 1);
        bool final;
        if (n > mel.rows - at)
            n = mel.rows - at;
        final = !trailing && at + n == mel.rows;
        const int64_t samples = hift_samples(h, s, n, final);
        hift_run(h, s, cbx_rows(mel, at, n), final, NULL, pcm + written);
        written += samples;
        at += n;
    }
    if (trailing) {
        const int64_t samples = hift_samples(h, s, 0, true);
        hift_run(h, s, cbx_rows(mel, at, 0), true, NULL, pcm + written);
        written += samples;
    }
    return written;
}

static void vocoder_pieces_are_the_whole(const fixture *f)
{
    const hift *h = s3gen_hift(f->model);
    const cbx_mat all = random_mel(f);
    const size_t room =
        (size_t)FRAMES * (size_t)s3gen_get_info(f->model)->samples_per_frame;
    float *whole = malloc(room * sizeof *whole);
    float *pieces = malloc(room * sizeof *pieces);
    hift_state *one, *cut;
    cbx_error err;
    double energy = 0;

    CHECK(whole && pieces);
    CHECK(!hift_state_open(h, FRAMES, false, &one, &err));
    for (int c = 0; c < CUTS; c++) {
        const uint64_t key = (uint64_t)c + 100;
        const int frames = 1 + random_below(key, 1000, FRAMES);
        const int step = 1 + random_below(key, 1001, 24);
        const int most = 1 + random_below(key, 1002, 40);
        const cbx_mat mel = cbx_rows(all, 0, frames);
        const size_t bytes = (size_t)frames * room / FRAMES * sizeof *whole;
        const int64_t samples = (int64_t)(bytes / sizeof *whole);

        hift_begin(h, one, &segment);
        CHECK(hift_samples(h, one, frames, true) == samples);
        hift_run(h, one, mel, true, NULL, whole);
        memset(pieces, 0xff, bytes);
        CHECK(!hift_state_open(h, step, false, &cut, &err));
        CHECK(run_cut(h, cut, mel, key, most, c % 2, pieces) == samples);
        CHECK(!memcmp(whole, pieces, bytes));
        /* and once more on the used state */
        CHECK(run_cut(h, cut, mel, key + 1, most, c % 2, pieces) == samples);
        CHECK(!memcmp(whole, pieces, bytes));
        hift_state_close(cut);
        for (int64_t i = 0; i < samples; i++)
            energy += (double)whole[i] * whole[i];
    }
    CHECK(energy > 1 && isfinite(energy));
    hift_state_close(one);
    f->dev->k->mem_free(f->dev, all.p);
    free(whole);
    free(pieces);
}

static void silence_has_no_samples(const fixture *f)
{
    const hift *h = s3gen_hift(f->model);
    hift_state *s;
    cbx_error err;

    CHECK(!hift_state_open(h, 4, false, &s, &err));
    hift_begin(h, s, &segment);
    CHECK(hift_samples(h, s, 0, true) == 0);
    hift_run(h, s, (cbx_mat){NULL, 0, MELS, MELS}, true, NULL, NULL);
    hift_state_close(s);
}

/* Sound comes `delay` frames behind the mel, in whole frames. */
static void sound_comes_the_stated_delay_later(const fixture *f)
{
    const s3gen_info *info = s3gen_get_info(f->model);
    hift_state *s;
    cbx_error err;

    CHECK(info->hift_delay == 20);
    CHECK(!hift_state_open(s3gen_hift(f->model), 8, false, &s, &err));
    CHECK(hift_samples(s3gen_hift(f->model), s, 20, false) == 0);
    CHECK(hift_samples(s3gen_hift(f->model), s, 21, false) ==
          info->samples_per_frame);
    hift_state_close(s);
}

/* -- flow ------------------------------------------------------------------ */

static float *run_flow(const fixture *f, flow_state *s, const flow_voice *v,
                       const flow_cell *cell, int *frames)
{
    cbx_mat mel;
    cbx_error err = {0};
    float *host;

    if (flow_run(s3gen_flow(f->model), s, v, cell, NULL, &mel, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    *frames = mel.rows;
    CHECK(mel.rows ==
          flow_frames(s3gen_flow(f->model), v, cell->from, cell->to));
    host = malloc(sizeof *host * (size_t)mel.rows * MELS);
    CHECK(host);
    for (int r = 0; r < mel.rows; r++)
        f->dev->k->download(f->dev, host + (ptrdiff_t)r * MELS,
                            cbx_rows(mel, r, 1).p, sizeof *host * MELS);
    return host;
}

typedef struct flow_fixture {
    const fixture *f;
    inputs in;
    flow_voice *voice;
    flow_state *state, *small;
} flow_fixture;

static void flow_fixture_open(const fixture *f, flow_fixture *x)
{
    const flow *m = s3gen_flow(f->model);
    cbx_error err;

    *x = (flow_fixture){.f = f};
    inputs_open(f, &x->in);
    CHECK(!flow_voice_open(m, &x->in.conds, &x->voice, &err));
    CHECK(!flow_state_open(m, FIXTURE_TOKENS, false, &x->state, &err));
    CHECK(!flow_state_open(m, x->in.conds.n_prompt_tokens + x->in.n_tokens,
                           false, &x->small, &err));
}

static void flow_fixture_close(flow_fixture *x)
{
    flow_state_close(x->state);
    flow_state_close(x->small);
    flow_voice_close(x->voice);
    inputs_close(&x->in);
}

/* The last cell's frames, whatever came before, are those of one cell over
 * everything; with the key's noise and in a state that just fits. */
static void the_last_cell_is_the_end_of_the_whole(flow_fixture *x)
{
    const int n = x->in.n_tokens;
    flow_cell cell = {
        .tokens = x->in.tokens, .known = n, .final = true, .to = n, .key = 5};
    int all, part;
    float *whole = run_flow(x->f, x->state, x->voice, &cell, &all), *last;

    CHECK(all == 2 * n);
    for (int from = 1; from < n; from++) {
        cell.from = from;
        last = run_flow(x->f, x->small, x->voice, &cell, &part);
        CHECK(part == 2 * (n - from));
        CHECK(!memcmp(last, whole + (ptrdiff_t)2 * from * MELS,
                      sizeof *last * (size_t)part * MELS));
        free(last);
    }
    free(whole);
}

/* A cell sees its look-ahead and no more: what else is known, or that the end
 * is, changes nothing. */
static void a_cell_does_not_depend_on_when_it_is_asked(flow_fixture *x)
{
    const int look = s3gen_get_info(x->f->model)->lookahead;
    const int n = x->in.n_tokens, to = n - look - 1;
    int32_t *other = malloc(sizeof *other * (size_t)n);
    int frames;
    float *early, *late, *changed;

    CHECK(to > 0 && other);
    memcpy(other, x->in.tokens, sizeof *other * (size_t)n);
    early = run_flow(
        x->f, x->state, x->voice,
        &(flow_cell){
            .tokens = x->in.tokens, .known = to + look, .to = to, .key = 5},
        &frames);
    other[n - 1] = (other[n - 1] + 1) % 100;
    late = run_flow(
        x->f, x->state, x->voice,
        &(flow_cell){
            .tokens = other, .known = n, .final = true, .to = to, .key = 5},
        &frames);
    CHECK(!memcmp(early, late, sizeof *early * (size_t)frames * MELS));
    other[to + look - 1] = (other[to + look - 1] + 1) % 100;
    changed = run_flow(
        x->f, x->state, x->voice,
        &(flow_cell){.tokens = other, .known = n, .to = to, .key = 5}, &frames);
    CHECK(memcmp(early, changed, sizeof *early * (size_t)frames * MELS) != 0);
    free(early);
    free(late);
    free(changed);
    free(other);
}

/* s3gen.py: embed_ref leaves the odd frame, so the speech starts behind it. */
static void an_odd_prompt_costs_the_first_cell_a_frame(flow_fixture *x)
{
    const flow *m = s3gen_flow(x->f->model);
    const int p = x->in.conds.n_prompt_frames, n = x->in.n_tokens;
    cbx_conds odd = x->in.conds;
    float *feat = calloc((size_t)(p + 1) * MELS, sizeof *feat), *mel;
    flow_voice *v;
    cbx_error err;
    int frames;

    CHECK(feat);
    memcpy(feat, odd.prompt_feat, sizeof *feat * (size_t)p * MELS);
    odd.prompt_feat = feat;
    odd.n_prompt_frames = p + 1;
    CHECK(!flow_voice_open(m, &odd, &v, &err));
    CHECK(flow_frames(m, v, 0, n) == 2 * n - 1);
    CHECK(flow_frames(m, v, 2, n) == 2 * n - 4);
    mel = run_flow(
        x->f, x->state, v,
        &(flow_cell){
            .tokens = x->in.tokens, .known = n, .final = true, .to = n},
        &frames);
    CHECK(frames == 2 * n - 1);
    free(mel);
    odd.n_prompt_frames = p + 2;
    CHECK(flow_voice_open(m, &odd, &v, &err) == CBX_E_SHAPE);
    free(feat);
    flow_voice_close(v);
}

static void wrong_cells_are_refused(flow_fixture *x)
{
    const flow *m = s3gen_flow(x->f->model);
    const int n = x->in.n_tokens;
    const flow_cell good = {.tokens = x->in.tokens, .known = n, .to = n - 3};
    flow_cell c = good;
    int32_t many[FIXTURE_TOKENS] = {0}, wrong[1] = {-1};
    cbx_mat mel;
    cbx_error err;

    CHECK(!flow_run(m, x->state, x->voice, &c, NULL, &mel, &err));
    c.to = n;
    CHECK(flow_run(m, x->state, x->voice, &c, NULL, &mel, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "needs 3 tokens more"));
    c = good;
    c.from = c.to;
    CHECK(flow_run(m, x->state, x->voice, &c, NULL, &mel, &err) == CBX_E_ARG);
    c = (flow_cell){.tokens = many,
                    .known = FIXTURE_TOKENS,
                    .final = true,
                    .to = FIXTURE_TOKENS};
    CHECK(flow_run(m, x->state, x->voice, &c, NULL, &mel, &err) == CBX_E_LIMIT);
    CHECK(strstr(err.text, "160 speech tokens behind a prompt of 8"));
    c = (flow_cell){.tokens = wrong, .known = 1, .final = true, .to = 1};
    CHECK(flow_run(m, x->state, x->voice, &c, NULL, &mel, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "speech token 0 is -1"));
    wrong[0] = 1 << 30;
    CHECK(flow_run(m, x->state, x->voice, &c, NULL, &mel, &err) == CBX_E_ARG);
}

static void the_fade_does_not_depend_on_the_pieces(const fixture *f)
{
    enum { N = 1200 };
    static float whole[N], pieces[N];

    for (int i = 0; i < N; i++)
        whole[i] = pieces[i] = 1;
    s3gen_trim_fade(f->model, 0, whole, N);
    for (int i = 0; i < N; i += 7)
        s3gen_trim_fade(f->model, i, pieces + i, i + 7 < N ? 7 : N - i);
    CHECK(!memcmp(whole, pieces, sizeof whole));
    CHECK(whole[0] == 0 && whole[479] == 0 && whole[960] == 1);
    CHECK_NEAR(whole[480], 0, 1e-6);
    CHECK_NEAR(whole[959], 1, 1e-6);
    CHECK(whole[720] > 0.4f && whole[720] < 0.6f);
}

int main(int argc, char **argv)
{
    fixture f;
    flow_fixture x;

    fixture_open(argc, argv, "turbo", &f);
    vocoder_pieces_are_the_whole(&f);
    silence_has_no_samples(&f);
    sound_comes_the_stated_delay_later(&f);
    the_fade_does_not_depend_on_the_pieces(&f);
    flow_fixture_open(&f, &x);
    the_last_cell_is_the_end_of_the_whole(&x);
    a_cell_does_not_depend_on_when_it_is_asked(&x);
    an_odd_prompt_costs_the_first_cell_a_frame(&x);
    wrong_cells_are_refused(&x);
    flow_fixture_close(&x);
    fixture_close(&f);
    return 0;
}
