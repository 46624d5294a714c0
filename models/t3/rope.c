#include "models/t3/rope.h"

#include <math.h>

/* Low frequencies are divided by the factor, high ones stay, those between are
 * blended. */
static float scale(const cbx_config_t3 *c, float frequency)
{
    const float low = c->rope_low_freq, high = c->rope_high_freq;
    const float length = (float)c->rope_original_positions;
    const float wave = 6.283185307179586f / frequency;

    if (wave > length / low)
        return frequency / c->rope_factor;
    if (wave < length / high)
        return frequency;
    const float share = (length / wave - low) / (high - low);
    return (1.0f - share) * frequency / c->rope_factor + share * frequency;
}

/* In f32, as the reference: at position 6000 the last bit of a frequency is
 * 4e-4 of a cosine. */
void rope_frequencies(const cbx_config_t3 *c, int D, float *out)
{
    for (int i = 0; i < D / 2; i++) {
        const float power = (float)(2 * i) / (float)D;
        out[i] = scale(c, 1.0f / powf(c->rope_theta, power));
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
