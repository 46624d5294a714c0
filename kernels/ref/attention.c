#include "kernels/cpu/cpu.h"
#include "kernels/formats.h"
#include "kernels/ref/ref.h"

#include <math.h>
#include <string.h>

static float dot(const float *a, const float *extra, const float *b, int D)
{
    float sum = 0;
    for (int e = 0; e < D; e++)
        sum += (a[e] + (extra ? extra[e] : 0.0f)) * b[e];
    return sum;
}

/* q0: index of query row 0 among `keys`. */
static float score(const cbx_attention *op, cbx_mat keys, int q0, int i, int j,
                   int at, int D)
{
    const float *q = ref_row(op->q, i) + at;
    const float *k = ref_row(keys, j) + at;
    if (!op->rel.pos.p)
        return op->scale * dot(q, NULL, k, D);
    const int row = op->rel.zero - (q0 + i - j);
    const float *pos = ref_row(op->rel.pos, row) + at;
    return op->scale *
           (dot(q, op->rel.u + at, k, D) + dot(q, op->rel.v_bias + at, pos, D));
}

static int front_rows(const cbx_attention *op)
{
    return op->front.k.p ? op->front.k.rows : 0;
}

/* One query row and head over the keys in front and then [lo, hi). p: scratch
 * for each of them. */
static void attend(const cbx_attention *op, int i, int h, int lo, int hi,
                   float *p)
{
    const int D = op->q.cols / op->heads, at = h * D;
    const int front = front_rows(op), n = hi > lo ? front + hi - lo : front;
    float *out = ref_row(op->out, i) + at;
    float most = -INFINITY, total = 0;
    for (int j = 0; j < n; j++) {
        p[j] = j < front
                   ? score(op, op->front.k, op->front.q0, i, j, at, D)
                   : score(op, op->k, op->rel.q0, i, lo + j - front, at, D);
        most = p[j] > most ? p[j] : most;
    }
    memset(out, 0, (size_t)D * sizeof *out);
    for (int j = 0; j < n; j++) {
        const float *v = at + (j < front ? ref_row(op->front.v, j)
                                         : ref_row(op->v, lo + j - front));
        const float weight = expf(p[j] - most);
        total += weight;
        for (int e = 0; e < D; e++)
            out[e] += weight * v[e];
    }
    for (int e = 0; e < D && total > 0; e++)
        out[e] /= total;
}

void ref_attention(cbx_dev *d, const cbx_attention *op)
{
    float *p = cpu_scratch(d, (size_t)front_rows(op) + (size_t)op->k.rows + 1);
    for (int i = 0; i < op->q.rows; i++) {
        const int lo = op->visible ? op->visible[2 * i] : 0;
        const int hi = op->visible ? op->visible[2 * i + 1] : op->k.rows;
        for (int h = 0; h < op->heads; h++)
            attend(op, i, h, lo, hi, p);
    }
}

/* Rotate-half rotary embedding of one row (transformers: apply_rotary_pos_emb).
 */
static void turn(float *x, const float *rope, int heads, int D)
{
    for (int h = 0; h < heads; h++, x += D)
        for (int e = 0; e < D / 2; e++) {
            const float a = x[e], b = x[e + D / 2];
            const float c = rope[e], s = rope[e + D / 2];
            x[e] = a * c - b * s;
            x[e + D / 2] = b * c + a * s;
        }
}

static void store(cbx_format f, float *to, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = f == CBX_FMT_BF16 ? cbx_bf16_value(cbx_bf16_of(x[i])) : x[i];
}

void ref_attention_kv(cbx_dev *d, const cbx_attention_kv *op)
{
    const int W = op->out.cols, D = W / op->heads;
    for (int b = 0; b < op->n_seqs; b++) {
        cbx_kv *kv = op->seqs[b].kv;
        const size_t layer =
            (size_t)op->layer * (size_t)kv->capacity * (size_t)W;
        float *K = (float *)kv->k + layer, *V = (float *)kv->v + layer;
        for (int r = 0; r < op->seqs[b].rows; r++) {
            const int row = op->seqs[b].row + r, pos = kv->len + r;
            float *q = ref_row(op->qkv, row);
            if (op->rope) {
                turn(q, op->rope + (size_t)pos * (size_t)D, op->heads, D);
                turn(q + W, op->rope + (size_t)pos * (size_t)D, op->heads, D);
            }
            store(kv->format, K + (size_t)pos * (size_t)W, q + W, W);
            store(kv->format, V + (size_t)pos * (size_t)W, q + 2 * W, W);
            ref_attention(d,
                          &(cbx_attention){.q = {q, 1, W, W},
                                           .k = {K, pos + 1, W, W},
                                           .v = {V, pos + 1, W, W},
                                           .heads = op->heads,
                                           .scale = op->scale,
                                           .out = cbx_rows(op->out, row, 1)});
        }
    }
}

/* One head's softmax, added to out. */
static void look_with(const cbx_look *op, int h, float *p)
{
    const int W = op->kv->width, D = W / op->heads, n = op->out.cols;
    const size_t row =
        (size_t)op->layer * (size_t)op->kv->capacity + (size_t)op->from;
    const float *K = (const float *)op->kv->k + row * (size_t)W + h * D;
    float most = -INFINITY, total = 0;
    for (int j = 0; j < n; j++) {
        p[j] = op->scale *
               dot(op->q.p + h * D, NULL, K + (size_t)j * (size_t)W, D);
        most = p[j] > most ? p[j] : most;
    }
    for (int j = 0; j < n; j++)
        total += p[j] = expf(p[j] - most);
    for (int j = 0; j < n; j++)
        op->out.p[j] += p[j] / total;
}

void ref_look(cbx_dev *d, const cbx_look *op)
{
    float *p = cpu_scratch(d, (size_t)op->out.cols + 1);
    if (!op->add)
        memset(op->out.p, 0, (size_t)op->out.cols * sizeof *op->out.p);
    for (int h = 0; h < op->heads; h++)
        if (op->which >> h & 1)
            look_with(op, h, p);
}
