#include "kernels/kernels.h"
#include "models/voice/campplus.h"
#include "models/voice/s3tok.h"
#include "tests/check.h"
#include "tests/voice/golden.h"

/* The speaker encoder on features of 4.5 s: three segments of context, the last
 * one short, which the recording of the goldens is too short for; and how the
 * speech tokenizer counts. Usage: voice_campplus FOLDER. */

enum { FRAMES = 450, MELS = 80, DIM = 24 };

static cbx_dev *dev;
static cbx_error err;

/* What the reference's xvector.py: CAMPPlus.forward gives for features() with
 * the weights of the goldens' turbo checkpoint. */
static const float reference[DIM] = {
    -0.11418358f,  -0.20056723f,  0.009695488f,   -0.19155353f,   -0.099079117f,
    -0.26486802f,  0.054213442f,  -0.0091420142f, 0.035029154f,   0.02781528f,
    -0.10196053f,  -0.054812461f, 0.034366541f,   -0.0012208099f, 0.013755326f,
    0.095896564f,  0.034874696f,  0.13273486f,    0.030085605f,   -0.14552288f,
    -0.088264443f, 0.12202235f,   -0.1186193f,    0.032156438f};

/* Noise that is louder each second. */
static void features(float *x)
{
    uint32_t seed = 11;
    for (int t = 0; t < FRAMES; t++)
        for (int m = 0; m < MELS; m++) {
            seed = seed * 1664525u + 1013904223u;
            const float noise = (float)(seed >> 8) / 8388608.0f - 1.0f;
            x[t * MELS + m] = noise * (float)(1 + t / 100);
        }
}

static cbx_tensor_file *open_weights(const golden *g, cbx_config *config)
{
    char path[1200];
    cbx_tensor_file *f;
    CHECK(!cbx_config_open(g->folder, config, &err));
    snprintf(path, sizeof path, "%s/%s", g->folder, config->files.s3gen);
    CHECK(!cbx_tensor_file_open(path, &f, &err));
    return f;
}

static void every_segment_has_its_own_context(const cbx_tensor_file *f,
                                              const cbx_config *config)
{
    static float x[FRAMES * MELS];
    const voice_rows feat = {x, FRAMES, MELS};
    float got[DIM];
    campplus *m;

    features(x);
    CHECK(!campplus_open(dev, f, &config->campplus, &m, &err));
    CHECK(campplus_dim(m) == DIM);
    CHECK(!campplus_embed(m, &feat, NULL, got, &err));
    for (int i = 0; i < DIM; i++)
        CHECK_NEAR(got[i], reference[i], 1e-6);
    campplus_close(m);
}

static void other_features_are_refused(const cbx_tensor_file *f,
                                       const cbx_config *config)
{
    static float x[FRAMES * MELS], got[DIM];
    const voice_rows feat = {x, FRAMES, MELS / 2};
    campplus *m;
    CHECK(!campplus_open(dev, f, &config->campplus, &m, &err));
    CHECK(campplus_embed(m, &feat, NULL, got, &err) == CBX_E_SHAPE);
    campplus_close(m);
}

/* Two convolutions of stride 2, padding 1 and three taps. */
static void a_started_token_counts(void)
{
    static const int want[] = {0, 1, 1, 1, 1, 2, 2, 2, 2, 3};
    for (int frames = 1; frames < 10; frames++)
        CHECK(s3tok_count(frames) == want[frames]);
    CHECK(s3tok_count(1000) == 250 && s3tok_count(142) == 36);
}

static void more_than_30_s_are_refused(const cbx_tensor_file *f,
                                       const cbx_config *config)
{
    enum { ROWS = S3TOK_MAX_FRAMES + 1 };
    static float x[ROWS * 128];
    const voice_rows mel = {x, ROWS, 128};
    int32_t *tokens;
    s3tok *m;
    CHECK(!s3tok_open(dev, f, &config->s3tok, &m, &err));
    CHECK(s3tok_encode(m, &mel, ROWS, NULL, &tokens, &err) == CBX_E_LIMIT);
    CHECK(s3tok_encode(m, &mel, ROWS + 1, NULL, &tokens, &err) == CBX_E_ARG);
    CHECK(s3tok_encode(m, &mel, 0, NULL, &tokens, &err) == CBX_E_ARG);
    for (int frames = 1; frames < 12; frames++) {
        CHECK(!s3tok_encode(m, &mel, frames, NULL, &tokens, &err));
        for (int i = 0; i < s3tok_count(frames); i++)
            CHECK(tokens[i] >= 0 && tokens[i] < S3TOK_CODES);
        free(tokens);
    }
    s3tok_close(m);
}

static void heads_that_do_not_fit_are_refused(const cbx_tensor_file *f)
{
    const cbx_config_s3tok bad = {.heads = 5, .rope_theta = 10000};
    s3tok *m;
    CHECK(s3tok_open(dev, f, &bad, &m, &err) == CBX_E_SHAPE);
}

int main(int argc, char **argv)
{
    golden g;
    cbx_config config;

    a_started_token_counts();
    CHECK(!cbx_cpu_open(2, NULL, &dev, &err));
    if (!golden_open(&g, argc, argv, "turbo"))
        SKIP("no goldens of turbo in the folder");
    cbx_tensor_file *f = open_weights(&g, &config);
    every_segment_has_its_own_context(f, &config);
    other_features_are_refused(f, &config);
    more_than_30_s_are_refused(f, &config);
    heads_that_do_not_fit_are_refused(f);
    cbx_tensor_file_close(f);
    golden_close(&g);
    cbx_dev_close(dev);
    return 0;
}
