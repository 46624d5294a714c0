#include "kernels/cpu/avx2/epilogue.h"

#include "kernels/cpu/avx2/act.h"
#include "kernels/cpu/avx2/avx2.h"

/* One function for every kernel and tail, so that the same rounding is done
 * wherever an element lies. */
static void finish_row(const cbx_linear *op, const float *acc, int m, int from,
                       int cols)
{
    const __m256 scale = v_set(op->scale != 0 ? op->scale : 1.0f);
    const float *bias = op->w->bias + from;
    const float *add = op->add.p ? row_of(op->add, m) + from : NULL;
    const float *add2 = op->add2.p ? row_of(op->add2, m) + from : NULL;
    float *out = op->out.p ? row_of(op->out, m) + from : NULL;
    float *acted = op->acted.p ? row_of(op->acted, m) + from : NULL;
    for (int c = 0; c < cols; c += 8) {
        const int n = cols - c < 8 ? cols - c : 8;
        __m256 v =
            _mm256_add_ps(_mm256_loadu_ps(acc + c), _mm256_loadu_ps(bias + c));
        if (add)
            v = _mm256_add_ps(v, v_load(add + c, n));
        if (add2)
            v = _mm256_add_ps(v, v_load(add2 + c, n));
        v = _mm256_mul_ps(v, scale);
        if (out)
            v_store(out + c, n, v);
        if (acted)
            v_store(acted + c, n, v_act(&op->act, v, from + c, n));
    }
}

void avx2_epilogue(const cbx_linear *op, const float *acc, int ld, int m,
                   int rows, int n, int cols)
{
    for (int r = 0; r < rows; r++)
        finish_row(op, acc + r * ld, m + r, n, cols);
}
