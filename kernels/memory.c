#include "kernels/memory.h"

#include <stdlib.h>

cbx_status cbx_dmem_open(cbx_dev *d, size_t bytes, cbx_dmem *out, cbx_error *e)
{
    void *base = d->k->mem_new(d, bytes);
    if (!base)
        return cbx_fail(e, CBX_E_NOMEM, "no memory for %zu bytes on the device",
                        bytes);
    *out = (cbx_dmem){base, bytes, 0};
    return CBX_OK;
}

void cbx_dmem_close(cbx_dev *d, cbx_dmem *m)
{
    d->k->mem_free(d, m->base);
    *m = (cbx_dmem){0};
}

void *cbx_dmem_take(cbx_dmem *m, size_t bytes)
{
    const size_t at = (m->used + 63) / 64 * 64;
    m->used = at + bytes;
    if (!m->base)
        return NULL;
    if (m->used > m->size)
        abort(); /* the block was sized by the same function: a bug */
    return m->base + at;
}

cbx_mat cbx_dmem_mat(cbx_dmem *m, int rows, int cols)
{
    float *p = cbx_dmem_take(m, (size_t)rows * (size_t)cols * sizeof(float));
    return (cbx_mat){p, rows, cols, cols};
}
