#include "tools/bench/operands.h"

#include <stdlib.h>

cbx_mat operand_mat(cbx_dev *d, int rows, int cols)
{
    const size_t n = (size_t)rows * (size_t)cols;
    float *host = malloc(n * sizeof *host);
    if (host)
        bench_fill(host, n);
    cbx_mat m = {host ? cbx_vec_new(d, host, n) : NULL, rows, cols, cols};
    free(host);
    return m;
}

cbx_weight *operand_weight(cbx_dev *d, cbx_format format, int taps, int in,
                           int out, cbx_error *err)
{
    const size_t n = (size_t)taps * (size_t)in * (size_t)out;
    cbx_weight *w = NULL;
    float *host = malloc(n * sizeof *host);
    if (!host) {
        (void)!cbx_fail(err, CBX_E_NOMEM, "no memory for a matrix");
        return NULL;
    }
    bench_fill(host, n);
    const cbx_weight_spec spec = {.taps = taps,
                                  .in = in,
                                  .out = out,
                                  .w = host,
                                  .tap_stride = (ptrdiff_t)in * out,
                                  .in_stride = out,
                                  .out_stride = 1,
                                  .format = format};
    if (d->k->weight_new(d, &spec, &w, err))
        w = NULL;
    free(host);
    return w;
}

void operand_free(cbx_dev *d, cbx_mat m)
{
    if (m.p)
        d->k->mem_free(d, m.p);
}
