#ifndef CBX_MODELS_S3GEN_ENCODER_H
#define CBX_MODELS_S3GEN_ENCODER_H

#include "models/checkpoint/config.h"
#include "models/probe.h"
#include "models/s3gen/load.h"
#include "models/s3gen/past.h"
#include "models/s3gen/space.h"

/* Speech tokens to mu, the first guess of the mel (upsample_encoder.py:
 * UpsampleConformerEncoder, and flow.py: input_embedding, encoder_proj).
 *
 * Letters: T tokens, D width, F feed-forward width. */

enum { ENCODER_MAX_BLOCKS = 32 };

/* encoder_layer.py: ConformerEncoderLayer, without macaron or convolution. */
typedef struct encoder_block {
    cbx_norm norm_mha, norm_ff;
    const cbx_weight *qkv; /* D -> 3D */
    const cbx_weight *out; /* D -> D */
    const cbx_weight *w1, *w2;
    const float *u, *v; /* pos_bias_u, pos_bias_v: [D] */
    /* linear_pos of the position table: row `zero - distance`, for every
     * distance (query index - key index) there can be. */
    cbx_mat pos; /* [2 * longest - 1][D] */
    int zero;
} encoder_block;

typedef struct encoder {
    cbx_dev *dev;
    int codes, token_dim, width, heads, ff, mels;
    int lookahead; /* tokens */
    int up;        /* frames for each token */
    int up_taps;
    int max_tokens;

    const cbx_table *tokens;   /* [codes][token_dim] */
    const cbx_weight *embed;   /* token_dim -> D */
    const cbx_weight *look[2]; /* the look-ahead convolutions */
    const cbx_weight *up_conv, *up_embed, *proj;
    cbx_norm embed_norm, up_embed_norm, after_norm;
    int n_blocks, n_up_blocks;
    encoder_block block[ENCODER_MAX_BLOCKS];    /* at the rate of tokens */
    encoder_block up_block[ENCODER_MAX_BLOCKS]; /* at the rate of frames */
} encoder;

/* [setup] Failure is in l->status. Tables are made for max_tokens tokens. */
void encoder_load(load *l, const cbx_config_flow *config, int max_tokens,
                  encoder *out);

/* What one run works on. */
typedef struct encoder_run {
    cbx_dev *dev;
    space *mem;
    const cbx_probe *probe;
    const int32_t *ids; /* device, [n + ahead] */
    int n;              /* tokens to encode */
    int ahead;          /* 0 .. lookahead more; fewer: the speech ends there */
    past *tokens, *frames; /* at the two rates, or NULL */
} encoder_run;

/* [setup] All entries that a run meets. */
void encoder_add_past(const encoder *m, past *tokens, past *frames,
                      cbx_dmem *mem);

/* [decode] mu: [up * n][mels]. The tokens ahead are seen by the look-ahead
 * convolution only. */
void encoder_mu(const encoder *m, const encoder_run *r, cbx_mat mu);

/* [any] The position table of n tokens: [2n - 1][d], row r being distance
 * n - 1 - r (embedding.py: EspnetRelPositionalEncoding.extend_pe). */
void encoder_fill_positions(float *pe, int n, int d);

/* encoder_show.c, [decode]: the inside of a block that is about to run on x,
 * computed a second time for the probe. */
void encoder_show_block(const encoder *m, const encoder_block *b,
                        const encoder_run *r, cbx_mat x);

#endif
