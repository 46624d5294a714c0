/* int8 with inputs of 8 bits: whole sums of a group, exact, then one FMA into
 * the output's accumulator, group after group. Compiled again with VNNI where
 * there is one (dot4.h). */
#include "kernels/cpu/simd/dot4.h"
#include "kernels/cpu/simd/multiply.h"

enum { V = PANEL / VL, MOST = MOST_SUMS, SCALES = 64 };

/* One group of every row and panel. */
INLINE void add_group(const tile *t, const int8_t *x, const float *x_scale,
                      const int32_t *offset, const char *w, float *acc,
                      const int R, const int P)
{
    const size_t ld = t->r.ld;
    vi sum[MOST];
#pragma GCC unroll 24
    for (int i = 0; i < R * P * V; i++)
        sum[i] = vi_set(offset[(size_t)(i / (P * V)) * t->r.groups]);
    for (int c = 0; c < CBX_GROUP; c += 4) {
        const char *q = w + SCALES + c * PANEL;
        vi b[4];
#pragma GCC unroll 4
        for (int i = 0; i < P * V; i++)
            b[i] =
                vi_load(q + (size_t)(i / V) * t->panel_bytes + i % V * VL * 4);
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) {
            const vi a = vi_set4(x + (size_t)r * ld + c);
#pragma GCC unroll 4
            for (int i = 0; i < P * V; i++)
                sum[r * P * V + i] = vi_dot4(sum[r * P * V + i], b[i], a);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < P * V; i++) {
        const uint16_t *at =
            (const uint16_t *)(const void *)(w +
                                             (size_t)(i / V) * t->panel_bytes);
        const vf scale = v_load_bf16(at + i % V * VL);
#pragma GCC unroll 12
        for (int r = 0; r < R; r++) {
            float *to = acc + (r * P * V + i) * VL;
            const vf s = v_mul(scale, v_set(x_scale[(size_t)r * t->r.groups]));
            v_storeu(to,
                     v_fma(vi_to_float(sum[r * P * V + i]), s, v_loadu(to)));
        }
    }
}

INLINE void i8a(const tile *t, float *acc, const int R, const int P)
{
    const size_t groups = t->r.groups;
#pragma GCC unroll 24
    for (int i = 0; i < R * P * V; i++)
        v_storeu(acc + i * VL, v_zero());
    for (int tap = 0; tap < t->taps; tap++) {
        const size_t row = (size_t)tap * t->tap_rows;
        const int8_t *x = (const int8_t *)t->r.x + row * t->r.ld;
        const char *w = t->w + (size_t)tap * t->tap_bytes;
        for (size_t g = 0; g < groups; g++) {
            add_group(t, x + g * CBX_GROUP, t->r.scale + row * groups + g,
                      t->r.offset + row * groups + g, w, acc, R, P);
            w += SCALES + CBX_GROUP * PANEL;
        }
    }
}

KERNEL(i8a, 1, 1)
KERNEL(i8a, 2, 1)
KERNEL(i8a, 3, 1)
KERNEL(i8a, 4, 1)
#if defined(__AVX512F__)
KERNEL(i8a, 6, 1)
KERNEL(i8a, 8, 1)
KERNEL(i8a, 12, 1)
KERNEL(i8a, 5, 1)
KERNEL(i8a, 7, 1)
KERNEL(i8a, 9, 1)
KERNEL(i8a, 10, 1)
KERNEL(i8a, 11, 1)
KERNEL(i8a, 1, 4)
KERNEL(i8a, 2, 2)
KERNEL(i8a, 3, 2)
KERNEL(i8a, 4, 2)
KERNEL(i8a, 5, 2)
KERNEL(i8a, 6, 2)
KERNEL(i8a, 7, 2)
KERNEL(i8a, 8, 2)
KERNEL(i8a, 9, 2)
KERNEL(i8a, 10, 2)
KERNEL(i8a, 11, 2)
KERNEL(i8a, 12, 2)
const multiply_set FN(multiply_i8a) = {.rows = 12,
                                       .rounds = true,
                                       .kernel = {{NULL, NULL, 0},
                                                  {i8a_1x1, i8a_1x4, 4},
                                                  {i8a_2x1, i8a_2x2, 2},
                                                  {i8a_3x1, i8a_3x2, 2},
                                                  {i8a_4x1, i8a_4x2, 2},
                                                  {i8a_5x1, i8a_5x2, 2},
                                                  {i8a_6x1, i8a_6x2, 2},
                                                  {i8a_7x1, i8a_7x2, 2},
                                                  {i8a_8x1, i8a_8x2, 2},
                                                  {i8a_9x1, i8a_9x2, 2},
                                                  {i8a_10x1, i8a_10x2, 2},
                                                  {i8a_11x1, i8a_11x2, 2},
                                                  {i8a_12x1, i8a_12x2, 2}}};
#else
const multiply_set FN(multiply_i8a) = {.rows = 4,
                                       .rounds = true,
                                       .kernel = {{NULL, NULL, 0},
                                                  {i8a_1x1, i8a_1x1, 1},
                                                  {i8a_2x1, i8a_2x1, 1},
                                                  {i8a_3x1, i8a_3x1, 1},
                                                  {i8a_4x1, i8a_4x1, 1}}};
#endif
