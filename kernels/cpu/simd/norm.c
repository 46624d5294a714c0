#include "kernels/cpu/run.h"
#include "kernels/cpu/simd/act.h"
#include "kernels/cpu/simd/simd.h"

enum { ROWS_FOR_EACH_TASK = 16 };

static float sum_row(const float *x, int C)
{
    vf sum = v_zero();
    for (int c = 0; c < C; c += VL)
        sum = v_add(sum, v_load(x + c, C - c));
    return v_sum(sum);
}

/* Sum of (x - mean)^2. */
static float sum_squares(const float *x, int C, float mean)
{
    vf sum = v_zero();
    int c = 0;
    for (; c + VL <= C; c += VL) {
        const vf v = v_sub(v_loadu(x + c), v_set(mean));
        sum = v_fma(v, v, sum);
    }
    if (c < C) {
        vf v = v_sub(v_load_some(x + c, C - c), v_set(mean));
        v = v_keep(v_first(C - c), v);
        sum = v_fma(v, v, sum);
    }
    return v_sum(sum);
}

/* What a row is moved and multiplied by before gamma. */
static void row_moments(const cbx_norm *norm, const float *x, int C, vf *mean,
                        vf *factor)
{
    const float m =
        norm->kind == CBX_NORM_LAYER ? sum_row(x, C) / (float)C : 0.0f;
    const float var = sum_squares(x, C, m) / (float)C;
    *mean = v_set(m);
    *factor = v_set(1.0f / sqrtf(var + norm->eps));
}

static inline vf normed(const cbx_norm *norm, vf x, vf mean, vf factor, int c,
                        int n)
{
    x = v_mul(v_sub(x, mean), factor);
    x = v_mul(x, v_load(norm->gamma + c, n));
    return norm->beta ? v_add(x, v_load(norm->beta + c, n)) : x;
}

void FN(norm_row)(const cbx_norm *norm, const float *x, int C, float *y)
{
    vf mean, factor;
    row_moments(norm, x, C, &mean, &factor);
    for (int c = 0; c < C; c += VL) {
        const int n = C - c < VL ? C - c : VL;
        v_store(y + c, n, normed(norm, v_load(x + c, n), mean, factor, c, n));
    }
}

typedef struct {
    const cbx_norm *norm;
    cbx_mat x, y;
} rows_job;

static void rows_task(void *arg, int task, int worker)
{
    const rows_job *j = arg;
    const int from = task * ROWS_FOR_EACH_TASK;
    const int end = from + ROWS_FOR_EACH_TASK;
    (void)worker;
    for (int i = from; i < end && i < j->x.rows; i++)
        FN(norm_row)(j->norm, row_of(j->x, i), j->x.cols, row_of(j->y, i));
}

static int row_tasks(int rows)
{
    return (rows + ROWS_FOR_EACH_TASK - 1) / ROWS_FOR_EACH_TASK;
}

void FN(norm_rows)(cbx_dev *d, const cbx_norm *norm, cbx_mat x, cbx_mat y)
{
    rows_job j = {norm, x, y};
    cpu_run(d, rows_task, &j, row_tasks(x.rows), (double)x.rows * x.cols / 2);
}

static void normalize_row(const cbx_normalize *op, int i)
{
    const int C = op->x.cols;
    const float *x = row_of(op->x, i);
    const float *add = op->add.p ? row_of(op->add, i) : NULL;
    const vf scale = v_set(op->scale != 0 ? op->scale : 1.0f);
    const bool has_norm = op->norm.kind != CBX_NORM_NONE;
    vf mean = scale, factor = scale;
    if (has_norm)
        row_moments(&op->norm, x, C, &mean, &factor);
    for (int c = 0; c < C; c += VL) {
        const int n = C - c < VL ? C - c : VL;
        vf v = v_load(x + c, n);
        if (has_norm)
            v = normed(&op->norm, v, mean, factor, c, n);
        v = v_act(&op->act, v_mul(scale, v), c, n);
        if (op->add_row)
            v = v_add(v, v_load(op->add_row + c, n));
        if (add)
            v = v_add(v, v_load(add + c, n));
        v_store(row_of(op->out, i) + c, n, v);
    }
}

static void normalize_task(void *arg, int task, int worker)
{
    const cbx_normalize *op = arg;
    const int from = task * ROWS_FOR_EACH_TASK;
    const int end = from + ROWS_FOR_EACH_TASK;
    (void)worker;
    for (int i = from; i < end && i < op->x.rows; i++)
        normalize_row(op, i);
}

void FN(normalize)(cbx_dev *d, const cbx_normalize *op)
{
    cbx_normalize copy = *op;
    cpu_run(d, normalize_task, &copy, row_tasks(op->x.rows),
            (double)op->x.rows * op->x.cols);
}
