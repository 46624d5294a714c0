#ifndef CBX_KERNELS_REF_REF_H
#define CBX_KERNELS_REF_REF_H

#include "kernels/kernels.h"

/* The plain C definition of every operation, one function for each entry of the
 * table (kernels/kernels.h). One thread, no vector code. Faster variants are
 * compared with these and may fall back on them. */

cbx_status ref_weight_new(cbx_dev *d, const cbx_weight_spec *s,
                          cbx_weight **out, cbx_error *e);
void ref_zero(cbx_dev *d, cbx_mat m);
void ref_copy(cbx_dev *d, const cbx_copy *op);
void ref_linear(cbx_dev *d, const cbx_linear *op);
void ref_normalize(cbx_dev *d, const cbx_normalize *op);
void ref_activate(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out);
void ref_attention(cbx_dev *d, const cbx_attention *op);
void ref_attention_kv(cbx_dev *d, const cbx_attention_kv *op);
void ref_look(cbx_dev *d, const cbx_look *op);
void ref_gather(cbx_dev *d, const cbx_table *t, const int32_t *ids, int n,
                cbx_mat add, cbx_mat out);
void ref_euler(cbx_dev *d, cbx_mat x, cbx_mat v, cbx_mat v0, float dt,
               float cfg);
void ref_normal(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0);
void ref_sine_source(cbx_dev *d, const cbx_sine_source *op);
void ref_istft(cbx_dev *d, const cbx_istft *op);
void ref_sample(cbx_dev *d, const cbx_sample *op);

/* Pieces that the definitions share. */
static inline float *ref_row(cbx_mat m, int i)
{
    return m.p + (ptrdiff_t)i * m.ld;
}

/* act(x) for channel c */
float ref_act(const cbx_act *act, float x, int c);

/* y = norm(x), one row of C; y may be x. */
void ref_norm_row(const cbx_norm *norm, const float *x, int C, float *y);

/* Rows that a linear computes. */
static inline int ref_linear_rows(const cbx_linear *op)
{
    return op->out.p ? op->out.rows : op->acted.rows;
}

#endif
