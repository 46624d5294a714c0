#ifndef CBX_KERNELS_CPU_SIMD_VEC_NEON_H
#define CBX_KERNELS_CPU_SIMD_VEC_NEON_H

/* vec.h with NEON of AArch64: 32 registers of four. */
#include <arm_neon.h>

typedef float32x4_t vf;
typedef uint32x4_t vm;
enum { VL = 4, V_REGISTERS = 32 };

#define v_set(x) vdupq_n_f32(x)
#define v_zero() vdupq_n_f32(0)
#define v_loadu(p) vld1q_f32(p)
#define v_storeu(p, x) vst1q_f32(p, x)
#define v_add(a, b) vaddq_f32(a, b)
#define v_sub(a, b) vsubq_f32(a, b)
#define v_mul(a, b) vmulq_f32(a, b)
#define v_div(a, b) vdivq_f32(a, b)
#define v_fma(a, b, c) vfmaq_f32(c, a, b)
#define v_fnma(a, b, c) vfmsq_f32(c, a, b)
#define v_fms(a, b, c) vfmaq_f32(vnegq_f32(c), a, b)
#define v_round(x) vrndnq_f32(x)
#define v_sqrt(x) vsqrtq_f32(x)

#define v_lt(a, b) vcltq_f32(a, b)
#define v_gt(a, b) vcgtq_f32(a, b)
#define v_le(a, b) vcleq_f32(a, b)
#define v_ge(a, b) vcgeq_f32(a, b)
#define v_not_le(a, b) vmvnq_u32(vcleq_f32(a, b))
/* m ? a : b, m ? a : 0, one bit for each lane */
#define v_select(m, a, b) vbslq_f32(m, a, b)

static inline vf v_keep(vm m, vf a)
{
    return vreinterpretq_f32_u32(vandq_u32(m, vreinterpretq_u32_f32(a)));
}

static inline unsigned v_bits(vm m)
{
    static const uint32_t bit[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, vld1q_u32(bit)));
}

static inline vf v_min(vf a, vf b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

static inline vf v_max(vf a, vf b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline vm v_first(int n)
{
    static const int32_t lanes[4] = {0, 1, 2, 3};
    return vcltq_s32(vld1q_s32(lanes), vdupq_n_s32(n));
}

static inline vf v_load_some(const float *p, int n)
{
    float x[4] = {0};
    for (int i = 0; i < n && i < 4; i++)
        x[i] = p[i];
    return vld1q_f32(x);
}

static inline void v_store_some(float *p, int n, vf x)
{
    float all[4];
    vst1q_f32(all, x);
    for (int i = 0; i < n && i < 4; i++)
        p[i] = all[i];
}

static inline vf v_abs(vf x)
{
    return vabsq_f32(x);
}

static inline vf v_neg(vf x)
{
    return vnegq_f32(x);
}

/* |size| with the sign of x */
static inline vf v_sign_of(vf size, vf x)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), x, size);
}

/* 2^n for whole n in [-126, 127] */
static inline vf v_exp2_whole(vf n)
{
    const int32x4_t e = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(e, 23));
}

/* x (-1)^whole */
static inline vf v_flip_odd(vf x, vf whole)
{
    const uint32x4_t odd =
        vshlq_n_u32(vreinterpretq_u32_s32(vcvtnq_s32_f32(whole)), 31);
    return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x), odd));
}

/* Sum of the lanes in a fixed order: (0+2) + (1+3). */
static inline float v_sum(vf x)
{
    const float32x2_t s = vadd_f32(vget_low_f32(x), vget_high_f32(x));
    return vget_lane_f32(s, 0) + vget_lane_f32(s, 1);
}

static inline float v_largest(vf x)
{
    return vmaxvq_f32(x);
}

/* The lanes of four vectors added up, in the order of the four. */
static inline f4 v_sum4(const vf s[4])
{
    return (f4)vpaddq_f32(vpaddq_f32(s[0], s[1]), vpaddq_f32(s[2], s[3]));
}

/* VL pairs of bf16: the first and the second of each. */
static inline void v_load_pairs(const uint16_t *p, vf *first, vf *second)
{
    const uint32x4_t x = vreinterpretq_u32_u16(vld1q_u16(p));
    *first = vreinterpretq_f32_u32(vshlq_n_u32(x, 16));
    *second = vreinterpretq_f32_u32(vandq_u32(x, vdupq_n_u32(0xffff0000u)));
}

static inline vf v_load_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

static inline vf v_load_i8(const int8_t *p)
{
    int32_t x;
    __builtin_memcpy(&x, p, sizeof x);
    const int8x8_t b = vreinterpret_s8_s32(vdup_n_s32(x));
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(b))));
}

/* VL bytes, each two numbers in [-8, 8) plus 8: the low halves, the high ones.
 */
static inline void v_load_i4(const uint8_t *p, vf *low, vf *high)
{
    uint32_t w;
    __builtin_memcpy(&w, p, sizeof w);
    const uint8x8_t b = vreinterpret_u8_u32(vdup_n_u32(w));
    const int32x4_t x =
        vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(b))));
    const int32x4_t eight = vdupq_n_s32(8);
    *low = vcvtq_f32_s32(vsubq_s32(vandq_s32(x, vdupq_n_s32(15)), eight));
    *high = vcvtq_f32_s32(vsubq_s32(vshrq_n_s32(x, 4), eight));
}

#endif
