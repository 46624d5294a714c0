#include "kernels/formats.h"
#include "tests/check.h"
#include "tests/kernels/devices.h"

#include <string.h>

/* -- given keys and values ------------------------------------------------- */

typedef struct {
    matrix q, k, v, front_k, front_v, pos, y;
    float *u, *v_bias;
    int32_t *visible;
    cbx_attention op;
} call;

static const int head_sizes[] = {8, 16, 32, 40, 64, 64, 80, 1, 5, 13, 31, 36};

static call random_call(int most)
{
    call c;
    const int Tq = pick(1, most), Tk = pick(1, most), H = pick(1, 4);
    const int D = head_sizes[pick(0, 11)], W = H * D;
    c.q = matrix_new(Tq, W, pick(0, 2) * W, 1);
    c.k = matrix_new(Tk, W, pick(0, 2) * 3, 1);
    c.v = matrix_new(Tk, W, pick(0, 2) * 3, 1);
    c.front_k = matrix_new(pick(1, most), W, pick(0, 2) * 3, 1);
    c.front_v = matrix_new(c.front_k.m.rows, W, pick(0, 2) * 3, 1);
    c.pos = matrix_new(Tq + Tk + 2 * c.front_k.m.rows, W, 0, 1);
    c.y = matrix_new(Tq, W, pick(0, 3), 1);
    c.u = numbers(W, 1);
    c.v_bias = numbers(W, 1);
    c.visible = malloc((size_t)Tq * 2 * sizeof *c.visible);
    CHECK(c.visible);
    for (int i = 0; i < Tq; i++) {
        c.visible[2 * i] = pick(0, Tk - 1);
        c.visible[2 * i + 1] = pick(c.visible[2 * i], Tk);
    }
    c.op = (cbx_attention){.q = c.q.m,
                           .k = c.k.m,
                           .v = c.v.m,
                           .heads = H,
                           .scale = 1 / sqrtf((float)D),
                           .visible = pick(0, 1) ? c.visible : NULL,
                           .out = c.y.m};
    if (pick(0, 1)) {
        c.op.rel.pos = c.pos.m;
        c.op.rel.q0 = pick(0, Tk);
        c.op.rel.zero = c.op.rel.q0 + Tq - 1 + c.front_k.m.rows;
        c.op.rel.u = c.u;
        c.op.rel.v_bias = c.v_bias;
    }
    if (pick(0, 1)) {
        c.op.front.k = c.front_k.m;
        c.op.front.v = c.front_v.m;
        c.op.front.q0 = c.op.rel.q0 + pick(0, c.front_k.m.rows);
    }
    return c;
}

static void call_free(call *c)
{
    matrix_free(&c->q);
    matrix_free(&c->k);
    matrix_free(&c->v);
    matrix_free(&c->front_k);
    matrix_free(&c->front_v);
    matrix_free(&c->pos);
    matrix_free(&c->y);
    free(c->u);
    free(c->v_bias);
    free(c->visible);
}

static matrix compute(cbx_dev *d, const call *c)
{
    matrix y = matrix_like(&c->y);
    cbx_attention op = c->op;
    op.out.p = y.m.p;
    d->k->attention(d, &op);
    d->k->sync(d);
    check_guards(&y);
    return y;
}

/* Values within 1, scores within some 20 that are off by 1e-6: a softmax
 * changes by 2e-6 relative, the weighted mean by as much. */
static void attention_agrees(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 400; i++) {
        call c = random_call(i % 20 ? 40 : 200);
        matrix want = compute(ref, &c), got = compute(fast, &c);
        check_close(&got, &want, 1e-5, 0);
        matrix_free(&want);
        matrix_free(&got);
        call_free(&c);
    }
}

/* Row by row, each with its own visible keys and place. */
static void a_query_alone_has_the_bits_of_all_at_once(cbx_dev *d)
{
    for (int i = 0; i < 60; i++) {
        call c = random_call(40);
        matrix want = compute(d, &c);
        for (int r = 0, n; r < c.q.m.rows; r += n) {
            cbx_attention op = c.op;
            n = pick(1, c.q.m.rows - r < 5 ? c.q.m.rows - r : 5);
            op.q = cbx_rows(op.q, r, n);
            op.out = cbx_rows(op.out, r, n);
            op.rel.q0 += r;
            op.front.q0 += r;
            if (op.visible)
                op.visible += 2 * r;
            d->k->attention(d, &op);
        }
        check_same(&c.y, &want);
        matrix_free(&want);
        call_free(&c);
    }
}

static void hidden_keys_do_not_change_a_bit(cbx_dev *d)
{
    for (int i = 0; i < 60; i++) {
        call c = random_call(40);
        c.op.visible = c.visible;
        matrix want = compute(d, &c);
        for (int j = 0; j < c.k.m.rows; j++) {
            bool seen = false;
            for (int r = 0; r < c.q.m.rows; r++)
                seen |= j >= c.visible[2 * r] && j < c.visible[2 * r + 1];
            for (int e = 0; e < c.k.m.cols && !seen; e++) {
                c.k.m.p[j * c.k.m.ld + e] = 7;
                c.v.m.p[j * c.v.m.ld + e] = -7;
            }
        }
        matrix got = compute(d, &c);
        check_same(&got, &want);
        matrix_free(&want);
        matrix_free(&got);
        call_free(&c);
    }
}

/* Keys in front are keys like others: only the order of the sums differs. */
static void keys_in_front_are_keys(cbx_dev *d)
{
    for (int i = 0; i < 60; i++) {
        call c = random_call(40);
        const int F = pick(0, c.k.m.rows);
        c.op.visible = NULL;
        c.op.front.k.p = NULL;
        matrix want = compute(d, &c);
        c.op.front.k = cbx_rows(c.k.m, 0, F);
        c.op.front.v = cbx_rows(c.v.m, 0, F);
        c.op.front.q0 = c.op.rel.q0;
        c.op.k = cbx_rows(c.k.m, F, c.k.m.rows - F);
        c.op.v = cbx_rows(c.v.m, F, c.k.m.rows - F);
        c.op.rel.q0 -= F;
        matrix got = compute(d, &c);
        check_close(&got, &want, 1e-5, 0);
        matrix_free(&want);
        matrix_free(&got);
        call_free(&c);
    }
}

static void a_row_that_sees_nothing_is_zero(cbx_dev *d)
{
    call c = random_call(20);
    for (int r = 0; r < c.q.m.rows; r++)
        c.visible[2 * r + 1] = c.visible[2 * r];
    c.op.visible = c.visible;
    c.op.front.k.p = NULL;
    matrix y = compute(d, &c);
    for (int r = 0; r < y.m.rows; r++)
        for (int e = 0; e < y.m.cols; e++)
            CHECK(y.m.p[r * y.m.ld + e] == 0);
    matrix_free(&y);
    call_free(&c);
}

static void threads_do_not_change_a_bit(void)
{
    for (const char *const *name = cbx_cpu_variants(); *name; name++) {
        cbx_dev *one = open_device(1, *name), *some = open_device(4, *name);
        for (int i = 0; i < 30; i++) {
            call c = random_call(100);
            matrix want = compute(one, &c), got = compute(some, &c);
            check_same(&got, &want);
            matrix_free(&want);
            matrix_free(&got);
            call_free(&c);
        }
        cbx_dev_close(one);
        cbx_dev_close(some);
    }
}

/* -- with a cache ---------------------------------------------------------- */

enum { LAYERS = 2, CAPACITY = 64 };
static cbx_format kv_format;

static cbx_kv *open_kv(cbx_dev *d, int width)
{
    cbx_error e = {0};
    cbx_kv *kv = NULL;
    CHECK(d->k->kv_new(d, LAYERS, width, CAPACITY, kv_format, &kv, &e) ==
          CBX_OK);
    CHECK(d->k->kv_len(kv) == 0);
    return kv;
}

typedef struct {
    int H, D, M;
    matrix qkv, out;
    float *rope;
} decoder;

static decoder random_decoder(void)
{
    decoder c = {.H = pick(1, 3), .D = 2 * pick(1, 36), .M = pick(2, CAPACITY)};
    const int W = c.H * c.D;
    c.qkv = matrix_new(c.M, 3 * W, pick(0, 3), 1);
    c.out = matrix_new(c.M, W, pick(0, 3), 1);
    c.rope = numbers(CAPACITY * c.D, 1);
    return c;
}

static void decoder_free(decoder *c)
{
    matrix_free(&c->qkv);
    matrix_free(&c->out);
    free(c->rope);
}

/* The rows in pieces of up to `most`; every layer stores and reads its own. */
static void decode(cbx_dev *d, const decoder *c, bool rope, int most,
                   matrix out[LAYERS])
{
    cbx_kv *kv = open_kv(d, c->H * c->D);
    for (int l = 0; l < LAYERS; l++)
        out[l] = matrix_like(&c->out);
    for (int r = 0, n; r < c->M; r += n) {
        n = pick(1, c->M - r < most ? c->M - r : most);
        for (int l = 0; l < LAYERS; l++) {
            matrix qkv = matrix_like(&c->qkv);
            const cbx_seq seq = {kv, r, n};
            for (int i = 0; l && i < c->M * c->qkv.m.ld; i++)
                qkv.m.p[i] = qkv.m.p[i] < 2 ? -qkv.m.p[i] : qkv.m.p[i];
            d->k->attention_kv(
                d, &(cbx_attention_kv){.qkv = qkv.m,
                                       .layer = l,
                                       .heads = c->H,
                                       .scale = 0.3f,
                                       .rope = rope ? c->rope : NULL,
                                       .seqs = &seq,
                                       .n_seqs = 1,
                                       .out = out[l].m});
            matrix_free(&qkv);
        }
        d->k->kv_set_len(d, kv, r + n);
        CHECK(d->k->kv_len(kv) == r + n);
    }
    for (int l = 0; l < LAYERS; l++)
        check_guards(&out[l]);
    d->k->kv_free(d, kv);
}

static void a_decoder_agrees(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 60; i++) {
        decoder c = random_decoder();
        matrix want[LAYERS], got[LAYERS];
        decode(ref, &c, i & 1, 9, want);
        decode(fast, &c, i & 1, 9, got);
        for (int l = 0; l < LAYERS; l++) {
            /* a value that another order of sums, before the rope, left at half
             * a step of bf16 may be rounded either way */
            check_close(&got[l], &want[l],
                        kv_format == CBX_FMT_BF16 ? 2e-2 : 1e-5, 0);
            matrix_free(&got[l]);
            matrix_free(&want[l]);
        }
        decoder_free(&c);
    }
}

static void a_prefix_at_once_has_the_bits_of_single_steps(cbx_dev *d)
{
    for (int i = 0; i < 20; i++) {
        decoder c = random_decoder();
        matrix all[LAYERS], single[LAYERS], some[LAYERS];
        decode(d, &c, i & 1, 1, single);
        decode(d, &c, i & 1, 7, some);
        decode(d, &c, i & 1, CAPACITY, all);
        for (int l = 0; l < LAYERS; l++) {
            check_same(&all[l], &single[l]);
            check_same(&all[l], &some[l]);
            matrix_free(&all[l]);
            matrix_free(&single[l]);
            matrix_free(&some[l]);
        }
        decoder_free(&c);
    }
}

/* Two sequences of different lengths in one call, one of them a copy of the
 * other's beginning. */
static void sequences_of_a_batch_do_not_meet(cbx_dev *d)
{
    for (int i = 0; i < 10; i++) {
        decoder c = random_decoder();
        const int W = c.H * c.D, n = c.M / 2, rest = c.M - n;
        cbx_kv *a = open_kv(d, W), *b = open_kv(d, W);
        matrix alone = matrix_like(&c.out), both = matrix_like(&c.out);
        cbx_attention_kv op = {.qkv = c.qkv.m, .heads = c.H, .scale = 0.3f};
        op.seqs = &(cbx_seq){a, 0, n};
        op.n_seqs = 1;
        op.out = alone.m;
        d->k->attention_kv(d, &op);
        d->k->kv_set_len(d, a, n);
        d->k->kv_copy(d, b, a, n / 2);
        CHECK(d->k->kv_len(b) == n / 2);
        /* a's next rows alone, then beside b's */
        op.seqs = &(cbx_seq){a, n, rest};
        d->k->attention_kv(d, &op);
        const cbx_seq seqs[] = {{b, 0, n}, {a, n, rest}};
        op.seqs = seqs;
        op.n_seqs = 2;
        op.out = both.m;
        d->k->attention_kv(d, &op);
        CHECK(!memcmp(cbx_rows(both.m, n, 1).p, cbx_rows(alone.m, n, 1).p,
                      sizeof(float) *
                          (size_t)((rest - 1) * both.m.ld + both.m.cols)));
        d->k->kv_free(d, a);
        d->k->kv_free(d, b);
        matrix_free(&alone);
        matrix_free(&both);
        decoder_free(&c);
    }
}

/* One position sees itself alone: what comes out is its rounded value. */
static void a_cache_of_bf16_rounds_what_it_keeps(cbx_dev *d)
{
    kv_format = CBX_FMT_BF16;
    decoder c = random_decoder();
    const int W = c.H * c.D;
    cbx_kv *kv = open_kv(d, W);
    d->k->attention_kv(d, &(cbx_attention_kv){.qkv = cbx_rows(c.qkv.m, 0, 1),
                                              .heads = c.H,
                                              .scale = 0.3f,
                                              .seqs = &(cbx_seq){kv, 0, 1},
                                              .n_seqs = 1,
                                              .out = cbx_rows(c.out.m, 0, 1)});
    for (int i = 0; i < W; i++)
        CHECK(c.out.m.p[i] ==
              cbx_bf16_value(cbx_bf16_of(c.qkv.m.p[2 * W + i])));
    d->k->kv_free(d, kv);
    decoder_free(&c);
}

/* After one row of each layer: where it looked, among some keys, by some heads;
 * the sum over these is 1 for each head. */
static void looks_agree(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 40; i++) {
        decoder c = random_decoder();
        const int W = c.H * c.D, from = pick(0, c.M - 1);
        const uint64_t which = (uint64_t)pick(1, (1 << c.H) - 1);
        cbx_dev *const devs[] = {ref, fast};
        matrix got[2];
        got[0] = matrix_new(1, pick(1, c.M - from), 0, 1);
        got[1] = matrix_like(&got[0]);
        for (int d = 0; d < 2; d++) {
            cbx_kv *kv = open_kv(devs[d], W);
            matrix qkv = matrix_like(&c.qkv), out = matrix_like(&c.out);
            devs[d]->k->attention_kv(
                devs[d], &(cbx_attention_kv){.qkv = qkv.m,
                                             .layer = LAYERS - 1,
                                             .heads = c.H,
                                             .scale = 0.3f,
                                             .rope = i & 1 ? c.rope : NULL,
                                             .seqs = &(cbx_seq){kv, 0, c.M},
                                             .n_seqs = 1,
                                             .out = out.m});
            cbx_look op = {.q = cbx_cols(cbx_rows(qkv.m, c.M - 1, 1), 0, W),
                           .kv = kv,
                           .layer = LAYERS - 1,
                           .heads = c.H,
                           .which = which,
                           .scale = 0.3f,
                           .from = from,
                           .out = got[d].m};
            devs[d]->k->look(devs[d], &op);
            op.add = true; /* twice the same */
            devs[d]->k->look(devs[d], &op);
            check_guards(&got[d]);
            devs[d]->k->kv_free(devs[d], kv);
            matrix_free(&qkv);
            matrix_free(&out);
        }
        double sum = 0;
        for (int j = 0; j < got[0].m.cols; j++)
            sum += got[0].m.p[j];
        CHECK(fabs(sum - 2.0 * __builtin_popcountll(which)) < 1e-4);
        check_close(&got[1], &got[0], kv_format == CBX_FMT_BF16 ? 2e-2 : 1e-5,
                    0);
        matrix_free(&got[0]);
        matrix_free(&got[1]);
        decoder_free(&c);
    }
}

int main(void)
{
    for_each_device(a_query_alone_has_the_bits_of_all_at_once);
    for_each_device(hidden_keys_do_not_change_a_bit);
    for_each_device(keys_in_front_are_keys);
    for_each_device(a_row_that_sees_nothing_is_zero);
    threads_do_not_change_a_bit();
    for_each_variant(attention_agrees);
    for (int half = 0; half < 2; half++) {
        kv_format = half ? CBX_FMT_BF16 : CBX_FMT_F32;
        for_each_device(a_prefix_at_once_has_the_bits_of_single_steps);
        for_each_device(sequences_of_a_batch_do_not_meet);
        for_each_variant(a_decoder_agrees);
        for_each_variant(looks_agree);
    }
    for_each_device(a_cache_of_bf16_rounds_what_it_keeps);
    for_each_variant(a_decoder_agrees);
    return 0;
}
