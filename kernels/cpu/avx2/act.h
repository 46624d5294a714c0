#ifndef CBX_KERNELS_CPU_AVX2_ACT_H
#define CBX_KERNELS_CPU_AVX2_ACT_H

#include "kernels/cpu/avx2/vecmath.h"
#include "kernels/kernels.h"

/* Eight floats at p, or the first n of them and zeros. */
static inline __m256 v_load(const float *p, int n)
{
    return n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, v_first(n));
}

static inline void v_store(float *p, int n, __m256 x)
{
    if (n >= 8)
        _mm256_storeu_ps(p, x);
    else
        _mm256_maskstore_ps(p, v_first(n), x);
}

static inline __m256 v_gelu_tanh(__m256 x)
{
    /* x/2 (1 + tanh u) = x sigmoid(2u) */
    const __m256 c = _mm256_mul_ps(_mm256_mul_ps(x, x), v_set(0.044715f));
    const __m256 u =
        _mm256_mul_ps(_mm256_fmadd_ps(c, x, x), v_set(2 * 0.79788456f));
    return _mm256_mul_ps(x, v_sigmoid(u));
}

static inline __m256 v_mish(__m256 x)
{
    /* tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) */
    const __m256 e = v_exp(_mm256_min_ps(v_set(20), x));
    const __m256 n = _mm256_fmadd_ps(e, e, _mm256_add_ps(e, e));
    return _mm256_mul_ps(x, _mm256_div_ps(n, _mm256_add_ps(n, v_set(2))));
}

static inline __m256 v_snake(__m256 x, __m256 alpha)
{
    const __m256 s = v_sin(_mm256_mul_ps(alpha, x));
    return _mm256_add_ps(x, _mm256_div_ps(_mm256_mul_ps(s, s),
                                          _mm256_add_ps(alpha, v_set(1e-9f))));
}

/* act(x) of n <= 8 channels from c */
static inline __m256 v_act(const cbx_act *act, __m256 x, int c, int n)
{
    const __m256 zero = _mm256_setzero_ps(), half = v_set(0.5f);
    const __m256 negative = _mm256_cmp_ps(x, zero, _CMP_LT_OQ);
    __m256 y;
    switch (act->kind) {
    case CBX_ACT_NONE:
        return x;
    case CBX_ACT_GELU_ERF:
        y = v_erf(_mm256_mul_ps(x, v_set(0.70710678f)));
        return _mm256_mul_ps(_mm256_mul_ps(half, x),
                             _mm256_add_ps(v_set(1), y));
    case CBX_ACT_GELU_TANH:
        return v_gelu_tanh(x);
    case CBX_ACT_SILU:
        return _mm256_mul_ps(x, v_sigmoid(x));
    case CBX_ACT_MISH:
        return v_mish(x);
    case CBX_ACT_LEAKY:
        y = _mm256_mul_ps(v_set(act->slope), x);
        return _mm256_blendv_ps(x, y, negative);
    case CBX_ACT_RELU:
        return _mm256_max_ps(x, zero);
    case CBX_ACT_ELU:
        y = v_expm1(_mm256_min_ps(zero, x));
        return _mm256_blendv_ps(x, y, negative);
    case CBX_ACT_ABS:
        return v_abs(x);
    case CBX_ACT_TANH:
        return v_tanh(x);
    case CBX_ACT_SIGMOID:
        return v_sigmoid(x);
    case CBX_ACT_SNAKE:
        return v_snake(x, v_load(act->alpha + c, n));
    }
    return x;
}

#endif
