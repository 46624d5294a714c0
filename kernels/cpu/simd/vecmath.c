#include "kernels/cpu/simd/vecmath.h"

/* A few lanes in a million: speed does not matter. A lane's result must not
 * depend on its neighbours, so the near ones take the near path. */
static vf patch(vf near, vf x, float (*f)(float))
{
    float in[VL], out[VL];
    const unsigned far = v_far(x);
    v_storeu(in, x);
    v_storeu(out, near);
    for (int i = 0; i < VL; i++)
        if (far >> i & 1)
            out[i] = f(in[i]);
    return v_loadu(out);
}

/* The lanes that can be reduced, 0 for the others. */
static vf near_lanes(vf x)
{
    return v_keep(v_le(v_abs(x), v_set(30000)), x);
}

vf FN(sin_far)(vf x)
{
    return patch(v_sin(near_lanes(x)), x, sinf);
}

vf FN(cos_far)(vf x)
{
    return patch(v_cos(near_lanes(x)), x, cosf);
}
