#include "dsp/loudness.h"
#include "models/voice/features.h"
#include "tests/check.h"
#include "tests/voice/golden.h"

#include <string.h>

/* What is computed from a recording before any network sees it, against the
 * reference's tensors. Usage: voice_features FOLDER. */

static cbx_error err;

#define MUST(call)                                                        \
    do {                                                                  \
        if (call) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err.text); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

static void loudness_is_pyloudnorm_s(const golden *g, const float *x, size_t n)
{
    double lufs;
    MUST(cbx_loudness(x, n, VOICE_RATE_24K, &lufs, &err));
    CHECK_NEAR(lufs, golden_number(g, "voice.loudness_lufs"), 1e-4);
}

static void gain_brings_the_recording_to_27_lufs(const golden *g, float *x,
                                                 size_t n)
{
    double gain, lufs;
    MUST(voice_normalise(x, n, &gain, &err));
    CHECK_NEAR(gain, golden_number(g, "voice.wav24_normed_gain"), 1e-5);
    MUST(cbx_loudness(x, n, VOICE_RATE_24K, &lufs, &err));
    CHECK_NEAR(lufs, -27, 1e-4);
}

static void prompt_mel_is_the_reference_s(const golden *g, const float *x,
                                          size_t n)
{
    voice_rows r;
    MUST(voice_prompt_mel(x, n, &r, &err));
    golden_near(g, "voice.gen.prompt_feat", r.v,
                (size_t)r.rows * (size_t)r.cols, 1e-5);
    free(r.v);
}

/* Of 16 kHz sound by the first resampler: only in goldens with details. */
static void trim_and_mels_of_soxr_sound_are_the_reference_s(const golden *g,
                                                            const float *x,
                                                            size_t n)
{
    size_t n16, n_trim, from, to;
    float *y;
    int32_t *trim = golden_ids(g, "voice.ve.trim", &n_trim);
    voice_rows r;

    MUST(voice_resample_soxr(x, n, &y, &n16, &err));
    voice_trim(y, n16, &from, &to);
    CHECK(n_trim == 2 && trim[0] == (int32_t)from && trim[1] == (int32_t)to);
    if (golden_has(g, "voice.wav16_librosa")) {
        golden_near(g, "voice.wav16_librosa", y, n16, 1e-5);
        MUST(voice_ve_mel(y + from, to - from, &r, &err));
        golden_near(g, "voice.ve.mel", r.v, (size_t)r.rows * (size_t)r.cols,
                    1e-5);
        free(r.v);
    }
    free(trim);
    free(y);
}

static void features_of_sinc_sound_are_the_reference_s(const golden *g,
                                                       const float *x, size_t n)
{
    size_t n16;
    float *y;
    voice_rows r;

    if (!golden_has(g, "voice.wav16_torchaudio"))
        return;
    MUST(voice_resample_sinc(x, n, &y, &n16, &err));
    golden_near(g, "voice.wav16_torchaudio", y, n16, 1e-5);
    MUST(voice_token_mel(y, n16, &r, &err));
    CHECK(r.cols == 128);
    /* the golden's is [mels][frames] */
    float *turned = malloc((size_t)r.rows * 128 * sizeof *turned);
    CHECK(turned);
    for (int t = 0; t < r.rows; t++)
        for (int c = 0; c < 128; c++)
            turned[c * r.rows + t] = r.v[t * 128 + c];
    golden_near(g, "voice.tok.logmel", turned, (size_t)r.rows * 128, 1e-5);
    free(turned);
    free(r.v);
    MUST(voice_fbank(y, n16, &r, &err));
    golden_near(g, "voice.xvec.fbank", r.v, (size_t)r.rows * (size_t)r.cols,
                1e-4);
    free(r.v);
    free(y);
}

static void what_is_too_short_is_refused(void)
{
    static const float few[64];
    voice_rows r;
    CHECK(voice_prompt_mel(few, 64, &r, &err) == CBX_E_ARG);
    CHECK(voice_token_mel(few, 64, &r, &err) == CBX_E_ARG);
    CHECK(voice_ve_mel(few, 64, &r, &err) == CBX_E_ARG);
    CHECK(voice_fbank(few, 64, &r, &err) == CBX_E_ARG);
    double gain;
    float none[64] = {0};
    CHECK(voice_normalise(none, 64, &gain, &err) == CBX_E_ARG);
}

int main(int argc, char **argv)
{
    static const char *const families[] = {"turbo", "nano", "original"};
    int run = 0;

    what_is_too_short_is_refused();
    for (int i = 0; i < 3; i++) {
        golden g;
        size_t n;
        if (!golden_open(&g, argc, argv, families[i]))
            continue;
        if (golden_has(&g, "voice.in.wav24_i16")) {
            float *x = golden_wav24(&g, &n);
            if (golden_has(&g, "voice.loudness_lufs")) {
                loudness_is_pyloudnorm_s(&g, x, n);
                gain_brings_the_recording_to_27_lufs(&g, x, n);
            }
            prompt_mel_is_the_reference_s(&g, x, n);
            trim_and_mels_of_soxr_sound_are_the_reference_s(&g, x, n);
            features_of_sinc_sound_are_the_reference_s(&g, x, n);
            free(x);
            run++;
        }
        golden_close(&g);
    }
    if (!run)
        SKIP("no goldens with a recording in the folder");
    return 0;
}
