#include "kernels/cpu/simd/act.h"

#include "tests/check.h"

#include <float.h>
#include <string.h>

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define ISA TEXT(CBX_ISA)

typedef struct {
    double absolute, relative;
} limits;

static double worst;

static void check_lanes(vf (*f)(vf), double (*exact)(double), const float *x,
                        limits l)
{
    float y[VL];
    v_storeu(y, f(v_loadu(x)));
    for (int i = 0; i < VL; i++) {
        const double want = exact((double)x[i]);
        if (fabs(want) > (double)FLT_MAX) {
            CHECK((double)y[i] == (want > 0 ? INFINITY : -INFINITY));
            continue;
        }
        const double off = fabs((double)y[i] - want);
        const double bound = l.absolute + l.relative * fabs(want);
        if (!(off <= bound))
            fprintf(stderr, "x %a: got %a, want %a\n", (double)x[i],
                    (double)y[i], want);
        CHECK(off <= bound);
        worst = fmax(worst, off / bound);
    }
}

/* A grid over [low, high], and every 2^k. */
static void check_range(vf (*f)(vf), double (*exact)(double), double low,
                        double high, limits l)
{
    enum { STEPS = 1 << 18 };
    float x[VL];
    for (int i = 0; i < STEPS; i += VL) {
        for (int k = 0; k < VL; k++)
            x[k] = (float)(low + (high - low) * (i + k) / (STEPS - 1));
        check_lanes(f, exact, x, l);
    }
    for (int e = -140; e < 128; e++) {
        for (int k = 0; k < VL; k++) {
            const float v = ldexpf(1.0f + (float)(k / 2) / 4, e);
            x[k] = k & 1 ? -v : v;
            if ((double)x[k] < low || (double)x[k] > high)
                x[k] = (float)low;
        }
        check_lanes(f, exact, x, l);
    }
}

static vf exp_of(vf x)
{
    return v_exp(x);
}

static vf expm1_of(vf x)
{
    return v_expm1(x);
}

static vf sigmoid_of(vf x)
{
    return v_sigmoid(x);
}

static vf tanh_of(vf x)
{
    return v_tanh(x);
}

static vf erf_of(vf x)
{
    return v_erf(x);
}

static vf sin_of(vf x)
{
    return v_sin(x);
}

static vf cos_of(vf x)
{
    return v_cos(x);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static const double all = FLT_MAX;

static void functions_keep_their_stated_errors(void)
{
    check_range(exp_of, exp, -100, 100, (limits){1.2e-38, 3e-7});
    check_range(exp_of, exp, -all, all, (limits){1.2e-38, 3e-7});
    check_range(expm1_of, expm1, -40, 88, (limits){0, 3e-7});
    check_range(expm1_of, expm1, -1, 1, (limits){0, 3e-7});
    check_range(sigmoid_of, sigmoid, -87, 100, (limits){0, 3e-7});
    check_range(sigmoid_of, sigmoid, -all, all, (limits){1.2e-38, 3e-7});
    check_range(tanh_of, tanh, -2, 2, (limits){0, 4e-7});
    check_range(tanh_of, tanh, -all, all, (limits){0, 4e-7});
    check_range(erf_of, erf, -5, 5, (limits){2e-7, 0});
    check_range(erf_of, erf, -all, all, (limits){2e-7, 0});
    check_range(sin_of, sin, -10, 10, (limits){2e-7, 0});
    check_range(sin_of, sin, -30000, 30000, (limits){2e-7, 0});
    check_range(sin_of, sin, -all, all, (limits){2e-7, 0});
    check_range(cos_of, cos, -10, 10, (limits){2e-7, 0});
    check_range(cos_of, cos, -30000, 30000, (limits){2e-7, 0});
    check_range(cos_of, cos, -all, all, (limits){2e-7, 0});
}

static void not_a_number_stays_one(void)
{
    static vf (*const f[])(vf) = {exp_of, expm1_of, sigmoid_of, tanh_of,
                                  erf_of, sin_of,   cos_of};
    for (size_t i = 0; i < sizeof f / sizeof *f; i++) {
        float y[VL];
        float x[VL] = {1, 0, 0, NAN};
        v_storeu(y, f[i](v_loadu(x)));
        CHECK(isnan(y[3]));
        CHECK(isfinite(y[0]) && isfinite(y[1]) && isfinite(y[2]));
    }
}

static void no_activation_of_a_finite_number_is_nan(void)
{
    static const float far[] = {3e38f, 1e30f, 1e9f, 90.f, 20.f, 1e-40f, 0};
    float alpha[VL];
    for (int i = 0; i < VL; i++)
        alpha[i] = 0.5f;
    for (int kind = 0; kind <= CBX_ACT_SNAKE; kind++)
        for (size_t i = 0; i < sizeof far / sizeof *far; i++)
            for (int s = -1; s <= 1; s += 2) {
                const cbx_act act = {(cbx_act_kind)kind, 0.1f, alpha};
                float y[VL];
                v_storeu(y, v_act(&act, v_set(s * far[i]), 0, VL));
                CHECK(!isnan(y[0]));
            }
}

static void a_far_lane_does_not_change_its_neighbours(void)
{
    float y[VL], z[VL];
    for (int i = 0; i < 1000; i++) {
        const float x = (float)i * 0.37f;
        v_storeu(y, v_sin(v_set(x)));
        float far[VL];
        for (int k = 0; k < VL; k++)
            far[k] = k == 2 ? 1e9f : x;
        v_storeu(z, v_sin(v_loadu(far)));
        CHECK(y[0] == z[0] && y[VL - 1] == z[VL - 1] && z[2] == sinf(1e9f));
    }
}

int main(void)
{
    const char *const *name = cbx_cpu_variants();
    while (*name && strcmp(*name, ISA) != 0)
        name++;
    if (!*name)
        SKIP("no-" ISA ": this processor cannot run these functions");
    functions_keep_their_stated_errors();
    not_a_number_stays_one();
    no_activation_of_a_finite_number_is_nan();
    a_far_lane_does_not_change_its_neighbours();
    printf("worst error: %.2f of what is allowed\n", worst);
    return 0;
}
