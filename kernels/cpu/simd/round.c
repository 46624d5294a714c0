#include "kernels/cpu/simd/round.h"

#include "kernels/cpu/run.h"
#include "kernels/cpu/simd/vec.h"

#include <string.h>

enum {
    ROWS_FOR_EACH_TASK = 16,
    ROWS_BEHIND = 32 /* that AMX may read */
};

static size_t up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t groups_of(int cols)
{
    return up((size_t)cols, CBX_GROUP) / CBX_GROUP;
}

size_t FN(round_floats)(cbx_format f, const multiply_set *set, int rows,
                        int cols)
{
    const size_t n = (size_t)rows, groups = groups_of(cols);
    if (f == CBX_FMT_I8A)
        return n * groups * (CBX_GROUP / 4) + 2 * up(n * groups, 16);
    if (f == CBX_FMT_BF16A)
        return set->rounds ? (n + ROWS_BEHIND) * up((size_t)cols, 32) / 2
                           : whole_lines(rows, cols);
    return 0;
}

typedef struct {
    cbx_mat x;
    void *to;
    size_t ld, groups;
    float *scale;
    int32_t *offset;
} job;

/* One group by vectors; the bits of cbx_quantise_inputs. */
static void round_group(const float *x, int n, int8_t *to, float *scale,
                        int32_t *offset)
{
    float padded[CBX_GROUP];
    vf most = v_zero();
    int sum = 0;
    if (n < CBX_GROUP) {
        memset(padded, 0, sizeof padded);
        memcpy(padded, x, (size_t)n * sizeof *x);
        x = padded;
    }
    for (int i = 0; i < CBX_GROUP; i += VL)
        most = v_max(v_abs(v_loadu(x + i)), most); /* a NaN is passed over */
    const float size = v_largest(most);
    bool plain = size >= 1e-30f && size <= 3e38f;
    float v[CBX_GROUP];
    const vf factor = v_set(127.0f / size), magic = v_set(0x1.8p23f);
    for (int i = 0; i < CBX_GROUP; i += VL) {
        const vf p = v_loadu(x + i);
        v_storeu(v + i, v_sub(v_add(v_mul(p, factor), magic), magic));
        plain &= v_bits(v_not_le(v_abs(p), v_set(3e38f))) == 0;
    }
    if (!plain) {
        *scale = cbx_quantise_inputs(x, to);
    } else {
        *scale = size / 127.0f;
        for (int i = 0; i < CBX_GROUP; i++)
            to[i] = (int8_t)(int)v[i];
    }
    for (int i = 0; i < CBX_GROUP; i++)
        sum += to[i];
    *offset = -128 * sum;
}

static void groups_task(void *arg, int task, int worker)
{
    const job *j = arg;
    (void)worker;
    for (int k = 0; k < ROWS_FOR_EACH_TASK; k++) {
        const int i = task * ROWS_FOR_EACH_TASK + k;
        if (i >= j->x.rows)
            return;
        const float *x = row_of(j->x, i);
        int8_t *to = (int8_t *)j->to + (size_t)i * j->ld;
        for (int c = 0; c < j->x.cols; c += CBX_GROUP) {
            const int left = j->x.cols - c;
            const size_t at = (size_t)i * j->groups + (size_t)(c / CBX_GROUP);
            round_group(x + c, left < CBX_GROUP ? left : CBX_GROUP, to + c,
                        j->scale + at, j->offset + at);
        }
    }
}

static void bf16_task(void *arg, int task, int worker)
{
    const job *j = arg;
    (void)worker;
    for (int k = 0; k < ROWS_FOR_EACH_TASK; k++) {
        const int i = task * ROWS_FOR_EACH_TASK + k;
        if (i >= j->x.rows)
            return;
        const float *x = row_of(j->x, i);
        uint16_t *to = (uint16_t *)j->to + (size_t)i * j->ld;
        for (int c = 0; c < j->x.cols; c++)
            to[c] = cbx_bf16_of(x[c]);
        memset(to + j->x.cols, 0, (j->ld - (size_t)j->x.cols) * sizeof *to);
    }
}

static void floats_task(void *arg, int task, int worker)
{
    const job *j = arg;
    (void)worker;
    for (int k = 0; k < ROWS_FOR_EACH_TASK; k++) {
        const int i = task * ROWS_FOR_EACH_TASK + k;
        if (i >= j->x.rows)
            return;
        const float *x = row_of(j->x, i);
        float *to = (float *)j->to + (size_t)i * j->ld;
        for (int c = 0; c < j->x.cols; c++)
            to[c] = cbx_bf16_value(cbx_bf16_of(x[c]));
    }
}

void FN(round_rows)(cbx_dev *d, cbx_format f, const multiply_set *set,
                    cbx_mat *x, float *p, rounded *out)
{
    const size_t rows = (size_t)x->rows, cols = (size_t)x->cols;
    const int tasks = (x->rows + ROWS_FOR_EACH_TASK - 1) / ROWS_FOR_EACH_TASK;
    const double work = (double)rows * (double)cols;
    job j = {.x = *x, .to = p, .ld = cols};
    if (f == CBX_FMT_I8A) {
        j.groups = groups_of(x->cols);
        j.ld = j.groups * CBX_GROUP;
        j.scale = p + rows * j.ld / 4;
        j.offset = (int32_t *)(void *)(j.scale + up(rows * j.groups, 16));
        cpu_run(d, groups_task, &j, tasks, work);
        *out = (rounded){p, j.scale, j.offset, j.ld, j.groups};
    } else if (set->rounds) {
        j.ld = up(cols, 32);
        cpu_run(d, bf16_task, &j, tasks, work);
        *out = (rounded){.x = p, .ld = j.ld};
    } else {
        cpu_run(d, floats_task, &j, tasks, work);
        *x = (cbx_mat){p, x->rows, x->cols, x->cols};
    }
}
