#ifndef CBX_KERNELS_CPU_SIMD_ACT_H
#define CBX_KERNELS_CPU_SIMD_ACT_H

#include "kernels/cpu/simd/vecmath.h"
#include "kernels/kernels.h"

static inline vf v_gelu_tanh(vf x)
{
    /* x/2 (1 + tanh u) = x sigmoid(2u) */
    const vf c = v_mul(v_mul(x, x), v_set(0.044715f));
    const vf u = v_mul(v_fma(c, x, x), v_set(2 * 0.79788456f));
    return v_mul(x, v_sigmoid(u));
}

static inline vf v_mish(vf x)
{
    /* tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) */
    const vf e = v_exp(v_min(v_set(20), x));
    const vf n = v_fma(e, e, v_add(e, e));
    return v_mul(x, v_div(n, v_add(n, v_set(2))));
}

static inline vf v_snake(vf x, vf alpha)
{
    const vf s = v_sin(v_mul(alpha, x));
    return v_add(x, v_div(v_mul(s, s), v_add(alpha, v_set(1e-9f))));
}

/* act(x) of n <= VL channels from c */
static inline vf v_act(const cbx_act *act, vf x, int c, int n)
{
    const vf zero = v_zero(), half = v_set(0.5f);
    const vm negative = v_lt(x, zero);
    vf y;
    switch (act->kind) {
    case CBX_ACT_NONE:
        return x;
    case CBX_ACT_GELU_ERF:
        y = v_erf(v_mul(x, v_set(0.70710678f)));
        return v_mul(v_mul(half, x), v_add(v_set(1), y));
    case CBX_ACT_GELU_TANH:
        return v_gelu_tanh(x);
    case CBX_ACT_SILU:
        return v_mul(x, v_sigmoid(x));
    case CBX_ACT_MISH:
        return v_mish(x);
    case CBX_ACT_LEAKY:
        y = v_mul(v_set(act->slope), x);
        return v_select(negative, y, x);
    case CBX_ACT_RELU:
        return v_max(x, zero);
    case CBX_ACT_ELU:
        y = v_expm1(v_min(zero, x));
        return v_select(negative, y, x);
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
