#include "kernels/cpu/avx2/vecmath.h"

/* A few lanes in a million: speed does not matter. A lane's result must not
 * depend on its neighbours, so the near ones take the near path. */
static __m256 patch(__m256 near, __m256 x, float (*f)(float))
{
    float in[8], out[8];
    const int far = v_is_far(x);
    _mm256_storeu_ps(in, x);
    _mm256_storeu_ps(out, near);
    for (int i = 0; i < 8; i++)
        if (far >> i & 1)
            out[i] = f(in[i]);
    return _mm256_loadu_ps(out);
}

/* The lanes that can be reduced, 0 for the others. */
static __m256 near_lanes(__m256 x)
{
    return _mm256_and_ps(x, _mm256_cmp_ps(v_abs(x), v_set(30000), _CMP_LE_OQ));
}

__m256 v_sin_far(__m256 x)
{
    return patch(v_sin(near_lanes(x)), x, sinf);
}

__m256 v_cos_far(__m256 x)
{
    return patch(v_cos(near_lanes(x)), x, cosf);
}
