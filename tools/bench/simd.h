#ifndef CBX_TOOLS_BENCH_SIMD_H
#define CBX_TOOLS_BENCH_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two loops that measure the machine itself. */

enum { SIMD_BLOCK = 512 };

/* Reads p[0..bytes), a multiple of SIMD_BLOCK at a multiple of 64; returns
 * something that depends on every byte. */
uint64_t simd_read(const void *p, size_t bytes);

typedef struct simd_fma {
    const char *name;
    bool (*runs_here)(void);
    float (*run)(long rounds); /* multiply-adds in registers */
    double flops_a_round;
} simd_fma;

/* The last one has no name. */
const simd_fma *simd_fma_sets(void);

#endif
