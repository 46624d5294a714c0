#include "dsp/hearing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAMES_PER_SECOND = 50,
    PITCHES_MOST = 400, /* frames that are searched for a pitch */
};

static const double floor_db = -120, active_range = 25, active_least = -70;

/* Similarity of a frame with itself a period later that counts as pitch;
 * noise stays below 0.3. */
static const float voiced_least = 0.5f;

static double level_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    const double db = 10 * log10(sum / (double)n);
    return db > floor_db ? db : floor_db;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Normalised correlation of x[0..n) with x[lag..lag+n). */
static float similarity(const float *x, size_t lag, size_t n)
{
    float both = 0, first = 0, second = 0;
    for (size_t i = 0; i < n; i++) {
        both += x[i] * x[i + lag];
        first += x[i] * x[i];
        second += x[i + lag] * x[i + lag];
    }
    const float size = sqrtf(first * second);
    return size > 0 ? both / size : 0;
}

/* Looks at 1 / 60 s, and as much behind it. */
static bool has_pitch(const float *x, unsigned rate)
{
    const size_t longest = rate / 60, n = longest;
    for (size_t lag = rate / 500; lag <= longest; lag++)
        if (similarity(x, lag, n) >= voiced_least)
            return true;
    return false;
}

/* Of the active frames, evenly chosen. */
static double voiced_share(const float *x, size_t n, unsigned rate,
                           const double *levels, size_t frames, double least)
{
    const size_t hop = rate / FRAMES_PER_SECOND, span = 2 * (rate / 60);
    const size_t step = frames / PITCHES_MOST + 1;
    size_t seen = 0, voiced = 0;
    for (size_t i = 0; i < frames; i += step)
        if (levels[i] >= least && i * hop + span <= n) {
            seen++;
            voiced += has_pitch(x + i * hop, rate);
        }
    return seen ? (double)voiced / (double)seen : 0;
}

cbx_status cbx_hear(const float *x, size_t n, unsigned rate, cbx_hearing *out,
                    cbx_error *err)
{
    const size_t hop = rate / FRAMES_PER_SECOND, frames = hop ? n / hop : 0;
    cbx_hearing h = {.loud = floor_db, .quiet = floor_db};
    double *levels = calloc(2 * frames + 1, sizeof *levels);
    double *sorted = levels + frames;
    if (!levels)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to judge a recording");

    for (size_t i = 0; i < n; i++)
        h.peak = fmaxf(h.peak, fabsf(x[i]));
    for (size_t i = 0; i < frames; i++)
        levels[i] = sorted[i] = level_of(x + i * hop, hop);
    qsort(sorted, frames, sizeof *sorted, by_size);
    if (frames) {
        h.loud = sorted[(frames - 1) * 95 / 100];
        h.quiet = sorted[(frames - 1) / 10];
    }
    const double least = fmax(h.loud - active_range, active_least);
    for (size_t i = 0; i < frames; i++)
        if (levels[i] >= least) {
            h.active += 1. / FRAMES_PER_SECOND;
            if (i < 10 * FRAMES_PER_SECOND)
                h.active_early += 1. / FRAMES_PER_SECOND;
        }
    h.voiced = voiced_share(x, n, rate, levels, frames, least);
    free(levels);
    *out = h;
    return CBX_OK;
}
