#include "rt/random.h"
#include "tests/check.h"
#include "tests/kernels/devices.h"

#include <string.h>

static void activations_agree(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 400; i++) {
        const int rows = pick(1, 40), C = pick(1, 90);
        const float size = pick(0, 1) ? 4.0f : 120.0f;
        matrix x = matrix_new(rows, C, pick(0, 3), size);
        matrix want = matrix_new(rows, C, pick(0, 3), 1);
        matrix got = matrix_like(&want);
        float *alpha = numbers(C, 2);
        for (int c = 0; c < C; c++)
            alpha[c] = fabsf(alpha[c]) + 0.1f;
        const cbx_act act = {(cbx_act_kind)(i % (CBX_ACT_SNAKE + 1)), 0.1f,
                             alpha};
        ref->k->activate(ref, x.m, act, want.m);
        fast->k->activate(fast, x.m, act, got.m);
        check_guards(&got);
        /* snake: sine of up to 250, 1e-6 off, over an alpha of 0.1 */
        check_close(&got, &want, act.kind == CBX_ACT_SNAKE ? 2e-5 : 5e-7, 5e-7);
        /* in place, threads or not: the same bits */
        fast->k->activate(fast, x.m, act, x.m);
        for (int r = 0; r < rows; r++)
            CHECK(!memcmp(x.m.p + r * x.m.ld, got.m.p + r * got.m.ld,
                          (size_t)C * sizeof(float)));
        matrix_free(&x);
        matrix_free(&want);
        matrix_free(&got);
        free(alpha);
    }
}

static void normal_numbers_agree(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 50; i++) {
        const int rows = pick(1, 900), C = pick(1, 20);
        matrix want = matrix_new(rows, C, pick(0, 3), 1);
        matrix got = matrix_like(&want);
        const uint64_t row0 = (uint64_t)pick(0, 1 << 30) * (uint64_t)pick(1, 9);
        ref->k->normal(ref, want.m, 99, row0);
        fast->k->normal(fast, got.m, 99, row0);
        check_guards(&got);
        check_close(&got, &want, 1e-6, 0);
        matrix_free(&want);
        matrix_free(&got);
    }
}

static void normal_numbers_depend_on_their_row_only(cbx_dev *d)
{
    for (int i = 0; i < 30; i++) {
        const int rows = pick(1, 300), C = pick(1, 20);
        matrix all = matrix_new(rows, C, pick(0, 3), 1);
        matrix cut = matrix_like(&all);
        d->k->normal(d, all.m, 7, 1000);
        for (int r = 0, n; r < rows; r += n) {
            n = pick(1, rows - r);
            d->k->normal(d, cbx_rows(cut.m, r, n), 7, 1000 + (uint64_t)r);
        }
        check_same(&all, &cut);
        for (int r = 0; r < rows; r++) {
            float want[20];
            cbx_random_normals(7, (1000 + (uint64_t)r) * (uint64_t)C, (size_t)C,
                               want);
            for (int c = 0; c < C; c++)
                CHECK_NEAR(all.m.p[r * all.m.ld + c], want[c], 1e-6);
        }
        matrix_free(&all);
        matrix_free(&cut);
    }
}

static void a_copy_repeats_and_turns_around(cbx_dev *d)
{
    for (int i = 0; i < 50; i++) {
        const int rows = pick(1, 20), C = pick(1, 20), repeat = pick(0, 3);
        const int n = rows * (repeat ? repeat : 1);
        const bool reverse = pick(0, 1);
        matrix src = matrix_new(rows, C, pick(0, 2), 1);
        matrix dst = matrix_new(n, C, pick(0, 2), 1);
        d->k->copy(d, &(cbx_copy){src.m, dst.m, repeat, reverse});
        check_guards(&dst);
        for (int r = 0; r < n; r++) {
            const int at = r / (repeat ? repeat : 1);
            const int from = reverse ? rows - 1 - at : at;
            CHECK(!memcmp(dst.m.p + r * dst.m.ld, src.m.p + from * src.m.ld,
                          (size_t)C * sizeof(float)));
        }
        d->k->zero(d, dst.m);
        check_guards(&dst);
        for (int r = 0; r < n; r++)
            for (int c = 0; c < C; c++)
                CHECK(dst.m.p[r * dst.m.ld + c] == 0);
        matrix_free(&src);
        matrix_free(&dst);
    }
}

static void euler_follows_its_formula(cbx_dev *d)
{
    for (int i = 0; i < 50; i++) {
        const int rows = pick(1, 20), C = pick(1, 90);
        matrix x = matrix_new(rows, C, pick(0, 2), 1), was = matrix_like(&x);
        matrix v = matrix_new(rows, C, 0, 1), v0 = matrix_new(rows, C, 0, 1);
        const bool guided = pick(0, 1);
        d->k->euler(d, x.m, v.m, guided ? v0.m : (cbx_mat){0}, 0.1f, 0.7f);
        check_guards(&x);
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < C; c++) {
                const double a = v.m.p[r * C + c], b = v0.m.p[r * C + c];
                const double dx = guided ? 1.7 * a - 0.7 * b : a;
                CHECK_NEAR(x.m.p[r * x.m.ld + c],
                           was.m.p[r * x.m.ld + c] + 0.1 * dx, 1e-6);
            }
        matrix_free(&x);
        matrix_free(&was);
        matrix_free(&v);
        matrix_free(&v0);
    }
}

static void gather_reads_every_type(cbx_dev *d)
{
    static const uint16_t half[] = {0x3c00, 0xbc00, 0x0001, 0x7bff, 0, 0x3555};
    static const float halves[] = {1, -1, 0x1p-24f, 65504, 0, 0x1.554p-2f};
    static const uint16_t bf[] = {0x3f80, 0xbf80, 0x0080, 0x4049, 0, 0xc2c8};
    static const float bfs[] = {1, -1, 0x1p-126f, 3.140625f, 0, -100};
    const struct {
        cbx_dtype type;
        const void *host;
        const float *want;
    } tables[] = {{CBX_DT_F32, halves, halves},
                  {CBX_DT_F16, half, halves},
                  {CBX_DT_BF16, bf, bfs}};
    const int32_t ids[] = {2, 0, 1, 1};
    for (int i = 0; i < 3; i++) {
        cbx_error e = {0};
        cbx_table *t = NULL;
        matrix out = matrix_new(4, 2, 1, 1), add = matrix_new(4, 2, 0, 1);
        CHECK(d->k->table_new(d, 3, 2, tables[i].type, tables[i].host, &t,
                              &e) == CBX_OK);
        d->k->gather(d, t, ids, 4, (cbx_mat){0}, out.m);
        for (int r = 0; r < 4; r++)
            for (int c = 0; c < 2; c++)
                CHECK(out.m.p[r * 3 + c] == tables[i].want[ids[r] * 2 + c]);
        d->k->gather(d, t, ids, 4, add.m, out.m);
        check_guards(&out);
        for (int r = 0; r < 4; r++)
            for (int c = 0; c < 2; c++)
                CHECK(out.m.p[r * 3 + c] ==
                      tables[i].want[ids[r] * 2 + c] + add.m.p[r * 2 + c]);
        d->k->table_free(d, t);
        matrix_free(&out);
        matrix_free(&add);
    }
}

int main(void)
{
    for_each_device(normal_numbers_depend_on_their_row_only);
    for_each_device(a_copy_repeats_and_turns_around);
    for_each_device(euler_follows_its_formula);
    for_each_device(gather_reads_every_type);
    for_each_variant(activations_agree);
    for_each_variant(normal_numbers_agree);
    return 0;
}
