#ifndef CBX_KERNELS_CPU_SIMD_VECMATH_H
#define CBX_KERNELS_CPU_SIMD_VECMATH_H

#include "kernels/cpu/simd/simd.h"
#include "kernels/cpu/simd/vec.h"

/* Functions of VL floats. The polynomials are Chebyshev fits made for the
 * stated ranges. Errors are against the exact value for every finite argument
 * (tests/kernels: test_vecmath.c):
 *   v_exp, v_sigmoid       3e-7 relative (results below 2^-126 become 0)
 *   v_expm1                3e-7 relative
 *   v_sin, v_cos           2e-7 absolute
 *   v_erf, v_tanh          2e-7 absolute, v_tanh also 4e-7 relative
 * NaN stays NaN, and no finite argument gives NaN. */

/* e^r - 1 for |r| <= ln 2 / 2 */
static inline vf v_expm1_near(vf r)
{
    vf p = v_set(0.001392617612f);
    p = v_fma(p, r, v_set(0.008363173075f));
    p = v_fma(p, r, v_set(0.04166655466f));
    p = v_fma(p, r, v_set(0.1666657703f));
    p = v_fma(p, r, v_set(0.5f));
    return v_fma(p, v_mul(r, r), r);
}

/* x = n ln 2 + r; x within +-128 */
static inline vf v_reduce_ln2(vf x, vf *r)
{
    const vf n = v_round(v_mul(x, v_set(1.44269504f)));
    *r = v_fnma(n, v_set(0x1.62e43p-1f), x);
    *r = v_fnma(n, v_set(-0x1.05c61p-29f), *r);
    return n;
}

static inline vf v_exp(vf x)
{
    const vf low = v_set(-87.33654f), high = v_set(88.72283f);
    const vm under = v_lt(x, low);
    const vm over = v_gt(x, high);
    vf r;
    /* min and max give their second operand for a NaN, which so stays */
    x = v_max(low, v_min(high, x));
    const vf n = v_reduce_ln2(x, &r);
    /* n may be 128: two factors */
    const vf n1 = v_min(n, v_set(127));
    vf y = v_add(v_expm1_near(r), v_set(1));
    y = v_mul(y, v_exp2_whole(n1));
    y = v_mul(y, v_exp2_whole(v_sub(n, n1)));
    y = v_select(under, v_zero(), y);
    return v_select(over, v_set(INFINITY), y);
}

/* e^x - 1 for x <= 88 */
static inline vf v_expm1(vf x)
{
    vf r;
    x = v_max(v_set(-30), x);
    const vf n = v_reduce_ln2(x, &r);
    const vf s = v_exp2_whole(n);
    return v_fma(s, v_expm1_near(r), v_sub(s, v_set(1)));
}

static inline vf v_sigmoid(vf x)
{
    const vf e = v_exp(v_neg(x));
    return v_div(v_set(1), v_add(v_set(1), e));
}

static inline vf v_tanh(vf x)
{
    const vf a = v_abs(x), s = v_mul(x, x);
    vf p = v_set(-0.006096714166f);
    p = v_fma(p, s, v_set(0.020997179f));
    p = v_fma(p, s, v_set(-0.05385090958f));
    p = v_fma(p, s, v_set(0.1333276974f));
    p = v_fma(p, s, v_set(-0.3333332894f));
    const vf near = v_fma(v_mul(p, s), x, x);
    const vf e = v_exp(v_add(a, a));
    const vf far = v_sub(v_set(1), v_div(v_set(2), v_add(e, v_set(1))));
    return v_select(v_ge(a, v_set(0.625f)), v_sign_of(far, x), near);
}

/* x P(x^2) up to 1, 1 - e^-Q(|x|) up to 4, then 1 */
static inline vf v_erf(vf x)
{
    const vf a = v_min(v_set(4), v_abs(x));
    const vf s = v_mul(x, x);
    vf p = v_set(7.875875063e-5f);
    p = v_fma(p, s, v_set(-0.0008016864287f));
    p = v_fma(p, s, v_set(0.005189087423f));
    p = v_fma(p, s, v_set(-0.02685421201f));
    p = v_fma(p, s, v_set(0.1128359472f));
    p = v_fma(p, s, v_set(-0.3761262667f));
    p = v_fma(p, s, v_set(1.128379166f));
    vf q = v_set(-1.637151415e-6f);
    q = v_fma(q, a, v_set(4.605804269e-5f));
    q = v_fma(q, a, v_set(-0.0005968056257f));
    q = v_fma(q, a, v_set(0.004759596293f));
    q = v_fma(q, a, v_set(-0.02642113601f));
    q = v_fma(q, a, v_set(0.1100800829f));
    q = v_fma(q, a, v_set(0.6318260516f));
    q = v_fma(q, a, v_set(1.130233435f));
    q = v_fma(q, a, v_set(-0.0003201380497f));
    const vf e = v_exp(v_neg(q));
    const vf far = v_sign_of(v_sub(v_set(1), e), x);
    return v_select(v_ge(a, v_set(1)), far, v_mul(p, x));
}

/* sin(r) for |r| <= pi/2 */
static inline vf v_sin_near(vf r)
{
    const vf s = v_mul(r, r);
    vf p = v_set(2.634756392e-6f);
    p = v_fma(p, s, v_set(-0.0001982273949f));
    p = v_fma(p, s, v_set(0.008333242135f));
    p = v_fma(p, s, v_set(-0.1666666596f));
    return v_fma(v_mul(p, s), r, r);
}

/* sin(x - n pi) (-1)^whole, which is sin(x) for n = whole and -cos(x) for
 * n = whole + 1/2 */
static inline vf v_sin_turned(vf x, vf n, vf whole)
{
    vf r = v_fnma(n, v_set(0x1.921fb6p+1f), x);
    r = v_fnma(n, v_set(-0x1.777a5cp-24f), r);
    r = v_fnma(n, v_set(-0x1.ee59dap-49f), r);
    return v_flip_odd(v_sin_near(r), whole);
}

/* The C library's result for lanes too large to reduce in floats. */
vf FN(sin_far)(vf x);
vf FN(cos_far)(vf x);

static inline unsigned v_far(vf x)
{
    return v_bits(v_not_le(v_abs(x), v_set(30000)));
}

static inline vf v_sin(vf x)
{
    if (__builtin_expect(v_far(x), 0))
        return FN(sin_far)(x);
    const vf n = v_round(v_mul(x, v_set(0.318309886f)));
    return v_sin_turned(x, n, n);
}

static inline vf v_cos(vf x)
{
    if (__builtin_expect(v_far(x), 0))
        return FN(cos_far)(x);
    const vf half = v_set(0.5f);
    const vf n = v_round(v_fms(x, v_set(0.318309886f), half));
    const vf c = v_sin_turned(x, v_add(n, half), n);
    return v_neg(c);
}

#endif
