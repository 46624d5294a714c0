/* The AMX kernels, their tiles done in C: layouts, strides, tails and blocks
 * are tried on processors without AMX. The instructions themselves are tried by
 * kernels_linear where there are some. */
#include "kernels/cpu/simd/tiles.h"

#include "kernels/cpu/simd/bf16a.c"
#include "kernels/cpu/simd/multiply_amx.c"

#include "tests/check.h"
#include "tests/kernels/devices.h"

static void check(cbx_dev *ref, cbx_dev *amx, int M, int taps, int in, int out,
                  int dilation)
{
    cbx_error e;
    cbx_weight *w[2];
    float *v = numbers(taps * in * out, 1), *bias = numbers(out, 1);
    matrix x = matrix_new(M + (taps - 1) * dilation, in, pick(0, 3), 1);
    matrix y[2] = {matrix_new(M, out, 2, 1), matrix_new(M, out, 2, 1)};
    cbx_dev *d[2] = {ref, amx};
    const cbx_weight_spec spec = {.taps = taps,
                                  .in = in,
                                  .out = out,
                                  .w = v,
                                  .tap_stride = (ptrdiff_t)in * out,
                                  .in_stride = out,
                                  .out_stride = 1,
                                  .bias = bias,
                                  .format = CBX_FMT_BF16A};
    for (int i = 0; i < 2; i++) {
        CHECK(!d[i]->k->weight_new(d[i], &spec, &w[i], &e));
        d[i]->k->linear(d[i], &(cbx_linear){.x = x.m,
                                            .w = w[i],
                                            .dilation = dilation,
                                            .out = y[i].m});
        check_guards(&y[i]);
        d[i]->k->weight_free(d[i], w[i]);
    }
    check_close(&y[1], &y[0], 2e-6 * taps * in, 1e-6);
    matrix_free(&x);
    matrix_free(&y[0]);
    matrix_free(&y[1]);
    free(v);
    free(bias);
}

int main(void)
{
    const char *const *name = cbx_cpu_variants();
    while (*name && strcmp(*name, "avx512vnni") != 0)
        name++;
    if (!*name)
        SKIP("no-avx512: the kernels that AMX is built upon do not run here");
    cbx_dev *ref = open_device(1, "ref"), *amx = open_device(2, "avx512vnni");
    cbx_kernels table = *amx->k;
    table.linear = amxtest_linear;
    amx->k = &table;
    for (int i = 0; i < 60; i++)
        check(ref, amx, pick(1, 80), pick(1, 5), pick(1, 100), pick(1, 90),
              pick(1, 4));
    check(ref, amx, 1, 1, 1, 1, 1);
    check(ref, amx, 33, 1, 32, 32, 1);
    check(ref, amx, 32, 3, 64, 48, 5);
    cbx_dev_close(amx);
    cbx_dev_close(ref);
    return 0;
}
