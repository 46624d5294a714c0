#include "models/s3gen/resblock.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAME = 128 };

conv conv_load(load *l, int in, int out, int dilation, const char *x, ...)
{
    char name[NAME];
    va_list args;
    conv c = {.dilation = dilation};

    va_start(args, x);
    vsnprintf(name, sizeof name, x, args);
    va_end(args);
    c.taps = load_dim(l, 3, 2, "%s", name);
    c.pad = (c.taps - 1) * dilation / 2;
    if (!l->status && c.taps % 2 == 0)
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: %s has %d taps; an odd number is needed",
                             cbx_tensor_file_path(l->file), name, c.taps);
    c.w = load_conv(l, in, out, c.taps, "%s", name);
    return c;
}

cbx_mat conv_input(const conv *c, const rows *x, rows_new out)
{
    return rows_at(x, out.from - c->pad, out.n + 2 * c->pad);
}

static cbx_act load_snake(load *l, int channels, const char *x, int set, int i)
{
    return (cbx_act){
        .kind = CBX_ACT_SNAKE,
        .alpha = load_vec(l, channels, "%s.activations%d.%d.alpha", x, set, i)};
}

void resblock_load(load *l, const cbx_config_hift *config, int channels,
                   resblock *out, const char *x, ...)
{
    char name[NAME];
    va_list args;

    va_start(args, x);
    vsnprintf(name, sizeof name, x, args);
    va_end(args);
    *out = (resblock){.channels = channels, .n_units = config->n_dilations};
    for (int i = 0; i < out->n_units; i++) {
        resblock_unit *u = &out->unit[i];
        u->conv1 = conv_load(l, channels, channels, config->dilations[i],
                             "%s.convs1.%d", name, i);
        u->conv2 = conv_load(l, channels, channels, 1, "%s.convs2.%d", name, i);
        u->snake1 = load_snake(l, channels, name, 1, i);
        u->snake2 = load_snake(l, channels, name, 2, i);
    }
}

int resblock_lag(const resblock *m, const rows *x)
{
    int lag = x->lag;

    for (int i = 0; i < m->n_units; i++)
        lag += m->unit[i].conv1.pad + m->unit[i].conv2.pad;
    return lag;
}

void resblock_init(const resblock *m, resblock_state *s, rows *x,
                   const rows *out)
{
    rows like = *x;

    for (int i = 0; i < m->n_units; i++) {
        const int pad1 = m->unit[i].conv1.pad, pad2 = m->unit[i].conv2.pad;
        const bool last = i == m->n_units - 1;
        rows *in = i ? &s->x[i - 1] : x;
        int lag;

        rows_init(&s->a[i], m->channels, like.rate, in->lag, pad1);
        rows_init(&s->b[i], m->channels, like.rate, in->lag + pad1, pad2);
        lag = last ? out->lag : s->b[i].lag + pad2;
        rows_serve(&s->a[i], s->b[i].lag, pad1);
        rows_serve(&s->b[i], lag, pad2);
        rows_serve(in, lag, 0);
        s->a[i].extra = s->b[i].extra = like.extra;
        if (last)
            break;
        rows_init(&s->x[i], m->channels, like.rate, lag, 0);
        s->x[i].extra = like.extra;
    }
}

void resblock_place(const resblock *m, resblock_state *s, cbx_dmem *mem)
{
    for (int i = 0; i < m->n_units; i++) {
        rows_place(&s->a[i], mem);
        rows_place(&s->b[i], mem);
        if (i < m->n_units - 1)
            rows_place(&s->x[i], mem);
    }
}

void resblock_reset(const resblock *m, resblock_state *s, cbx_dev *dev)
{
    for (int i = 0; i < m->n_units; i++) {
        rows_reset(&s->a[i], dev);
        rows_reset(&s->b[i], dev);
        if (i < m->n_units - 1)
            rows_reset(&s->x[i], dev);
    }
}

/* conv1 of unit i: new rows of b from a. */
static void run_conv1(const resblock_unit *u, const rows_step *st,
                      const rows *a, rows *b, bool show)
{
    const cbx_kernels *k = st->dev->k;
    const rows_new n = rows_grow(b, st);
    cbx_mat raw = {0};

    if (!n.n)
        return;
    if (show)
        raw = space_mat(st->mem, n.n, b->cols);
    k->linear(st->dev, &(cbx_linear){.x = conv_input(&u->conv1, a, n),
                                     .dilation = u->conv1.dilation,
                                     .w = u->conv1.w,
                                     .act = u->snake2,
                                     .out = raw,
                                     .acted = rows_at(b, n.from, n.n)});
    if (show) {
        cbx_probe_see(st->probe, "hift.res0_0.convs10", raw);
        cbx_probe_see(st->probe, "hift.res0_0.activations20",
                      rows_at(b, n.from, n.n));
    }
}

/* conv2 of the last unit, without what the sink adds to it. */
static void show_output(const resblock_unit *u, const rows_step *st,
                        const rows *x, const rows *b, rows_new n,
                        const char *name)
{
    const size_t mark = space_mark(st->mem);
    cbx_mat y = space_mat(st->mem, n.n, b->cols);

    st->dev->k->linear(st->dev, &(cbx_linear){.x = conv_input(&u->conv2, b, n),
                                              .w = u->conv2.w,
                                              .add = rows_at(x, n.from, n.n),
                                              .out = y});
    cbx_probe_see(st->probe, name, y);
    space_rewind(st->mem, mark);
}

static void show_conv2(const resblock_unit *u, const rows_step *st,
                       const rows *b, rows_new n)
{
    const size_t mark = space_mark(st->mem);
    cbx_mat y = space_mat(st->mem, n.n, b->cols);

    st->dev->k->linear(st->dev, &(cbx_linear){.x = conv_input(&u->conv2, b, n),
                                              .w = u->conv2.w,
                                              .out = y});
    cbx_probe_see(st->probe, "hift.res0_0.convs20", y);
    space_rewind(st->mem, mark);
}

static void run_last(const resblock_unit *u, const rows_step *st, const rows *x,
                     const rows *b, const resblock_sink *sink)
{
    const rows_new n = sink->fresh;
    cbx_linear op = {.x = conv_input(&u->conv2, b, n),
                     .w = u->conv2.w,
                     .add = rows_at(x, n.from, n.n),
                     .scale = sink->scale,
                     .act = sink->act};

    if (sink->add)
        op.add2 = rows_at(sink->add, n.from, n.n);
    if (sink->act.kind == CBX_ACT_NONE)
        op.out = rows_at(sink->out, n.from, n.n);
    else
        op.acted = rows_at(sink->out, n.from, n.n);
    st->dev->k->linear(st->dev, &op);
    if (st->probe && sink->name)
        show_output(u, st, x, b, n, sink->name);
}

void resblock_run(const resblock *m, resblock_state *s, const rows_step *st,
                  const rows *x, rows_new x_new, const resblock_sink *sink)
{
    const cbx_kernels *k = st->dev->k;
    const size_t mark = space_mark(st->mem);
    rows_new n = rows_grow(&s->a[0], st);

    if (n.n)
        k->activate(st->dev, rows_at(x, x_new.from, x_new.n), m->unit[0].snake1,
                    rows_at(&s->a[0], n.from, n.n));
    for (int i = 0; i < m->n_units; i++) {
        const resblock_unit *u = &m->unit[i];
        const rows *in = i ? &s->x[i - 1] : x;
        const bool last = i == m->n_units - 1;
        const bool show = st->probe && sink->inside && i == 0;

        if (show && n.n)
            cbx_probe_see(st->probe, "hift.res0_0.activations10",
                          rows_at(&s->a[0], n.from, n.n));
        run_conv1(u, st, &s->a[i], &s->b[i], show);
        if (last) {
            if (show && sink->fresh.n)
                show_conv2(u, st, &s->b[i], sink->fresh);
            if (sink->fresh.n)
                run_last(u, st, in, &s->b[i], sink);
            continue;
        }
        n = rows_grow(&s->x[i], st);
        rows_grow(&s->a[i + 1], st);
        if (!n.n)
            continue;
        if (show)
            show_conv2(u, st, &s->b[i], n);
        k->linear(st->dev,
                  &(cbx_linear){.x = conv_input(&u->conv2, &s->b[i], n),
                                .w = u->conv2.w,
                                .add = rows_at(in, n.from, n.n),
                                .act = m->unit[i + 1].snake1,
                                .out = rows_at(&s->x[i], n.from, n.n),
                                .acted = rows_at(&s->a[i + 1], n.from, n.n)});
    }
    for (int i = 0; i < m->n_units; i++) {
        rows_keep(&s->a[i], st);
        rows_keep(&s->b[i], st);
        if (i < m->n_units - 1)
            rows_keep(&s->x[i], st);
    }
    space_rewind(st->mem, mark);
}
