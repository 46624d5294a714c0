#ifndef CBX_MODELS_S3GEN_SPACE_H
#define CBX_MODELS_S3GEN_SPACE_H

#include "kernels/memory.h"
#include "models/probe.h"

/* Scratch rows of one stream: taken from the bottom up while a function runs,
 * given back by rewinding. How much a model needs is found by running it dry:
 * the same function, on a device whose operations do nothing and a space that
 * only counts. */
typedef struct space {
    cbx_dmem mem;
    size_t peak; /* the most that was ever taken */
} space;

/* [setup] A counting space, and the device and the probe to use with it. */
void space_init_dry(space *s);
cbx_dev *space_dry_device(void);
const cbx_probe *space_dry_probe(void);

/* [setup] A real space as large as `dry` ever was. */
CBX_CHECK cbx_status space_open(cbx_dev *dev, const space *dry, space *out,
                                cbx_error *err);
void space_close(cbx_dev *dev, space *s);

/* [decode] rows x cols floats that hold anything; never NULL. */
cbx_mat space_mat(space *s, int rows, int cols);

/* [decode] `bytes` bytes that hold anything; never NULL. */
void *space_take(space *s, size_t bytes);

/* [decode] Gives back all that was taken since the mark. */
static inline size_t space_mark(const space *s)
{
    return s->mem.used;
}

static inline void space_rewind(space *s, size_t mark)
{
    s->mem.used = mark;
}

#endif
