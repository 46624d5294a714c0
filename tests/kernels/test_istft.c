#include "tests/check.h"
#include "tests/kernels/devices.h"

#include <string.h>

enum { MOST = 64 };

typedef struct {
    int n, hop, F;
    matrix x, out;
} signal;

static int samples(const signal *s)
{
    return s->hop * s->F - s->hop;
}

static signal random_signal(void)
{
    static const int sizes[][2] = {{16, 4}, {16, 4},  {16, 8}, {20, 5},
                                   {24, 6}, {64, 16}, {8, 2}};
    const int *size = sizes[pick(0, 6)];
    signal s = {.n = size[0], .hop = size[1]};
    s.F = pick(s.n / s.hop, 40);
    s.x = matrix_new(s.F, s.n + 2, pick(0, 3), 3);
    s.x.m.p[pick(0, s.n / 2)] = 50; /* beyond the limit of magnitudes */
    s.out = matrix_new(samples(&s), 1, pick(0, 2), 1);
    return s;
}

/* In pieces of up to `most` frames. */
static matrix compute(cbx_dev *d, const signal *s, float limit, int most)
{
    matrix out = matrix_like(&s->out);
    float tail[MOST] = {0};
    int written = 0;
    for (int f = 0, n; f < s->F; f += n) {
        n = pick(1, s->F - f < most ? s->F - f : most);
        const bool last = f + n == s->F;
        int count = s->hop * n;
        if (f == 0)
            count -= s->n / 2;
        if (last)
            count += s->n / 2 - s->hop;
        if (count < 0) /* the first piece must reach beyond the trim */
            n = s->n / s->hop, count = s->hop * n - s->n / 2;
        if (f == 0 && n == s->F)
            count = samples(s);
        d->k->istft(d, &(cbx_istft){.x = cbx_rows(s->x.m, f, n),
                                    .n = s->n,
                                    .hop = s->hop,
                                    .mag_limit = 100,
                                    .limit = limit,
                                    .frame0 = f,
                                    .last = f + n == s->F,
                                    .tail = tail,
                                    .out = cbx_rows(out.m, written, count)});
        written += count;
    }
    CHECK(written == samples(s));
    check_guards(&out);
    return out;
}

/* 100 * n/2 bins at most, in floats; at the ends the windows' squares sum to
 * little, which the first and last samples are divided by. */
static void a_signal_agrees(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 100; i++) {
        signal s = random_signal();
        matrix want = compute(ref, &s, 1e9f, 100);
        matrix got = compute(fast, &s, 1e9f, 100);
        check_close(&got, &want, 2e-4, 1e-5);
        matrix_free(&want);
        matrix_free(&got);
        want = compute(ref, &s, 0.99f, 100);
        got = compute(fast, &s, 0.99f, 100);
        for (int k = 0; k < samples(&s); k++)
            CHECK(fabsf(got.m.p[k * got.m.ld]) <= 0.99f);
        check_close(&got, &want, 2e-4, 1e-5);
        matrix_free(&want);
        matrix_free(&got);
        matrix_free(&s.x);
        matrix_free(&s.out);
    }
}

static void pieces_have_the_bits_of_the_whole(cbx_dev *d)
{
    for (int i = 0; i < 60; i++) {
        signal s = random_signal();
        matrix whole = matrix_like(&s.out), cut = compute(d, &s, 0.99f, 5);
        float tail[MOST] = {0};
        d->k->istft(d, &(cbx_istft){.x = s.x.m,
                                    .n = s.n,
                                    .hop = s.hop,
                                    .mag_limit = 100,
                                    .limit = 0.99f,
                                    .last = true,
                                    .tail = tail,
                                    .out = whole.m});
        check_guards(&whole);
        check_same(&whole, &cut);
        matrix_free(&whole);
        matrix_free(&cut);
        matrix_free(&s.x);
        matrix_free(&s.out);
    }
}

/* Every frame says: magnitude e^0 in bin 0 only, phase sin(0) = 0. One frame is
 * the constant 1/n, and windows weighted by their squares leave
 * sum w / (n sum w^2). */
static void a_constant_comes_back(cbx_dev *d)
{
    enum { N = 16, HOP = 4, F = 30 };
    matrix x = matrix_new(F, N + 2, 0, 0),
           y = matrix_new(HOP * (F - 1), 1, 0, 0);
    float tail[N] = {0};
    for (int f = 0; f < F; f++)
        for (int k = 1; k <= N / 2; k++)
            x.m.p[f * (N + 2) + k] = -200;
    d->k->istft(d, &(cbx_istft){.x = x.m,
                                .n = N,
                                .hop = HOP,
                                .mag_limit = 100,
                                .limit = 1,
                                .last = true,
                                .tail = tail,
                                .out = y.m});
    for (int s = 0; s < HOP * (F - 1); s++) {
        double sum = 0, squares = 0;
        for (int f = 0; f < F; f++) {
            const int at = s + N / 2 - f * HOP;
            const double w = 0.5 - 0.5 * cos(2 * M_PI * at / N);
            sum += at >= 0 && at < N ? w : 0;
            squares += at >= 0 && at < N ? w * w : 0;
        }
        CHECK_NEAR(y.m.p[s], sum / (N * squares), 1e-6);
    }
    matrix_free(&x);
    matrix_free(&y);
}

int main(void)
{
    for_each_device(pieces_have_the_bits_of_the_whole);
    for_each_device(a_constant_comes_back);
    for_each_variant(a_signal_agrees);
    return 0;
}
