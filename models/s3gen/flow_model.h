#ifndef CBX_MODELS_S3GEN_FLOW_MODEL_H
#define CBX_MODELS_S3GEN_FLOW_MODEL_H

#include "models/s3gen/cfm.h"
#include "models/s3gen/encoder.h"
#include "models/s3gen/flow.h"

/* What is behind flow, flow_voice and the states; for flow.c and
 * flow_causal.c. */

struct flow {
    cbx_dev *dev;
    encoder encoder;
    unet unet;
    float cfg;
    int speaker_dim;
    const cbx_weight *speaker; /* speaker_dim -> mels */
};

/* All pasts of one stream, or of a voice's prompt. */
typedef struct flow_past {
    past tokens, frames; /* of the encoder */
    int n_unet;
    past *unet; /* of each Euler step, and guidance row */
    cbx_mat *tables;
    cbx_dmem memory;
} flow_past;

/* flow_causal.c, [setup]. Accepts NULL. */
void flow_past_close(cbx_dev *dev, flow_past *p);

struct flow_voice {
    cbx_dev *dev;
    int n_tokens, n_frames;
    int32_t *tokens; /* host */
    float *memory;   /* device; what the two below lie in */
    cbx_mat mel;     /* [n_frames][mels] */
    cbx_mat speaker; /* [1][mels] */
    flow_past *past; /* the prompt's, or NULL before flow_voice_prepare */
};

struct flow_causal {
    cbx_dev *dev;
    flow_causal_options options;
    flow_past *past;
    int32_t *host;  /* what is uploaded for a run: see block_ints */
    int32_t *block; /* the same on the device */
    space mem;
    const flow_voice *voice; /* of the segment, or NULL */
    uint64_t key;
    int at; /* speech tokens that are done */
};

/* One way through encoder and U-Net, after all checks. */
typedef struct flow_pass {
    cbx_dev *dev;
    space *mem;
    const cbx_probe *probe;
    const int32_t *ids; /* device */
    int n, ahead;       /* tokens to solve; tokens behind them */
    int first_frame;    /* the first one's, the prompt's first being 0 */
    uint64_t key;
    const float *z;
    cbx_mat prompt; /* mel of the first frames, may have no rows */
    cbx_mat speaker;
    flow_past *past; /* or NULL: nothing came before, all see all */
} flow_pass;

/* [decode] All frames: [up * n][mels], scratch. */
cbx_mat flow_solve(const flow *m, const flow_pass *r);

/* [any] `what` names them. */
CBX_CHECK cbx_status flow_check_ids(const flow *m, const int32_t *ids, int n,
                                    const char *what, cbx_error *err);

/* [any] First frame of speech token t, counted from the prompt's first. */
int flow_first_frame(const flow *m, const flow_voice *v, int t);

#endif
