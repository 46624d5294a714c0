#ifndef CBX_MODELS_WATERMARK_STACK_H
#define CBX_MODELS_WATERMARK_STACK_H

#include "kernels/memory.h"
#include "models/probe.h"
#include "models/s3gen/load.h"

/* The network that Perth is made of, once as its encoder and three times in its
 * decoder: a matrix, some convolutions over time, a matrix, with leaky ReLUs
 * between them (perth_net_implicit/model: Conv, Encoder, _layers). It sees
 * `reach` frames to either side; past the ends every layer sees zeros.
 *
 * A state takes frames as they come. Frames come out `reach` later, and are
 * those of the whole signal, whatever the pieces were. */

enum { STACK_MOST_CONVS = 16 };

typedef struct stack {
    int in, hidden, out;
    int n, taps; /* convolutions */
    int reach;
    const cbx_weight *first, *conv[STACK_MOST_CONVS], *last;
} stack;

/* [setup] Tensors NAME.0.conv.weight and so on; failure is in l->status. */
void stack_load(load *l, const char *name, stack *out);

typedef struct stack_state {
    cbx_mat rows[STACK_MOST_CONVS + 1]; /* what each convolution sees, and what
                                         * the last one makes */
    cbx_mat hold;                       /* [taps - 1][hidden] */
    int have[STACK_MOST_CONVS];         /* rows kept of earlier frames */
    int most;                           /* new frames at a time */
} stack_state;

/* [setup] Lays a state for up to `most` frames at a time out in `mem`, which
 * may be counting. */
void stack_place(const stack *s, stack_state *st, int most, cbx_dmem *mem);

/* [decode] Back to before the first frame. */
void stack_reset(const stack *s, stack_state *st, cbx_dev *dev);

/* [decode] x: [n][in], up to `most` rows, maybe none. `end`: no more will come.
 * Writes the rows that are finished to out, at most n + (end ? reach : 0), and
 * returns their number. probe: NULL, or sees what is behind the first matrix,
 * as `wm.layer0`. */
int stack_run(const stack *s, stack_state *st, cbx_dev *dev, cbx_mat x,
              bool end, const cbx_probe *probe, cbx_mat out);

/* [decode] The same, and behind the finished rows those that would be if the
 * newest frame went on for `guess` frames, 0 to reach: with all of them, one
 * row for each frame that is not finished. The state takes no notice of them.
 * Not with `end`. */
int stack_run_guessing(const stack *s, stack_state *st, cbx_dev *dev, cbx_mat x,
                       bool end, int guess, const cbx_probe *probe,
                       cbx_mat out);

#endif
