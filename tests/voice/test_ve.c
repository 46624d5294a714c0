#include "kernels/kernels.h"
#include "models/voice/prepare.h"
#include "models/voice/ve.h"
#include "tests/check.h"
#include "tests/voice/golden.h"

#include <string.h>

/* The windows of the voice encoder, and recordings longer than the goldens'.
 * Usage: voice_ve FOLDER MODEL, MODEL being one without encoders. */

static cbx_dev *dev;
static cbx_error err;
static cbx_config config;
static ve *encoder;

#define MUST(call)                                                        \
    do {                                                                  \
        if (call) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err.text); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

/* What voice_encoder.py: get_num_wins gives with step 77 and coverage 0.8. */
static void windows_are_counted_as_the_reference_counts_them(void)
{
    static const struct {
        int frames, windows;
    } want[] = {{1, 1},   {83, 1},  {127, 1}, {128, 1}, {160, 1}, {204, 1},
                {205, 2}, {237, 2}, {281, 2}, {282, 3}, {290, 3}, {4717, 60}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        if (ve_partials(encoder, want[i].frames) != want[i].windows)
            fprintf(stderr, "%d frames: %d windows\n", want[i].frames,
                    ve_partials(encoder, want[i].frames));
        CHECK(ve_partials(encoder, want[i].frames) == want[i].windows);
    }
}

typedef struct partials {
    float *v;
    int rows, cols;
} partials;

static void keep(void *user, const char *name, cbx_mat m)
{
    partials *p = user;
    const size_t n = (size_t)m.rows * (size_t)m.cols;
    if (strcmp(name, "voice.ve.partial_embeds"))
        return;
    CHECK(m.ld == m.cols && (p->v = malloc(n * sizeof *p->v)));
    dev->k->download(dev, p->v, m.p, n * sizeof *p->v);
    p->rows = m.rows;
    p->cols = m.cols;
}

static partials windows_of(const voice_rows *mel)
{
    partials p = {0};
    float *out = malloc((size_t)ve_dim(encoder) * sizeof *out);
    double length = 0;
    CHECK(out);
    MUST(ve_embed(encoder, mel, &(cbx_probe){keep, &p}, out, &err));
    for (int i = 0; i < ve_dim(encoder); i++)
        length += (double)out[i] * (double)out[i];
    CHECK_NEAR(length, 1, 1e-5);
    free(out);
    return p;
}

/* More windows than go through at once; each as if it were alone. */
static void a_window_does_not_know_of_the_others(void)
{
    enum { FRAMES = 3000, MELS = 40, STEP = 77, WINDOW = 160 };
    voice_rows mel = {malloc(FRAMES * MELS * sizeof *mel.v), FRAMES, MELS};
    uint32_t seed = 5;
    CHECK(mel.v);
    for (int i = 0; i < FRAMES * MELS; i++) {
        seed = seed * 1664525u + 1013904223u;
        mel.v[i] = (float)(seed >> 8) / 16777216.0f;
    }
    partials all = windows_of(&mel);
    CHECK(all.rows == ve_partials(encoder, FRAMES) && all.rows > 34);
    for (int i = 0; i < all.rows - 1; i += 11) {
        const voice_rows one = {mel.v + (ptrdiff_t)i * STEP * MELS, WINDOW,
                                MELS};
        partials alone = windows_of(&one);
        CHECK(alone.rows == 1);
        CHECK(!memcmp(alone.v, all.v + (ptrdiff_t)i * all.cols,
                      (size_t)all.cols * sizeof *all.v));
        free(alone.v);
    }
    free(all.v);
    free(mel.v);
}

/* s3gen.py: 10 s; tts_turbo.py: 15 s; tts.py: 6 s and 150 tokens */
static void long_recordings_are_cut(const golden *g, cbx_family family,
                                    int t3_tokens)
{
    const size_t n = 17 * CBX_VOICE_RATE;
    size_t n_wav;
    float *wav = golden_wav24(g, &n_wav), *x = malloc(n * sizeof *x);
    cbx_config c = config;
    cbx_voice_maker *m;
    cbx_conds *made;

    CHECK(x);
    for (size_t i = 0; i < n; i++)
        x[i] = wav[i % n_wav];
    c.family = family;
    if (family == CBX_FAMILY_ORIGINAL)
        c.t3.prompt_tokens = 1000; /* more than 6 s have */
    MUST(cbx_voice_maker_open(dev, g->folder, &c, &m, &err));
    MUST(cbx_voice_make(m, x, n, NULL, &made, &err));
    CHECK(made->n_prompt_frames == 500 && made->n_prompt_tokens == 250);
    CHECK(made->n_t3_tokens == t3_tokens);
    cbx_conds_close(made);
    cbx_voice_maker_close(m);
    free(x);
    free(wav);
}

static void a_model_without_encoders_says_so(const char *folder)
{
    cbx_config c;
    cbx_voice_maker *m;
    MUST(cbx_config_open(folder, &c, &err));
    CHECK(cbx_voice_maker_open(dev, folder, &c, &m, &err) == CBX_E_UNSUPPORTED);
    CHECK(strstr(err.text, "voice encoder"));
}

static void other_sizes_are_refused(void)
{
    float x[80 * 200] = {0}, *out = x;
    const voice_rows mel = {x, 200, 80};
    CHECK(ve_embed(encoder, &mel, NULL, out, &err) == CBX_E_SHAPE);
}

static void open_encoder(const golden *g)
{
    char path[1200];
    cbx_tensor_file *f;
    MUST(cbx_config_open(g->folder, &config, &err));
    snprintf(path, sizeof path, "%s/%s", g->folder, config.files.ve);
    MUST(cbx_tensor_file_open(path, &f, &err));
    MUST(ve_open(dev, f, &config.ve, &encoder, &err));
    cbx_tensor_file_close(f);
}

int main(int argc, char **argv)
{
    golden g;
    CHECK(!cbx_cpu_open(2, NULL, &dev, &err));
    if (!golden_open(&g, argc, argv, "turbo"))
        SKIP("no goldens of turbo in the folder");
    open_encoder(&g);
    windows_are_counted_as_the_reference_counts_them();
    a_window_does_not_know_of_the_others();
    other_sizes_are_refused();
    long_recordings_are_cut(&g, CBX_FAMILY_TURBO, 375);
    long_recordings_are_cut(&g, CBX_FAMILY_ORIGINAL, 150);
    if (argc > 2)
        a_model_without_encoders_says_so(argv[2]);
    ve_close(encoder);
    golden_close(&g);
    cbx_dev_close(dev);
    return 0;
}
