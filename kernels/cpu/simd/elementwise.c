#include "kernels/cpu/run.h"
#include "kernels/cpu/simd/act.h"
#include "kernels/cpu/simd/simd.h"
#include "rt/random.h"

enum { FLOATS_FOR_EACH_TASK = 4096 };

/* Some rows of one matrix to each task. */
typedef struct {
    cbx_mat x, out;
    cbx_act act;
    uint64_t key, row0;
    int rows; /* of a task */
} job;

static job job_of(cbx_mat x, cbx_mat out)
{
    const int rows = FLOATS_FOR_EACH_TASK / (out.cols > 0 ? out.cols : 1);
    return (job){.x = x, .out = out, .rows = rows > 1 ? rows : 1};
}

static int job_tasks(const job *j)
{
    return (j->out.rows + j->rows - 1) / j->rows;
}

static int job_end(const job *j, int task)
{
    const int end = (task + 1) * j->rows;
    return end < j->out.rows ? end : j->out.rows;
}

static void activate_task(void *arg, int task, int worker)
{
    const job *j = arg;
    const int C = j->out.cols;
    (void)worker;
    for (int i = task * j->rows; i < job_end(j, task); i++) {
        const float *x = row_of(j->x, i);
        float *out = row_of(j->out, i);
        for (int c = 0; c < C; c += VL) {
            const int n = C - c < VL ? C - c : VL;
            v_store(out + c, n, v_act(&j->act, v_load(x + c, n), c, n));
        }
    }
}

void FN(activate)(cbx_dev *d, cbx_mat x, cbx_act act, cbx_mat out)
{
    job j = job_of(x, out);
    j.act = act;
    cpu_run(d, activate_task, &j, job_tasks(&j), (double)out.rows * out.cols);
}

static void normal_task(void *arg, int task, int worker)
{
    const job *j = arg;
    const uint64_t C = (uint64_t)j->out.cols;
    (void)worker;
    for (int i = task * j->rows; i < job_end(j, task); i++)
        cbx_random_normals(j->key, (j->row0 + (uint64_t)i) * C, C,
                           row_of(j->out, i));
}

/* ref's numbers, over the threads. */
void FN(normal)(cbx_dev *d, cbx_mat out, uint64_t key, uint64_t row0)
{
    job j = job_of(out, out);
    j.key = key;
    j.row0 = row0;
    cpu_run(d, normal_task, &j, job_tasks(&j), 32.0 * out.rows * out.cols);
}

typedef struct {
    const cbx_muladd *op;
    int rows; /* of a task */
} muladd_job;

static inline vf muladd(const cbx_muladd *op, const float *a, const float *b,
                        const float *c, int at, int n)
{
    vf v = v_act(&op->act_a, v_load(a + at, n), at, n);
    if (b)
        v = v_mul(v, v_load(b + at, n));
    if (c)
        v = v_add(v, v_load(c + at, n));
    return v_act(&op->act, v, at, n);
}

static void muladd_task(void *arg, int task, int worker)
{
    const muladd_job *j = arg;
    const cbx_muladd *op = j->op;
    const int C = op->out.cols, end = (task + 1) * j->rows;
    (void)worker;
    for (int i = task * j->rows; i < end && i < op->out.rows; i++) {
        const float *a = row_of(op->a, i);
        const float *b = op->b.p ? row_of(op->b, i) : NULL;
        const float *c = op->c.p ? row_of(op->c, i) : NULL;
        float *out = row_of(op->out, i);
        for (int at = 0; at < C; at += VL) {
            const int n = C - at < VL ? C - at : VL;
            v_store(out + at, n, muladd(op, a, b, c, at, n));
        }
    }
}

void FN(muladd)(cbx_dev *d, const cbx_muladd *op)
{
    const job shape = job_of(op->out, op->out);
    muladd_job j = {op, shape.rows};
    cpu_run(d, muladd_task, &j, job_tasks(&shape),
            (double)op->out.rows * op->out.cols);
}
