#ifndef CBX_KERNELS_CPU_SIMD_DOT4_H
#define CBX_KERNELS_CPU_SIMD_DOT4_H

#include "kernels/cpu/simd/vec.h"

/* Vectors of VL whole numbers (vi). vi_dot4(sum, w, x): each lane of `sum` plus
 * the four products of its bytes of w, without sign, and of x, with sign; exact
 * whatever the bytes are. vi_set4: the four bytes at p in every lane. */

static inline int32_t four_bytes(const int8_t *p)
{
    int32_t x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}

#if defined(__AVX512F__)
typedef __m512i vi;
#define vi_set(x) _mm512_set1_epi32(x)
#define vi_load(p) _mm512_loadu_si512(p)
#define vi_to_float(x) _mm512_cvtepi32_ps(x)

static inline vi vi_dot4(vi sum, vi w, vi x)
{
#if defined(__AVX512VNNI__)
    return _mm512_dpbusd_epi32(sum, w, x);
#else
    const vi even = _mm512_set1_epi16(255);
    const vi a =
        _mm512_madd_epi16(_mm512_and_si512(w, even),
                          _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8));
    const vi b =
        _mm512_madd_epi16(_mm512_srli_epi16(w, 8), _mm512_srai_epi16(x, 8));
    return _mm512_add_epi32(sum, _mm512_add_epi32(a, b));
#endif
}
#elif defined(__AVX2__)
typedef __m256i vi;
#define vi_set(x) _mm256_set1_epi32(x)
#define vi_load(p) _mm256_loadu_si256((const void *)(p))
#define vi_to_float(x) _mm256_cvtepi32_ps(x)

static inline vi vi_dot4(vi sum, vi w, vi x)
{
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(sum, w, x);
#else
    const vi even = _mm256_set1_epi16(255);
    const vi a =
        _mm256_madd_epi16(_mm256_and_si256(w, even),
                          _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8));
    const vi b =
        _mm256_madd_epi16(_mm256_srli_epi16(w, 8), _mm256_srai_epi16(x, 8));
    return _mm256_add_epi32(sum, _mm256_add_epi32(a, b));
#endif
}
#else
typedef int32x4_t vi;
#define vi_set(x) vdupq_n_s32(x)
#define vi_load(p) vreinterpretq_s32_s8(vld1q_s8((const int8_t *)(p)))
#define vi_to_float(x) vcvtq_f32_s32(x)

static inline vi vi_dot4(vi sum, vi w, vi x)
{
    const uint8x16_t u = vreinterpretq_u8_s32(w);
    const int8x16_t s = vreinterpretq_s8_s32(x);
    const int16x8_t w0 = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(u)));
    const int16x8_t w1 = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(u)));
    const int16x8_t x0 = vmovl_s8(vget_low_s8(s));
    const int16x8_t x1 = vmovl_s8(vget_high_s8(s));
    /* [a0+a1, a2+a3] of two lanes each */
    const int32x4_t a =
        vpaddq_s32(vmull_s16(vget_low_s16(w0), vget_low_s16(x0)),
                   vmull_s16(vget_high_s16(w0), vget_high_s16(x0)));
    const int32x4_t b =
        vpaddq_s32(vmull_s16(vget_low_s16(w1), vget_low_s16(x1)),
                   vmull_s16(vget_high_s16(w1), vget_high_s16(x1)));
    return vaddq_s32(sum, vpaddq_s32(a, b));
}
#endif

static inline vi vi_set4(const int8_t *p)
{
    return vi_set(four_bytes(p));
}

#endif
