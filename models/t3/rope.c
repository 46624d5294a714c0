#include "models/t3/rope.h"

#include <math.h>

static const double tau = 6.283185307179586;

/* Low frequencies are divided by the factor, high ones stay, those between are
 * blended. */
static double scale(const cbx_config_t3 *c, double frequency)
{
    const double low = (double)c->rope_low_freq;
    const double high = (double)c->rope_high_freq;
    const double factor = (double)c->rope_factor;
    /* Turns that the original length makes. */
    const double turns = c->rope_original_positions * frequency / tau;

    if (turns < low)
        return frequency / factor;
    if (turns > high)
        return frequency;
    const double share = (turns - low) / (high - low);
    return (1 - share) * frequency / factor + share * frequency;
}

void rope_frequencies(const cbx_config_t3 *c, int D, float *out)
{
    for (int i = 0; i < D / 2; i++) {
        const float plain =
            (float)pow((double)c->rope_theta, -2.0 * i / (double)D);
        out[i] = (float)scale(c, (double)plain);
    }
}

void rope_table(const float *frequencies, int D, int n, float *out)
{
    for (int p = 0; p < n; p++, out += D)
        for (int i = 0; i < D / 2; i++) {
            const float angle = (float)p * frequencies[i];
            out[i] = (float)cos((double)angle);
            out[D / 2 + i] = (float)sin((double)angle);
        }
}
