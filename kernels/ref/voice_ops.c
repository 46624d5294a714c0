#include "kernels/ref/voice_ops.h"

#include "kernels/ref/ref.h"

#include <math.h>

static float *row(cbx_mat m, int i)
{
    return m.p + (ptrdiff_t)i * m.ld;
}

void ref_muladd(cbx_dev *d, const cbx_muladd *op)
{
    for (int i = 0; i < op->out.rows; i++)
        for (int c = 0; c < op->out.cols; c++) {
            float v = ref_act(&op->act_a, row(op->a, i)[c], c);
            if (op->b.p)
                v *= row(op->b, i)[c];
            if (op->c.p)
                v += row(op->c, i)[c];
            row(op->out, i)[c] = v;
        }
    if (op->act.kind != CBX_ACT_NONE)
        d->k->activate(d, op->out, op->act, op->out);
}

static void column_stats(cbx_mat x, int c, double *mean, double *std)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < x.rows; i++)
        sum += (double)row(x, i)[c];
    *mean = sum / x.rows;
    for (int i = 0; i < x.rows; i++) {
        const double e = (double)row(x, i)[c] - *mean;
        squares += e * e;
    }
    *std = x.rows > 1 ? sqrt(squares / (x.rows - 1)) : 0;
}

void ref_time_stats(cbx_dev *d, const cbx_time_stats *op)
{
    const int segment = op->segment ? op->segment : op->x.rows;
    (void)d;
    for (int s = 0; s < op->mean.rows; s++) {
        const int left = op->x.rows - s * segment;
        const cbx_mat part =
            cbx_rows(op->x, s * segment, left < segment ? left : segment);
        for (int c = 0; c < op->x.cols; c++) {
            double mean, std;
            column_stats(part, c, &mean, &std);
            row(op->mean, s)[c] = (float)mean;
            if (op->std.p)
                row(op->std, s)[c] = (float)std;
        }
    }
}
