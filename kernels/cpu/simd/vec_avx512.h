#ifndef CBX_KERNELS_CPU_SIMD_VEC_AVX512_H
#define CBX_KERNELS_CPU_SIMD_VEC_AVX512_H

/* vec.h with AVX-512 (F, BW, DQ, VL): 32 registers of sixteen. */
#include <immintrin.h>

typedef __m512 vf;
typedef __mmask16 vm;
enum { VL = 16, V_REGISTERS = 32 };

#define v_set(x) _mm512_set1_ps(x)
#define v_zero() _mm512_setzero_ps()
#define v_loadu(p) _mm512_loadu_ps(p)
#define v_storeu(p, x) _mm512_storeu_ps(p, x)
#define v_add(a, b) _mm512_add_ps(a, b)
#define v_sub(a, b) _mm512_sub_ps(a, b)
#define v_mul(a, b) _mm512_mul_ps(a, b)
#define v_div(a, b) _mm512_div_ps(a, b)
#define v_min(a, b) _mm512_min_ps(a, b)
#define v_max(a, b) _mm512_max_ps(a, b)
#define v_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define v_fnma(a, b, c) _mm512_fnmadd_ps(a, b, c)
#define v_fms(a, b, c) _mm512_fmsub_ps(a, b, c)
#define v_round(x) \
    _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define v_sqrt(x) _mm512_sqrt_ps(x)

#define v_lt(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ)
#define v_gt(a, b) _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ)
#define v_le(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ)
#define v_ge(a, b) _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ)
#define v_not_le(a, b) _mm512_cmp_ps_mask(a, b, _CMP_NLE_UQ)
/* m ? a : b, m ? a : 0, one bit for each lane */
#define v_select(m, a, b) _mm512_mask_blend_ps(m, b, a)
#define v_keep(m, a) _mm512_maskz_mov_ps(m, a)
#define v_bits(m) ((unsigned)(m))

static inline vm v_first(int n)
{
    return (vm)(n >= 16 ? 0xffffu : n <= 0 ? 0u : (1u << n) - 1u);
}

static inline vf v_load_some(const float *p, int n)
{
    return _mm512_maskz_loadu_ps(v_first(n), p);
}

static inline void v_store_some(float *p, int n, vf x)
{
    _mm512_mask_storeu_ps(p, v_first(n), x);
}

static inline vf v_abs(vf x)
{
    return _mm512_abs_ps(x);
}

static inline vf v_neg(vf x)
{
    return _mm512_xor_ps(x, v_set(-0.0f));
}

/* |size| with the sign of x */
static inline vf v_sign_of(vf size, vf x)
{
    return _mm512_or_ps(size, _mm512_and_ps(v_set(-0.0f), x));
}

/* 2^n for whole n in [-126, 127] */
static inline vf v_exp2_whole(vf n)
{
    const __m512i e =
        _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(e, 23));
}

/* x (-1)^whole */
static inline vf v_flip_odd(vf x, vf whole)
{
    const __m512i odd = _mm512_slli_epi32(_mm512_cvtps_epi32(whole), 31);
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(x), odd));
}

static inline __m256 v_halves_added(vf x)
{
    return _mm256_add_ps(_mm512_castps512_ps256(x),
                         _mm512_extractf32x8_ps(x, 1));
}

/* Sum of the lanes in a fixed order: of halves, again and again. */
static inline float v_sum(vf x)
{
    const __m256 h = v_halves_added(x);
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

static inline float v_largest(vf x)
{
    return _mm512_reduce_max_ps(x);
}

/* The lanes of four vectors added up, in the order of the four. */
static inline f4 v_sum4(const vf s[4])
{
    const __m256 a = _mm256_hadd_ps(v_halves_added(s[0]), v_halves_added(s[1]));
    const __m256 b = _mm256_hadd_ps(v_halves_added(s[2]), v_halves_added(s[3]));
    const __m256 c = _mm256_hadd_ps(a, b);
    return (f4)_mm_add_ps(_mm256_castps256_ps128(c),
                          _mm256_extractf128_ps(c, 1));
}

/* VL pairs of bf16: the first and the second of each. */
static inline void v_load_pairs(const uint16_t *p, vf *first, vf *second)
{
    const __m512i x = _mm512_loadu_si512(p);
    *first = _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
    *second = _mm512_castsi512_ps(
        _mm512_and_si512(x, _mm512_set1_epi32((int)0xffff0000u)));
}

static inline vf v_load_bf16(const uint16_t *p)
{
    const __m512i x =
        _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
}

static inline vf v_load_i8(const int8_t *p)
{
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)));
}

/* VL bytes, each two numbers in [-8, 8) plus 8: the low halves, the high ones.
 */
static inline void v_load_i4(const uint8_t *p, vf *low, vf *high)
{
    /* a permutation looks at the four low bits of an index only */
    const __m512 values =
        _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    const __m512i x = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)p));
    *low = _mm512_permutexvar_ps(x, values);
    *high = _mm512_permutexvar_ps(_mm512_srli_epi32(x, 4), values);
}

#endif
