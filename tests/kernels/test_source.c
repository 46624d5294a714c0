#include "tests/check.h"
#include "tests/kernels/devices.h"

#include <string.h>

enum { MOST_HARMONICS = 20 };

typedef struct {
    int H;
    matrix f0, noise, out;
    double phase[MOST_HARMONICS];
    float *phase0, *w, *bias;
    cbx_sine_source op;
} source;

static source random_source(void)
{
    source s = {.H = pick(0, 1) ? 9 : pick(1, MOST_HARMONICS)};
    const int T = pick(1, 12), hop = pick(1, 60);
    s.f0 = matrix_new(T, 1, pick(0, 2), 1);
    for (int i = 0; i < T; i++)
        s.f0.m.p[i * s.f0.m.ld] = pick(0, 3) ? real(60, 900) : real(0, 10);
    s.noise = matrix_new(T * hop, s.H, pick(0, 2), 2);
    s.out = matrix_new(T * hop, 1, pick(0, 2), 1);
    for (int h = 0; h < s.H; h++)
        s.phase[h] = (double)real(0, 0.999f);
    s.phase0 = numbers(s.H, 3.14159f);
    s.w = numbers(s.H, 1);
    s.bias = numbers(1, 0.1f);
    s.op = (cbx_sine_source){.f0 = s.f0.m,
                             .hop = hop,
                             .rate = 24000,
                             .amp = 0.1f,
                             .noise_std = 0.003f,
                             .gate = 10,
                             .harmonics = s.H,
                             .phase0 = s.phase0,
                             .noise = s.noise.m,
                             .w = s.w,
                             .bias = s.bias,
                             .out = s.out.m};
    return s;
}

static void source_free(source *s)
{
    matrix_free(&s->f0);
    matrix_free(&s->noise);
    matrix_free(&s->out);
    free(s->phase0);
    free(s->w);
    free(s->bias);
}

static matrix compute(cbx_dev *d, const source *s, double *phase)
{
    matrix out = matrix_like(&s->out);
    cbx_sine_source op = s->op;
    memcpy(phase, s->phase, sizeof s->phase);
    op.phase = phase;
    op.out.p = out.m.p;
    d->k->sine_source(d, &op);
    d->k->sync(d);
    check_guards(&out);
    return out;
}

/* Waves add up to 20 * 0.1 before the tanh, each off by some 5e-7. */
static void a_source_agrees_and_so_do_its_phases(cbx_dev *ref, cbx_dev *fast)
{
    for (int i = 0; i < 200; i++) {
        source s = random_source();
        double pr[MOST_HARMONICS], pf[MOST_HARMONICS];
        matrix want = compute(ref, &s, pr), got = compute(fast, &s, pf);
        check_close(&got, &want, 2e-6, 0);
        CHECK(!memcmp(pr, pf, sizeof pr));
        matrix_free(&want);
        matrix_free(&got);
        source_free(&s);
    }
}

static void pieces_have_the_bits_of_the_whole(cbx_dev *d)
{
    for (int i = 0; i < 60; i++) {
        source s = random_source();
        double phase[MOST_HARMONICS];
        matrix want = compute(d, &s, phase);
        s.op.phase = s.phase;
        for (int t = 0, n; t < s.f0.m.rows; t += n) {
            cbx_sine_source op = s.op;
            n = pick(1, s.f0.m.rows - t);
            op.f0 = cbx_rows(op.f0, t, n);
            op.noise = cbx_rows(op.noise, t * op.hop, n * op.hop);
            op.out = cbx_rows(op.out, t * op.hop, n * op.hop);
            d->k->sine_source(d, &op);
        }
        check_same(&s.out, &want);
        CHECK(!memcmp(phase, s.phase, (size_t)s.H * sizeof *phase));
        matrix_free(&want);
        source_free(&s);
    }
}

/* One harmonic, no noise: the formula of the header. */
static void a_steady_tone_is_a_sine(cbx_dev *d)
{
    enum { N = 4800 };
    float f0 = 440, w = 1, bias = 0, phase0 = 0.5f;
    double phase = 0;
    matrix noise = matrix_new(N, 1, 0, 0), out = matrix_new(N, 1, 0, 0);
    d->k->sine_source(d, &(cbx_sine_source){.f0 = {&f0, 1, 1, 1},
                                            .hop = N,
                                            .rate = 24000,
                                            .amp = 0.1f,
                                            .gate = 10,
                                            .harmonics = 1,
                                            .phase = &phase,
                                            .phase0 = &phase0,
                                            .noise = noise.m,
                                            .w = &w,
                                            .bias = &bias,
                                            .out = out.m});
    for (int n = 0; n < N; n++) {
        const double turns = (n + 1) * (440.0 / 24000);
        CHECK_NEAR(out.m.p[n], tanh(0.1 * sin(2 * M_PI * turns + 0.5)), 2e-5);
    }
    matrix_free(&noise);
    matrix_free(&out);
}

int main(void)
{
    for_each_device(pieces_have_the_bits_of_the_whole);
    for_each_device(a_steady_tone_is_a_sine);
    for_each_variant(a_source_agrees_and_so_do_its_phases);
    return 0;
}
