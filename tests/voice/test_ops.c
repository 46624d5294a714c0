#include "kernels/kernels.h"
#include "tests/check.h"

/* muladd and time_stats of every CPU variant, against loops written here. */

enum { ROWS = 7, COLS = 13, LD = 17 };

static cbx_dev *dev;
static float a[ROWS * LD], b[ROWS * LD], c[ROWS * LD], out[ROWS * LD];

static void fill(float *x, uint32_t seed)
{
    for (int i = 0; i < ROWS * LD; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

static cbx_mat mat(float *p, int ld)
{
    return (cbx_mat){p, ROWS, COLS, ld};
}

static void check_outside_untouched(void)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = COLS; j < LD; j++)
            CHECK(out[i * LD + j] == 9);
}

static void clear(void)
{
    for (int i = 0; i < ROWS * LD; i++)
        out[i] = 9;
}

static void muladd_is_a_product_and_a_sum(void)
{
    const cbx_act relu = {.kind = CBX_ACT_RELU};
    clear();
    dev->k->muladd(dev, &(cbx_muladd){.a = mat(a, LD),
                                      .b = mat(b, LD),
                                      .c = mat(c, LD),
                                      .act = relu,
                                      .out = mat(out, LD)});
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++) {
            const int at = i * LD + j;
            CHECK_NEAR(out[at], fmax((double)a[at] * b[at] + c[at], 0), 1e-6);
        }
    check_outside_untouched();
}

static void one_row_serves_every_row(void)
{
    clear();
    dev->k->muladd(dev, &(cbx_muladd){.a = mat(a, LD),
                                      .b = mat(b, 0),
                                      .c = mat(c, 0),
                                      .out = mat(out, LD)});
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++)
            CHECK_NEAR(out[i * LD + j], (double)a[i * LD + j] * b[j] + c[j],
                       1e-6);
    check_outside_untouched();
}

static void what_is_absent_is_left_out(void)
{
    clear();
    dev->k->muladd(
        dev,
        &(cbx_muladd){.a = mat(a, LD), .c = mat(c, LD), .out = mat(out, LD)});
    CHECK(out[LD + 1] == a[LD + 1] + c[LD + 1]);
    dev->k->muladd(
        dev,
        &(cbx_muladd){.a = mat(a, LD), .b = mat(b, LD), .out = mat(out, LD)});
    CHECK(out[LD + 1] == a[LD + 1] * b[LD + 1]);
}

static void the_result_may_be_an_operand(void)
{
    float x[ROWS * LD];
    for (int i = 0; i < ROWS * LD; i++)
        x[i] = c[i];
    dev->k->muladd(dev, &(cbx_muladd){.a = mat(a, LD),
                                      .b = mat(b, LD),
                                      .c = mat(x, LD),
                                      .out = mat(x, LD)});
    CHECK_NEAR(x[2 * LD + 3], a[2 * LD + 3] * b[2 * LD + 3] + c[2 * LD + 3],
               1e-6);
}

/* Rows [from, to) of a, column j. */
static void direct(int from, int to, int j, double *mean, double *std)
{
    double sum = 0, squares = 0;
    for (int i = from; i < to; i++)
        sum += (double)a[i * LD + j];
    *mean = sum / (to - from);
    for (int i = from; i < to; i++)
        squares += pow((double)a[i * LD + j] - *mean, 2);
    *std = to - from > 1 ? sqrt(squares / (to - from - 1)) : 0;
}

static void stats_are_of_each_segment(void)
{
    float mean[3 * COLS], std[3 * COLS];
    const cbx_mat m = {mean, 3, COLS, COLS}, s = {std, 3, COLS, COLS};
    dev->k->time_stats(
        dev,
        &(cbx_time_stats){.x = mat(a, LD), .segment = 3, .mean = m, .std = s});
    for (int g = 0; g < 3; g++) /* 3, 3 and 1 rows */
        for (int j = 0; j < COLS; j++) {
            double want_mean, want_std;
            direct(3 * g, g < 2 ? 3 * g + 3 : ROWS, j, &want_mean, &want_std);
            CHECK_NEAR(mean[g * COLS + j], want_mean, 1e-6);
            CHECK_NEAR(std[g * COLS + j], want_std, 1e-6);
        }
}

static void no_segment_is_all_rows(void)
{
    float mean[COLS];
    double want, std;
    dev->k->time_stats(
        dev, &(cbx_time_stats){.x = mat(a, LD), .mean = {mean, 1, COLS, COLS}});
    direct(0, ROWS, 5, &want, &std);
    CHECK_NEAR(mean[5], want, 1e-6);
}

int main(void)
{
    const char *const *names = cbx_cpu_variants();
    fill(a, 1);
    fill(b, 2);
    fill(c, 3);
    for (int i = 0; names[i]; i++) {
        cbx_error err;
        CHECK(!cbx_cpu_open(2, names[i], &dev, &err));
        muladd_is_a_product_and_a_sum();
        one_row_serves_every_row();
        what_is_absent_is_left_out();
        the_result_may_be_an_operand();
        stats_are_of_each_segment();
        no_segment_is_all_rows();
        cbx_dev_close(dev);
    }
    return 0;
}
