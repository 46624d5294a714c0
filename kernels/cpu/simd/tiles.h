#ifndef CBX_KERNELS_CPU_SIMD_TILES_H
#define CBX_KERNELS_CPU_SIMD_TILES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The tile registers of AMX, each 16 rows of 64 bytes. t is a constant.
 *
 *   tiles_open()            configures all eight; before anything else
 *   tile_zero(t)
 *   tile_load(t, p, step)   16 rows, `step` bytes apart
 *   tile_store(t, p, step)
 *   tile_dot(c, a, b)       c[m][n] += sum_k a[m][2k] b[k][2n] +
 *                           a[m][2k+1] b[k][2n+1], bf16 to f32
 *   tiles_close()
 *
 * Written as assembly and not with the compiler's functions: gcc 12 tells its
 * optimiser of 8 of the 64 bytes that ldtilecfg reads, and of none that
 * tileloadd reads. With CBX_TILES_IN_C the same in C, for tests on other
 * processors. */

enum { TILE_ROWS = 16, TILE_BYTES = 64 };

#if !defined(CBX_TILES_IN_C)
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tile_config;

static inline void tiles_open(void)
{
    tile_config c = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        c.bytes[i] = TILE_BYTES;
        c.rows[i] = TILE_ROWS;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(c) : "memory");
}

#define TILE_TEXT(t) "%%tmm" #t
#define tiles_close() __asm__ volatile("tilerelease" : : : "memory")
#define tile_zero(t) __asm__ volatile("tilezero " TILE_TEXT(t) : : : "memory")
#define tile_load(t, p, step)                             \
    __asm__ volatile("tileloadd (%0,%1,1), " TILE_TEXT(t) \
                     :                                    \
                     : "r"(p), "r"((size_t)(step))        \
                     : "memory")
#define tile_store(t, p, step)                                \
    __asm__ volatile("tilestored " TILE_TEXT(t) ", (%0,%1,1)" \
                     :                                        \
                     : "r"(p), "r"((size_t)(step))            \
                     : "memory")
#define tile_dot(c, a, b)                                             \
    __asm__ volatile(                                                 \
        "tdpbf16ps " TILE_TEXT(b) ", " TILE_TEXT(a) ", " TILE_TEXT(c) \
        :                                                             \
        :                                                             \
        : "memory")
#else
static _Thread_local unsigned char tile_c[8][TILE_ROWS][TILE_BYTES];

static inline void tiles_open(void)
{
    memset(tile_c, 0x7f, sizeof tile_c);
}

static inline void tiles_close(void)
{
    memset(tile_c, 0x7f, sizeof tile_c);
}

static inline void tile_zero(int t)
{
    memset(tile_c[t], 0, sizeof tile_c[t]);
}

static inline void tile_load(int t, const void *p, size_t step)
{
    for (size_t r = 0; r < TILE_ROWS; r++)
        memcpy(tile_c[t][r], (const char *)p + r * step, TILE_BYTES);
}

static inline void tile_store(int t, void *p, size_t step)
{
    for (size_t r = 0; r < TILE_ROWS; r++)
        memcpy((char *)p + r * step, tile_c[t][r], TILE_BYTES);
}

static inline float tile_bf16(const unsigned char *row, int i)
{
    uint16_t h;
    uint32_t u;
    float f;
    memcpy(&h, row + 2 * i, sizeof h);
    u = (uint32_t)h << 16;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline void tile_dot(int c, int a, int b)
{
    for (int m = 0; m < TILE_ROWS; m++)
        for (int n = 0; n < TILE_ROWS; n++) {
            float sum;
            memcpy(&sum, tile_c[c][m] + 4 * n, sizeof sum);
            for (int k = 0; k < 16; k++)
                for (int i = 0; i < 2; i++)
                    sum += tile_bf16(tile_c[a][m], 2 * k + i) *
                           tile_bf16(tile_c[b][k], 2 * n + i);
            memcpy(tile_c[c][m] + 4 * n, &sum, sizeof sum);
        }
}
#endif

#endif
