#include "tools/bench/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Vectors of the compiler: the same loop for every instruction set. */
typedef float f4 __attribute__((vector_size(16)));
typedef float f8 __attribute__((vector_size(32)));
typedef float f16 __attribute__((vector_size(64)));

#if defined(__x86_64__)
#define X86(what) __attribute__((target(what)))
#define IN_REGISTER "+x"
#else
#define X86(what)
#define IN_REGISTER "+w"
#endif

/* Twelve independent chains, which covers the latency of every CPU that does
 * two multiply-adds of four or five cycles at once. Named one by one, so that
 * each stays in its register. */
enum { CHAINS = 12 };

#define STEP(a) a = a * m + c
#define FMA_LOOP(name, vector, reg)                                          \
    static float name(long rounds)                                           \
    {                                                                        \
        vector m = {0}, c = {0};                                             \
        m += 0.999f;                                                         \
        c += 0.001f;                                                         \
        vector a0 = c, a1 = c * 2, a2 = c * 3, a3 = c * 4, a4 = c * 5,       \
               a5 = c * 6, a6 = c * 7, a7 = c * 8, a8 = c * 9, a9 = c * 10,  \
               aa = c * 11, ab = c * 12;                                     \
        for (long r = 0; r < rounds; r++) {                                  \
            STEP(a0), STEP(a1), STEP(a2), STEP(a3), STEP(a4), STEP(a5);      \
            STEP(a6), STEP(a7), STEP(a8), STEP(a9), STEP(aa), STEP(ab);      \
            __asm__(""                                                       \
                    : reg(a0), reg(a1), reg(a2), reg(a3), reg(a4), reg(a5)); \
            __asm__(""                                                       \
                    : reg(a6), reg(a7), reg(a8), reg(a9), reg(aa), reg(ab)); \
        }                                                                    \
        const vector sum =                                                   \
            a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + aa + ab;       \
        return sum[0];                                                       \
    }

static bool always(void)
{
    return true;
}

FMA_LOOP(fma_plain, f4, IN_REGISTER)

#if defined(__x86_64__)
X86("avx2,fma")
FMA_LOOP(fma_avx2, f8, "+x")
X86("avx512f,fma")
FMA_LOOP(fma_avx512, f16, "+v")

/* Products of 8 bits in whole sums: 16 chains, two operations a product. */
X86("avx512f,avx512vnni")
static float dot_avx512vnni(long rounds)
{
    __m512i s[16], x = _mm512_set1_epi32(0x01020301);
    for (int i = 0; i < 16; i++)
        s[i] = _mm512_set1_epi32(i);
    for (long r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) s[i] =
            _mm512_dpbusd_epi32(s[i], x, x);
        __asm__("" : "+v"(x));
    }
    for (int i = 1; i < 16; i++)
        s[0] = _mm512_add_epi32(s[0], s[i]);
    uint32_t lanes[16], sum = 0; /* wraps around, as the products did */
    _mm512_storeu_si512(lanes, s[0]);
    for (int i = 0; i < 16; i++)
        sum += lanes[i];
    return (float)sum;
}

static bool has_avx512vnni(void)
{
    return __builtin_cpu_supports("avx512vnni");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}
#endif

const simd_fma *simd_fma_sets(void)
{
    static const simd_fma sets[] = {
        {"baseline", always, fma_plain, 2.0 * CHAINS * 4},
#if defined(__x86_64__)
        {"avx2", has_avx2, fma_avx2, 2.0 * CHAINS * 8},
        {"avx512", has_avx512, fma_avx512, 2.0 * CHAINS * 16},
        {"avx512vnni int8", has_avx512vnni, dot_avx512vnni, 2.0 * 16 * 64},
#endif
        {0},
    };
    return sets;
}

/* -- reading --------------------------------------------------------------- */

typedef uint64_t u2 __attribute__((vector_size(16)));
typedef uint64_t u4 __attribute__((vector_size(32)));

/* One stream, 4 KB ahead: what reads fastest from memory. */
#define READ_LOOP(name, vector)                                       \
    static uint64_t name(const char *p, size_t bytes)                 \
    {                                                                 \
        enum { AHEAD = 4096, N = SIMD_BLOCK / sizeof(vector) };       \
        vector sum[4] = {0};                                          \
        for (const char *end = p + bytes; p < end; p += SIMD_BLOCK) { \
            const vector *v = (const vector *)(const void *)p;        \
            for (int k = 0; k < SIMD_BLOCK; k += 64)                  \
                __builtin_prefetch(p + AHEAD + k);                    \
            _Pragma("GCC unroll 32") for (size_t i = 0; i < N; i++)   \
                sum[i % 4] ^= v[i];                                   \
        }                                                             \
        const vector all = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];         \
        return all[0] ^ all[1];                                       \
    }

READ_LOOP(read_plain, u2)
#if defined(__x86_64__)
X86("avx2")
READ_LOOP(read_avx2, u4)
#endif

uint64_t simd_read(const void *p, size_t bytes)
{
#if defined(__x86_64__)
    if (has_avx2())
        return read_avx2(p, bytes);
#endif
    return read_plain(p, bytes);
}
