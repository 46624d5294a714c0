#include "models/s3gen/rows.h"

#include <assert.h>

void rows_init(rows *r, int cols, int rate, int lag, int pad)
{
    *r = (rows){.cols = cols,
                .rate = rate,
                .lag = lag,
                .before = pad,
                .after = pad,
                .keep = pad};
}

void rows_serve(rows *r, int lag, int back)
{
    const int keep = lag - r->lag + back;

    if (keep > r->keep)
        r->keep = keep;
}

void rows_place(rows *r, cbx_dmem *mem)
{
    r->tail = cbx_dmem_mat(mem, r->keep, r->cols);
}

void rows_reset(rows *r, cbx_dev *dev)
{
    r->end = 0;
    r->first = -r->before;
    if (r->before)
        dev->k->zero(dev, cbx_rows(r->tail, 0, r->before));
}

int64_t rows_count(const rows *r, int64_t frames, bool final)
{
    const int64_t all = frames ? frames * r->rate + r->extra : 0;
    const int64_t now = final ? all : all - r->lag;

    return now > 0 ? now : 0;
}

rows_new rows_grow(rows *r, const rows_step *s)
{
    const cbx_kernels *k = s->dev->k;
    const rows_new fresh = {r->end,
                            (int)(rows_count(r, s->frames, s->final) - r->end)};
    const int held = (int)(r->end - r->first);
    const int after = s->final ? r->after : 0;
    cbx_mat all = space_mat(
        s->mem, r->spare + held + fresh.n + after + r->spare, r->cols);

    r->work = cbx_rows(all, r->spare, held + fresh.n + after);
    r->end += fresh.n;
    if (held)
        k->copy(s->dev, &(cbx_copy){.src = cbx_rows(r->tail, 0, held),
                                    .dst = cbx_rows(r->work, 0, held)});
    if (after)
        k->zero(s->dev, cbx_rows(r->work, held + fresh.n, after));
    return fresh;
}

cbx_mat rows_at(const rows *r, int64_t from, int n)
{
    assert(from >= r->first && from + n - r->first <= r->work.rows);
    return cbx_rows(r->work, (int)(from - r->first), n);
}

void rows_keep(rows *r, const rows_step *s)
{
    const int64_t oldest = r->end - r->keep;
    const int64_t first = oldest > r->first ? oldest : r->first;
    const int n = (int)(r->end - first);

    if (n)
        s->dev->k->copy(s->dev, &(cbx_copy){.src = rows_at(r, first, n),
                                            .dst = cbx_rows(r->tail, 0, n)});
    r->first = first;
}
