#ifndef CBX_MODELS_S3GEN_RESBLOCK_H
#define CBX_MODELS_S3GEN_RESBLOCK_H

#include "models/checkpoint/config.h"
#include "models/s3gen/load.h"
#include "models/s3gen/rows.h"

/* A symmetric convolution; its output row i reads rows i - pad ... i + pad. */
typedef struct conv {
    const cbx_weight *w;
    int taps, dilation, pad;
} conv;

/* [setup] Convolution X, in -> out; the number of taps is the file's, and odd.
 */
CBX_PRINTF(5, 6)
conv conv_load(load *l, int in, int out, int dilation, const char *x, ...);

/* [decode] The rows of x that output rows [from, from + n) read. */
cbx_mat conv_input(const conv *c, const rows *x, rows_new out);

/* hifigan.py: ResBlock. For each dilation
 *     x += conv2(snake2(conv1(snake1(x)))).
 */
typedef struct resblock_unit {
    conv conv1, conv2;
    cbx_act snake1, snake2;
} resblock_unit;

typedef struct resblock {
    int channels, n_units;
    resblock_unit unit[CBX_HIFT_MAX_DILATIONS];
} resblock;

/* [setup] Failure is in l->status. */
CBX_PRINTF(5, 6)
void resblock_load(load *l, const cbx_config_hift *config, int channels,
                   resblock *out, const char *x, ...);

/* The streaming state of one block: for each unit the rows behind snake1 and
 * snake2, and the sums between units. */
typedef struct resblock_state {
    rows a[CBX_HIFT_MAX_DILATIONS], b[CBX_HIFT_MAX_DILATIONS];
    rows x[CBX_HIFT_MAX_DILATIONS]; /* x[i]: input of unit i + 1 */
} resblock_state;

/* [setup] For an input like x. Returns the lag of the block's output, which may
 * be made later than that by the caller's `out`. */
int resblock_lag(const resblock *m, const rows *x);
void resblock_init(const resblock *m, resblock_state *s, rows *x,
                   const rows *out);
void resblock_place(const resblock *m, resblock_state *s, cbx_dmem *mem);
void resblock_reset(const resblock *m, resblock_state *s, cbx_dev *dev);

/* What becomes of the block's output y. */
typedef struct resblock_sink {
    const rows *out;  /* grown already; its new rows are to be written */
    rows_new fresh;   /* those */
    const rows *add;  /* or NULL: rows added to y */
    float scale;      /* of the sum; 0 is 1 */
    cbx_act act;      /* of the result; NONE: as it is */
    const char *name; /* or NULL: y for the probe */
    bool inside;      /* show the first unit too */
} resblock_sink;

/* [decode] x: grown; `x_new` are its new rows. */
void resblock_run(const resblock *m, resblock_state *s, const rows_step *step,
                  const rows *x, rows_new x_new, const resblock_sink *sink);

#endif
