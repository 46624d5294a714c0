#include "models/voice/scratch.h"

enum { MAX_BLOCKS = sizeof((scratch *)0)->blocks / sizeof(void *) };

cbx_mat scratch_mat(scratch *s, int rows, int cols)
{
    float *p = NULL;
    if (!s->failed && s->n < MAX_BLOCKS)
        p = s->dev->k->mem_new(s->dev, (size_t)rows * (size_t)cols * sizeof *p);
    if (!p) {
        s->failed = true;
        return (cbx_mat){0};
    }
    s->blocks[s->n++] = p;
    return (cbx_mat){p, rows, cols, cols};
}

cbx_mat scratch_upload(scratch *s, const float *host, int rows, int cols)
{
    const cbx_mat m = scratch_mat(s, rows, cols);
    if (m.p)
        s->dev->k->upload(s->dev, m.p, host,
                          (size_t)rows * (size_t)cols * sizeof *m.p);
    return m;
}

cbx_status scratch_status(const scratch *s, cbx_error *err)
{
    if (s->failed)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to make a voice");
    return CBX_OK;
}

void scratch_close(scratch *s)
{
    for (int i = 0; i < s->n; i++)
        s->dev->k->mem_free(s->dev, s->blocks[i]);
    s->n = 0;
}
