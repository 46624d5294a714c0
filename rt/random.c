#include "rt/random.h"

#include <math.h>

/* The families of numbers under one key; the third counter word. */
enum { KIND_WORDS = 0, KIND_UNIFORM = 1, KIND_NORMAL = 2 };

#define TWO_PI 6.283185307179586476925286766559

/* One of ten: two 32x32-bit products, their halves exchanged and mixed with
 * the key. Constants: Random123, philox.h. */
static CBX_RT void philox_round(uint32_t c[4], const uint32_t k[2])
{
    const uint64_t a = (uint64_t)UINT32_C(0xD2511F53) * c[0];
    const uint64_t b = (uint64_t)UINT32_C(0xCD9E8D57) * c[2];
    const uint32_t c1 = c[1], c3 = c[3];
    c[0] = (uint32_t)(b >> 32) ^ c1 ^ k[0];
    c[1] = (uint32_t)b;
    c[2] = (uint32_t)(a >> 32) ^ c3 ^ k[1];
    c[3] = (uint32_t)a;
}

CBX_RT void cbx_philox(const uint32_t counter[4], const uint32_t key[2],
                       uint32_t out[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; round++) {
        philox_round(c, k);
        k[0] += UINT32_C(0x9E3779B9);
        k[1] += UINT32_C(0xBB67AE85);
    }
    for (int i = 0; i < 4; i++)
        out[i] = c[i];
}

static CBX_RT uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

CBX_RT uint64_t cbx_random_key(uint64_t seed, cbx_random_purpose purpose,
                               uint32_t segment, uint32_t retry)
{
    const uint64_t stream = mix(mix(seed) ^ (uint64_t)purpose);
    return mix(stream ^ ((uint64_t)retry << 32 | segment));
}

static CBX_RT void block(uint64_t key, uint32_t kind, uint64_t j,
                         uint32_t out[4])
{
    const uint32_t c[4] = {(uint32_t)j, (uint32_t)(j >> 32), kind, 0};
    const uint32_t k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
    cbx_philox(c, k, out);
}

static CBX_RT double unit(uint32_t high, uint32_t low)
{
    return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53;
}

CBX_RT void cbx_random_words(uint64_t key, uint64_t j, uint32_t out[4])
{
    block(key, KIND_WORDS, j, out);
}

CBX_RT double cbx_random_uniform(uint64_t key, uint64_t i)
{
    uint32_t w[4];
    block(key, KIND_UNIFORM, i / 2, w);
    return i % 2 ? unit(w[2], w[3]) : unit(w[0], w[1]);
}

CBX_RT void cbx_random_normal_pair(uint64_t key, uint64_t j, double out[2])
{
    uint32_t w[4];
    block(key, KIND_NORMAL, j, w);
    const double r = sqrt(-2 * log(1 - unit(w[0], w[1])));
    const double a = TWO_PI * unit(w[2], w[3]);
    out[0] = r * cos(a);
    out[1] = r * sin(a);
}

CBX_RT void cbx_random_normals(uint64_t key, uint64_t first, size_t n,
                               float *out)
{
    for (size_t i = 0; i < n;) {
        double pair[2];
        cbx_random_normal_pair(key, (first + i) / 2, pair);
        if ((first + i) % 2 == 0) {
            out[i++] = (float)pair[0];
            if (i == n)
                break;
        }
        out[i++] = (float)pair[1];
    }
}
