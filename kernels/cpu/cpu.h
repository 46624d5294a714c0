#ifndef CBX_KERNELS_CPU_CPU_H
#define CBX_KERNELS_CPU_CPU_H

#include "kernels/kernels.h"
#include "rt/pool.h"

/* What all CPU variants share: the device, and the objects in host memory.
 * `ref/` holds the plain definitions; a variant is a copy of the plain table
 * with its own functions put in. */

typedef struct cpu_dev {
    cbx_dev dev; /* first, so that a cbx_dev * is a cpu_dev * */
    cbx_pool *pool;
    /* Rows for `linear` with a norm, scores for attention; see cpu_scratch. */
    float *scratch;
    size_t scratch_floats;
    cbx_kernels table; /* dev.k points here */
} cpu_dev;

static inline cpu_dev *cpu_of(cbx_dev *d)
{
    return (cpu_dev *)d;
}

/* [decode] At least n floats, 64-byte aligned; grows beyond what was reserved,
 * aborts when memory runs out. Contents are gone with the next call. */
float *cpu_scratch(cbx_dev *d, size_t n);

struct cbx_weight {
    int taps, in, out;
    cbx_format format;
    float *bias; /* [out], zeros where there was none */
    void *data;  /* as the variant packs it */
    size_t bytes;
};

struct cbx_table {
    int rows, cols;
    cbx_dtype type;
    const void *host; /* the mapped tensor; any alignment */
};

/* k and v: [layers][capacity][width] numbers of `size` bytes: bf16 in two, in
 * the plain table rounded in four. */
struct cbx_kv {
    int layers, width, capacity, len;
    cbx_format format;
    size_t size;
    void *k, *v;
};

struct cbx_sampler {
    int vocab;
    unsigned char *seen; /* [vocab] */
    float *x;            /* [vocab] logits while they are processed */
    int32_t *order;      /* [2 * vocab] scratch of the filters */
};

/* Variants: fill in their functions; the table holds ref's before. */
void avx2_fill(cbx_kernels *table);
void avxvnni_fill(cbx_kernels *table);
void avx512_fill(cbx_kernels *table);
void avx512vnni_fill(cbx_kernels *table);
void avx512bf16_fill(cbx_kernels *table);
void amx_fill(cbx_kernels *table);
void neon_fill(cbx_kernels *table);

#endif
