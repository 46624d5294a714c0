/* The operations that only the vocoder needs. */
#include "kernels/cpu/cpu.h"
#include "kernels/ref/ref.h"

#include <math.h>
#include <string.h>

/* hifigan.py: SineGen.forward, SourceModuleHnNSF.forward */
void ref_sine_source(cbx_dev *d, const cbx_sine_source *op)
{
    (void)d;
    for (int n = 0; n < op->f0.rows * op->hop; n++) {
        const float f0 = ref_row(op->f0, n / op->hop)[0];
        const float *noise = ref_row(op->noise, n);
        const bool voiced = f0 > op->gate;
        float sum = op->bias[0];
        for (int h = 0; h < op->harmonics; h++) {
            float turn = fmodf(f0 * (float)(h + 1) / op->rate, 1.0f);
            if (!isfinite(turn)) /* would never leave the phase again */
                turn = 0.0f;
            double phase = op->phase[h] + (double)turn;
            phase -= floor(phase);
            op->phase[h] = phase;
            float s = noise[h] * (voiced ? op->noise_std : op->amp / 3.0f);
            if (voiced)
                s += op->amp *
                     (float)sin(2.0 * M_PI * phase + (double)op->phase0[h]);
            sum += op->w[h] * s;
        }
        ref_row(op->out, n)[0] = tanhf(sum);
    }
}

enum { MAX_FFT = 1024 };

/* Inverse real DFT of one frame, unwindowed (numpy.fft.irfft). */
static void inverse_dft(const cbx_istft *op, const float *x, float *out)
{
    const int n = op->n, K = n / 2 + 1;
    double re[MAX_FFT / 2 + 1], im[MAX_FFT / 2 + 1];
    for (int k = 0; k < K; k++) {
        const double mag = fmin(exp((double)x[k]), (double)op->mag_limit);
        const double phase = sin((double)x[K + k]);
        re[k] = mag * cos(phase);
        im[k] = mag * sin(phase);
    }
    for (int i = 0; i < n; i++) {
        double sum = re[0] + (i & 1 ? -re[n / 2] : re[n / 2]);
        for (int k = 1; k < n / 2; k++) {
            const double a = 2.0 * M_PI * ((long)k * i % n) / n;
            sum += 2.0 * (re[k] * cos(a) - im[k] * sin(a));
        }
        out[i] = (float)(sum / n);
    }
}

/* Sum of squared windows over sample s, of frames 0 <= f <= last. */
static float window_sum(const float *window, int n, int hop, int64_t s,
                        int64_t last)
{
    float sum = 0;
    int64_t f = s < n ? 0 : (s - n) / hop + 1;
    for (; f <= last && f * hop <= s; f++)
        sum += window[s - f * hop] * window[s - f * hop];
    return sum;
}

static float clamp(float x, float limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}

void ref_istft(cbx_dev *d, const cbx_istft *op)
{
    const int n = op->n, hop = op->hop, F = op->x.rows;
    float window[MAX_FFT], frame[MAX_FFT], sums[MAX_FFT];
    int written = 0;
    (void)d;
    for (int i = 0; i < n; i++)
        window[i] = (float)(0.5 - 0.5 * cos(2.0 * M_PI * i / n));
    memcpy(sums, op->tail, (size_t)(n - hop) * sizeof *sums);

    for (int k = 0; k < F; k++) {
        const int64_t f = op->frame0 + k, s0 = f * hop;
        const bool end = op->last && k == F - 1;
        memset(sums + n - hop, 0, (size_t)hop * sizeof *sums);
        inverse_dft(op, ref_row(op->x, k), frame);
        for (int i = 0; i < n; i++)
            sums[i] += frame[i] * window[i];
        const int done = end ? n - n / 2 : hop;
        const int64_t last = op->last ? op->frame0 + F - 1 : INT64_MAX / hop;
        for (int i = 0; i < done; i++)
            if (s0 + i >= n / 2)
                ref_row(op->out, written++)[0] =
                    clamp(sums[i] / window_sum(window, n, hop, s0 + i, last),
                          op->limit);
        memmove(sums, sums + hop, (size_t)(n - hop) * sizeof *sums);
    }
    memcpy(op->tail, sums, (size_t)(n - hop) * sizeof *sums);
}
