#include "dsp/loudness.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static const double block_s = 0.4, step = 0.25; /* step: part of a block */
static const double gate = -70, relative_gate = -10;

typedef struct biquad {
    double b[3], a[3]; /* a[0] is 1 */
} biquad;

static biquad normalised(const double b[3], const double a[3])
{
    return (biquad){{b[0] / a[0], b[1] / a[0], b[2] / a[0]},
                    {1, a[1] / a[0], a[2] / a[0]}};
}

/* pyloudnorm: IIRfilter(4.0, 1/sqrt(2), 1500.0, rate, 'high_shelf') */
static biquad high_shelf(double rate)
{
    const double A = pow(10, 4.0 / 40), w = 2 * M_PI * 1500 / rate;
    const double c = cos(w), r = 2 * sqrt(A) * sin(w) / (2 * sqrt(0.5));
    return normalised((double[]){A * ((A + 1) + (A - 1) * c + r),
                                 -2 * A * ((A - 1) + (A + 1) * c),
                                 A * ((A + 1) + (A - 1) * c - r)},
                      (double[]){(A + 1) - (A - 1) * c + r,
                                 2 * ((A - 1) - (A + 1) * c),
                                 (A + 1) - (A - 1) * c - r});
}

/* pyloudnorm: IIRfilter(0.0, 0.5, 38.0, rate, 'high_pass') */
static biquad high_pass(double rate)
{
    const double w = 2 * M_PI * 38 / rate, c = cos(w), alpha = sin(w);
    return normalised((double[]){(1 + c) / 2, -(1 + c), (1 + c) / 2},
                      (double[]){1 + alpha, -2 * c, 1 - alpha});
}

static void filter(const biquad *f, const float *in, size_t n, float *out)
{
    double s1 = 0, s2 = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = (double)in[i], y = f->b[0] * x + s1;
        s1 = f->b[1] * x - f->a[1] * y + s2;
        s2 = f->b[2] * x - f->a[2] * y;
        out[i] = (float)y;
    }
}

/* Mean square of block j of the filtered signal. */
static double block_power(const float *x, size_t n, double rate, size_t j)
{
    const double at = (double)j * step;
    const size_t from = (size_t)(block_s * at * rate);
    const size_t to = (size_t)(block_s * (at + 1) * rate);
    double sum = 0;
    for (size_t i = from; i < to && i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / (block_s * rate);
}

static double to_lufs(double power)
{
    return -0.691 + 10 * log10(power);
}

/* Mean power of the blocks above the threshold, and of those at it when
 * `inclusive`. NaN when there are none. */
static double gated_mean(const double *power, size_t n, double threshold,
                         bool inclusive)
{
    double sum = 0;
    size_t count = 0;
    for (size_t j = 0; j < n; j++) {
        const double l = to_lufs(power[j]);
        if (l > threshold || (inclusive && l >= threshold)) {
            sum += power[j];
            count++;
        }
    }
    return sum / (double)count;
}

static double integrate(const double *power, size_t n)
{
    const double mean = gated_mean(power, n, gate, true);
    if (isnan(mean))
        return -INFINITY;
    const double threshold = fmax(to_lufs(mean) + relative_gate, gate);
    const double kept = gated_mean(power, n, threshold, false);
    return isnan(kept) ? -INFINITY : to_lufs(kept);
}

cbx_status cbx_loudness(const float *x, size_t n, unsigned rate, double *lufs,
                        cbx_error *err)
{
    if (rate < 1000 || rate > 768000 || (double)n < block_s * rate)
        return cbx_fail(err, CBX_E_ARG,
                        "loudness: %zu samples at %u Hz are less than 0.4 "
                        "seconds",
                        n, rate);
    const double blocks = ((double)n / rate - block_s) / (block_s * step);
    const size_t n_blocks = (size_t)rint(blocks) + 1;
    const biquad shelf = high_shelf(rate), pass = high_pass(rate);
    float *y = malloc(n * sizeof *y);
    double *power = malloc(n_blocks * sizeof *power);
    cbx_status st = CBX_OK;
    if (y && power) {
        filter(&shelf, x, n, y);
        filter(&pass, y, n, y);
        for (size_t j = 0; j < n_blocks; j++)
            power[j] = block_power(y, n, rate, j);
        *lufs = integrate(power, n_blocks);
    } else {
        st = cbx_fail(err, CBX_E_NOMEM, "loudness: out of memory");
    }
    free(y);
    free(power);
    return st;
}

double cbx_loudness_gain(double lufs, double target)
{
    const double gain = pow(10, (target - lufs) / 20);
    return isfinite(gain) && gain > 0 ? gain : 1;
}
