#ifndef CBX_TESTS_CLONE_RECORDING_H
#define CBX_TESTS_CLONE_RECORDING_H

#include "tests/check.h"

#include <sndfile.h>
#include <stdint.h>
#include <string.h>

/* Made-up recordings. */

static inline float *samples(size_t n)
{
    float *x = calloc(n + 1, sizeof *x);
    CHECK(x);
    return x;
}

/* Something like speech: a gliding pitch with overtones, four syllables a
 * second, and a pause after each second. */
static inline float *babble(double seconds, int rate, size_t *n)
{
    *n = (size_t)(seconds * rate);
    float *x = samples(*n);
    for (size_t i = 0; i < *n; i++) {
        const double t = (double)i / rate, beat = fmod(4 * t, 1);
        /* the pitch is 130 + 30 sin(2 pi 0.7 t) */
        const double phase =
            2 * M_PI * 130 * t - 30 / 0.7 * cos(2 * M_PI * 0.7 * t);
        const double size = fmod(t, 1.25) > 1 ? 0 : sin(M_PI * beat);
        double sum = 0;
        for (int k = 1; k <= 20; k++)
            sum += sin(k * phase) / k * (k % 5 == 0 ? 3 : 1);
        x[i] = (float)(0.15 * size * size * sum);
    }
    return x;
}

/* Noise between -1 and 1, always the same. */
static inline float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)*state / 2147483648.0f;
}

/* Every channel holds x; the second one softer and the others silent. */
static inline void write_sound(const char *path, const float *x, size_t n,
                               int rate, int channels, int format)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    float *frames = samples(n * (size_t)channels);
    CHECK(f);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < channels && c < 2; c++)
            frames[i * (size_t)channels + (size_t)c] = c ? 0.5f * x[i] : x[i];
    CHECK(sf_writef_float(f, frames, (sf_count_t)n) == (sf_count_t)n);
    CHECK(sf_close(f) == 0);
    free(frames);
}

enum { WAV_FLOAT = SF_FORMAT_WAV | SF_FORMAT_FLOAT };

#endif
