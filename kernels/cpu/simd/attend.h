#ifndef CBX_KERNELS_CPU_SIMD_ATTEND_H
#define CBX_KERNELS_CPU_SIMD_ATTEND_H

#include "kernels/cpu/simd/simd.h"

/* What the keys and values k and v of an attention are. */
typedef enum attend_kind {
    ATTEND_ALL,         /* floats; rows see what op->visible says */
    ATTEND_CAUSAL,      /* floats; row i sees keys 0 ... op->rel.q0 + i */
    ATTEND_CAUSAL_BF16, /* the same with bf16: k.p and v.p point to uint16_t */
} attend_kind;

/* Softmax attention of all heads, for `attention` and `attention_kv`. One row's
 * bits depend on its own query and visible keys only. */
void FN(attend)(cbx_dev *d, const cbx_attention *op, attend_kind kind);

#endif
