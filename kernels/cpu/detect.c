#include "kernels/cpu/detect.h"

#if defined(__x86_64__)
#include <cpuid.h>

static bool bit_of_leaf(unsigned leaf, unsigned sub, int reg, int bit)
{
    unsigned r[4];
    if (!__get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]))
        return false;
    return r[reg] >> bit & 1u;
}

enum { EAX, EBX, ECX, EDX };

/* The compiler's function also asks whether the system keeps the registers. */
bool cpu_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           bit_of_leaf(1, 0, ECX, 29);
}

bool cpu_has_avxvnni(void)
{
    return cpu_has_avx2() && bit_of_leaf(7, 1, EAX, 4);
}

bool cpu_has_avx512(void)
{
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

bool cpu_has_avx512vnni(void)
{
    return cpu_has_avx512() && bit_of_leaf(7, 0, ECX, 11);
}
#else
bool cpu_has_avx2(void)
{
    return false;
}

bool cpu_has_avxvnni(void)
{
    return false;
}

bool cpu_has_avx512(void)
{
    return false;
}

bool cpu_has_avx512vnni(void)
{
    return false;
}
#endif
