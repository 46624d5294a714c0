#include "tools/flow_modes/flow_modes.h"

#include "dsp/mel.h"

#include <math.h>
#include <stdlib.h>

double mel_distance(const float *a, const float *b, int frames, int mels)
{
    double total = 0;

    for (int i = 0; i < frames; i++, a += mels, b += mels) {
        double sum = 0;
        for (int c = 0; c < mels; c++)
            sum += ((double)a[c] - b[c]) * ((double)a[c] - b[c]);
        total += sqrt(sum / mels);
    }
    return frames ? total / frames * 20 / log(10) : 0;
}

/* s3gen.py: mel_spectrogram with its settings */
static float *log_mel(cbx_mel *m, const float *x, size_t n, int frames,
                      int mels)
{
    const size_t count = (size_t)frames * (size_t)mels;
    float *out = need(malloc(sizeof *out * (count + 1)));

    cbx_mel_run(m, x, n, out);
    for (size_t i = 0; i < count; i++)
        out[i] = logf(fmaxf(out[i], 1e-5f));
    return out;
}

double sound_distance(const float *a, const float *b, size_t n)
{
    static cbx_mel *m;
    const cbx_mel_config config = {.rate = 24000,
                                   .n_fft = 1920,
                                   .hop = 480,
                                   .pad = 720,
                                   .mels = 80,
                                   .high = 8000,
                                   .magnitudes = true};
    cbx_error err;

    if (!m)
        must(cbx_mel_open(&config, &m, &err), &err);
    const int frames = cbx_mel_frames(m, n);
    float *x = log_mel(m, a, n, frames, config.mels);
    float *y = log_mel(m, b, n, frames, config.mels);
    const double d = mel_distance(x, y, frames, config.mels);
    free(x);
    free(y);
    return d;
}

void add_energies(const float *got, const float *want, size_t n, double *signal,
                  double *noise)
{
    for (size_t i = 0; i < n; i++) {
        *signal += (double)want[i] * want[i];
        *noise += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
    }
}
