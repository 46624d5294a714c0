#ifndef CBX_MODELS_S3GEN_PAST_H
#define CBX_MODELS_S3GEN_PAST_H

#include "kernels/memory.h"

/* What a network that runs cell by cell keeps of the rows that went by, all at
 * one rate: for each convolution its last input rows, for each attention the
 * keys and values of the history. Entries stand in the order in which the
 * network meets them, so it runs the same code with a past and without one
 * (NULL): then zeros came before, and every row sees all rows of the run.
 *
 * Attention: a row sees the rows of `front` (the voice's prompt, a past of its
 * own that streams share), and of the rows held and new what `visible` says. */
typedef struct past {
    /* fixed when the stream is opened */
    int history; /* rows whose keys and values stay; 0: all */
    int room;    /* rows of keys and values, those of a run included */
    int n_convs, n_attns;
    cbx_mat *convs; /* [rows before][cols] each; NULL while counting */
    cbx_mat *attns; /* [room][2 * width] each: keys, values */

    const struct past *front; /* or NULL */
    int held;                 /* rows of keys and values, the run's left out */
    int count;                /* rows since the segment began */

    /* of the run */
    const int32_t *visible; /* as cbx_attention's; key 0 is the oldest held */
    int conv_at, attn_at;   /* the next entries */
} past;

/* [setup] One more entry. While the tables are NULL it is only counted. */
void past_add_conv(past *p, cbx_dmem *mem, int rows, int cols);
void past_add_attn(past *p, cbx_dmem *mem, int width);

/* [decode] The segment's start, behind `front` or nothing. */
void past_reset(past *p, cbx_dev *dev, const past *front);

/* [decode] A run's start, back to the first entries, and its end: n rows went
 * by. */
void past_begin(past *p, const int32_t *visible);
void past_end(past *p, cbx_dev *dev, int n);

/* [decode] x: `rows` rows to be filled with what came before, then the run's.
 * Call it when those are there and before a convolution reads x. */
void past_conv(past *p, cbx_dev *dev, cbx_mat x, int rows);

/* [decode] The attention of the run's rows: op's q, k and v are theirs; the
 * rest of op but scale, heads, pos and biases is filled in. */
void past_attend(past *p, cbx_dev *dev, const cbx_attention *op);

#endif
