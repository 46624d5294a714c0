/* bf16 with bf16 inputs by AVX512-BF16: one accumulator for each output, over
 * taps and then pairs of channels. */
#include "kernels/cpu/simd/multiply.h"
#include "kernels/cpu/simd/vec.h"

enum { MOST = 24, PAIR = 2 * PANEL };

INLINE void bf16a(const tile *t, float *acc, const int R, const int P)
{
    const int pairs = (t->in + 1) / 2;
    vf sum[MOST];
#pragma GCC unroll 24
    for (int i = 0; i < R * P; i++)
        sum[i] = v_zero();
    for (int tap = 0; tap < t->taps; tap++) {
        const uint16_t *x =
            (const uint16_t *)t->r.x + (size_t)tap * t->tap_rows * t->r.ld;
        const uint16_t *w =
            (const uint16_t *)(const void *)(t->w + (size_t)tap * t->tap_bytes);
        for (int c = 0; c < pairs; c++, x += 2, w += PAIR) {
            __m512bh b[4];
#pragma GCC unroll 4
            for (int p = 0; p < P; p++)
                b[p] = (__m512bh)_mm512_loadu_si512(
                    w + (size_t)p * (t->panel_bytes / 2));
#pragma GCC unroll 12
            for (int r = 0; r < R; r++) {
                int32_t pair;
                __builtin_memcpy(&pair, x + (size_t)r * t->r.ld, sizeof pair);
                const __m512bh a = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
                for (int p = 0; p < P; p++)
                    sum[r * P + p] = _mm512_dpbf16_ps(sum[r * P + p], b[p], a);
            }
        }
    }
#pragma GCC unroll 24
    for (int i = 0; i < R * P; i++)
        v_storeu(acc + i * VL, sum[i]);
}

#define BOTH(R)         \
    KERNEL(bf16a, R, 1) \
    KERNEL(bf16a, R, 2)
KERNEL(bf16a, 1, 1)
BOTH(2)
BOTH(3)
BOTH(4)
BOTH(5)
BOTH(6)
BOTH(7)
BOTH(8)
BOTH(9)
BOTH(10)
BOTH(11)
BOTH(12)
KERNEL(bf16a, 1, 4)
const multiply_set FN(multiply_bf16a) = {
    .rows = 12,
    .rounds = true,
    .kernel = {{NULL, NULL, 0},
               {bf16a_1x1, bf16a_1x4, 4},
               {bf16a_2x1, bf16a_2x2, 2},
               {bf16a_3x1, bf16a_3x2, 2},
               {bf16a_4x1, bf16a_4x2, 2},
               {bf16a_5x1, bf16a_5x2, 2},
               {bf16a_6x1, bf16a_6x2, 2},
               {bf16a_7x1, bf16a_7x2, 2},
               {bf16a_8x1, bf16a_8x2, 2},
               {bf16a_9x1, bf16a_9x2, 2},
               {bf16a_10x1, bf16a_10x2, 2},
               {bf16a_11x1, bf16a_11x2, 2},
               {bf16a_12x1, bf16a_12x2, 2}}};
