/* bf16: even and odd channels in an accumulator each, by FMA over taps and then
 * channels; both are added at the end. */
#include "kernels/cpu/simd/multiply.h"
#include "kernels/cpu/simd/vec.h"

enum {
    V = PANEL / VL, /* vectors of a panel */
    AHEAD = 2048,   /* numbers to prefetch ahead, in all panels */
    BUSY = 4,       /* rows from which on memory is not what limits */
    MOST = MOST_SUMS
};

/* Adds one pair of channels, or the first of it alone. */
INLINE void add_pair(const tile *t, const float *x, const uint16_t *w,
                     vf sum[2][MOST], const bool both, const int R, const int P)
{
#pragma GCC unroll 4
    for (int p = 0; p < P; p++) {
        const uint16_t *at = w + (size_t)p * (t->panel_bytes / 2);
        if (R < BUSY)
            __builtin_prefetch(at + AHEAD / P);
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
            vf even, odd;
            v_load_pairs(at + 2 * v * VL, &even, &odd);
#pragma GCC unroll 12
            for (int r = 0; r < R; r++) {
                const int i = (r * P + p) * V + v;
                sum[0][i] = v_fma(v_set(x[r * t->ld]), even, sum[0][i]);
                if (both)
                    sum[1][i] = v_fma(v_set(x[r * t->ld + 1]), odd, sum[1][i]);
            }
        }
    }
}

INLINE void bf16(const tile *t, float *acc, const int R, const int P)
{
    vf sum[2][MOST];
#pragma GCC unroll 24
    for (int i = 0; i < R * P * V; i++)
        sum[0][i] = sum[1][i] = v_zero();
    for (int tap = 0; tap < t->taps; tap++) {
        const float *x = t->x + tap * t->tap;
        const uint16_t *w =
            (const uint16_t *)(const void *)(t->w + (size_t)tap * t->tap_bytes);
        int c = 0;
        for (; c + 2 <= t->in; c += 2, w += 2 * PANEL)
            add_pair(t, x + c, w, sum, true, R, P);
        if (c < t->in)
            add_pair(t, x + c, w, sum, false, R, P);
    }
#pragma GCC unroll 24
    for (int i = 0; i < R * P * V; i++)
        v_storeu(acc + i * VL, v_add(sum[0][i], sum[1][i]));
}

KERNEL(bf16, 1, 1)
KERNEL(bf16, 1, 2)
KERNEL(bf16, 2, 1)
KERNEL(bf16, 3, 1)
#if defined(__AVX512F__)
KERNEL(bf16, 2, 2)
KERNEL(bf16, 3, 2)
KERNEL(bf16, 4, 2)
KERNEL(bf16, 5, 2)
KERNEL(bf16, 6, 2)
KERNEL(bf16, 4, 1)
KERNEL(bf16, 5, 1)
KERNEL(bf16, 6, 1)
KERNEL(bf16, 7, 1)
KERNEL(bf16, 8, 1)
KERNEL(bf16, 9, 1)
KERNEL(bf16, 10, 1)
KERNEL(bf16, 11, 1)
KERNEL(bf16, 12, 1)
const multiply_set FN(multiply_bf16) = {.rows = 12,
                                        .kernel = {{NULL, NULL, 0},
                                                   {bf16_1x1, bf16_1x2, 2},
                                                   {bf16_2x1, bf16_2x2, 2},
                                                   {bf16_3x1, bf16_3x2, 2},
                                                   {bf16_4x1, bf16_4x2, 2},
                                                   {bf16_5x1, bf16_5x2, 2},
                                                   {bf16_6x1, bf16_6x2, 2},
                                                   {bf16_7x1, bf16_7x1, 1},
                                                   {bf16_8x1, bf16_8x1, 1},
                                                   {bf16_9x1, bf16_9x1, 1},
                                                   {bf16_10x1, bf16_10x1, 1},
                                                   {bf16_11x1, bf16_11x1, 1},
                                                   {bf16_12x1, bf16_12x1, 1}}};
#else
const multiply_set FN(multiply_bf16) = {.rows = 3,
                                        .kernel = {{NULL, NULL, 0},
                                                   {bf16_1x1, bf16_1x2, 2},
                                                   {bf16_2x1, bf16_2x1, 1},
                                                   {bf16_3x1, bf16_3x1, 1}}};
#endif
