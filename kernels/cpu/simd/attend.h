#ifndef CBX_KERNELS_CPU_SIMD_ATTEND_H
#define CBX_KERNELS_CPU_SIMD_ATTEND_H

#include "kernels/cpu/simd/simd.h"

/* Softmax attention of all heads, for `attention` and `attention_kv`. With
 * `causal`, row i sees keys 0 ... op->rel.q0 + i; else as op->visible says.
 * One row's bits depend on its own query and visible keys only. */
void FN(attend)(cbx_dev *d, const cbx_attention *op, bool causal);

#endif
