#ifndef CBX_MODELS_S3GEN_UNET_H
#define CBX_MODELS_S3GEN_UNET_H

#include "models/checkpoint/config.h"
#include "models/probe.h"
#include "models/s3gen/load.h"
#include "models/s3gen/past.h"
#include "models/s3gen/space.h"

/* The estimator: velocity of the mel at one Euler step (decoder.py:
 * ConditionalDecoder). One down, some mid, one up block, all at the same rate:
 * each a resnet of causal convolutions, then transformer blocks that see all
 * rows.
 *
 * Letters: T frames, C channels, I heads * head size. */

enum {
    UNET_MAX_MIDS = 64,
    UNET_MAX_TRANSFORMERS = 16, /* in each block */
    UNET_MAX_STEPS = 64,
    UNET_TAPS = 3,
    UNET_PAST = UNET_TAPS - 1, /* rows a convolution looks back */
};

/* decoder.py: CausalResnetBlock1D */
typedef struct unet_resnet {
    int in;
    const cbx_weight *conv[2]; /* in -> C, C -> C, 3 taps */
    cbx_norm norm[2];
    const cbx_weight *res; /* in -> C */
    cbx_mat time;          /* [steps][C]: Linear(Mish(time embedding)) */
} unet_resnet;

/* matcha/transformer.py: BasicTransformerBlock */
typedef struct unet_transformer {
    cbx_norm norm1, norm3;
    const cbx_weight *qkv; /* C -> 3I, no bias */
    const cbx_weight *out; /* I -> C */
    const cbx_weight *ff1, *ff2;
} unet_transformer;

typedef struct unet_block {
    unet_resnet resnet;
    int n_transformers;
    unet_transformer transformer[UNET_MAX_TRANSFORMERS];
} unet_block;

typedef struct unet {
    cbx_dev *dev;
    int in;       /* 4 * mels: x, mu, speaker, prompt mel */
    int mels;     /* out */
    int channels; /* C */
    int ff;       /* feed-forward width */
    int heads, inner;
    int steps;
    float t[UNET_MAX_STEPS + 1]; /* the steps' borders, 0 ... 1 */
    bool meanflow;

    /* Of every step's t, then of every step's r (meanflow only). */
    cbx_mat sinusoid; /* [steps or 2 * steps][in] */
    cbx_mat embedded; /* the same rows, [4C] */
    cbx_mat mixed;    /* [steps][4C]; p == NULL without meanflow */

    unet_block down, up;
    int n_mids;
    unet_block mid[UNET_MAX_MIDS];
    const cbx_weight *down_conv, *up_conv, *final_conv, *final_proj;
    cbx_norm final_norm;
} unet;

/* [setup] Failure is in l->status. */
void unet_load(load *l, const cbx_config_cfm *config, unet *out);

typedef struct unet_run {
    cbx_dev *dev;
    space *mem;
    const cbx_probe *probe;
    int step;
    past *past; /* of this step, or NULL */
} unet_run;

/* [setup] All entries that a run meets. */
void unet_add_past(const unet *m, past *p, cbx_dmem *mem);

/* [decode] x: [UNET_PAST + T][in], the first rows being what came before, which
 * is filled in; v: [T][mels]. */
void unet_velocity(const unet *m, const unet_run *r, cbx_mat x, cbx_mat v);

/* unet_show.c, [decode]: the inside of the first resnet and of the first
 * transformer block, computed a second time for the probe. */
void unet_show_time(const unet *m, const unet_run *r);
void unet_show_resnet(const unet *m, const unet_resnet *b, const unet_run *r,
                      cbx_mat x);
void unet_show_transformer(const unet *m, const unet_transformer *b,
                           const unet_run *r, cbx_mat x);

#endif
