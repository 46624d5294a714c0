#include "models/pipeline/grid.h"

enum { MAX_SIZES = 6 };

/* Sizes of the cells; the last one repeats. The vocoder looks 20 mel frames (10
 * tokens) ahead, so a first cell must be longer than that to be heard. */
static const int sizes[][MAX_SIZES] = {
    [CBX_GRID_LOWEST] = {12, 8, 12, 18, 25, 50},
    [CBX_GRID_BALANCED] = {14, 12, 18, 25, 50, 50},
    [CBX_GRID_SAFEST] = {30, 30, 50, 50, 50, 50},
};

int cbx_grid_end(cbx_grid grid, int k)
{
    int end = 0;
    for (int i = 0; i <= k; i++)
        end += sizes[grid][i < MAX_SIZES ? i : MAX_SIZES - 1];
    return end;
}
