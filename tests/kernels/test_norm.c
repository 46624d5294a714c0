#include "tests/check.h"
#include "tests/kernels/devices.h"

#include <string.h>

typedef struct {
    matrix x, add, y;
    float *gamma, *beta, *alpha, *row;
    cbx_normalize op;
} call;

static call random_call(int most_rows)
{
    call k;
    const int M = pick(1, most_rows), C = pick(0, 3) ? pick(1, 100) : 512;
    k.x = matrix_new(M, C, pick(0, 3), 3);
    k.add = matrix_new(M, C, pick(0, 3), 1);
    k.y = matrix_new(M, C, pick(0, 3), 1);
    k.gamma = numbers(C, 1);
    k.beta = numbers(C, 1);
    k.row = numbers(C, 1);
    k.alpha = numbers(C, 1);
    for (int c = 0; c < C; c++)
        k.alpha[c] = fabsf(k.alpha[c]) + 0.1f;
    k.op = (cbx_normalize){
        .x = k.x.m,
        .norm = {.kind = (cbx_norm_kind)pick(0, 2),
                 .gamma = k.gamma,
                 .beta = pick(0, 1) ? k.beta : NULL,
                 .eps = 1e-5f},
        .scale = pick(0, 1) ? 0 : 1.5f,
        .act = {(cbx_act_kind)pick(0, CBX_ACT_SNAKE), 0.2f, k.alpha},
        .add_row = pick(0, 1) ? k.row : NULL,
        .out = k.y.m};
    if (pick(0, 1))
        k.op.add = k.add.m;
    return k;
}

static void call_free(call *k)
{
    matrix_free(&k->x);
    matrix_free(&k->add);
    matrix_free(&k->y);
    free(k->gamma);
    free(k->beta);
    free(k->alpha);
    free(k->row);
}

static matrix compute(cbx_dev *d, const call *k)
{
    matrix y = matrix_like(&k->y);
    cbx_normalize op = k->op;
    op.out.p = y.m.p;
    d->k->normalize(d, &op);
    d->k->sync(d);
    check_guards(&y);
    return y;
}

/* A row of up to 512 of size 3, in floats: 1e-6 of the largest normed value
 * (sqrt(512) at most), which ELU's and others' slopes at most double. */
static void a_normalised_matrix_agrees(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 400; i++) {
        call k = random_call(60);
        matrix want = compute(ref, &k), got = compute(fast, &k);
        check_close(&got, &want, 1e-5, 1e-5);
        matrix_free(&want);
        matrix_free(&got);
        call_free(&k);
    }
}

/* Large means, small variances: the two-pass sums must hold. */
static void a_large_mean_does_no_harm(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 50; i++) {
        call k = random_call(5);
        for (int r = 0; r < k.x.m.rows; r++)
            for (int c = 0; c < k.x.m.cols; c++)
                k.x.m.p[r * k.x.m.ld + c] += 100;
        k.op.act.kind = CBX_ACT_NONE;
        k.op.norm.kind = CBX_NORM_LAYER;
        matrix want = compute(ref, &k), got = compute(fast, &k);
        check_close(&got, &want, 1e-4, 1e-4);
        matrix_free(&want);
        matrix_free(&got);
        call_free(&k);
    }
}

static void rows_alone_have_the_bits_of_all_at_once(cbx_dev *d)
{
    for (int i = 0; i < 60; i++) {
        call k = random_call(50);
        matrix want = compute(d, &k);
        for (int r = 0, n; r < k.x.m.rows; r += n) {
            cbx_normalize op = k.op;
            n = pick(1, k.x.m.rows - r);
            op.x = cbx_rows(op.x, r, n);
            op.out = cbx_rows(op.out, r, n);
            if (op.add.p)
                op.add = cbx_rows(op.add, r, n);
            d->k->normalize(d, &op);
        }
        check_same(&k.y, &want);
        matrix_free(&want);
        call_free(&k);
    }
}

static void the_input_may_be_the_output(cbx_dev *d)
{
    for (int i = 0; i < 40; i++) {
        call k = random_call(30);
        matrix want = compute(d, &k);
        k.op.out = k.op.x;
        d->k->normalize(d, &k.op);
        check_guards(&k.x);
        for (int r = 0; r < k.x.m.rows; r++)
            CHECK(!memcmp(k.x.m.p + r * k.x.m.ld, want.m.p + r * want.m.ld,
                          (size_t)k.x.m.cols * sizeof(float)));
        matrix_free(&want);
        call_free(&k);
    }
}

static void threads_do_not_change_a_bit(void)
{
    for (const char *const *name = cbx_cpu_variants(); *name; name++) {
        cbx_dev *one = open_device(1, *name), *some = open_device(3, *name);
        for (int i = 0; i < 30; i++) {
            call k = random_call(400);
            matrix want = compute(one, &k), got = compute(some, &k);
            check_same(&got, &want);
            matrix_free(&want);
            matrix_free(&got);
            call_free(&k);
        }
        cbx_dev_close(one);
        cbx_dev_close(some);
    }
}

int main(void)
{
    for_each_device(rows_alone_have_the_bits_of_all_at_once);
    for_each_device(the_input_may_be_the_output);
    threads_do_not_change_a_bit();
    for_each_variant(a_normalised_matrix_agrees);
    for_each_variant(a_large_mean_does_no_harm);
    return 0;
}
