#include "dsp/sinc.h"

#include <math.h>
#include <stdlib.h>

enum { RATE_MIN = 1000, RATE_MAX = 768000, ZEROS = 6, MAX_WEIGHTS = 1 << 22 };

static const double rolloff = 0.99;

/* With the common factor taken out of the rates, out sample i * to + p is a
 * sum over in samples i * from - width + k, weighted w[p][k]. */
typedef struct kernel {
    size_t from, to, width, taps;
    float *w; /* [to][taps] */
} kernel;

static uint32_t common_factor(uint32_t a, uint32_t b)
{
    while (b) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static double windowed_sinc(double t)
{
    const double in = fmin(fmax(t, -ZEROS), ZEROS);
    const double hann = cos(in * M_PI / ZEROS / 2);
    return (in == 0 ? 1 : sin(in * M_PI) / (in * M_PI)) * hann * hann;
}

/* torchaudio.functional: _get_sinc_resample_kernel */
static void draw(kernel *k)
{
    const double from = (double)k->from, to = (double)k->to;
    const double base = fmin(from, to) * rolloff;
    for (size_t p = 0; p < k->to; p++)
        for (size_t i = 0; i < k->taps; i++) {
            const double at = ((double)i - (double)k->width) / from;
            const double t = (at - (double)p / to) * base;
            k->w[p * k->taps + i] = (float)(windowed_sinc(t) * base / from);
        }
}

static float weigh(const kernel *k, const float *x, size_t n, size_t i,
                   const float *w)
{
    double sum = 0;
    for (size_t j = 0; j < k->taps; j++) {
        const size_t at = i * k->from + j; /* counted from -width */
        if (at >= k->width && at - k->width < n)
            sum += (double)w[j] * (double)x[at - k->width];
    }
    return (float)sum;
}

size_t cbx_sinc_length(size_t n, uint32_t from, uint32_t to)
{
    const uint32_t g = common_factor(from, to);
    return (size_t)(((uint64_t)n * (to / g) + from / g - 1) / (from / g));
}

cbx_status cbx_sinc_resample(const float *x, size_t n, uint32_t from,
                             uint32_t to, float *out, cbx_error *err)
{
    if (from < RATE_MIN || from > RATE_MAX || to < RATE_MIN || to > RATE_MAX)
        return cbx_fail(err, CBX_E_ARG,
                        "resampling: %u to %u Hz, but rates must lie between "
                        "%d and %d Hz",
                        (unsigned)from, (unsigned)to, RATE_MIN, RATE_MAX);
    const uint32_t g = common_factor(from, to);
    kernel k = {.from = from / g, .to = to / g};
    const double least = (double)(k.from < k.to ? k.from : k.to);
    k.width = (size_t)ceil(ZEROS * (double)k.from / (least * rolloff));
    k.taps = 2 * k.width + k.from;
    if (k.to * k.taps > MAX_WEIGHTS)
        return cbx_fail(err, CBX_E_ARG,
                        "resampling: %u to %u Hz, but the rates need a large "
                        "common factor",
                        (unsigned)from, (unsigned)to);
    k.w = calloc(k.to * k.taps, sizeof *k.w);
    if (!k.w)
        return cbx_fail(err, CBX_E_NOMEM, "resampling: out of memory");
    draw(&k);
    const size_t total = cbx_sinc_length(n, from, to);
    for (size_t i = 0; i < total; i++)
        out[i] = weigh(&k, x, n, i / k.to, k.w + i % k.to * k.taps);
    free(k.w);
    return CBX_OK;
}
