/* f32: one accumulator for each output, by FMA over taps and then channels. */
#include "kernels/cpu/simd/multiply.h"
#include "kernels/cpu/simd/vec.h"

enum {
    V = PANEL / VL,  /* vectors of a panel */
    AHEAD = 2048,    /* floats to prefetch ahead, in all panels */
    BUSY = 6,        /* rows from which on memory is not what limits */
    MOST = MOST_SUMS /* vectors of accumulators */
};

INLINE void f32(const tile *t, float *acc, const int R, const int P)
{
    /* panels whose weights are in registers at once */
    const int side = V_REGISTERS == 32 && P * V <= 4 ? P : 1;
    vf sum[MOST];
#pragma GCC unroll 24
    for (int i = 0; i < R * P * V; i++)
        sum[i] = v_zero();
    for (int tap = 0; tap < t->taps; tap++) {
        const float *x = t->x + tap * t->tap;
        const float *w = (const float *)(const void *)t->w +
                         (size_t)tap * (size_t)t->in * PANEL;
        for (int c = 0; c < t->in; c++, x++, w += PANEL) {
#pragma GCC unroll 4
            for (int p = 0; p < P; p += side) {
                vf b[4];
#pragma GCC unroll 4
                for (int i = 0; i < side * V; i++) {
                    const float *at =
                        w + (size_t)(p + i / V) * (t->panel_bytes / 4);
                    if (R < BUSY && i % V == 0)
                        __builtin_prefetch(at + AHEAD / P);
                    b[i] = v_loadu(at + i % V * VL);
                }
#pragma GCC unroll 12
                for (int r = 0; r < R; r++) {
                    const vf a = v_set(x[r * t->ld]);
#pragma GCC unroll 4
                    for (int i = 0; i < side * V; i++)
                        sum[(r * P + p) * V + i] =
                            v_fma(a, b[i], sum[(r * P + p) * V + i]);
                }
            }
        }
    }
#pragma GCC unroll 24
    for (int i = 0; i < R * P * V; i++)
        v_storeu(acc + i * VL, sum[i]);
}

KERNEL(f32, 1, 1)
KERNEL(f32, 2, 1)
KERNEL(f32, 3, 1)
KERNEL(f32, 4, 1)
KERNEL(f32, 5, 1)
KERNEL(f32, 6, 1)
#if defined(__AVX512F__)
KERNEL(f32, 7, 1)
KERNEL(f32, 8, 1)
KERNEL(f32, 9, 1)
KERNEL(f32, 10, 1)
KERNEL(f32, 11, 1)
KERNEL(f32, 12, 1)
KERNEL(f32, 1, 4)
KERNEL(f32, 2, 4)
KERNEL(f32, 3, 2)
KERNEL(f32, 4, 2)
KERNEL(f32, 5, 2)
KERNEL(f32, 6, 2)
KERNEL(f32, 7, 2)
KERNEL(f32, 8, 2)
KERNEL(f32, 9, 2)
KERNEL(f32, 10, 2)
KERNEL(f32, 11, 2)
KERNEL(f32, 12, 2)
const multiply_set FN(multiply_f32) = {.rows = 12,
                                       .kernel = {{NULL, NULL, 0},
                                                  {f32_1x1, f32_1x4, 4},
                                                  {f32_2x1, f32_2x4, 4},
                                                  {f32_3x1, f32_3x2, 2},
                                                  {f32_4x1, f32_4x2, 2},
                                                  {f32_5x1, f32_5x2, 2},
                                                  {f32_6x1, f32_6x2, 2},
                                                  {f32_7x1, f32_7x2, 2},
                                                  {f32_8x1, f32_8x2, 2},
                                                  {f32_9x1, f32_9x2, 2},
                                                  {f32_10x1, f32_10x2, 2},
                                                  {f32_11x1, f32_11x2, 2},
                                                  {f32_12x1, f32_12x2, 2}}};
#else
KERNEL(f32, 1, 4)
KERNEL(f32, 2, 2)
KERNEL(f32, 3, 2)
const multiply_set FN(multiply_f32) = {.rows = 6,
                                       .kernel = {{NULL, NULL, 0},
                                                  {f32_1x1, f32_1x4, 4},
                                                  {f32_2x1, f32_2x2, 2},
                                                  {f32_3x1, f32_3x2, 2},
                                                  {f32_4x1, f32_4x1, 1},
                                                  {f32_5x1, f32_5x1, 1},
                                                  {f32_6x1, f32_6x1, 1}}};
#endif
