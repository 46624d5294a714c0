#include "dsp/fbank.h"
#include "dsp/fft.h"
#include "dsp/loudness.h"
#include "dsp/mel.h"
#include "dsp/mel_bank.h"
#include "dsp/sinc.h"
#include "tests/check.h"

#include <string.h>

/* What holds without a reference: definitions, borders, refusals. */

static cbx_error err;

static float noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 8388608.0f - 1.0f;
}

static void a_transform_is_the_sum_that_defines_it(void)
{
    static const int sizes[] = {2, 30, 400, 512, 1920, 2048};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int n = sizes[s];
        float *x = malloc((size_t)n * sizeof *x);
        cbx_bin *got = malloc(((size_t)n / 2 + 1) * sizeof *got);
        cbx_fft *f;
        uint32_t seed = 7;

        CHECK(x && got && cbx_fft_open(n, &f, &err) == CBX_OK);
        for (int i = 0; i < n; i++)
            x[i] = noise(&seed);
        cbx_fft_run(f, x, got);
        for (int k = 0; k <= n / 2; k++) {
            double re = 0, im = 0;
            for (int i = 0; i < n; i++) {
                const double a = -2 * M_PI * ((double)k * i / n);
                re += (double)x[i] * cos(a);
                im += (double)x[i] * sin(a);
            }
            CHECK_NEAR(got[k].re, re, 3e-5);
            CHECK_NEAR(got[k].im, im, 3e-5);
        }
        cbx_fft_close(f);
        free(got);
        free(x);
    }
}

static void odd_and_senseless_transforms_are_refused(void)
{
    static const int sizes[] = {-2, 0, 1, 399, 65538};
    cbx_fft *f;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        CHECK(cbx_fft_open(sizes[s], &f, &err) == CBX_E_ARG);
}

/* Slaney's triangles have area 1 in Hz: a flat spectrum of 1 gives one over
 * the width of a bin, less what the corners between bins cut off. */
static void every_triangle_weighs_a_flat_spectrum_the_same(void)
{
    const cbx_mel_bank_config c = {CBX_MEL_SLANEY, 24000, 1920, 80, 0, 8000};
    float flat[961], out[80];
    cbx_mel_bank *b;

    CHECK(cbx_mel_bank_open(&c, &b, &err) == CBX_OK);
    for (int k = 0; k < 961; k++)
        flat[k] = 1;
    cbx_mel_bank_run(b, flat, out);
    for (int m = 0; m < 80; m++)
        CHECK_NEAR(out[m] * 12.5f, 1, 0.05);
    cbx_mel_bank_close(b);
}

static void filters_above_half_the_rate_are_refused(void)
{
    const cbx_mel_bank_config c = {CBX_MEL_SLANEY, 16000, 400, 80, 0, 8001};
    cbx_mel_bank *b;
    CHECK(cbx_mel_bank_open(&c, &b, &err) == CBX_E_ARG);
}

static void a_tone_comes_out_of_the_resampler_as_itself(void)
{
    enum { N = 2401, OUT = 1601 };
    static float x[N], y[OUT];
    CHECK(cbx_sinc_length(N, 24000, 16000) == OUT);
    CHECK(cbx_sinc_length(0, 24000, 16000) == 0);
    for (int i = 0; i < N; i++)
        x[i] = (float)sin(2 * M_PI * 440 * i / 24000);
    CHECK(cbx_sinc_resample(x, N, 24000, 16000, y, &err) == CBX_OK);
    for (int i = 20; i < OUT - 20; i++)
        CHECK_NEAR(y[i], sin(2 * M_PI * 440 * i / 16000), 3e-3);
}

static void rates_without_a_common_factor_are_refused(void)
{
    float x = 0, y;
    CHECK(cbx_sinc_resample(&x, 1, 767999, 768000, &y, &err) == CBX_E_ARG);
    CHECK(cbx_sinc_resample(&x, 1, 24000, 0, &y, &err) == CBX_E_ARG);
}

static void ten_times_the_sound_is_20_db_louder(void)
{
    enum { N = 24000 };
    static float x[N];
    double quiet, loud;
    uint32_t seed = 3;
    for (int i = 0; i < N; i++)
        x[i] = 0.01f * noise(&seed);
    CHECK(cbx_loudness(x, N, 24000, &quiet, &err) == CBX_OK);
    for (int i = 0; i < N; i++)
        x[i] *= 10;
    CHECK(cbx_loudness(x, N, 24000, &loud, &err) == CBX_OK);
    CHECK_NEAR(loud - quiet, 20, 1e-4);
}

/* Two seconds, then two at `quiet` of their amplitude. */
static double loudness_of_two_parts(double quiet)
{
    enum { N = 96000 };
    static float x[N];
    double lufs;
    uint32_t seed = 3;
    for (int i = 0; i < N; i++)
        x[i] = 0.1f * noise(&seed) * (i < N / 2 ? 1 : (float)quiet);
    CHECK(cbx_loudness(x, N, 24000, &lufs, &err) == CBX_OK);
    return lufs;
}

/* The gate lies 10 LU below the mean of both parts, which is 3 LU below the
 * first. */
static void what_is_much_quieter_than_the_mean_does_not_count(void)
{
    const double loud = loudness_of_two_parts(1);
    const double counted = 10 * log10((1 + 0.26 * 0.26) / 2);
    CHECK_NEAR(loudness_of_two_parts(0.26) - loud, counted, 0.2);
    /* of 20 blocks that count, three lie across the border */
    CHECK_NEAR(loudness_of_two_parts(0.2) - loud, 10 * log10(18.5 / 20), 0.1);
}

static void silence_has_no_loudness_and_no_gain(void)
{
    enum { N = 24000 };
    static float x[N];
    double lufs;
    CHECK(cbx_loudness(x, N, 24000, &lufs, &err) == CBX_OK);
    CHECK(isinf(lufs) && lufs < 0);
    CHECK(cbx_loudness_gain(lufs, -27) == 1);
    CHECK_NEAR(cbx_loudness_gain(-27 + 20, -27), 0.1, 1e-12);
    CHECK(cbx_loudness(x, 9599, 24000, &lufs, &err) == CBX_E_ARG);
}

static void frames_are_counted_as_the_reference_counts_them(void)
{
    const cbx_mel_config c = {.rate = 24000,
                              .n_fft = 1920,
                              .hop = 480,
                              .pad = 720,
                              .mels = 80,
                              .high = 8000,
                              .magnitudes = true};
    cbx_mel *m;
    cbx_fbank *f;
    CHECK(cbx_mel_open(&c, &m, &err) == CBX_OK);
    for (size_t n = 721; n < 5000; n++)
        CHECK(cbx_mel_frames(m, n) == (int)(n / 480));
    CHECK(cbx_mel_frames(m, 720) == 0);
    cbx_mel_close(m);
    CHECK(cbx_fbank_open(16000, 80, &f, &err) == CBX_OK);
    CHECK(cbx_fbank_frames(f, 399) == 0 && cbx_fbank_frames(f, 400) == 1);
    CHECK(cbx_fbank_frames(f, 559) == 1 && cbx_fbank_frames(f, 560) == 2);
    cbx_fbank_close(f);
}

int main(void)
{
    a_transform_is_the_sum_that_defines_it();
    odd_and_senseless_transforms_are_refused();
    every_triangle_weighs_a_flat_spectrum_the_same();
    filters_above_half_the_rate_are_refused();
    a_tone_comes_out_of_the_resampler_as_itself();
    rates_without_a_common_factor_are_refused();
    ten_times_the_sound_is_20_db_louder();
    what_is_much_quieter_than_the_mean_does_not_count();
    silence_has_no_loudness_and_no_gain();
    frames_are_counted_as_the_reference_counts_them();
    return 0;
}
