#include "kernels/kernels.h"
#include "models/voice/prepare.h"
#include "tests/check.h"
#include "tests/voice/golden.h"

#include <string.h>
#include <unistd.h>

/* A whole voice from the reference's recording, against what the reference
 * made of it. Usage: voice_prepare FOLDER. */

static cbx_dev *dev;
static cbx_error err;

#define MUST(call)                                                        \
    do {                                                                  \
        if (call) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err.text); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

typedef struct subject {
    golden g;
    cbx_config config;
    cbx_voice_maker *maker;
    float *wav;
    size_t n;
    int seen; /* stages compared through the probe */
} subject;

static const double tolerance = 1e-4;

/* A token may differ only where a digit lies on the border of two. */
static void tokens_equal(const golden *g, const char *key, const int32_t *got,
                         int n)
{
    const float margin = golden_number(g, "voice.tok.fsq_margin");
    size_t n_want;
    int32_t *want = golden_ids(g, key, &n_want);
    int differ = 0;

    CHECK(n >= 0 && n_want == (size_t)n);
    for (int i = 0; i < n; i++)
        differ += got[i] != want[i];
    if (differ)
        fprintf(stderr, "%s: %d of %d tokens differ (margin %g)\n", key, differ,
                n, (double)margin);
    CHECK(differ == 0 || (margin < 1e-4f && differ * 20 <= n));
    free(want);
}

/* Stages over time lie in the goldens as PyTorch's convolutions have them. */
static bool by_channel(const char *name)
{
    return !strncmp(name, "voice.xvec.", 11) ||
           !strncmp(name, "voice.tok.conv", 14) || strstr(name, ".fsmn_conv");
}

static void compare(void *user, const char *name, cbx_mat m)
{
    subject *s = user;
    const size_t n = (size_t)m.rows * (size_t)m.cols;
    if (!golden_has(&s->g, name) || s->seen > 500)
        return;
    float *got = malloc(n * sizeof *got);
    float *row = malloc((size_t)m.cols * sizeof *row);
    CHECK(got && row);
    for (int r = 0; r < m.rows; r++) {
        dev->k->download(dev, row, cbx_rows(m, r, 1).p,
                         (size_t)m.cols * sizeof *row);
        for (int c = 0; c < m.cols; c++)
            got[by_channel(name) ? c * m.rows + r : r * m.cols + c] = row[c];
    }
    golden_near(&s->g, name, got, n, tolerance);
    s->seen++;
    free(row);
    free(got);
}

static bool already_seen; /* the tokenizer runs twice; the first run counts */

static void compare_once(void *user, const char *name, cbx_mat m)
{
    if (!strcmp(name, "voice.tok.pre_fsq")) {
        if (!already_seen)
            compare(user, name, m);
        already_seen = true;
    } else if (!already_seen || strncmp(name, "voice.tok.", 10)) {
        compare(user, name, m);
    }
}

static void a_voice_is_the_reference_s(subject *s)
{
    const cbx_probe probe = {compare_once, s};
    const golden *g = &s->g;
    cbx_conds *c;

    already_seen = false;
    MUST(cbx_voice_make(s->maker, s->wav, s->n, &probe, &c, &err));
    CHECK(s->seen >= 2);
    tokens_equal(g, "voice.gen.prompt_token", c->prompt_tokens,
                 c->n_prompt_tokens);
    tokens_equal(g, "voice.t3.prompt_tokens", c->t3_tokens, c->n_t3_tokens);
    golden_near(g, "voice.gen.prompt_feat", c->prompt_feat,
                (size_t)c->n_prompt_frames * (size_t)c->n_mels, tolerance);
    golden_near(g, "voice.gen.embedding", c->embedding,
                (size_t)c->embedding_dim, tolerance);
    golden_near(g, "voice.ve.out", c->speaker_emb, (size_t)c->speaker_dim,
                tolerance);
    cbx_conds_close(c);
}

/* The reference's own conds.pt was made of the same recording; and what is
 * written is read back as it was. */
static void a_voice_is_that_of_conds_pt_and_survives_a_file(subject *s)
{
    char pt[1200], path[] = "voice_prepare_XXXXXX";
    const int fd = mkstemp(path);
    cbx_conds *c, *want, *again;

    CHECK(fd >= 0);
    close(fd);
    MUST(cbx_voice_make(s->maker, s->wav, s->n, NULL, &c, &err));
    snprintf(pt, sizeof pt, "%s/%s", s->g.folder, s->config.files.conds);
    MUST(cbx_conds_open(pt, &want, &err));
    CHECK(c->speaker_dim == want->speaker_dim);
    CHECK(c->embedding_dim == want->embedding_dim);
    CHECK(c->n_mels == want->n_mels);
    CHECK(c->n_prompt_frames == want->n_prompt_frames);
    CHECK(c->n_prompt_tokens == want->n_prompt_tokens);
    CHECK(c->n_t3_tokens == want->n_t3_tokens);
    CHECK(c->emotion_adv == want->emotion_adv);
    MUST(cbx_conds_write(c, path, &err));
    MUST(cbx_conds_open(path, &again, &err));
    CHECK(again->n_t3_tokens == c->n_t3_tokens);
    CHECK(!memcmp(again->embedding, c->embedding,
                  (size_t)c->embedding_dim * sizeof *c->embedding));
    CHECK(!memcmp(again->prompt_tokens, c->prompt_tokens,
                  (size_t)c->n_prompt_tokens * sizeof *c->prompt_tokens));
    unlink(path);
    cbx_conds_close(again);
    cbx_conds_close(want);
    cbx_conds_close(c);
}

/* The golden has it of the normalised recording, cut. */
static void an_odd_mel_keeps_its_last_frame(subject *s)
{
    const golden *g = &s->g;
    const size_t n = (size_t)golden_number(g, "voice.odd.n_samples24");
    cbx_conds *c;

    CHECK(n < s->n);
    MUST(cbx_voice_make(s->maker, s->wav, n, NULL, &c, &err));
    CHECK(c->n_prompt_frames == (int)golden_number(g, "voice.odd.n_mel"));
    CHECK(c->n_prompt_frames == 2 * c->n_prompt_tokens + 1);
    cbx_conds_close(c);
}

static void recordings_that_make_no_voice_are_refused(subject *s)
{
    cbx_conds *c;
    float *bad = calloc(s->n, sizeof *bad);
    CHECK(bad);
    memcpy(bad, s->wav, s->n * sizeof *bad);
    bad[s->n / 2] = NAN;
    CHECK(cbx_voice_make(s->maker, bad, s->n, NULL, &c, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "not a number"));
    for (size_t i = 0; i < s->n; i++)
        bad[i] = i % 2 ? 3e38f : -3e38f;
    CHECK(cbx_voice_make(s->maker, bad, s->n, NULL, &c, &err) == CBX_E_ARG);
    CHECK(cbx_voice_make(s->maker, s->wav, CBX_VOICE_LEAST - 1, NULL, &c,
                         &err) == CBX_E_ARG);
    CHECK(cbx_voice_make(s->maker, s->wav, 0, NULL, &c, &err) == CBX_E_ARG);
    CHECK(cbx_voice_wanted(CBX_FAMILY_TURBO) == 120001);
    CHECK(cbx_voice_wanted(CBX_FAMILY_ORIGINAL) == CBX_VOICE_LEAST);
    free(bad);
}

/* No crash, and either a voice of finite numbers or a sentence. */
static void silence_has_an_outcome(subject *s)
{
    cbx_conds *c;
    float *silence = calloc(s->n, sizeof *silence);
    CHECK(silence);
    const cbx_status st =
        cbx_voice_make(s->maker, silence, s->n, NULL, &c, &err);
    CHECK(st == CBX_OK || st == CBX_E_ARG);
    if (!st) {
        for (int i = 0; i < c->embedding_dim; i++)
            CHECK(isfinite(c->embedding[i]));
        cbx_conds_close(c);
    }
    free(silence);
}

/* Every length around the sizes of windows, frames and tokens. */
static void any_length_from_half_a_second_works(subject *s)
{
    for (size_t n = CBX_VOICE_LEAST; n < CBX_VOICE_LEAST + 1000; n += 77) {
        cbx_conds *c;
        MUST(cbx_voice_make(s->maker, s->wav, n, NULL, &c, &err));
        CHECK(c->n_prompt_frames == (int)(n / 480));
        CHECK(c->n_prompt_tokens == c->n_prompt_frames / 2);
        cbx_conds_close(c);
    }
}

int main(int argc, char **argv)
{
    static const char *const families[] = {"turbo", "nano", "original"};
    int run = 0;

    CHECK(!cbx_cpu_open(2, NULL, &dev, &err));
    for (int i = 0; i < 3; i++) {
        subject s = {0};
        if (!golden_open(&s.g, argc, argv, families[i]))
            continue;
        if (golden_has(&s.g, "voice.in.wav24_i16")) {
            s.wav = golden_wav24(&s.g, &s.n);
            MUST(cbx_config_open(s.g.folder, &s.config, &err));
            MUST(cbx_voice_maker_open(dev, s.g.folder, &s.config, &s.maker,
                                      &err));
            a_voice_is_the_reference_s(&s);
            a_voice_is_that_of_conds_pt_and_survives_a_file(&s);
            an_odd_mel_keeps_its_last_frame(&s);
            recordings_that_make_no_voice_are_refused(&s);
            silence_has_an_outcome(&s);
            any_length_from_half_a_second_works(&s);
            cbx_voice_maker_close(s.maker);
            free(s.wav);
            run++;
        }
        golden_close(&s.g);
    }
    cbx_dev_close(dev);
    if (!run)
        SKIP("no goldens with a recording in the folder");
    return 0;
}
