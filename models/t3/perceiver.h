#ifndef CBX_MODELS_T3_PERCEIVER_H
#define CBX_MODELS_T3_PERCEIVER_H

#include "models/t3/internal.h"

/* The resampler of a voice's speech prompt (modules/perceiver.py: Perceiver):
 * learned queries look at the prompt, then at themselves, through one and the
 * same attention block. Any prompt becomes `queries` rows. */
typedef struct perceiver {
    int queries, heads;
    const float *query; /* device, [queries][width] */
    cbx_norm norm;      /* one for both inputs of the block */
    cbx_weight *q, *kv, *out;
} perceiver;

/* [setup] Tensors cond_enc.perceiver.*; close accepts what a failed open
 * left. */
CBX_CHECK cbx_status perceiver_open(const t3_source *s, perceiver *p,
                                    cbx_error *err);
void perceiver_close(cbx_dev *d, perceiver *p);

/* [setup] prompt: [tokens][width]. out: [queries][width]. */
CBX_CHECK cbx_status perceiver_run(cbx_dev *d, const perceiver *p,
                                   cbx_mat prompt, cbx_mat out,
                                   const cbx_probe *probe, cbx_error *err);

#endif
