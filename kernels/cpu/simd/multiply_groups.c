/* int8 and int4 with f32 inputs: in each group even and odd channels in an
 * accumulator each, by FMA; their sum times the scale goes to the output's own
 * accumulator by FMA, group after group. */
#include "kernels/cpu/simd/multiply.h"
#include "kernels/cpu/simd/vec.h"

enum {
    V = VL == 4 ? 4 : 2,     /* vectors side by side */
    PASS = V * VL,           /* outputs of a pass over a panel */
    MOST = VL == 16 ? 6 : 3, /* rows */
    AHEAD = 1024,            /* bytes to prefetch ahead */
    BUSY = 4,                /* rows from which on memory is not what limits */
    SCALES = 64              /* bytes in front of a group */
};

/* The numbers of a pair of channels, V vectors each, from output `col`. */
INLINE void load_pair(const char *w, int col, const bool four, vf *even,
                      vf *odd)
{
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
        const int at = col + v * VL;
        if (four) {
            v_load_i4((const uint8_t *)w + at, &even[v], &odd[v]);
        } else {
            even[v] = v_load_i8((const int8_t *)w + at);
            odd[v] = v_load_i8((const int8_t *)w + PANEL_Q + at);
        }
    }
}

/* total += scale * (a group of n channels) */
INLINE void add_group(const tile *t, const float *x, const char *w, int n,
                      int col, const bool four, vf *total, const int R)
{
    const int pair = four ? PANEL_Q : 2 * PANEL_Q;
    const char *q = w + SCALES;
    vf sum[2][MOST * V], even[V], odd[V];
#pragma GCC unroll 24
    for (int i = 0; i < R * V; i++)
        sum[0][i] = sum[1][i] = v_zero();
    int c = 0;
    for (; c + 2 <= n; c += 2, q += pair) {
        if (R < BUSY)
            __builtin_prefetch(q + AHEAD);
        load_pair(q, col, four, even, odd);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            const vf a = v_set(x[r * t->ld + c]);
            const vf b = v_set(x[r * t->ld + c + 1]);
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) {
                sum[0][r * V + v] = v_fma(a, even[v], sum[0][r * V + v]);
                sum[1][r * V + v] = v_fma(b, odd[v], sum[1][r * V + v]);
            }
        }
    }
    if (c < n) {
        load_pair(q, col, four, even, odd);
        for (int r = 0; r < R; r++)
            for (int v = 0; v < V; v++)
                sum[0][r * V + v] =
                    v_fma(v_set(x[r * t->ld + c]), even[v], sum[0][r * V + v]);
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
        const vf scale =
            v_load_bf16((const uint16_t *)(const void *)w + col + v * VL);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) {
            const int i = r * V + v;
            total[i] = v_fma(scale, v_add(sum[0][i], sum[1][i]), total[i]);
        }
    }
}

INLINE void groups(const tile *t, float *acc, const bool four, const int R)
{
    for (int col = 0; col < PANEL_Q; col += PASS) {
        vf total[MOST * V];
#pragma GCC unroll 24
        for (int i = 0; i < R * V; i++)
            total[i] = v_zero();
        for (int tap = 0; tap < t->taps; tap++) {
            const float *x = t->x + tap * t->tap;
            const char *w = t->w + (size_t)tap * t->tap_bytes;
            int c = 0;
            for (; c + CBX_GROUP <= t->in; c += CBX_GROUP) {
                add_group(t, x + c, w, CBX_GROUP, col, four, total, R);
                w += SCALES + CBX_GROUP * PANEL_Q / (four ? 2 : 1);
            }
            if (c < t->in)
                add_group(t, x + c, w, t->in - c, col, four, total, R);
        }
#pragma GCC unroll 24
        for (int i = 0; i < R * V; i++)
            v_storeu(acc + i / V * PANEL_Q + col + i % V * VL, total[i]);
    }
}

#define GROUPS(R)                                 \
    static void i8_##R(const tile *t, float *acc) \
    {                                             \
        groups(t, acc, false, R);                 \
    }                                             \
    static void i4_##R(const tile *t, float *acc) \
    {                                             \
        groups(t, acc, true, R);                  \
    }
GROUPS(1)
GROUPS(2)
GROUPS(3)
#if defined(__AVX512F__)
GROUPS(4)
GROUPS(5)
GROUPS(6)
#define SET(set)                   \
    {                              \
        .rows = MOST, .kernel = {  \
            {NULL, NULL, 0},       \
            {set##_1, set##_1, 1}, \
            {set##_2, set##_2, 1}, \
            {set##_3, set##_3, 1}, \
            {set##_4, set##_4, 1}, \
            {set##_5, set##_5, 1}, \
            {set##_6, set##_6, 1}  \
        }                          \
    }
#else
#define SET(set)                   \
    {                              \
        .rows = MOST, .kernel = {  \
            {NULL, NULL, 0},       \
            {set##_1, set##_1, 1}, \
            {set##_2, set##_2, 1}, \
            {set##_3, set##_3, 1}  \
        }                          \
    }
#endif
const multiply_set FN(multiply_i8) = SET(i8);
const multiply_set FN(multiply_i4) = SET(i4);
