#include "models/s3gen/past.h"

#include <assert.h>

static void add(cbx_mat *table, int *n, cbx_dmem *mem, int rows, int cols)
{
    const cbx_mat m = cbx_dmem_mat(mem, rows, cols);

    if (table)
        table[*n] = m;
    ++*n;
}

void past_add_conv(past *p, cbx_dmem *mem, int rows, int cols)
{
    add(p->convs, &p->n_convs, mem, rows, cols);
}

void past_add_attn(past *p, cbx_dmem *mem, int width)
{
    add(p->attns, &p->n_attns, mem, p->room, 2 * width);
}

static void copy(cbx_dev *dev, cbx_mat src, cbx_mat dst)
{
    dev->k->copy(dev, &(cbx_copy){.src = src, .dst = dst});
}

void past_reset(past *p, cbx_dev *dev, const past *front)
{
    p->front = front;
    p->held = p->count = 0;
    for (int i = 0; i < p->n_convs; i++)
        if (front)
            copy(dev, front->convs[i], p->convs[i]);
        else
            dev->k->zero(dev, p->convs[i]);
}

void past_begin(past *p, const int32_t *visible)
{
    p->visible = visible;
    p->conv_at = p->attn_at = 0;
}

/* Forgets the oldest rows. The others move down piece by piece, so that no
 * copy reads what it writes. */
static void forget(cbx_dev *dev, cbx_mat m, int oldest, int rows)
{
    for (int at = 0; at < rows; at += oldest) {
        const int n = rows - at < oldest ? rows - at : oldest;
        copy(dev, cbx_rows(m, at + oldest, n), cbx_rows(m, at, n));
    }
}

void past_end(past *p, cbx_dev *dev, int n)
{
    const int oldest = p->held + n - p->history;

    assert(p->conv_at == p->n_convs && p->attn_at == p->n_attns);
    p->held += n;
    p->count += n;
    if (!p->history || oldest <= 0)
        return;
    for (int i = 0; i < p->n_attns; i++)
        forget(dev, p->attns[i], oldest, p->history);
    p->held = p->history;
}

void past_conv(past *p, cbx_dev *dev, cbx_mat x, int rows)
{
    const cbx_mat before = cbx_rows(x, 0, rows);
    cbx_mat kept;

    if (!p) {
        dev->k->zero(dev, before);
        return;
    }
    kept = p->convs[p->conv_at++];
    copy(dev, kept, before);
    copy(dev, cbx_rows(x, x.rows - rows, rows), kept);
}

void past_attend(past *p, cbx_dev *dev, const cbx_attention *op)
{
    const int n = op->q.rows, width = op->k.cols;
    cbx_attention full = *op;
    cbx_mat kv, fresh;

    if (!p) {
        dev->k->attention(dev, op);
        return;
    }
    kv = cbx_rows(p->attns[p->attn_at], 0, p->held + n);
    fresh = cbx_rows(kv, p->held, n);
    copy(dev, op->k, cbx_cols(fresh, 0, width));
    copy(dev, op->v, cbx_cols(fresh, width, width));
    full.k = cbx_cols(kv, 0, width);
    full.v = cbx_cols(kv, width, width);
    full.visible = p->visible;
    full.rel.q0 = p->held;
    if (p->front && p->front->held) {
        const cbx_mat front =
            cbx_rows(p->front->attns[p->attn_at], 0, p->front->held);
        full.front.k = cbx_cols(front, 0, width);
        full.front.v = cbx_cols(front, width, width);
        full.front.q0 = p->front->held + p->count;
    }
    p->attn_at++;
    dev->k->attention(dev, &full);
}
