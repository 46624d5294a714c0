#ifndef CBX_MODELS_CHECKPOINT_TABLE_H
#define CBX_MODELS_CHECKPOINT_TABLE_H

#include "models/checkpoint/map.h"
#include "models/checkpoint/tensor.h"

/* What is behind cbx_tensor_file; the two readers fill it. */

typedef struct metadata {
    char *key, *value;
} metadata;

struct cbx_tensor_file {
    char *path;
    file_map map;
    cbx_file_tensor *tensors; /* names and file are ours */
    size_t n, room;
    uint32_t *slots; /* open addressing by name: index + 1, 0 is free */
    size_t n_slots;  /* a power of two */
    metadata *meta;
    size_t n_meta;
    void **copies; /* data of tensors that do not lie in the map */
    size_t n_copies;
};

enum { TABLE_MAX_TENSORS = 1 << 20, TABLE_MAX_NAME = 1024 };

/* [setup] An empty table over the mapped file. */
CBX_CHECK cbx_status tensor_table_open(const char *path, cbx_tensor_file **out,
                                       cbx_error *err);

/* [setup] Adds a tensor; `t->name` (n bytes) is copied. Names with control
 * characters are refused, so they can be printed. */
CBX_CHECK cbx_status tensor_table_add(cbx_tensor_file *f,
                                      const cbx_file_tensor *t,
                                      const char *name, size_t n,
                                      cbx_error *err);

/* [setup] After the last tensor: makes the index, refuses equal names. */
CBX_CHECK cbx_status tensor_table_index(cbx_tensor_file *f, cbx_error *err);

/* [setup] Memory that lives as long as the table. */
void *tensor_table_copy(cbx_tensor_file *f, size_t bytes);

/* [any] numel of dims; false on a negative dim or overflow. */
int tensor_table_numel(int ndim, const int64_t *dims, size_t *out);

enum { SHOW = 96 };

/* [any] A string from a file, short and printable, for a message. */
const char *show_text(const char *s, size_t n, char out[SHOW]);

#endif
