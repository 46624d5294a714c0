#define _GNU_SOURCE
#include "kernels/cpu/detect.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

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
bool cpu_has_avx512bf16(void)
{
    return cpu_has_avx512vnni() && bit_of_leaf(7, 1, EAX, 5);
}

/* The system keeps the tiles (XCR0), and this process may use them. */
static bool tiles_allowed(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
    const unsigned kept = 3u << 17;
    unsigned low, high;
    if (!bit_of_leaf(1, 0, ECX, 27)) /* xgetbv */
        return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & kept) == kept &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}

bool cpu_has_amx(void)
{
    return cpu_has_avx512vnni() && bit_of_leaf(7, 0, EDX, 24) &&
           bit_of_leaf(7, 0, EDX, 22) && tiles_allowed();
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

bool cpu_has_avx512bf16(void)
{
    return false;
}

bool cpu_has_amx(void)
{
    return false;
}
#endif
