#ifndef CBX_MODELS_PIPELINE_GRID_H
#define CBX_MODELS_PIPELINE_GRID_H

/* Where the speech tokens of a segment are cut into cells. The borders are
 * part of the sound: they depend on the stream's parameters only, never on how
 * fast the machine is. */
typedef enum cbx_grid {
    CBX_GRID_LOWEST,
    CBX_GRID_BALANCED,
    CBX_GRID_SAFEST,
    CBX_GRID_LIVE, /* for tokens that come 12 at a time */
} cbx_grid;

/* [any] The token at which cell k (0, 1, ...) ends: increasing in k. */
int cbx_grid_end(cbx_grid grid, int k);

#endif
