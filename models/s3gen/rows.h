#ifndef CBX_MODELS_S3GEN_ROWS_H
#define CBX_MODELS_S3GEN_ROWS_H

#include "models/probe.h"
#include "models/s3gen/space.h"

/* A sequence of rows that grows step by step, every row computed once. Rows
 * have absolute numbers; row 0 belongs to the segment's first mel frame, and
 * rows in front of it are zeros (the padding of a convolution).
 *
 * How long each sequence is depends on nothing but the number of mel frames
 * that have come in: with N = frames * rate + extra rows for that many frames
 * in the end, it has N - lag rows, or N once the last frame is known. So
 * branches of different reach meet by row numbers, and the pieces that mel
 * comes in cannot matter.
 *
 * Between steps the newest `keep` rows lie in `tail` (state); during a step all
 * rows that anybody reads lie in `work` (scratch). */
typedef struct rows {
    /* fixed when the stream is opened */
    int cols;
    int rate, extra;   /* rows for each mel frame, and one-off rows */
    int lag;           /* rows it stays behind */
    int before, after; /* padding that its readers want at either end */
    int keep;          /* rows its readers may want again */
    int spare;         /* scribble space around the work rows */
    cbx_mat tail;      /* [keep][cols] */

    int64_t end;   /* rows there are: numbers up to end - 1 */
    int64_t first; /* number of the oldest row held */
    cbx_mat work;
} rows;

/* One step of the stream. */
typedef struct rows_step {
    cbx_dev *dev;
    space *mem;
    const cbx_probe *probe;
    int64_t frames; /* mel frames so far */
    bool final;     /* no more will come */
} rows_step;

/* Where a step's new rows lie. */
typedef struct rows_new {
    int64_t from;
    int n;
} rows_new;

/* [setup] The fixed part, without a tail; `pad` rows of zeros at either end. */
void rows_init(rows *r, int cols, int rate, int lag, int pad);

/* [setup] A reader that stays `lag` rows behind and reads `back` rows before
 * the row it computes. */
void rows_serve(rows *r, int lag, int back);

/* [setup] Takes the tail from `mem`. */
void rows_place(rows *r, cbx_dmem *mem);

/* [decode] The segment's start: no rows, zeros before. */
void rows_reset(rows *r, cbx_dev *dev);

/* [decode] Makes work rows: those held, the new ones (to be written), and
 * zeros behind the last when it is the end. */
rows_new rows_grow(rows *r, const rows_step *s);

/* [decode] Rows [from, from + n) of a grown sequence. */
cbx_mat rows_at(const rows *r, int64_t from, int n);

/* [decode] The end of a step: saves the newest rows. `work` is gone then. */
void rows_keep(rows *r, const rows_step *s);

/* [any] How many rows it has after so many mel frames. */
int64_t rows_count(const rows *r, int64_t frames, bool final);

#endif
