/* The variant of CBX_BASE, with int8 products by VNNI. */
#include "kernels/cpu/simd/round.h"

#define BASE(name) FN_JOIN(CBX_BASE, name)

void FN(fill)(cbx_kernels *table);
void BASE(fill)(cbx_kernels *table);
void BASE(linear)(cbx_dev *d, const cbx_linear *op);
void BASE(linear_by)(cbx_dev *d, const cbx_linear *op, const multiply_set *set);

void FN(linear)(cbx_dev *d, const cbx_linear *op)
{
    if (op->w->format == CBX_FMT_I8A)
        BASE(linear_by)(d, op, &FN(multiply_i8a));
    else
        BASE(linear)(d, op);
}

void FN(fill)(cbx_kernels *table)
{
    BASE(fill)(table);
    table->linear = FN(linear);
}
