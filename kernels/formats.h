#ifndef CBX_KERNELS_FORMATS_H
#define CBX_KERNELS_FORMATS_H

#include <stdbool.h>
#include <stdint.h>

/* How numbers become bf16, int8 and int4 (kernels/kernels.h: cbx_format). Every
 * variant packs and rounds through these, so all hold the same weights. [any]
 */

/* Inputs that share a scale. */
enum { CBX_GROUP = 64 };

/* To the nearest, ties to even; NaN stays NaN. */
static inline uint16_t cbx_bf16_of(float x)
{
    const union {
        float value;
        uint32_t bits;
    } u = {x};
    const uint32_t even = u.bits >> 16 & 1u;
    const uint32_t rounded = (u.bits + 0x7fffu + even) >> 16;
    const uint32_t nan = u.bits >> 16 | 0x40u;
    return (uint16_t)((u.bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

static inline float cbx_bf16_value(uint16_t h)
{
    const union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)h << 16};
    return u.value;
}

/* One group of weights, filled up with zeros. The scale is a bf16; w is about
 * scale * q. false: one of them is not finite.
 *
 * int8: the scale is the smallest bf16 with max |w| <= 127 scale, q = w / scale
 * to the nearest. */
bool cbx_quantise_i8(const float w[CBX_GROUP], int8_t q[CBX_GROUP],
                     uint16_t *scale);
/* int4: q in [-8, 7]. Of some scales about (the w of largest size) / -8 that of
 * the least sum of squared errors. */
bool cbx_quantise_i4(const float w[CBX_GROUP], int8_t q[CBX_GROUP],
                     uint16_t *scale);

/* One group of inputs for CBX_FMT_I8A: q = x * (127 / max |x|) to the nearest;
 * returns max |x| / 127, 0 when that is below 1e-30, NaN when an input is not
 * finite; the last two with q = 0. */
float cbx_quantise_inputs(const float x[CBX_GROUP], int8_t q[CBX_GROUP]);

#endif
