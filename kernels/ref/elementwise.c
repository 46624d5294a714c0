#include "kernels/cpu/cpu.h"
#include "kernels/ref/ref.h"
#include "rt/random.h"

#include <math.h>
#include <string.h>

static float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

float ref_act(const cbx_act *act, float x, int c)
{
    switch (act->kind) {
    case CBX_ACT_NONE:
        return x;
    case CBX_ACT_GELU_ERF:
        return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    case CBX_ACT_GELU_TANH:
        return 0.5f * x *
               (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case CBX_ACT_SILU:
        return x * sigmoid(x);
    case CBX_ACT_MISH:
        return x * tanhf(x > 20.0f ? x : log1pf(expf(x)));
    case CBX_ACT_LEAKY:
        return x < 0 ? act->slope * x : x;
    case CBX_ACT_RELU:
        return x > 0 ? x : 0;
    case CBX_ACT_ELU:
        return x < 0 ? expm1f(x) : x;
    case CBX_ACT_ABS:
        return fabsf(x);
    case CBX_ACT_TANH:
        return tanhf(x);
    case CBX_ACT_SIGMOID:
        return sigmoid(x);
    case CBX_ACT_SNAKE: {
        const float a = act->alpha[c], s = sinf(a * x);
        return x + s * s / (a + 1e-9f);
    }
    }
    return x;
}

void ref_activate(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out)
{
    (void)d;
    for (int i = 0; i < x.rows; i++)
        for (int c = 0; c < x.cols; c++)
            ref_row(out, i)[c] = ref_act(&act, ref_row(x, i)[c], c);
}

void ref_norm_row(const cbx_norm *norm, const float *x, int C, float *y)
{
    double mean = 0, var = 0;
    if (norm->kind == CBX_NORM_LAYER) {
        for (int c = 0; c < C; c++)
            mean += x[c];
        mean /= C;
    }
    for (int c = 0; c < C; c++)
        var += (x[c] - mean) * (x[c] - mean);
    const double r = 1.0 / sqrt(var / C + (double)norm->eps);
    for (int c = 0; c < C; c++)
        y[c] = (float)((x[c] - mean) * r) * norm->gamma[c] +
               (norm->beta ? norm->beta[c] : 0.0f);
}

void ref_normalize(cbx_dev *d, const cbx_normalize *op)
{
    const int C = op->x.cols;
    const float scale = op->scale != 0 ? op->scale : 1.0f;
    float *y = cpu_scratch(d, (size_t)C);
    for (int i = 0; i < op->x.rows; i++) {
        if (op->norm.kind == CBX_NORM_NONE)
            memcpy(y, ref_row(op->x, i), (size_t)C * sizeof *y);
        else
            ref_norm_row(&op->norm, ref_row(op->x, i), C, y);
        for (int c = 0; c < C; c++) {
            float v = ref_act(&op->act, scale * y[c], c);
            if (op->add_row)
                v += op->add_row[c];
            if (op->add.p)
                v += ref_row(op->add, i)[c];
            ref_row(op->out, i)[c] = v;
        }
    }
}

void ref_zero(cbx_dev *d, cbx_mat m)
{
    (void)d;
    for (int i = 0; i < m.rows; i++)
        memset(ref_row(m, i), 0, (size_t)m.cols * sizeof *m.p);
}

void ref_copy(cbx_dev *d, const cbx_copy *op)
{
    const int repeat = op->repeat ? op->repeat : 1;
    (void)d;
    for (int i = 0; i < op->dst.rows; i++) {
        const int j = i / repeat;
        const int from = op->reverse ? op->src.rows - 1 - j : j;
        memmove(ref_row(op->dst, i), ref_row(op->src, from),
                (size_t)op->dst.cols * sizeof *op->dst.p);
    }
}

void ref_euler(cbx_dev *d, cbx_mat x, cbx_mat v, cbx_mat v0, float dt,
               float cfg)
{
    (void)d;
    for (int i = 0; i < x.rows; i++)
        for (int c = 0; c < x.cols; c++) {
            float dx = ref_row(v, i)[c];
            if (v0.p)
                dx = (1.0f + cfg) * dx - cfg * ref_row(v0, i)[c];
            ref_row(x, i)[c] += dt * dx;
        }
}

void ref_normal(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0)
{
    (void)d;
    for (int i = 0; i < out.rows; i++)
        cbx_random_normals(key, (row0 + (uint64_t)i) * (uint64_t)out.cols,
                           (size_t)out.cols, ref_row(out, i));
}

/* IEEE half precision, exact. */
static float from_half(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    float v;
    if (exponent == 31)
        v = fraction ? NAN : INFINITY;
    else if (exponent)
        v = ldexpf(1.0f + (float)fraction / 1024.0f, exponent - 15);
    else
        v = ldexpf((float)fraction / 1024.0f, -14);
    return h >> 15 ? -v : v;
}

static float table_value(const cbx_table *t, size_t at)
{
    const unsigned char *p = t->host;
    uint16_t h;
    float v;
    if (t->type == CBX_DT_F32) {
        memcpy(&v, p + 4 * at, sizeof v);
        return v;
    }
    memcpy(&h, p + 2 * at, sizeof h);
    if (t->type == CBX_DT_F16)
        return from_half(h);
    const uint32_t bits = (uint32_t)h << 16;
    memcpy(&v, &bits, sizeof v);
    return v;
}

void ref_gather(cbx_dev *d, const cbx_table *t, const int32_t *ids, int n,
                cbx_mat add, cbx_mat out)
{
    (void)d;
    for (int i = 0; i < n; i++)
        for (int c = 0; c < t->cols; c++) {
            float v =
                table_value(t, (size_t)ids[i] * (size_t)t->cols + (size_t)c);
            if (add.p)
                v += ref_row(add, i)[c];
            ref_row(out, i)[c] = v;
        }
}
