#include "kernels/cpu/simd/act.h"
#include "kernels/cpu/simd/simd.h"
#include "kernels/formats.h"

#include <math.h>
#include <string.h>

/* The sum of VL lanes, lane l over channels l, l + VL, ... by FMA. */
static float dot(const float *a, const float *b, int D)
{
    vf sum = v_zero();
    for (int e = 0; e < D; e += VL)
        sum = v_fma(v_load(a + e, D - e), v_load(b + e, D - e), sum);
    return v_sum(sum);
}

/* The head's part of a key; `room` is for what has to be made wider. */
static const float *key_at(const cbx_kv *kv, size_t at, int D, float *room)
{
    if (kv->format != CBX_FMT_BF16)
        return (const float *)kv->k + at;
    for (int e = 0; e < D; e++)
        room[e] = cbx_bf16_value(((const uint16_t *)kv->k)[at + (size_t)e]);
    return room;
}

/* One head's softmax, added to out. p: [keys] scores, then [D]. */
static void look_with(const cbx_look *op, int h, float *p)
{
    const int W = op->kv->width, D = W / op->heads, n = op->out.cols;
    const size_t first =
        (size_t)op->layer * (size_t)op->kv->capacity + (size_t)op->from;
    float most = -INFINITY;
    vf sum = v_zero();
    for (int j = 0; j < n; j++) {
        const size_t at = (first + (size_t)j) * (size_t)W + (size_t)(h * D);
        p[j] =
            op->scale * dot(op->q.p + h * D, key_at(op->kv, at, D, p + n), D);
        most = p[j] > most ? p[j] : most;
    }
    for (int j = 0; j < n; j += VL) {
        const vf x = v_sub(v_load(p + j, n - j), v_set(most));
        v_store(p + j, n - j, v_exp(x));
        sum = v_add(sum, v_load(p + j, n - j));
    }
    const float part = 1 / v_sum(sum);
    for (int j = 0; j < n; j++)
        op->out.p[j] += p[j] * part;
}

void FN(look)(cbx_dev *d, const cbx_look *op)
{
    float *p = cpu_scratch(d, (size_t)(op->out.cols + op->kv->width));
    if (!op->add)
        memset(op->out.p, 0, (size_t)op->out.cols * sizeof *op->out.p);
    for (int h = 0; h < op->heads; h++)
        if (op->which >> h & 1)
            look_with(op, h, p);
}
