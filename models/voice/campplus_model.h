#ifndef CBX_MODELS_VOICE_CAMPPLUS_MODEL_H
#define CBX_MODELS_VOICE_CAMPPLUS_MODEL_H

#include "models/s3gen/load.h"
#include "models/voice/campplus.h"

/* Inside campplus*.c. A batch norm in front of a ReLU and a linear layer is a
 * norm_act; one behind a linear layer is folded into it. */

/* A 2-D signal: one line for each time step, the mels of a line side by side,
 * the channels of a mel side by side. Each level of the head has half the mels
 * of the one before. A line has `pitch` cells: a zero, the mels, and zeros, so
 * that the pitch halves with the mels and a convolution over the whole grid is
 * one tap GEMM with three taps a line apart (stride 1 or 2 along mel). */
enum { CAM_LEVELS = 4, CAM_BLOCKS = 3, CAM_MAX_LAYERS = 64 };

typedef struct cam_norm {
    const float *scale, *shift;
} cam_norm;

typedef struct cam_residual {
    int stride;
    const cbx_weight *conv1, *conv2;
    const cbx_weight *shortcut; /* NULL: the input itself */
} cam_residual;

typedef struct cam_layer {
    cam_norm norm;
    const cbx_weight *enter; /* to the bottleneck */
    const cbx_weight *local;
    const cbx_weight *gate1, *gate2;
} cam_layer;

typedef struct cam_block {
    int n, in, dilation; /* layers; channels that come in */
    cam_layer layers[CAM_MAX_LAYERS];
    cam_norm norm;           /* of the transit layer */
    const cbx_weight *leave; /* the transit layer */
} cam_block;

struct campplus {
    cbx_dev *dev;
    load_owned *own;
    int segment; /* frames of the gates' context */

    int channels; /* of the head */
    int mels[CAM_LEVELS], pitch[CAM_LEVELS];
    const float *mask[CAM_LEVELS]; /* [pitch * channels]: 1 for mels, else 0 */
    const cbx_weight *first, *last;
    cam_residual residual[4];

    const cbx_weight *tdnn;
    int init, growth, bottleneck, gate; /* channels */
    cam_block blocks[CAM_BLOCKS];
    int out; /* channels of the statistics */
    const cbx_weight *dense;
    int dim;
};

/* [setup] Failure is in l->status. */
void campplus_load(load *l, const cbx_config_campplus *config, campplus *m);

#endif
