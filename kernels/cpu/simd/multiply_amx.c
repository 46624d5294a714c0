/* bf16 with bf16 inputs by AMX: blocks of 16 or 32 rows by one or two panels,
 * inputs straight from memory. One accumulator for each output, over taps and
 * then blocks of 32 channels, which are filled up with zeros. Rows that a block
 * has too many are computed from what lies there and not used; round.c leaves
 * room behind the last row. */
#include "kernels/cpu/simd/multiply.h"
#include "kernels/cpu/simd/tiles.h"

enum { CHANNELS = 32, BLOCK_BYTES = CHANNELS * PANEL * 2 };

/* The weights of panel p for a block of channels: 16 pairs of [16][2]. */
#define LOAD_B(t, p) tile_load(t, w + (p)*tl->panel_bytes, TILE_BYTES)
#define LOAD_A(t, r) tile_load(t, x + (r)*TILE_ROWS * ld, ld)

#define FOR_BLOCKS                                                   \
    const size_t ld = tl->r.ld * sizeof(uint16_t);                   \
    const int blocks = (tl->in + CHANNELS - 1) / CHANNELS;           \
    for (int tap = 0; tap < tl->taps; tap++) {                       \
        const char *x =                                              \
            (const char *)tl->r.x + (size_t)tap * tl->tap_rows * ld; \
        const char *w = tl->w + (size_t)tap * tl->tap_bytes;         \
        for (int c = 0; c < blocks;                                  \
             c++, x += CHANNELS * sizeof(uint16_t), w += BLOCK_BYTES)

static void amx_1x1(const tile *tl, float *acc)
{
    tiles_open();
    tile_zero(0);
    FOR_BLOCKS
    {
        LOAD_A(4, 0);
        LOAD_B(6, 0);
        tile_dot(0, 4, 6);
    }
}
tile_store(0, acc, PANEL * sizeof *acc);
tiles_close();
}

static void amx_1x2(const tile *tl, float *acc)
{
    tiles_open();
    tile_zero(0);
    tile_zero(1);
    FOR_BLOCKS
    {
        LOAD_A(4, 0);
        LOAD_B(6, 0);
        LOAD_B(7, 1);
        tile_dot(0, 4, 6);
        tile_dot(1, 4, 7);
    }
}
tile_store(0, acc, 2 * PANEL * sizeof *acc);
tile_store(1, acc + PANEL, 2 * PANEL * sizeof *acc);
tiles_close();
}

static void amx_2x1(const tile *tl, float *acc)
{
    tiles_open();
    tile_zero(0);
    tile_zero(2);
    FOR_BLOCKS
    {
        LOAD_A(4, 0);
        LOAD_A(5, 1);
        LOAD_B(6, 0);
        tile_dot(0, 4, 6);
        tile_dot(2, 5, 6);
    }
}
tile_store(0, acc, PANEL * sizeof *acc);
tile_store(2, acc + TILE_ROWS * PANEL, PANEL * sizeof *acc);
tiles_close();
}

static void amx_2x2(const tile *tl, float *acc)
{
    tiles_open();
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    FOR_BLOCKS
    {
        LOAD_A(4, 0);
        LOAD_B(6, 0);
        LOAD_B(7, 1);
        LOAD_A(5, 1);
        tile_dot(0, 4, 6);
        tile_dot(1, 4, 7);
        tile_dot(2, 5, 6);
        tile_dot(3, 5, 7);
    }
}
float *second = acc + 2 * TILE_ROWS * PANEL;
tile_store(0, acc, 2 * PANEL * sizeof *acc);
tile_store(1, acc + PANEL, 2 * PANEL * sizeof *acc);
tile_store(2, second, 2 * PANEL * sizeof *acc);
tile_store(3, second + PANEL, 2 * PANEL * sizeof *acc);
tiles_close();
}

#define UP_TO_16            \
    {                       \
        amx_1x1, amx_1x2, 2 \
    }
#define UP_TO_32            \
    {                       \
        amx_2x1, amx_2x2, 2 \
    }
const multiply_set FN(multiply_bf16a) = {
    .rows = 32,
    .rounds = true,
    .kernel = {
        [1] = UP_TO_16,  [2] = UP_TO_16,  [3] = UP_TO_16,  [4] = UP_TO_16,
        [5] = UP_TO_16,  [6] = UP_TO_16,  [7] = UP_TO_16,  [8] = UP_TO_16,
        [9] = UP_TO_16,  [10] = UP_TO_16, [11] = UP_TO_16, [12] = UP_TO_16,
        [13] = UP_TO_16, [14] = UP_TO_16, [15] = UP_TO_16, [16] = UP_TO_16,
        [17] = UP_TO_32, [18] = UP_TO_32, [19] = UP_TO_32, [20] = UP_TO_32,
        [21] = UP_TO_32, [22] = UP_TO_32, [23] = UP_TO_32, [24] = UP_TO_32,
        [25] = UP_TO_32, [26] = UP_TO_32, [27] = UP_TO_32, [28] = UP_TO_32,
        [29] = UP_TO_32, [30] = UP_TO_32, [31] = UP_TO_32, [32] = UP_TO_32}};
