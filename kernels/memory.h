#ifndef CBX_KERNELS_MEMORY_H
#define CBX_KERNELS_MEMORY_H

#include "kernels/kernels.h"

/* Device memory handed out from the bottom up, as rt/arena.h does for the
 * host. State that is laid out by one function is sized by running that
 * function on a counting arena (base NULL: views without memory), and then
 * again on a real one. */
typedef struct cbx_dmem {
    unsigned char *base; /* NULL while counting */
    size_t size, used;
} cbx_dmem;

/* [setup] A block of `bytes` zeroed bytes on the device. */
CBX_CHECK cbx_status cbx_dmem_open(cbx_dev *d, size_t bytes, cbx_dmem *out,
                                   cbx_error *e);
void cbx_dmem_close(cbx_dev *d, cbx_dmem *m);

/* [decode] `bytes` bytes, 64-byte aligned; NULL while counting. A full
 * block aborts: the caller sized it by the same function, so that is a bug. */
void *cbx_dmem_take(cbx_dmem *m, size_t bytes);

/* [decode] rows x cols, ld = cols. */
cbx_mat cbx_dmem_mat(cbx_dmem *m, int rows, int cols);

#endif
