#include "dsp/stretch.h"

#include "tests/check.h"

#include <string.h>

enum { RATE = 24000, N = 2 * RATE, MOST = 3 * N };

static float in[N], out[MOST], other[MOST];

/* A voice of 120 Hz, with overtones. */
static void fill(void)
{
    for (int i = 0; i < N; i++) {
        double y = 0;
        for (int h = 1; h <= 8; h++)
            y += 0.2 / h * sin(2 * M_PI * 120 * h * i / RATE + h * h);
        in[i] = (float)y;
    }
}

static size_t stretch(cbx_stretch *s, double speed, double pitch, size_t block,
                      float *to)
{
    cbx_error err;
    size_t n = 0, got;
    CHECK(cbx_stretch_begin(s, speed, pitch, &err) == CBX_OK);
    for (size_t at = 0; at < N; at += block) {
        const size_t step = block < N - at ? block : N - at;
        CHECK(cbx_stretch_push(s, in + at, step, &err) == CBX_OK);
        while ((got = cbx_stretch_pull(s, to + n, 256)) > 0)
            n += got;
        CHECK(n <= MOST - 256);
    }
    CHECK(cbx_stretch_end(s, &err) == CBX_OK);
    while ((got = cbx_stretch_pull(s, to + n, 256)) > 0)
        n += got;
    return n;
}

/* By autocorrelation in the middle of x. */
static double pitch_of(const float *x, size_t n)
{
    double best = -1;
    int at = 0;
    for (int lag = RATE / 400; lag <= RATE / 65; lag++) {
        double sum = 0, a = 1e-12, b = 1e-12;
        for (size_t i = n / 3; i < n / 3 + 4000; i++) {
            sum += (double)x[i] * (double)x[i + (size_t)lag];
            a += (double)x[i] * (double)x[i];
            b += (double)x[i + (size_t)lag] * (double)x[i + (size_t)lag];
        }
        if (sum / sqrt(a * b) > best + 0.02) {
            best = sum / sqrt(a * b);
            at = lag;
        }
    }
    CHECK(best > 0.3); /* at 4 and more each period is cut short */
    return (double)RATE / at;
}

static void speed_halves_the_length_and_keeps_the_pitch(cbx_stretch *s)
{
    static const double speeds[] = {0.5, 0.8, 1.3, 2, 3, 4, 6};
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        const size_t n = stretch(s, speeds[i], 1, CBX_STRETCH_BLOCK, out);
        CHECK_NEAR(n, N / speeds[i], 0.03 * N / speeds[i]);
        if (speeds[i] <= 4) /* then there is too little left of a period */
            CHECK_NEAR(pitch_of(out, n), 120, 4);
    }
}

static void pitch_keeps_the_length(cbx_stretch *s)
{
    static const double pitches[] = {0.7, 1.25, 2};
    for (size_t i = 0; i < sizeof pitches / sizeof *pitches; i++) {
        const size_t n = stretch(s, 1, pitches[i], CBX_STRETCH_BLOCK, out);
        CHECK_NEAR(n, N, 0.03 * N);
        CHECK_NEAR(pitch_of(out, n), 120 * pitches[i], 6);
    }
}

static void blocks_change_no_bit(cbx_stretch *s)
{
    const size_t n = stretch(s, 1.7, 1.1, CBX_STRETCH_BLOCK, out);
    for (size_t block = 1; block < CBX_STRETCH_BLOCK; block += 12) {
        CHECK(stretch(s, 1.7, 1.1, block, other) == n);
        CHECK(memcmp(out, other, n * sizeof *out) == 0);
    }
}

static void loud_samples_do_not_wrap(cbx_stretch *s)
{
    for (int i = 0; i < N; i++)
        in[i] *= 3;
    const size_t n = stretch(s, 1.5, 1, CBX_STRETCH_BLOCK, out);
    for (size_t i = 1; i < n; i++)
        CHECK(fabsf(out[i]) <= 2.001f && fabsf(out[i] - out[i - 1]) < 2);
    fill();
}

static void nonsense_is_an_error(cbx_stretch *s)
{
    cbx_error err;
    CHECK(cbx_stretch_begin(s, 0, 1, &err) == CBX_E_ARG);
    CHECK(cbx_stretch_begin(s, 1, NAN, &err) == CBX_E_ARG);
}

int main(void)
{
    cbx_stretch *s;
    cbx_error err;
    CHECK(cbx_stretch_open(RATE, &s, &err) == CBX_OK);
    fill();
    speed_halves_the_length_and_keeps_the_pitch(s);
    pitch_keeps_the_length(s);
    blocks_change_no_bit(s);
    loud_samples_do_not_wrap(s);
    nonsense_is_an_error(s);
    cbx_stretch_close(s);
    return 0;
}
