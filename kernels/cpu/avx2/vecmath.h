#ifndef CBX_KERNELS_CPU_AVX2_VECMATH_H
#define CBX_KERNELS_CPU_AVX2_VECMATH_H

#include <immintrin.h>
#include <math.h>

/* Functions of eight floats. The polynomials are Chebyshev fits made for the
 * stated ranges. Errors are against the exact value for every finite argument
 * (tests/kernels: test_vecmath.c):
 *   v_exp, v_sigmoid       3e-7 relative (results below 2^-126 become 0)
 *   v_expm1                3e-7 relative
 *   v_sin, v_cos           2e-7 absolute
 *   v_erf, v_tanh          2e-7 absolute, v_tanh also 4e-7 relative
 * NaN stays NaN, and no finite argument gives NaN. */

static inline __m256 v_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline __m256 v_abs(__m256 x)
{
    return _mm256_andnot_ps(v_set(-0.0f), x);
}

/* |size| with the sign of x */
static inline __m256 v_sign_of(__m256 size, __m256 x)
{
    return _mm256_or_ps(size, _mm256_and_ps(v_set(-0.0f), x));
}

static inline __m256 v_round(__m256 x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* Lanes [0, n) of eight. */
static inline __m256i v_first(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* e^r - 1 for |r| <= ln 2 / 2 */
static inline __m256 v_expm1_near(__m256 r)
{
    __m256 p = v_set(0.001392617612f);
    p = _mm256_fmadd_ps(p, r, v_set(0.008363173075f));
    p = _mm256_fmadd_ps(p, r, v_set(0.04166655466f));
    p = _mm256_fmadd_ps(p, r, v_set(0.1666657703f));
    p = _mm256_fmadd_ps(p, r, v_set(0.5f));
    return _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r);
}

/* x = n ln 2 + r; x within +-128 */
static inline __m256 v_reduce_ln2(__m256 x, __m256 *r)
{
    const __m256 n = v_round(_mm256_mul_ps(x, v_set(1.44269504f)));
    *r = _mm256_fnmadd_ps(n, v_set(0x1.62e43p-1f), x);
    *r = _mm256_fnmadd_ps(n, v_set(-0x1.05c61p-29f), *r);
    return n;
}

/* 2^n for whole n in [-126, 127] */
static inline __m256 v_exp2_whole(__m256 n)
{
    const __m256i e =
        _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}

static inline __m256 v_exp(__m256 x)
{
    const __m256 low = v_set(-87.33654f), high = v_set(88.72283f);
    const __m256 under = _mm256_cmp_ps(x, low, _CMP_LT_OQ);
    const __m256 over = _mm256_cmp_ps(x, high, _CMP_GT_OQ);
    __m256 r;
    /* min and max give their second operand for a NaN, which so stays */
    x = _mm256_max_ps(low, _mm256_min_ps(high, x));
    const __m256 n = v_reduce_ln2(x, &r);
    /* n may be 128: two factors */
    const __m256 n1 = _mm256_min_ps(n, v_set(127));
    __m256 y = _mm256_add_ps(v_expm1_near(r), v_set(1));
    y = _mm256_mul_ps(y, v_exp2_whole(n1));
    y = _mm256_mul_ps(y, v_exp2_whole(_mm256_sub_ps(n, n1)));
    y = _mm256_andnot_ps(under, y);
    return _mm256_blendv_ps(y, v_set(INFINITY), over);
}

/* e^x - 1 for x <= 88 */
static inline __m256 v_expm1(__m256 x)
{
    __m256 r;
    x = _mm256_max_ps(v_set(-30), x);
    const __m256 n = v_reduce_ln2(x, &r);
    const __m256 s = v_exp2_whole(n);
    return _mm256_fmadd_ps(s, v_expm1_near(r), _mm256_sub_ps(s, v_set(1)));
}

static inline __m256 v_sigmoid(__m256 x)
{
    const __m256 e = v_exp(_mm256_xor_ps(x, v_set(-0.0f)));
    return _mm256_div_ps(v_set(1), _mm256_add_ps(v_set(1), e));
}

static inline __m256 v_tanh(__m256 x)
{
    const __m256 a = v_abs(x), s = _mm256_mul_ps(x, x);
    __m256 p = v_set(-0.006096714166f);
    p = _mm256_fmadd_ps(p, s, v_set(0.020997179f));
    p = _mm256_fmadd_ps(p, s, v_set(-0.05385090958f));
    p = _mm256_fmadd_ps(p, s, v_set(0.1333276974f));
    p = _mm256_fmadd_ps(p, s, v_set(-0.3333332894f));
    const __m256 near = _mm256_fmadd_ps(_mm256_mul_ps(p, s), x, x);
    const __m256 e = v_exp(_mm256_add_ps(a, a));
    const __m256 far = _mm256_sub_ps(
        v_set(1), _mm256_div_ps(v_set(2), _mm256_add_ps(e, v_set(1))));
    return _mm256_blendv_ps(near, v_sign_of(far, x),
                            _mm256_cmp_ps(a, v_set(0.625f), _CMP_GE_OQ));
}

/* x P(x^2) up to 1, 1 - e^-Q(|x|) up to 4, then 1 */
static inline __m256 v_erf(__m256 x)
{
    const __m256 a = _mm256_min_ps(v_set(4), v_abs(x));
    const __m256 s = _mm256_mul_ps(x, x);
    __m256 p = v_set(7.875875063e-5f);
    p = _mm256_fmadd_ps(p, s, v_set(-0.0008016864287f));
    p = _mm256_fmadd_ps(p, s, v_set(0.005189087423f));
    p = _mm256_fmadd_ps(p, s, v_set(-0.02685421201f));
    p = _mm256_fmadd_ps(p, s, v_set(0.1128359472f));
    p = _mm256_fmadd_ps(p, s, v_set(-0.3761262667f));
    p = _mm256_fmadd_ps(p, s, v_set(1.128379166f));
    __m256 q = v_set(-1.637151415e-6f);
    q = _mm256_fmadd_ps(q, a, v_set(4.605804269e-5f));
    q = _mm256_fmadd_ps(q, a, v_set(-0.0005968056257f));
    q = _mm256_fmadd_ps(q, a, v_set(0.004759596293f));
    q = _mm256_fmadd_ps(q, a, v_set(-0.02642113601f));
    q = _mm256_fmadd_ps(q, a, v_set(0.1100800829f));
    q = _mm256_fmadd_ps(q, a, v_set(0.6318260516f));
    q = _mm256_fmadd_ps(q, a, v_set(1.130233435f));
    q = _mm256_fmadd_ps(q, a, v_set(-0.0003201380497f));
    const __m256 e = v_exp(_mm256_xor_ps(q, v_set(-0.0f)));
    const __m256 far = v_sign_of(_mm256_sub_ps(v_set(1), e), x);
    return _mm256_blendv_ps(_mm256_mul_ps(p, x), far,
                            _mm256_cmp_ps(a, v_set(1), _CMP_GE_OQ));
}

/* sin(r) for |r| <= pi/2 */
static inline __m256 v_sin_near(__m256 r)
{
    const __m256 s = _mm256_mul_ps(r, r);
    __m256 p = v_set(2.634756392e-6f);
    p = _mm256_fmadd_ps(p, s, v_set(-0.0001982273949f));
    p = _mm256_fmadd_ps(p, s, v_set(0.008333242135f));
    p = _mm256_fmadd_ps(p, s, v_set(-0.1666666596f));
    return _mm256_fmadd_ps(_mm256_mul_ps(p, s), r, r);
}

/* sin(x - n pi) (-1)^whole, which is sin(x) for n = whole and -cos(x) for
 * n = whole + 1/2 */
static inline __m256 v_sin_turned(__m256 x, __m256 n, __m256 whole)
{
    __m256 r = _mm256_fnmadd_ps(n, v_set(0x1.921fb6p+1f), x);
    r = _mm256_fnmadd_ps(n, v_set(-0x1.777a5cp-24f), r);
    r = _mm256_fnmadd_ps(n, v_set(-0x1.ee59dap-49f), r);
    const __m256i odd = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 31);
    return _mm256_xor_ps(v_sin_near(r), _mm256_castsi256_ps(odd));
}

/* The C library's result for lanes too large to reduce in floats. */
__m256 v_sin_far(__m256 x);
__m256 v_cos_far(__m256 x);

static inline int v_is_far(__m256 x)
{
    return _mm256_movemask_ps(
        _mm256_cmp_ps(v_abs(x), v_set(30000), _CMP_NLE_UQ));
}

static inline __m256 v_sin(__m256 x)
{
    if (__builtin_expect(v_is_far(x), 0))
        return v_sin_far(x);
    const __m256 n = v_round(_mm256_mul_ps(x, v_set(0.318309886f)));
    return v_sin_turned(x, n, n);
}

static inline __m256 v_cos(__m256 x)
{
    if (__builtin_expect(v_is_far(x), 0))
        return v_cos_far(x);
    const __m256 half = v_set(0.5f);
    const __m256 n = v_round(_mm256_fmsub_ps(x, v_set(0.318309886f), half));
    const __m256 c = v_sin_turned(x, _mm256_add_ps(n, half), n);
    return _mm256_xor_ps(c, v_set(-0.0f));
}

/* Sum of the lanes in a fixed order: ((0+4)+(2+6)) + ((1+5)+(3+7)). */
static inline float v_sum(__m256 x)
{
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

static inline float v_max(__m256 x)
{
    __m128 s =
        _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

#endif
