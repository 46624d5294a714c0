/* The variant of CBX_BASE, with products of bf16 by FN(multiply_bf16a):
 * AVX512-BF16 or AMX. */
#include "kernels/cpu/simd/round.h"

#define BASE(name) FN_JOIN(CBX_BASE, name)

void FN(fill)(cbx_kernels *table);
void BASE(fill)(cbx_kernels *table);
void BASE(linear)(cbx_dev *d, const cbx_linear *op);
void avx512_linear_by(cbx_dev *d, const cbx_linear *op,
                      const multiply_set *set);

void FN(linear)(cbx_dev *d, const cbx_linear *op)
{
    if (op->w->format == CBX_FMT_BF16A)
        avx512_linear_by(d, op, &FN(multiply_bf16a));
    else
        BASE(linear)(d, op);
}

void FN(fill)(cbx_kernels *table)
{
    BASE(fill)(table);
    table->linear = FN(linear);
}
