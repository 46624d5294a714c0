/* Averages over time: the sums are ref's, in its order, with the columns side
 * by side, so the bits are ref's too. */
#include "kernels/cpu/run.h"
#include "kernels/cpu/simd/simd.h"

#include <math.h>

enum { COLUMNS = 64 }; /* of a task */

typedef struct {
    const cbx_time_stats *op;
    int column_tasks;
} job;

/* Columns [from, from + n) of rows [row, row + rows). */
static void columns(const cbx_time_stats *op, int s, int row, int rows,
                    int from, int n)
{
    double mean[COLUMNS] = {0}, squares[COLUMNS] = {0};
    for (int i = 0; i < rows; i++) {
        const float *x = row_of(op->x, row + i) + from;
        for (int c = 0; c < n; c++)
            mean[c] += (double)x[c];
    }
    for (int c = 0; c < n; c++) {
        mean[c] /= rows;
        row_of(op->mean, s)[from + c] = (float)mean[c];
    }
    if (!op->std.p)
        return;
    for (int i = 0; i < rows; i++) {
        const float *x = row_of(op->x, row + i) + from;
        for (int c = 0; c < n; c++) {
            const double e = (double)x[c] - mean[c];
            squares[c] += e * e;
        }
    }
    for (int c = 0; c < n; c++)
        row_of(op->std, s)[from + c] =
            (float)(rows > 1 ? sqrt(squares[c] / (rows - 1)) : 0);
}

static void stats_task(void *arg, int task, int worker)
{
    const job *j = arg;
    const cbx_time_stats *op = j->op;
    const int s = task / j->column_tasks;
    const int from = task % j->column_tasks * COLUMNS;
    const int segment = op->segment ? op->segment : op->x.rows;
    const int left = op->x.rows - s * segment, wide = op->x.cols - from;
    (void)worker;
    columns(op, s, s * segment, left < segment ? left : segment, from,
            wide < COLUMNS ? wide : COLUMNS);
}

void FN(time_stats)(cbx_dev *d, const cbx_time_stats *op)
{
    job j = {op, (op->x.cols + COLUMNS - 1) / COLUMNS};
    cpu_run(d, stats_task, &j, op->mean.rows * j.column_tasks,
            (double)op->x.rows * op->x.cols);
}
