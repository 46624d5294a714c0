#ifndef CBX_KERNELS_CPU_SIMD_SIMD_H
#define CBX_KERNELS_CPU_SIMD_SIMD_H

#include "kernels/cpu/cpu.h"

/* The table's operations with vectors (vec.h). What is not here is ref's. The
 * sources of this folder are compiled once for each instruction set CBX_ISA,
 * which stands in front of every name that others see: avx2_linear, ... */
#define FN_JOINED(isa, name) isa##_##name
#define FN_JOIN(isa, name) FN_JOINED(isa, name)
#define FN(name) FN_JOIN(CBX_ISA, name)

static inline float *row_of(cbx_mat m, int i)
{
    return m.p + (ptrdiff_t)i * m.ld;
}

void FN(linear)(cbx_dev *d, const cbx_linear *op);
void FN(normalize)(cbx_dev *d, const cbx_normalize *op);
void FN(activate)(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out);
void FN(muladd)(cbx_dev *d, const cbx_muladd *op);
void FN(time_stats)(cbx_dev *d, const cbx_time_stats *op);
void FN(attention)(cbx_dev *d, const cbx_attention *op);
void FN(attention_kv)(cbx_dev *d, const cbx_attention_kv *op);
void FN(look)(cbx_dev *d, const cbx_look *op);
void FN(normal)(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0);
void FN(sine_source)(cbx_dev *d, const cbx_sine_source *op);
void FN(istft)(cbx_dev *d, const cbx_istft *op);

/* y = norm(x), one row of C; y may be x. The order of summation depends on C
 * only. */
void FN(norm_row)(const cbx_norm *norm, const float *x, int C, float *y);

/* y = norm(x) for all rows. */
void FN(norm_rows)(cbx_dev *d, const cbx_norm *norm, cbx_mat x, cbx_mat y);

#endif
