#ifndef CBX_KERNELS_CPU_SIMD_MULTIPLY_H
#define CBX_KERNELS_CPU_SIMD_MULTIPLY_H

#include "kernels/cpu/pack.h"
#include "kernels/cpu/simd/simd.h"

/* The inner kernels of the tap GEMM, one set for each format: some rows by one
 * or more panels of weights. Every kernel of a set sums one output in the same
 * order; they differ only in how many rows and panels go side by side. So no
 * bit depends on the rows, their place or the threads. */

/* Inputs rounded beforehand, row by row: 8 bits or bf16, filled up with zeros
 * to whole groups of 64, or whole 32. */
typedef struct rounded {
    const void *x;
    const float *scale;    /* [rows][groups] */
    const int32_t *offset; /* [rows][groups] -128 times the sum of the group */
    size_t ld;             /* numbers from row to row */
    size_t groups;
} rounded;

typedef struct tile {
    const float *x;
    ptrdiff_t ld, tap; /* floats from row to row, from tap to tap */
    rounded r;         /* instead of x: BF16A, I8A */
    size_t tap_rows;   /* rows from tap to tap */
    int taps, in;
    const char *w;
    size_t tap_bytes, panel_bytes;
} tile;

/* acc[row][outputs of all panels of the kernel] */
typedef void multiply_fn(const tile *t, float *acc);

enum {
    MOST_ROWS = 32,  /* of AMX; the others have 12 at most */
    MOST_PANELS = 4, /* of few rows; else 2 */
    MOST_SUMS = 12 * 2
};

typedef struct multiply_set {
    int rows;    /* the most that a kernel takes */
    bool rounds; /* reads `rounded` inputs */
    struct {
        multiply_fn *one, *some;
        int panels; /* of `some` */
    } kernel[MOST_ROWS + 1];
} multiply_set;

/* What some more instructions give: multiply_bf16a.c, multiply_amx.c. */
extern const multiply_set FN(multiply_bf16a);

extern const multiply_set FN(multiply_f32), FN(multiply_bf16), FN(multiply_i8),
    FN(multiply_i4), FN(multiply_i8a);

/* Best size of the kernels for a number of registers. */
#define KERNEL(set, R, P)                                  \
    static void set##_##R##x##P(const tile *t, float *acc) \
    {                                                      \
        set(t, acc, R, P);                                 \
    }
#define INLINE static inline __attribute__((always_inline))

#endif
