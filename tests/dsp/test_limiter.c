#include "dsp/limiter.h"

#include "tests/check.h"

#include <stdint.h>
#include <string.h>

enum { N = 24000 };

static float in[N], out[N];
static const float CEILING = 0.8912509f; /* -1 dB */

static uint32_t seed = 1;

static double rnd(void)
{
    seed = seed * 1664525 + 1013904223;
    return (double)seed / 2147483648.0 - 1;
}

static cbx_limiter *open_or_die(void)
{
    cbx_limiter *l;
    cbx_error err;
    CHECK(cbx_limiter_open(CEILING, 1200, &l, &err) == CBX_OK);
    return l;
}

/* Cut into pieces of up to `most`. */
static void limit(cbx_limiter *l, size_t most)
{
    size_t to = 0;
    cbx_limiter_begin(l);
    for (size_t at = 0; at < N;) {
        float piece[1000];
        size_t n = 1 + (size_t)(fabs(rnd()) * (double)(most - 1));
        n = n < N - at ? n : N - at;
        memcpy(piece, in + at, n * sizeof *in);
        const size_t ready = cbx_limiter_run(l, piece, n);
        memcpy(out + to, piece, ready * sizeof *out);
        at += n;
        to += ready;
    }
    to += cbx_limiter_end(l, out + to);
    CHECK(to == N);
}

/* Noise below `top` of the band's edge, with a swell. */
static void fill(double loud, double top)
{
    enum { TONES = 40 };
    double f[TONES], phase[TONES];
    for (int i = 0; i < TONES; i++) {
        f[i] = top * M_PI * fabs(rnd());
        phase[i] = M_PI * rnd();
    }
    for (int k = 0; k < N; k++) {
        double x = 0;
        for (int i = 0; i < TONES; i++)
            x += sin(f[i] * k + phase[i]);
        in[k] = (float)(loud * x / 8 * (0.5 - 0.5 * cos(6 * M_PI * k / N)));
    }
}

/* At four times the rate, by a filter that is longer than the limiter's. */
static double true_peak(const float *x)
{
    enum { FAR = 64 };
    double most = 0;
    for (int k = FAR; k < N - FAR; k++)
        for (int p = 0; p < 4; p++) {
            double y = 0;
            for (int i = 1 - FAR; i <= FAR && p; i++) {
                const double t = i - 0.25 * p,
                             w = cos(M_PI * t / 2 / (FAR + 1));
                y += (double)x[k + i] * sin(M_PI * t) / (M_PI * t) * w * w;
            }
            most = fmax(most, fabs(p ? y : (double)x[k]));
        }
    return most;
}

static void what_is_below_the_ceiling_passes_bit_for_bit(void)
{
    cbx_limiter *l = open_or_die();
    fill(0.3, 0.9);
    CHECK(true_peak(in) < (double)CEILING && true_peak(in) > 0.2);
    limit(l, 300);
    CHECK(memcmp(in, out, sizeof in) == 0);
    cbx_limiter_close(l);
}

static void nothing_exceeds_the_ceiling(void)
{
    cbx_limiter *l = open_or_die();
    for (int round = 0; round < 4; round++) {
        fill(1 << round, 0.9);
        CHECK(true_peak(in) > (double)CEILING);
        limit(l, 500);
        const double peak = true_peak(out);
        CHECK(peak <= (double)CEILING && peak > 0.8 * (double)CEILING);
    }
    cbx_limiter_close(l);
}

/* A sine at a quarter of the rate whose samples miss its peaks. */
static void a_peak_between_two_samples_counts(void)
{
    cbx_limiter *l = open_or_die();
    for (int k = 0; k < N; k++)
        in[k] = (float)(1.2 * sin(M_PI / 2 * k + M_PI / 4));
    CHECK(fabsf(in[100]) < CEILING);
    limit(l, 64);
    CHECK(true_peak(out) <= (double)CEILING);
    cbx_limiter_close(l);
}

static void the_cuts_change_no_bit(void)
{
    static float whole[N];
    cbx_limiter *l = open_or_die();
    fill(3, 0.9);
    limit(l, 1000);
    memcpy(whole, out, sizeof whole);
    limit(l, 1);
    CHECK(memcmp(whole, out, sizeof whole) == 0);
    cbx_limiter_close(l);
}

static void the_gain_comes_back_to_one(void)
{
    cbx_limiter *l = open_or_die();
    fill(0.3, 0.9);
    in[500] = 4;
    limit(l, 100);
    CHECK(fabsf(out[500]) <= CEILING);
    CHECK(memcmp(in, out, 400 * sizeof *in) == 0);
    CHECK(memcmp(in + N - 4000, out + N - 4000, 4000 * sizeof *in) == 0);
    cbx_limiter_close(l);
}

int main(void)
{
    what_is_below_the_ceiling_passes_bit_for_bit();
    nothing_exceeds_the_ceiling();
    a_peak_between_two_samples_counts();
    the_cuts_change_no_bit();
    the_gain_comes_back_to_one();
    return 0;
}
