#include "kernels/formats.h"

#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

/* The largest |x|; not finite when one of them is not: bits of floats without
 * their sign are in the order of the values, then infinity, then NaN. */
static float largest_size(const float x[CBX_GROUP])
{
    int32_t most = 0;
    float value;
    for (int i = 0; i < CBX_GROUP; i++) {
        int32_t size;
        memcpy(&size, &x[i], sizeof size);
        size &= 0x7fffffff;
        most = size > most ? size : most;
    }
    memcpy(&value, &most, sizeof value);
    return value;
}

/* To the nearest whole number, ties to even, for |x| < 2^22. */
static float nearest(float x)
{
    return (x + 0x1.8p23f) - 0x1.8p23f;
}

bool cbx_quantise_i8(const float w[CBX_GROUP], int8_t q[CBX_GROUP],
                     uint16_t *scale)
{
    const float most = largest_size(w);
    if (!isfinite(most))
        return false;
    *scale = cbx_bf16_of(most / 127.0f);
    if (cbx_bf16_value(*scale) * 127.0f < most)
        ++*scale;
    const float s = cbx_bf16_value(*scale);
    for (int i = 0; i < CBX_GROUP; i++)
        q[i] = (int8_t)(s > 0 ? nearest(w[i] / s) : 0.0f);
    return true;
}

/* Of q with scale s. */
static float squared_error(const float w[CBX_GROUP], float s,
                           int8_t q[CBX_GROUP])
{
    float error = 0;
    for (int i = 0; i < CBX_GROUP; i++) {
        float v = nearest(w[i] / s);
        v = v < -8 ? -8 : v > 7 ? 7 : v;
        q[i] = (int8_t)v;
        error += (w[i] - s * v) * (w[i] - s * v);
    }
    return error;
}

bool cbx_quantise_i4(const float w[CBX_GROUP], int8_t q[CBX_GROUP],
                     uint16_t *scale)
{
    static const float divisors[] = {-8.0f, -7.4f, -8.7f, 7.2f, -9.5f};
    enum { N = sizeof divisors / sizeof *divisors };
    const float size = largest_size(w);
    float most = 0, least = INFINITY;
    if (!isfinite(size))
        return false;
    for (int i = 0; i < CBX_GROUP; i++)
        if (fabsf(w[i]) == size)
            most = w[i];
    *scale = 0;
    memset(q, 0, CBX_GROUP);
    for (int k = 0; k < N; k++) {
        int8_t other[CBX_GROUP];
        const uint16_t s = cbx_bf16_of(most / divisors[k]);
        const float v = cbx_bf16_value(s);
        if (fabsf(v) < 1e-30f) /* w / v must stay a number */
            break;
        const float error = squared_error(w, v, other);
        if (error < least) {
            least = error;
            *scale = s;
            memcpy(q, other, sizeof other);
        }
    }
    return true;
}

float cbx_quantise_inputs(const float x[CBX_GROUP], int8_t q[CBX_GROUP])
{
    const float most = largest_size(x);
    const bool finite = isfinite(most);
    if (!finite || most < 1e-30f) {
        memset(q, 0, CBX_GROUP);
        return finite ? 0.0f : NAN;
    }
    const float factor = 127.0f / most;
    for (int i = 0; i < CBX_GROUP; i++)
        q[i] = (int8_t)nearest(x[i] * factor);
    return most / 127.0f;
}

const char *cbx_format_name(cbx_format f)
{
    static const char *const names[CBX_FORMATS] = {"f32",  "bf16",  "int8",
                                                   "int4", "bf16a", "int8a"};
    return names[f];
}
