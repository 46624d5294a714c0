/* Every stage of flow and vocoder against the reference's tensors. */

#include "tests/s3gen/fixture.h"

typedef struct watch {
    const fixture *f;
    size_t compared;
    double worst;
    char worst_name[128];
    int mirrored;
    unsigned char seen[4096]; /* by index of the golden's tensor */
} watch;

static size_t index_of(const watch *w, const char *name)
{
    for (size_t i = 0; i < cbx_tensor_count(w->f->golden); i++)
        if (!strcmp(cbx_tensor_at(w->f->golden, i)->name, name))
            return i;
    return SIZE_MAX;
}

/* The reference has time last in convolutions, we have it first everywhere. */
static double compare(const watch *w, const char *name, const float *got,
                      int rows, int cols)
{
    int g_rows, g_cols;
    float *want = golden_read(w->f, name, &g_rows, &g_cols);
    size_t n = (size_t)g_rows * (size_t)g_cols;
    double best = INFINITY;

    /* with guidance the reference runs two rows at once, ours the first */
    if (n == 2 * (size_t)rows * (size_t)cols)
        n /= 2;
    if (n == (size_t)rows * (size_t)cols) {
        float *turned = transposed(got, rows, cols);
        if (g_cols == cols || rows == 1 || cols == 1)
            best = relative_l2(got, want, n);
        if (g_cols == rows)
            best = fmin(best, relative_l2(turned, want, n));
        free(turned);
    }
    free(want);
    return best;
}

static void see(void *user, const char *name, cbx_mat m)
{
    watch *w = user;
    const size_t i = index_of(w, name);
    const size_t n = (size_t)m.rows * (size_t)m.cols;
    float *got = malloc(n * sizeof *got);
    double e;

    CHECK(got);
    for (int r = 0; r < m.rows; r++)
        w->f->dev->k->download(w->f->dev, got + (ptrdiff_t)r * m.cols,
                               m.p + (ptrdiff_t)r * m.ld,
                               (size_t)m.cols * sizeof *got);
    /* ReflectionPad1d((1, 0)), which no stage of turbo's golden shows */
    if (!strcmp(name, "hift.reflection_pad")) {
        CHECK(!memcmp(got, got + (ptrdiff_t)2 * m.cols,
                      (size_t)m.cols * sizeof *got));
        w->mirrored = 1;
    }
    if (i != SIZE_MAX) {
        e = compare(w, name, got, m.rows, m.cols);
        if (getenv("CBX_SHOW") || !(e <= 1e-4))
            fprintf(stderr, "%-36s [%d, %d] %.2e\n", name, m.rows, m.cols, e);
        CHECK(i < sizeof w->seen);
        w->seen[i] = 1;
        w->compared++;
        if (!(e <= w->worst)) {
            w->worst = e;
            snprintf(w->worst_name, sizeof w->worst_name, "%s", name);
        }
    }
    free(got);
}

static int starts(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

/* What the test hands in, or compares by itself. */
static int is_stage(const char *name)
{
    return (starts(name, "flow.") || starts(name, "hift.")) &&
           !starts(name, "flow.in.") && !starts(name, "hift.in.") &&
           !starts(name, "hift.wav") && strcmp(name, "hift.trim_fade");
}

static void every_stage_was_compared(const watch *w)
{
    for (size_t i = 0; i < cbx_tensor_count(w->f->golden); i++) {
        const char *name = cbx_tensor_at(w->f->golden, i)->name;
        if (is_stage(name) && !w->seen[i]) {
            fprintf(stderr, "nothing was shown for %s\n", name);
            exit(1);
        }
    }
}

static void every_stage_is_the_reference(const fixture *f)
{
    static watch w;
    const cbx_probe probe = {see, &w};
    const s3gen_info *info = s3gen_get_info(f->model);
    const flow *fl = s3gen_flow(f->model);
    const hift *h = s3gen_hift(f->model);
    flow_voice *voice;
    flow_state *fs;
    hift_state *hs;
    inputs in;
    cbx_mat mel;
    cbx_error err;
    int frames, samples, rows, cols;
    float *pcm, *want;

    w = (watch){.f = f};
    inputs_open(f, &in);
    frames = in.n_tokens * info->frames_per_token;
    samples = frames * info->samples_per_frame;
    CHECK(!flow_voice_open(fl, &in.conds, &voice, &err));
    CHECK(!flow_state_open(fl, FIXTURE_TOKENS, true, &fs, &err));
    CHECK(!hift_state_open(h, frames, true, &hs, &err));
    CHECK(!flow_run(fl, fs, voice,
                    &(flow_cell){.tokens = in.tokens,
                                 .known = in.n_tokens,
                                 .final = true,
                                 .to = in.n_tokens,
                                 .z = in.z},
                    &probe, &mel, &err));
    CHECK(mel.rows == frames);
    hift_begin(h, hs,
               &(hift_segment){.phase = in.phase,
                               .noise = in.noise,
                               .f0 = in.f0,
                               .source = in.source});
    CHECK(hift_samples(h, hs, frames, true) == samples);
    pcm = malloc((size_t)samples * sizeof *pcm);
    CHECK(pcm);
    hift_run(h, hs, mel, true, &probe, pcm);
    s3gen_trim_fade(f->model, 0, pcm, samples);

    want = golden_read(f, "hift.wav", &rows, &cols);
    CHECK(cols == samples);
    printf("hift.wav: %.2e\n", relative_l2(pcm, want, (size_t)samples));
    printf("%zu stages, the worst %s: %.2e\n", w.compared, w.worst_name,
           w.worst);
    CHECK(relative_l2(pcm, want, (size_t)samples) <= 1e-4);
    CHECK(w.worst <= 1e-4);
    CHECK(w.mirrored);
    every_stage_was_compared(&w);

    free(want);
    free(pcm);
    hift_state_close(hs);
    flow_state_close(fs);
    flow_voice_close(voice);
    inputs_close(&in);
}

int main(int argc, char **argv)
{
    fixture f;

    fixture_open(argc, argv,
                 getenv("CBX_FAMILY") ? getenv("CBX_FAMILY") : "turbo", &f);
    every_stage_is_the_reference(&f);
    fixture_close(&f);
    return 0;
}
