#include "dsp/poly.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_MIN = 1000, RATE_MAX = 768000, ZEROS = 10 };
static const double beta = 5.0;

static uint32_t common_factor(uint32_t a, uint32_t b)
{
    while (b) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The modified Bessel function of the first kind, order 0. */
static double bessel(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 64; k++) {
        term *= x / 2 / k * (x / 2 / k);
        sum += term;
    }
    return sum;
}

/* scipy.signal.firwin(2 * half + 1, cut, window=("kaiser", beta)) * up. */
static void draw(float *h, long half, double cut, double up)
{
    double sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (long k = -half; k <= half; k++) {
            const double t = M_PI * cut * (double)k,
                         r = (double)k / (double)half;
            const double window =
                bessel(beta * sqrt(fmax(0, 1 - r * r))) / bessel(beta);
            const double v = cut * (k ? sin(t) / t : 1) * window;
            if (pass)
                h[k + half] = (float)(v / sum) * (float)up;
            else
                sum += v;
        }
}

size_t cbx_poly_length(size_t n, uint32_t from, uint32_t to)
{
    const uint32_t g = common_factor(from, to);
    return (size_t)(((uint64_t)n * (to / g) + from / g - 1) / (from / g));
}

cbx_status cbx_poly_resample(const float *x, size_t n, uint32_t from,
                             uint32_t to, float *out, cbx_error *err)
{
    if (from < RATE_MIN || from > RATE_MAX || to < RATE_MIN || to > RATE_MAX)
        return cbx_fail(err, CBX_E_ARG,
                        "resampling: %u to %u Hz, but rates must lie between "
                        "%d and %d Hz",
                        (unsigned)from, (unsigned)to, RATE_MIN, RATE_MAX);
    if (from == to) {
        memcpy(out, x, n * sizeof *x);
        return CBX_OK;
    }
    const uint32_t g = common_factor(from, to);
    const int64_t up = to / g, down = from / g;
    const int64_t most = up > down ? up : down, half = ZEROS * most;
    float *h = malloc((size_t)(2 * half + 1) * sizeof *h);
    if (!h)
        return cbx_fail(err, CBX_E_NOMEM, "resampling: out of memory");
    draw(h, (long)half, 1.0 / (double)most, (double)up);
    const int64_t total = (int64_t)cbx_poly_length(n, from, to);
    for (int64_t j = 0; j < total; j++) {
        /* the sum over i of x[i] h[j*down - i*up] */
        const int64_t at = j * down;
        int64_t i = at - half <= 0 ? 0 : (at - half + up - 1) / up;
        double sum = 0;
        for (; i < (int64_t)n && i * up <= at + half; i++)
            sum += (double)x[i] * (double)h[at - i * up + half];
        out[j] = (float)sum;
    }
    free(h);
    return CBX_OK;
}
