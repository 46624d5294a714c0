#include "models/watermark/stack.h"

#include <stdio.h>

static const cbx_act leaky = {.kind = CBX_ACT_LEAKY, .slope = 0.01f};

void stack_load(load *l, const char *name, stack *s)
{
    *s = (stack){.taps = 0};
    s->in = load_dim(l, 3, 1, "%s.0.conv", name);
    s->hidden = load_dim(l, 3, 0, "%s.0.conv", name);
    s->first = load_conv(l, s->in, s->hidden, 1, "%s.0.conv", name);
    /* the convolution that is followed by none is the last matrix */
    while (!l->status && load_has(l, "%s.%d.conv", name, s->n + 2)) {
        const int taps = load_dim(l, 3, 2, "%s.%d.conv", name, s->n + 1);
        if (!l->status && (s->n == STACK_MOST_CONVS || taps % 2 == 0 ||
                           (s->taps && taps != s->taps)))
            l->status =
                cbx_fail(l->err, CBX_E_UNSUPPORTED,
                         "%s: %s is no watermark network of at most %d "
                         "convolutions of one odd length",
                         cbx_tensor_file_path(l->file), name, STACK_MOST_CONVS);
        if (l->status)
            return;
        s->taps = taps;
        s->conv[s->n] = load_conv(l, s->hidden, s->hidden, taps, "%s.%d.conv",
                                  name, s->n + 1);
        s->n++;
    }
    if (!l->status && !s->n)
        l->status =
            cbx_fail(l->err, CBX_E_UNSUPPORTED, "%s: %s has no convolutions",
                     cbx_tensor_file_path(l->file), name);
    s->out = load_dim(l, 3, 0, "%s.%d.conv", name, s->n + 1);
    s->last = load_conv(l, s->hidden, s->out, 1, "%s.%d.conv", name, s->n + 1);
    s->reach = s->n * (s->taps / 2);
}

void stack_place(const stack *s, stack_state *st, int most, cbx_dmem *mem)
{
    /* kept rows, new ones, those of a guess or an end, and zeros */
    const int rows = s->taps - 1 + most + s->reach + s->taps / 2;
    st->most = most;
    for (int i = 0; i <= s->n; i++)
        st->rows[i] = cbx_dmem_mat(mem, rows, s->hidden);
    st->hold = cbx_dmem_mat(mem, s->taps - 1, s->hidden);
}

void stack_reset(const stack *s, stack_state *st, cbx_dev *dev)
{
    for (int i = 0; i < s->n; i++) {
        st->have[i] = s->taps / 2;
        dev->k->zero(dev, cbx_rows(st->rows[i], 0, st->have[i]));
    }
}

/* The last taps - 1 of n rows go to the front. */
static void keep(const stack *s, stack_state *st, cbx_dev *dev, int i, int n)
{
    const int left = n < s->taps - 1 ? n : s->taps - 1;
    if (left < n) {
        const cbx_mat hold = cbx_rows(st->hold, 0, left);
        dev->k->copy(dev,
                     &(cbx_copy){.src = cbx_rows(st->rows[i], n - left, left),
                                 .dst = hold});
        dev->k->copy(dev, &(cbx_copy){.src = hold,
                                      .dst = cbx_rows(st->rows[i], 0, left)});
    }
    st->have[i] = left;
}

/* Rows that a convolution sees: those of the signal, then guessed ones. */
typedef struct seen {
    int known, guessed;
} seen;

/* `x` new rows lie behind those kept for the first convolution. Returns what
 * the last one made. */
static seen convolve(const stack *s, stack_state *st, cbx_dev *dev, seen x,
                     bool end)
{
    const int pad = s->taps / 2;
    for (int i = 0; i < s->n; i++) {
        const int known = st->have[i] + x.known;
        int rows = known + x.guessed;
        if (end) {
            dev->k->zero(dev, cbx_rows(st->rows[i], rows, pad));
            rows += pad;
        }
        const int made = rows > 2 * pad ? rows - 2 * pad : 0;
        const int at = i + 1 < s->n ? st->have[i + 1] : 0;
        if (made)
            dev->k->linear(
                dev,
                &(cbx_linear){.x = cbx_rows(st->rows[i], 0, rows),
                              .w = s->conv[i],
                              .act = leaky,
                              .acted = cbx_rows(st->rows[i + 1], at, made)});
        keep(s, st, dev, i, end ? rows : known);
        x.known = end ? made : known > 2 * pad ? known - 2 * pad : 0;
        x.guessed = made - x.known;
    }
    return x;
}

int stack_run(const stack *s, stack_state *st, cbx_dev *dev, cbx_mat x,
              bool end, const cbx_probe *probe, cbx_mat out)
{
    return stack_run_guessing(s, st, dev, x, end, 0, probe, out);
}

int stack_run_guessing(const stack *s, stack_state *st, cbx_dev *dev, cbx_mat x,
                       bool end, int guess, const cbx_probe *probe, cbx_mat out)
{
    if (x.rows) {
        const cbx_mat rows = cbx_rows(st->rows[0], st->have[0], x.rows);
        dev->k->linear(
            dev,
            &(cbx_linear){.x = x, .w = s->first, .act = leaky, .acted = rows});
        cbx_probe_see(probe, "wm.layer0", rows);
    }
    if (guess) {
        const int newest = st->have[0] + x.rows - 1;
        dev->k->copy(
            dev, &(cbx_copy){.src = cbx_rows(st->rows[0], newest, 1),
                             .dst = cbx_rows(st->rows[0], newest + 1, guess),
                             .repeat = guess});
    }
    const seen made = convolve(s, st, dev, (seen){x.rows, guess}, end);
    const int n = made.known + made.guessed;
    if (n)
        dev->k->linear(dev, &(cbx_linear){.x = cbx_rows(st->rows[s->n], 0, n),
                                          .w = s->last,
                                          .out = cbx_rows(out, 0, n)});
    return made.known;
}
