#include "tests/check.h"
#include "tests/kernels/devices.h"

#include <string.h>

/* That of the layers to come. */
static cbx_format format;

/* One random layer and the operands of one call. */
typedef struct {
    int M, taps, in, out, dilation;
    float *w, *bias, *gamma, *beta, *alpha;
    matrix x, add, add2, y, acted;
    cbx_weight_spec spec;
    cbx_linear op;
} layer;

/* Half the layers lie [out][in][taps], as a convolution, half [taps*in][out].
 */
static void random_weights(layer *l)
{
    const int K = l->taps * l->in;
    l->w = numbers(K * l->out, 1);
    l->bias = numbers(l->out, 1);
    l->spec = (cbx_weight_spec){.taps = l->taps,
                                .in = l->in,
                                .out = l->out,
                                .w = l->w,
                                .bias = pick(0, 3) ? l->bias : NULL,
                                .format = format};
    if (pick(0, 1)) {
        l->spec.tap_stride = 1;
        l->spec.in_stride = l->taps;
        l->spec.out_stride = K;
    } else {
        l->spec.tap_stride = (ptrdiff_t)l->in * l->out;
        l->spec.in_stride = l->out;
        l->spec.out_stride = 1;
    }
}

static void random_operands(layer *l)
{
    const int rows = l->M + (l->taps - 1) * l->dilation;
    const int overlap = l->in > 2 ? -pick(1, l->in - 1) : 0;
    const int gaps[] = {0, 0, 3, overlap};
    l->x = matrix_new(rows, l->in, gaps[pick(0, 3)], 1);
    l->add = matrix_new(l->M, l->out, pick(0, 5), 1);
    l->add2 = matrix_new(l->M, l->out, pick(0, 5), 1);
    l->y = matrix_new(l->M, l->out, pick(0, 5), 1);
    l->acted = matrix_new(l->M, l->out, pick(0, 5), 1);
    l->gamma = numbers(l->in, 1);
    l->beta = numbers(l->in, 1);
    l->alpha = numbers(l->out, 1);
    for (int i = 0; i < l->out; i++)
        l->alpha[i] = fabsf(l->alpha[i]) + 0.1f;
}

static layer random_layer(int most_rows)
{
    layer l = {.M = pick(0, 2) ? pick(1, most_rows) : pick(1, 7),
               .taps = pick(0, 1) ? 1 : pick(2, 7),
               .in = pick(0, 9) ? pick(1, 90) : pick(120, 200),
               .out = pick(0, 1) ? pick(1, 90) : 16 * pick(1, 6),
               .dilation = pick(0, 3)};
    random_weights(&l);
    if (l.taps == 1 || l.dilation == 0)
        l.dilation = 1;
    random_operands(&l);
    l.op = (cbx_linear){.x = l.x.m,
                        .dilation = l.dilation,
                        .scale = pick(0, 2) ? 0 : 0.5f,
                        .act = {.kind = (cbx_act_kind)pick(0, CBX_ACT_SNAKE),
                                .slope = 0.1f,
                                .alpha = l.alpha}};
    if (l.taps == 1 && pick(0, 1))
        l.op.norm =
            (cbx_norm){.kind = pick(0, 1) ? CBX_NORM_LAYER : CBX_NORM_RMS,
                       .gamma = l.gamma,
                       .beta = pick(0, 1) ? l.beta : NULL,
                       .eps = 1e-5f};
    if (pick(0, 1))
        l.op.add = l.add.m;
    if (pick(0, 3) == 0)
        l.op.add2 = l.add2.m;
    const int outputs = pick(1, 3);
    if (outputs & 1)
        l.op.out = l.y.m;
    if (outputs & 2)
        l.op.acted = l.acted.m;
    return l;
}

static void layer_free(layer *l)
{
    matrix_free(&l->x);
    matrix_free(&l->add);
    matrix_free(&l->add2);
    matrix_free(&l->y);
    matrix_free(&l->acted);
    free(l->w);
    free(l->bias);
    free(l->gamma);
    free(l->beta);
    free(l->alpha);
}

static cbx_weight *pack(cbx_dev *d, const layer *l)
{
    cbx_error e = {0};
    cbx_weight *w = NULL;
    CHECK(d->k->weight_new(d, &l->spec, &w, &e) == CBX_OK);
    CHECK(d->k->weight_bytes(w) >= (size_t)(l->taps * l->in * l->out) / 2);
    return w;
}

/* Into fresh copies of the outputs. */
static void compute(cbx_dev *d, const layer *l, cbx_linear op, matrix *y,
                    matrix *acted)
{
    cbx_weight *w = pack(d, l);
    *y = matrix_like(&l->y);
    *acted = matrix_like(&l->acted);
    op.w = w;
    op.out.p = op.out.p ? y->m.p : NULL;
    op.acted.p = op.acted.p ? acted->m.p : NULL;
    d->k->linear(d, &op);
    d->k->sync(d);
    check_guards(y);
    check_guards(acted);
    d->k->weight_free(d, w);
}

/* Inputs, weights and addends are within +-1, so K products of which each sum
 * rounds once: error <= K (K + 4) 2^-24 at worst, and sqrt(K) times less in
 * practice. Normalised rows are up to sqrt(in), activations at most double. */
static double bound_of(const layer *l)
{
    const double K = l->taps * l->in;
    const double x = l->op.norm.kind ? 4 : 1;
    const double bound = 4 * x * (sqrt(K) * 2 + 8) * 0x1p-24 * sqrt(K + 4);
    /* An input that a norm left at half a step may be rounded either way: one
     * step of bf16, or of 8 bits, times a weight, some of them at once. */
    if (l->op.norm.kind && format == CBX_FMT_BF16A)
        return bound + 4 * 4 * 0x1p-8;
    if (l->op.norm.kind && format == CBX_FMT_I8A)
        return bound + 4 * 9.0 / 127;
    return bound;
}

static void a_layer_agrees(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 100; i++) {
        layer l = random_layer(70);
        matrix y[2], acted[2];
        compute(ref, &l, l.op, &y[0], &acted[0]);
        compute(fast, &l, l.op, &y[1], &acted[1]);
        check_close(&y[1], &y[0], bound_of(&l), 1e-6);
        check_close(&acted[1], &acted[0], bound_of(&l), 1e-6);
        for (int k = 0; k < 2; k++) {
            matrix_free(&y[k]);
            matrix_free(&acted[k]);
        }
        layer_free(&l);
    }
}

static void large_layers_agree(cbx_dev *ref, cbx_dev *fast)
{
    static const int shapes[][4] = {/* M, taps, in, out */
                                    {160, 3, 256, 256},
                                    {1, 1, 1024, 1000},
                                    {2, 1, 1024, 1000},
                                    {40, 1, 1024, 256},
                                    {2000, 3, 18, 18}};
    for (int i = 0; i < 5; i++) {
        const int *s = shapes[i];
        layer l = {.M = s[0], .taps = s[1], .in = s[2], .out = s[3]};
        matrix y[2], acted[2];
        l.dilation = 1;
        random_weights(&l);
        random_operands(&l);
        l.op = (cbx_linear){.x = l.x.m, .out = l.y.m};
        compute(ref, &l, l.op, &y[0], &acted[0]);
        compute(fast, &l, l.op, &y[1], &acted[1]);
        check_close(&y[1], &y[0], bound_of(&l), 1e-6);
        for (int k = 0; k < 2; k++) {
            matrix_free(&y[k]);
            matrix_free(&acted[k]);
        }
        layer_free(&l);
    }
}

/* Rows [from, from + n) of every operand. */
static cbx_linear some_rows(cbx_linear op, int from, int n)
{
    const int history = op.x.rows - (op.out.p ? op.out.rows : op.acted.rows);
    op.x = cbx_rows(op.x, from, n + history);
    if (op.add.p)
        op.add = cbx_rows(op.add, from, n);
    if (op.add2.p)
        op.add2 = cbx_rows(op.add2, from, n);
    if (op.out.p)
        op.out = cbx_rows(op.out, from, n);
    if (op.acted.p)
        op.acted = cbx_rows(op.acted, from, n);
    return op;
}

/* The rows in front of a piece are its history, so this is a streaming
 * convolution as well. */
static void rows_in_pieces_have_the_bits_of_all_at_once(cbx_dev *d)
{
    for (int i = 0; i < 20; i++) {
        layer l = random_layer(40);
        matrix y, acted;
        compute(d, &l, l.op, &y, &acted);
        l.op.w = pack(d, &l);
        for (int from = 0, n; from < l.M; from += n) {
            n = pick(1, l.M - from < 9 ? l.M - from : 9);
            const cbx_linear op = some_rows(l.op, from, n);
            d->k->linear(d, &op);
        }
        check_same(&l.y, &y);
        check_same(&l.acted, &acted);
        d->k->weight_free(d, (cbx_weight *)l.op.w);
        matrix_free(&y);
        matrix_free(&acted);
        layer_free(&l);
    }
}

/* One sequence's rows beside another's: rows twice, in other places. */
static void a_batch_has_the_bits_of_one(cbx_dev *d)
{
    for (int i = 0; i < 20; i++) {
        layer l = {.M = pick(1, 20), .taps = 1, .in = pick(1, 80)};
        l.out = pick(1, 80);
        random_weights(&l);
        cbx_weight *w = pack(d, &l);
        matrix x = matrix_new(2 * l.M, l.in, 0, 1);
        matrix y = matrix_new(2 * l.M, l.out, 0, 1);
        memcpy(x.m.p + l.M * l.in, x.m.p, (size_t)(l.M * l.in) * sizeof(float));
        d->k->linear(d, &(cbx_linear){.x = x.m, .w = w, .out = y.m});
        CHECK(!memcmp(y.m.p, y.m.p + l.M * l.out,
                      (size_t)(l.M * l.out) * sizeof(float)));
        d->k->weight_free(d, w);
        matrix_free(&x);
        matrix_free(&y);
        free(l.w);
        free(l.bias);
    }
}

static void threads_do_not_change_a_bit(void)
{
    for (const char *const *name = cbx_cpu_variants(); *name; name++) {
        cbx_dev *d[MAX_THREADS];
        for (int t = 0; t < MAX_THREADS; t++)
            d[t] = open_device(t + 1, *name);
        for (int i = 0; i < 15; i++) {
            layer l = random_layer(200);
            matrix y[2], acted[2];
            compute(d[0], &l, l.op, &y[0], &acted[0]);
            for (int t = 1; t < MAX_THREADS; t++) {
                compute(d[t], &l, l.op, &y[1], &acted[1]);
                check_same(&y[0], &y[1]);
                check_same(&acted[0], &acted[1]);
                matrix_free(&y[1]);
                matrix_free(&acted[1]);
            }
            matrix_free(&y[0]);
            matrix_free(&acted[0]);
            layer_free(&l);
        }
        for (int t = 0; t < MAX_THREADS; t++)
            cbx_dev_close(d[t]);
    }
}

static void what_is_added_may_be_the_output(cbx_dev *d)
{
    for (int i = 0; i < 20; i++) {
        layer l = random_layer(30);
        matrix y, acted;
        l.op.out = l.y.m;
        l.op.add = l.y.m;
        l.op.acted.p = NULL;
        compute(d, &l, l.op, &y, &acted); /* add: the original's rows */
        l.op.w = pack(d, &l);
        d->k->linear(d, &l.op);
        check_same(&l.y, &y);
        d->k->weight_free(d, (cbx_weight *)l.op.w);
        matrix_free(&y);
        matrix_free(&acted);
        layer_free(&l);
    }
}

/* Without a norm every number is rounded in the same way everywhere, and whole
 * sums are exact. */
static void int8_products_have_the_bits_of_the_definition(cbx_dev *ref,
                                                          cbx_dev *fast)
{
    format = CBX_FMT_I8A;
    for (int i = 0; i < 60; i++) {
        layer l = random_layer(40);
        matrix y[2], acted[2];
        l.op.norm.kind = CBX_NORM_NONE;
        l.op.act.kind = CBX_ACT_NONE;
        if (i % 10 == 0)
            l.x.m.p[0] = (float[]){3.3e38f, 1e-35f, 0}[i / 10 % 3];
        compute(ref, &l, l.op, &y[0], &acted[0]);
        compute(fast, &l, l.op, &y[1], &acted[1]);
        check_same(&y[0], &y[1]);
        check_same(&acted[0], &acted[1]);
        for (int k = 0; k < 2; k++) {
            matrix_free(&y[k]);
            matrix_free(&acted[k]);
        }
        layer_free(&l);
    }
}

static void weights_that_are_not_finite_are_refused(cbx_dev *d)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int f = CBX_FMT_I8; f < CBX_FORMATS; f++)
        for (int i = 0; i < 3 && f != CBX_FMT_BF16A; i++) {
            cbx_error e = {0};
            cbx_weight *w = NULL;
            format = (cbx_format)f;
            layer l = random_layer(2);
            l.w[pick(0, l.taps * l.in * l.out - 1)] = bad[i];
            CHECK(d->k->weight_new(d, &l.spec, &w, &e) == CBX_E_ARG && !w);
            CHECK(strstr(e.text, cbx_format_name(format)));
            layer_free(&l);
        }
}

static void in_this_format(void)
{
    for_each_device(rows_in_pieces_have_the_bits_of_all_at_once);
    for_each_device(a_batch_has_the_bits_of_one);
    for_each_device(what_is_added_may_be_the_output);
    threads_do_not_change_a_bit();
    for_each_variant(a_layer_agrees);
    for_each_variant(large_layers_agree);
}

int main(void)
{
    for (int f = 0; f < CBX_FORMATS; f++) {
        format = (cbx_format)f;
        in_this_format();
    }
    for_each_device(weights_that_are_not_finite_are_refused);
    for_each_variant(int8_products_have_the_bits_of_the_definition);
    return 0;
}
