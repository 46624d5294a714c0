#include "models/pipeline/grid.h"

enum { MAX_SIZES = 6 };

/* Sizes of the cells; the last one repeats. Of a first cell all is heard but
 * the vocoder's look-ahead: 2, 4 or 10 tokens (docs/STREAMING.md). */
static const int sizes[][MAX_SIZES] = {
    [CBX_GRID_LOWEST] = {6, 8, 12, 18, 25, 50},
    [CBX_GRID_BALANCED] = {10, 12, 18, 25, 50, 50},
    [CBX_GRID_SAFEST] = {30, 30, 50, 50, 50, 50},
    /* 3 tokens (the flow's look-ahead) before the borders of what comes */
    [CBX_GRID_LIVE] = {9, 12, 12, 12, 12, 12},
};

int cbx_grid_end(cbx_grid grid, int k)
{
    int end = 0;
    for (int i = 0; i <= k; i++)
        end += sizes[grid][i < MAX_SIZES ? i : MAX_SIZES - 1];
    return end;
}
