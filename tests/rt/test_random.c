#include "rt/random.h"
#include "tests/check.h"

#include <string.h>

#define N 100000

/* Random123, kat_vectors: philox4x32, 10 rounds */
static void philox_gives_the_published_blocks(void)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0},
         {0, 0},
         {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t got[4];
        cbx_philox(known[i].counter, known[i].key, got);
        CHECK(memcmp(got, known[i].want, sizeof got) == 0);
    }
}

static void keys_differ_in_each_part(void)
{
    const uint64_t k = cbx_random_key(1, CBX_RANDOM_FLOW, 2, 3);
    CHECK(k != cbx_random_key(2, CBX_RANDOM_FLOW, 2, 3));
    CHECK(k != cbx_random_key(1, CBX_RANDOM_SAMPLER, 2, 3));
    CHECK(k != cbx_random_key(1, CBX_RANDOM_FLOW, 3, 3));
    CHECK(k != cbx_random_key(1, CBX_RANDOM_FLOW, 2, 2));
    CHECK(k == cbx_random_key(1, CBX_RANDOM_FLOW, 2, 3));
}

/* The key was computed apart, with a mix whose first value for seed 0 is the
 * published 0xe220a8397b1dcdaf. The definition is part of the sound. */
static void the_definition_has_not_moved(void)
{
    const uint64_t k = cbx_random_key(42, CBX_RANDOM_FLOW, 7, 1);
    uint32_t w[4];
    const uint32_t counter[4] = {5, 1, 1, 0};
    const uint32_t key[2] = {(uint32_t)k, (uint32_t)(k >> 32)};
    cbx_philox(counter, key, w);
    const uint64_t i = 2 * ((UINT64_C(1) << 32) + 5);
    const double even = (double)(((uint64_t)w[0] << 32 | w[1]) >> 11) * 0x1p-53;
    const double odd = (double)(((uint64_t)w[2] << 32 | w[3]) >> 11) * 0x1p-53;
    CHECK_NEAR(cbx_random_uniform(k, i), even, 0);
    CHECK_NEAR(cbx_random_uniform(k, i + 1), odd, 0);
    CHECK(k == UINT64_C(0x1aed333807736c99));
}

static void uniforms_fill_the_unit_interval(void)
{
    const uint64_t k = cbx_random_key(5, CBX_RANDOM_TEST, 0, 0);
    double sum = 0, square = 0;
    for (uint64_t i = 0; i < N; i++) {
        const double u = cbx_random_uniform(k, i);
        CHECK(u >= 0 && u < 1);
        sum += u;
        square += u * u;
    }
    CHECK_NEAR(sum / N, 0.5, 0.005);
    CHECK_NEAR(square / N, 1.0 / 3, 0.005);
}

static float x[N];

static void normals_have_the_moments_of_a_bell(void)
{
    const uint64_t k = cbx_random_key(5, CBX_RANDOM_TEST, 1, 0);
    cbx_random_normals(k, 0, N, x);
    double m[5] = {0}, neighbours = 0;
    for (int i = 0; i < N; i++)
        for (int p = 1; p < 5; p++)
            m[p] += pow(x[i], p) / N;
    for (int i = 1; i < N; i++)
        neighbours += (double)x[i] * x[i - 1] / N;
    CHECK_NEAR(m[1], 0, 0.02);
    CHECK_NEAR(m[2], 1, 0.02);
    CHECK_NEAR(m[3], 0, 0.05);
    CHECK_NEAR(m[4], 3, 0.12);
    CHECK_NEAR(neighbours, 0, 0.02);
}

static void a_normal_depends_on_key_and_position_only(void)
{
    const uint64_t k = cbx_random_key(9, CBX_RANDOM_TEST, 2, 0);
    float whole[64];
    cbx_random_normals(k, 1000, 64, whole);
    for (size_t from = 0; from < 64; from++) {
        for (size_t n = 0; n <= 5 && from + n <= 64; n++) {
            float part[6] = {0};
            cbx_random_normals(k, 1000 + from, n, part);
            CHECK(memcmp(part, whole + from, n * sizeof *part) == 0);
            CHECK_NEAR(part[n], 0, 0);
        }
    }
}

int main(void)
{
    philox_gives_the_published_blocks();
    keys_differ_in_each_part();
    the_definition_has_not_moved();
    uniforms_fill_the_unit_interval();
    normals_have_the_moments_of_a_bell();
    a_normal_depends_on_key_and_position_only();
    return 0;
}
