/* hifigan.py: HiFTGenerator._istft, for windows of up to MOST samples; longer
 * ones are left to ref. */
#include "kernels/cpu/simd/act.h"
#include "kernels/cpu/simd/simd.h"
#include "kernels/ref/ref.h"

#include <string.h>

enum { MOST = 64, BINS = MOST / 2 + 16 };

/* Everything that depends on n and hop only. */
typedef struct {
    int n, bins; /* bins: n/2 + 1 */
    float window[MOST];
    float dft[2][BINS][MOST]; /* of the real and imaginary parts, windowed */
} tables;

static void fill_tables(tables *t, int n)
{
    t->n = n;
    t->bins = n / 2 + 1;
    for (int i = 0; i < n; i++)
        t->window[i] = (float)(0.5 - 0.5 * cos(2.0 * M_PI * i / n));
    for (int k = 0; k < t->bins; k++)
        for (int i = 0; i < n; i++) {
            const bool edge = k == 0 || k == n / 2;
            const double a = 2.0 * M_PI * (k * i % n) / n;
            const double w = (double)t->window[i] * (edge ? 1.0 : 2.0) / n;
            t->dft[0][k][i] = (float)(w * cos(a));
            t->dft[1][k][i] = edge ? 0.0f : (float)(-w * sin(a));
        }
}

/* Real and imaginary parts of one frame's bins. */
static void spectrum(const cbx_istft *op, const float *x, int bins,
                     float part[2][BINS])
{
    const vf most = v_set(op->mag_limit);
    for (int k = 0; k < bins; k += VL) {
        const vf mag = v_min(most, v_exp(v_load(x + k, bins - k)));
        const vf phase = v_sin(v_load(x + bins + k, bins - k));
        v_storeu(part[0] + k, v_mul(mag, v_cos(phase)));
        v_storeu(part[1] + k, v_mul(mag, v_sin(phase)));
    }
}

/* sums += the windowed inverse DFT of one frame */
static void add_frame(const tables *t, const float part[2][BINS], float *sums)
{
    for (int i = 0; i < t->n; i += VL) {
        vf y = v_zero();
        for (int k = 0; k < t->bins; k++) {
            const vf re = v_set(part[0][k]), im = v_set(part[1][k]);
            y = v_fma(re, v_loadu(t->dft[0][k] + i), y);
            y = v_fma(im, v_loadu(t->dft[1][k] + i), y);
        }
        const int n = t->n - i;
        v_store(sums + i, n, v_add(v_load(sums + i, n), y));
    }
}

/* Sum of squared windows over sample s, of frames 0 <= f <= last. */
static float window_sum(const tables *t, int hop, int64_t s, int64_t last)
{
    float sum = 0;
    int64_t f = s < t->n ? 0 : (s - t->n) / hop + 1;
    for (; f <= last && f * hop <= s; f++) {
        const float w = t->window[s - f * hop];
        sum += w * w;
    }
    return sum;
}

static float clamp(float x, float limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}

/* Writes the `done` samples from s0 that no later frame reaches. */
static int finish(const cbx_istft *op, const tables *t, const float *sums,
                  int64_t s0, int done, int written)
{
    const int64_t last =
        op->last ? op->frame0 + op->x.rows - 1 : INT64_MAX / op->hop;
    for (int i = 0; i < done; i++) {
        if (s0 + i < t->n / 2)
            continue;
        const float whole = window_sum(t, op->hop, s0 + i, last);
        row_of(op->out, written++)[0] = clamp(sums[i] / whole, op->limit);
    }
    return written;
}

void FN(istft)(cbx_dev *d, const cbx_istft *op)
{
    const int n = op->n, hop = op->hop, F = op->x.rows;
    if (n > MOST) {
        ref_istft(d, op);
        return;
    }
    tables t = {.n = n};
    float sums[MOST], part[2][BINS];
    int written = 0;
    fill_tables(&t, n);
    memcpy(sums, op->tail, (size_t)(n - hop) * sizeof *sums);
    for (int k = 0; k < F; k++) {
        const bool end = op->last && k == F - 1;
        memset(sums + n - hop, 0, (size_t)hop * sizeof *sums);
        spectrum(op, row_of(op->x, k), t.bins, part);
        add_frame(&t, part, sums);
        written = finish(op, &t, sums, (op->frame0 + k) * hop,
                         end ? n - n / 2 : hop, written);
        memmove(sums, sums + hop, (size_t)(n - hop) * sizeof *sums);
    }
    memcpy(op->tail, sums, (size_t)(n - hop) * sizeof *sums);
}
