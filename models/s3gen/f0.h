#ifndef CBX_MODELS_S3GEN_F0_H
#define CBX_MODELS_S3GEN_F0_H

#include "models/s3gen/resblock.h"

/* Mel to fundamental frequency, one number for each frame (f0_predictor.py:
 * ConvRNNF0Predictor). */

enum { F0_MAX_CONVS = 8 };

typedef struct f0 {
    int channels, n_convs;
    conv conv[F0_MAX_CONVS];
    const cbx_weight *classifier; /* channels -> 1 */
} f0;

typedef struct f0_state {
    rows h[F0_MAX_CONVS]; /* behind each ELU */
} f0_state;

/* [setup] Failure is in l->status. */
void f0_load(load *l, int mels, f0 *out);

/* [setup] Returns the lag of the output, in frames. */
int f0_init(const f0 *m, f0_state *s, rows *mel);
void f0_place(const f0 *m, f0_state *s, cbx_dmem *mem);
void f0_reset(const f0 *m, f0_state *s, cbx_dev *dev);

/* [decode] The new frames' f0 in Hz: [n][1], scratch. */
cbx_mat f0_run(const f0 *m, f0_state *s, const rows_step *st, const rows *mel);

#endif
