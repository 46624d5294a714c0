#include "kernels/cpu/simd/attend.h"
#include "kernels/cpu/simd/simd.h"
#include "kernels/formats.h"

#include <string.h>

/* Rotate-half rotary embedding of one row (transformers:
 * apply_rotary_pos_emb). */
static void turn(float *x, const float *rope, int heads, int D)
{
    const int half = D / 2;
    for (int h = 0; h < heads; h++, x += D)
        for (int e = 0; e < half; e++) {
            const float a = x[e], b = x[e + half];
            const float c = rope[e], s = rope[e + half];
            x[e] = a * c - b * s;
            x[e + half] = b * c + a * s;
        }
}

/* Row `position` of a layer's keys or values. */
static void *kv_at(const cbx_kv *kv, void *p, int layer, int position)
{
    const size_t row = (size_t)layer * (size_t)kv->capacity + (size_t)position;
    return (char *)p + row * (size_t)kv->width * kv->size;
}

static void store_row(cbx_format f, void *to, const float *x, int n)
{
    uint16_t *h = to;
    if (f == CBX_FMT_F32)
        memcpy(to, x, (size_t)n * sizeof *x);
    else
        for (int i = 0; i < n; i++)
            h[i] = cbx_bf16_of(x[i]);
}

static void store(const cbx_attention_kv *op, const cbx_seq *s)
{
    const int W = op->out.cols, D = W / op->heads;
    const cbx_kv *kv = s->kv;
    for (int r = 0; r < s->rows; r++) {
        float *x = row_of(op->qkv, s->row + r);
        const int at = kv->len + r;
        if (op->rope)
            turn(x, op->rope + (ptrdiff_t)at * D, 2 * op->heads, D);
        store_row(kv->format, kv_at(kv, kv->k, op->layer, at), x + W, W);
        store_row(kv->format, kv_at(kv, kv->v, op->layer, at), x + 2 * W, W);
    }
}

void FN(attention_kv)(cbx_dev *d, const cbx_attention_kv *op)
{
    const int W = op->out.cols;
    for (int i = 0; i < op->n_seqs; i++) {
        const cbx_seq *s = &op->seqs[i];
        const cbx_kv *kv = s->kv;
        const int keys = kv->len + s->rows;
        store(op, s);
        const cbx_attention one = {
            .q = cbx_cols(cbx_rows(op->qkv, s->row, s->rows), 0, W),
            .k = {kv_at(kv, kv->k, op->layer, 0), keys, W, W},
            .v = {kv_at(kv, kv->v, op->layer, 0), keys, W, W},
            .heads = op->heads,
            .scale = op->scale,
            .rel.q0 = kv->len,
            .out = cbx_rows(op->out, s->row, s->rows)};
        FN(attend)
        (d, &one,
         kv->format == CBX_FMT_BF16 ? ATTEND_CAUSAL_BF16 : ATTEND_CAUSAL);
    }
}
