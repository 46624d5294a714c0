#include "kernels/cpu/avx2/act.h"
#include "kernels/cpu/avx2/avx2.h"

enum { ROWS_FOR_EACH_TASK = 16 };

static float sum_row(const float *x, int C)
{
    __m256 sum = _mm256_setzero_ps();
    for (int c = 0; c < C; c += 8)
        sum = _mm256_add_ps(sum, v_load(x + c, C - c));
    return v_sum(sum);
}

/* Sum of (x - mean)^2. */
static float sum_squares(const float *x, int C, float mean)
{
    __m256 sum = _mm256_setzero_ps();
    int c = 0;
    for (; c + 8 <= C; c += 8) {
        const __m256 v = _mm256_sub_ps(_mm256_loadu_ps(x + c), v_set(mean));
        sum = _mm256_fmadd_ps(v, v, sum);
    }
    if (c < C) {
        const __m256i lanes = v_first(C - c);
        __m256 v = _mm256_sub_ps(_mm256_maskload_ps(x + c, lanes), v_set(mean));
        v = _mm256_and_ps(v, _mm256_castsi256_ps(lanes));
        sum = _mm256_fmadd_ps(v, v, sum);
    }
    return v_sum(sum);
}

/* What a row is moved and multiplied by before gamma. */
static void row_moments(const cbx_norm *norm, const float *x, int C,
                        __m256 *mean, __m256 *factor)
{
    const float m =
        norm->kind == CBX_NORM_LAYER ? sum_row(x, C) / (float)C : 0.0f;
    const float var = sum_squares(x, C, m) / (float)C;
    *mean = v_set(m);
    *factor = v_set(1.0f / sqrtf(var + norm->eps));
}

static inline __m256 normed(const cbx_norm *norm, __m256 x, __m256 mean,
                            __m256 factor, int c, int n)
{
    x = _mm256_mul_ps(_mm256_sub_ps(x, mean), factor);
    x = _mm256_mul_ps(x, v_load(norm->gamma + c, n));
    return norm->beta ? _mm256_add_ps(x, v_load(norm->beta + c, n)) : x;
}

void avx2_norm_row(const cbx_norm *norm, const float *x, int C, float *y)
{
    __m256 mean, factor;
    row_moments(norm, x, C, &mean, &factor);
    for (int c = 0; c < C; c += 8) {
        const int n = C - c < 8 ? C - c : 8;
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
        avx2_norm_row(j->norm, row_of(j->x, i), j->x.cols, row_of(j->y, i));
}

static int row_tasks(int rows)
{
    return (rows + ROWS_FOR_EACH_TASK - 1) / ROWS_FOR_EACH_TASK;
}

void avx2_norm_rows(cbx_dev *d, const cbx_norm *norm, cbx_mat x, cbx_mat y)
{
    rows_job j = {norm, x, y};
    avx2_run(d, rows_task, &j, row_tasks(x.rows), (double)x.rows * x.cols / 2);
}

static void normalize_row(const cbx_normalize *op, int i)
{
    const int C = op->x.cols;
    const float *x = row_of(op->x, i);
    const float *add = op->add.p ? row_of(op->add, i) : NULL;
    const __m256 scale = v_set(op->scale != 0 ? op->scale : 1.0f);
    const bool has_norm = op->norm.kind != CBX_NORM_NONE;
    __m256 mean = scale, factor = scale;
    if (has_norm)
        row_moments(&op->norm, x, C, &mean, &factor);
    for (int c = 0; c < C; c += 8) {
        const int n = C - c < 8 ? C - c : 8;
        __m256 v = v_load(x + c, n);
        if (has_norm)
            v = normed(&op->norm, v, mean, factor, c, n);
        v = v_act(&op->act, _mm256_mul_ps(scale, v), c, n);
        if (op->add_row)
            v = _mm256_add_ps(v, v_load(op->add_row + c, n));
        if (add)
            v = _mm256_add_ps(v, v_load(add + c, n));
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

void avx2_normalize(cbx_dev *d, const cbx_normalize *op)
{
    cbx_normalize copy = *op;
    avx2_run(d, normalize_task, &copy, row_tasks(op->x.rows),
             (double)op->x.rows * op->x.cols);
}
