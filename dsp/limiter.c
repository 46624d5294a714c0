#include "dsp/limiter.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    AHEAD = CBX_LIMITER_AHEAD,
    TAPS = CBX_LIMITER_TAPS,
    HALF = TAPS / 2,
    DELAY = CBX_LIMITER_DELAY,
    LINE = 256, /* a power of two, above all that is looked back */
    PHASES = 3, /* between two samples */
};

/* Gains are whole numbers, so that their running sum is exact and all ones are
 * one. */
#define ONE (INT64_C(1) << 30)
/* Below the ceiling, for what a moving gain adds and the filter misses. */
static const double margin = 0.97;
/* No sum of the filter is larger than this times the largest sample. */
static const float most_sum = 3.0f;

struct cbx_limiter {
    float ceiling;
    double recovery; /* a sample's part of the way back to 1 */
    float between[PHASES][TAPS];

    uint64_t in, out;    /* samples taken and given */
    float x[LINE];       /* samples */
    float inner[LINE];   /* largest peak between sample k and k + 1 */
    int64_t need[LINE];  /* gain that sample k needs */
    int64_t gain[LINE];  /* gain before it is smoothed */
    int64_t sum;         /* of the last AHEAD + 1 of them */
    uint64_t loud_until; /* samples before this may hold a peak */
    uint64_t low_until;  /* gains needed before this may be below ONE */
};

/* Windowed sinc, for the points 1/4, 2/4 and 3/4 behind sample HALF - 1. */
static void make_filter(cbx_limiter *l)
{
    for (int p = 0; p < PHASES; p++)
        for (int i = 0; i < TAPS; i++) {
            const double t = i - (HALF - 1) - 0.25 * (p + 1);
            const double w = cos(M_PI * t / (TAPS + 1));
            l->between[p][i] = (float)(sin(M_PI * t) / (M_PI * t) * w * w);
        }
}

cbx_status cbx_limiter_open(float ceiling, double release, cbx_limiter **out,
                            cbx_error *err)
{
    if (!(ceiling > 0 && release >= 1))
        return cbx_fail(err, CBX_E_ARG, "limiter: ceiling %g, release %g",
                        (double)ceiling, release);
    cbx_limiter *l = calloc(1, sizeof *l);
    if (!l)
        return cbx_fail(err, CBX_E_NOMEM, "limiter: out of memory");
    l->ceiling = ceiling;
    l->recovery = 1 - exp(-1 / release);
    make_filter(l);
    cbx_limiter_begin(l);
    *out = l;
    return CBX_OK;
}

void cbx_limiter_close(cbx_limiter *l)
{
    free(l);
}

void cbx_limiter_begin(cbx_limiter *l)
{
    l->in = l->out = l->loud_until = l->low_until = 0;
    memset(l->x, 0, sizeof l->x);
    memset(l->inner, 0, sizeof l->inner);
    for (int i = 0; i < LINE; i++)
        l->need[i] = l->gain[i] = ONE;
    l->sum = (AHEAD + 1) * ONE;
}

/* Largest of the points between sample k and k + 1; samples up to k + HALF are
 * known. */
static float peak_behind(const cbx_limiter *l, uint64_t k)
{
    float most = 0;
    for (int p = 0; p < PHASES; p++) {
        float y = 0;
        for (int i = 0; i < TAPS; i++)
            y += l->between[p][i] *
                 l->x[(k + (uint64_t)i - (HALF - 1)) & (LINE - 1)];
        most = fmaxf(most, fabsf(y));
    }
    return most;
}

/* The gain that sample k needs, its own and for the points around it. */
static int64_t gain_needed(cbx_limiter *l, uint64_t k)
{
    const size_t at = k & (LINE - 1);
    l->inner[at] = k < l->loud_until ? peak_behind(l, k) : 0;
    const float peak = fmaxf(fmaxf(fabsf(l->x[at]), l->inner[at]),
                             l->inner[(k - 1) & (LINE - 1)]);
    if (!(peak > l->ceiling))
        return ONE;
    l->low_until = k + 1;
    return (int64_t)(margin * (double)l->ceiling / (double)peak * (double)ONE);
}

/* The least that is needed from sample k to AHEAD behind it. */
static int64_t least_needed(const cbx_limiter *l, uint64_t k)
{
    int64_t least = ONE;
    if (k >= l->low_until)
        return ONE;
    for (uint64_t i = k; i <= k + AHEAD; i++) {
        const int64_t g = l->need[i & (LINE - 1)];
        least = g < least ? g : least;
    }
    return least;
}

/* Down at once, back in its time, never above what is needed. */
static int64_t next_gain(const cbx_limiter *l, uint64_t k)
{
    const int64_t least = least_needed(l, k);
    const int64_t before = l->gain[(k - 1) & (LINE - 1)];
    int64_t g = before + (int64_t)ceil((double)(ONE - before) * l->recovery);
    g = ONE - g < ONE / 10000 ? ONE : g;
    return g < least ? g : least;
}

/* Sample k is finished: the mean of the gains of the AHEAD before it and its
 * own goes down evenly, and is where it must be when the peak comes. */
static float finished(cbx_limiter *l, uint64_t k)
{
    const size_t at = k & (LINE - 1);
    const size_t leaves = (k - AHEAD - 1) & (LINE - 1);
    l->gain[at] = next_gain(l, k);
    l->sum += l->gain[at] - l->gain[leaves];
    if (l->sum == (AHEAD + 1) * ONE)
        return l->x[at];
    return (float)((double)l->x[at] * (double)l->sum /
                   ((AHEAD + 1) * (double)ONE));
}

/* Takes one sample; true: *y is the next one out. */
static bool step(cbx_limiter *l, float x, float *y)
{
    const uint64_t i = l->in++;
    l->x[i & (LINE - 1)] = x;
    if (!(fabsf(x) * most_sum <= l->ceiling))
        l->loud_until = i + HALF + 1;
    if (i >= HALF)
        l->need[(i - HALF) & (LINE - 1)] = gain_needed(l, i - HALF);
    if (i < DELAY)
        return false;
    *y = finished(l, l->out++);
    return true;
}

size_t cbx_limiter_run(cbx_limiter *l, float *x, size_t n)
{
    size_t ready = 0;
    for (size_t i = 0; i < n; i++) {
        float y;
        if (step(l, x[i], &y))
            x[ready++] = y;
    }
    return ready;
}

size_t cbx_limiter_end(cbx_limiter *l, float *out)
{
    const uint64_t all = l->in;
    size_t ready = 0;
    while (l->out < all)
        ready += step(l, 0, &out[ready]);
    return ready;
}
