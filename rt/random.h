#ifndef CBX_RT_RANDOM_H
#define CBX_RT_RANDOM_H

#include "rt/annotate.h"

#include <stddef.h>
#include <stdint.h>

/* Random numbers by position: value i of a key depends on (key, i) only, never
 * on what was drawn before, so that chunks, batches and threads cannot change
 * them. Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
 * as easy as 1, 2, 3" (SC 2011). */

/* [any] One block: four 32-bit words from a counter and a key. */
CBX_RT void cbx_philox(const uint32_t counter[4], const uint32_t key[2],
                       uint32_t out[4]);

/* What a stream of numbers is for; each has its own key. The values are part
 * of the sound: never renumber them. */
typedef enum cbx_random_purpose {
    CBX_RANDOM_SAMPLER = 1,      /* T3 sampling; index: token position */
    CBX_RANDOM_FLOW = 2,         /* flow noise; frame * 80 + mel channel */
    CBX_RANDOM_SOURCE_PHASE = 3, /* initial phases; index: harmonic */
    CBX_RANDOM_SOURCE_NOISE = 4, /* source noise; sample * 9 + harmonic */
    CBX_RANDOM_WATERMARK = 5,
    CBX_RANDOM_TEST = 6,
} cbx_random_purpose;

/* [any] The key of a stream's numbers for one purpose, segment (sentence) and
 * retry (a segment that is spoken again after a failed guard). With
 *   mix(x) = the finaliser of SplitMix64 (Steele, Lea, Flood 2014) on
 *            x + 0x9e3779b97f4a7c15
 * it is mix(mix(mix(seed) ^ purpose) ^ (retry << 32 | segment)). */
CBX_RT uint64_t cbx_random_key(uint64_t seed, cbx_random_purpose purpose,
                               uint32_t segment, uint32_t retry);

/* Below, B(kind, j) is the block of counter {low j, high j, kind, 0} and key
 * {low key, high key}, and its words are w0 ... w3; U(a, b) = ((a << 32 | b)
 * >> 11) * 2^-53. The kinds keep the three families apart under one key. */

/* [any] Words 4j ... 4j+3: B(0, j). */
CBX_RT void cbx_random_words(uint64_t key, uint64_t j, uint32_t out[4]);

/* [any] Uniform in [0, 1), number i: of B(1, i / 2), U(w0, w1) for even i and
 * U(w2, w3) for odd i. */
CBX_RT double cbx_random_uniform(uint64_t key, uint64_t i);

/* [any] Standard normals 2j and 2j+1 by Box-Muller from B(2, j): with
 * r = sqrt(-2 ln(1 - U(w0, w1))) and a = 2 pi U(w2, w3), r cos a and r sin a.
 */
CBX_RT void cbx_random_normal_pair(uint64_t key, uint64_t j, double out[2]);

/* [any] Standard normals first ... first+n-1, rounded to float. */
CBX_RT void cbx_random_normals(uint64_t key, uint64_t first, size_t n,
                               float *out);

#endif
