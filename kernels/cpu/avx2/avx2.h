#ifndef CBX_KERNELS_CPU_AVX2_AVX2_H
#define CBX_KERNELS_CPU_AVX2_AVX2_H

#include "kernels/cpu/cpu.h"

/* The table's operations with AVX2 and FMA. What is not here is ref's. */

static inline float *row_of(cbx_mat m, int i)
{
    return m.p + (ptrdiff_t)i * m.ld;
}

/* Weights lie in panels of 16 outputs, [panel][tap * in][16], 64-byte aligned,
 * the last one filled up with zeros; bias has room for whole panels. */
enum { PANEL = 16 };

cbx_status avx2_weight_new(cbx_dev *d, const cbx_weight_spec *s,
                           cbx_weight **out, cbx_error *e);
void avx2_linear(cbx_dev *d, const cbx_linear *op);
void avx2_normalize(cbx_dev *d, const cbx_normalize *op);
void avx2_activate(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out);
void avx2_attention(cbx_dev *d, const cbx_attention *op);
void avx2_attention_kv(cbx_dev *d, const cbx_attention_kv *op);
void avx2_normal(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0);
void avx2_sine_source(cbx_dev *d, const cbx_sine_source *op);
void avx2_istft(cbx_dev *d, const cbx_istft *op);

/* y = norm(x), one row of C; y may be x. The order of summation depends on C
 * only. */
void avx2_norm_row(const cbx_norm *norm, const float *x, int C, float *y);

/* y = norm(x) for all rows. */
void avx2_norm_rows(cbx_dev *d, const cbx_norm *norm, cbx_mat x, cbx_mat y);

/* Runs fn(arg, task, worker) for every task: on the pool, or here and now when
 * `work` (some 8 elements or FMAs each count one) does not pay the wake-up. */
void avx2_run(cbx_dev *d, cbx_pool_task *fn, void *arg, int tasks, double work);

#endif
