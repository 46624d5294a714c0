#ifndef CBX_KERNELS_CPU_SIMD_VEC_AVX2_H
#define CBX_KERNELS_CPU_SIMD_VEC_AVX2_H

/* vec.h with AVX2 and FMA: 16 registers of eight. */
#include <immintrin.h>

typedef __m256 vf;
typedef __m256 vm;
enum { VL = 8, V_REGISTERS = 16 };

#define v_set(x) _mm256_set1_ps(x)
#define v_zero() _mm256_setzero_ps()
#define v_loadu(p) _mm256_loadu_ps(p)
#define v_storeu(p, x) _mm256_storeu_ps(p, x)
#define v_add(a, b) _mm256_add_ps(a, b)
#define v_sub(a, b) _mm256_sub_ps(a, b)
#define v_mul(a, b) _mm256_mul_ps(a, b)
#define v_div(a, b) _mm256_div_ps(a, b)
#define v_min(a, b) _mm256_min_ps(a, b)
#define v_max(a, b) _mm256_max_ps(a, b)
#define v_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define v_fnma(a, b, c) _mm256_fnmadd_ps(a, b, c)
#define v_fms(a, b, c) _mm256_fmsub_ps(a, b, c)
#define v_round(x) \
    _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define v_sqrt(x) _mm256_sqrt_ps(x)

#define v_lt(a, b) _mm256_cmp_ps(a, b, _CMP_LT_OQ)
#define v_gt(a, b) _mm256_cmp_ps(a, b, _CMP_GT_OQ)
#define v_le(a, b) _mm256_cmp_ps(a, b, _CMP_LE_OQ)
#define v_ge(a, b) _mm256_cmp_ps(a, b, _CMP_GE_OQ)
#define v_not_le(a, b) _mm256_cmp_ps(a, b, _CMP_NLE_UQ)
/* m ? a : b, m ? a : 0, one bit for each lane */
#define v_select(m, a, b) _mm256_blendv_ps(b, a, m)
#define v_keep(m, a) _mm256_and_ps(m, a)
#define v_bits(m) ((unsigned)_mm256_movemask_ps(m))

static inline vm v_first(int n)
{
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(
        _mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}

static inline vf v_load_some(const float *p, int n)
{
    return _mm256_maskload_ps(p, _mm256_castps_si256(v_first(n)));
}

static inline void v_store_some(float *p, int n, vf x)
{
    _mm256_maskstore_ps(p, _mm256_castps_si256(v_first(n)), x);
}

static inline vf v_abs(vf x)
{
    return _mm256_andnot_ps(v_set(-0.0f), x);
}

static inline vf v_neg(vf x)
{
    return _mm256_xor_ps(x, v_set(-0.0f));
}

/* |size| with the sign of x */
static inline vf v_sign_of(vf size, vf x)
{
    return _mm256_or_ps(size, _mm256_and_ps(v_set(-0.0f), x));
}

/* 2^n for whole n in [-126, 127] */
static inline vf v_exp2_whole(vf n)
{
    const __m256i e =
        _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}

/* x (-1)^whole */
static inline vf v_flip_odd(vf x, vf whole)
{
    const __m256i odd = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 31);
    return _mm256_xor_ps(x, _mm256_castsi256_ps(odd));
}

/* Sum of the lanes in a fixed order: ((0+4)+(2+6)) + ((1+5)+(3+7)). */
static inline float v_sum(vf x)
{
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

static inline float v_largest(vf x)
{
    __m128 s =
        _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

/* The lanes of four vectors added up, in the order of the four. */
static inline f4 v_sum4(const vf s[4])
{
    const __m256 a = _mm256_hadd_ps(s[0], s[1]);
    const __m256 b = _mm256_hadd_ps(s[2], s[3]);
    const __m256 c = _mm256_hadd_ps(a, b);
    return (f4)_mm_add_ps(_mm256_castps256_ps128(c),
                          _mm256_extractf128_ps(c, 1));
}

/* VL pairs of bf16: the first and the second of each. */
static inline void v_load_pairs(const uint16_t *p, vf *first, vf *second)
{
    const __m256i x = _mm256_loadu_si256((const void *)p);
    *first = _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
    *second = _mm256_castsi256_ps(
        _mm256_and_si256(x, _mm256_set1_epi32((int)0xffff0000u)));
}

static inline vf v_load_bf16(const uint16_t *p)
{
    const __m256i x = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

static inline vf v_load_i8(const int8_t *p)
{
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)));
}

/* VL bytes, each two numbers in [-8, 8) plus 8: the low halves, the high ones.
 */
static inline void v_load_i4(const uint8_t *p, vf *low, vf *high)
{
    const __m256i x = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p));
    const __m256i eight = _mm256_set1_epi32(8);
    *low = _mm256_cvtepi32_ps(
        _mm256_sub_epi32(_mm256_and_si256(x, _mm256_set1_epi32(15)), eight));
    *high =
        _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(x, 4), eight));
}

#endif
