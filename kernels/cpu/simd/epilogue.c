#include "kernels/cpu/simd/epilogue.h"

#include "kernels/cpu/simd/act.h"
#include "kernels/cpu/simd/simd.h"

/* One function for every kernel and tail, so that the same rounding is done
 * wherever an element lies. */
static void finish_row(const cbx_linear *op, const float *acc, int m, int from,
                       int cols)
{
    const vf scale = v_set(op->scale != 0 ? op->scale : 1.0f);
    const float *bias = op->w->bias + from;
    const float *add = op->add.p ? row_of(op->add, m) + from : NULL;
    const float *add2 = op->add2.p ? row_of(op->add2, m) + from : NULL;
    float *out = op->out.p ? row_of(op->out, m) + from : NULL;
    float *acted = op->acted.p ? row_of(op->acted, m) + from : NULL;
    for (int c = 0; c < cols; c += VL) {
        const int n = cols - c < VL ? cols - c : VL;
        vf v = v_add(v_loadu(acc + c), v_loadu(bias + c));
        if (add)
            v = v_add(v, v_load(add + c, n));
        if (add2)
            v = v_add(v, v_load(add2 + c, n));
        v = v_mul(v, scale);
        if (out)
            v_store(out + c, n, v);
        if (acted)
            v_store(acted + c, n, v_act(&op->act, v, from + c, n));
    }
}

void FN(epilogue)(const cbx_linear *op, const float *acc, int ld, int m,
                  int rows, int n, int cols)
{
    for (int r = 0; r < rows; r++)
        finish_row(op, acc + r * ld, m + r, n, cols);
}
