#ifndef CBX_KERNELS_CPU_SIMD_VEC_H
#define CBX_KERNELS_CPU_SIMD_VEC_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Vectors of VL floats (vf) and masks (vm), the same names for each
 * instruction set. Sources of this folder are compiled once for each of them
 * (CBX_ISA: avx2, avx512, neon).
 *
 * v_min and v_max give their second operand where one is NaN. v_fma(a, b, c)
 * is a b + c, v_fnma c - a b, v_fms a b - c, each rounded once. */
typedef float f4 __attribute__((vector_size(16)));

#if defined(__AVX512F__)
#include "kernels/cpu/simd/vec_avx512.h"
#elif defined(__AVX2__)
#include "kernels/cpu/simd/vec_avx2.h"
#elif defined(__aarch64__)
#include "kernels/cpu/simd/vec_neon.h"
#else
#error "no vectors for this instruction set"
#endif

/* The first n of VL floats at p, and zeros. */
static inline vf v_load(const float *p, int n)
{
    return n >= VL ? v_loadu(p) : v_load_some(p, n);
}

static inline void v_store(float *p, int n, vf x)
{
    if (n >= VL)
        v_storeu(p, x);
    else
        v_store_some(p, n, x);
}

#endif
