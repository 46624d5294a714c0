#ifndef CBX_MODELS_S3GEN_HIFT_CELLS_H
#define CBX_MODELS_S3GEN_HIFT_CELLS_H

#include "models/s3gen/hift.h"

/* HiFT that waits for R mel frames only, where the network wants D = `delay`
 * (20) of them. Mel comes in cells, whose ends e_1 < e_2 < ... (in frames) are
 * part of the sound; S = samples_per_frame. Let V_k be the sound of a segment
 * that ends at e_k (hift.h: the network's own zeros and mirrored source behind
 * it), and V that of the whole segment. Then cell k gives the samples
 *
 *   [o_(k-1), o_k) of V_k,    o_k = S * e_k - max(S * R, HIFT_BLEND), o_0 = 0,
 *
 * the last cell all that is left of V, and the HIFT_BLEND samples from each
 * o_k > 0 on go over in a straight line from V_k to the next cell's. Of V_k all
 * but the last D frames are those of V. With R = D nothing is blended: all is
 * V, whatever the cells are.
 *
 * A cell may come in pieces of any size; the samples do not depend on them, bit
 * for bit. */
typedef struct hift_cells hift_cells;

enum { HIFT_BLEND = 240 };

/* What is behind a piece of mel. */
typedef enum hift_end { HIFT_MORE, HIFT_CELL, HIFT_SEGMENT } hift_end;

/* [setup] lookahead: R, 0 ... D, else CBX_E_ARG. max_frames as for
 * hift_state_open. */
CBX_CHECK cbx_status hift_cells_open(const hift *m, int max_frames,
                                     int lookahead, hift_cells **out,
                                     cbx_error *err);
void hift_cells_close(hift_cells *c);

/* [decode] Forgets what was there and starts a segment. */
void hift_cells_begin(const hift *m, hift_cells *c,
                      const hift_segment *segment);

/* [any] Samples that the next hift_cells_run gives for n more frames. */
int64_t hift_cells_samples(const hift *m, const hift_cells *c, int n,
                           hift_end end);

/* [decode] Takes mel.rows more frames (as hift_run; may be none) and writes
 * hift_cells_samples() samples to pcm (host). Behind HIFT_SEGMENT begin a new
 * segment. The end of a cell costs as much as D frames, with R = D nothing. */
void hift_cells_run(const hift *m, hift_cells *c, cbx_mat mel, hift_end end,
                    float *pcm);

#endif
