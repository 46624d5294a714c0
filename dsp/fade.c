#include "dsp/fade.h"

#include <math.h>

static float fade_gain(size_t i, size_t n)
{
    if (n < 2)
        return 0.0f;
    return (float)(0.5 - 0.5 * cos(M_PI * (double)i / (double)(n - 1)));
}

void cbx_fade_table(float *gain, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gain[i] = fade_gain(i, n);
}

void cbx_fade_in(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= fade_gain(i, n);
}

void cbx_fade_out(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= fade_gain(n - 1 - i, n);
}

void cbx_trim_fade(float *x, size_t n, size_t at)
{
    const size_t zeros = CBX_TRIM_FADE_FRAMES / 2;
    for (size_t i = 0; i < n && at + i < CBX_TRIM_FADE_FRAMES; i++) {
        if (at + i < zeros)
            x[i] = 0.0f;
        else
            x[i] *= fade_gain(at + i - zeros, CBX_TRIM_FADE_FRAMES - zeros);
    }
}
