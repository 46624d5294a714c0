#ifndef CBX_MODELS_CHECKPOINT_SAFETENSORS_H
#define CBX_MODELS_CHECKPOINT_SAFETENSORS_H

#include "models/checkpoint/tensor.h"

/* The safetensors format: 8 bytes of header length, a JSON header, one block
 * of data. https://github.com/huggingface/safetensors (README, "Format").
 * Every field is checked, and the tensors must cover the block exactly: no
 * overlap, no hole, nothing after it. */

/* [setup] */
CBX_CHECK cbx_status cbx_safetensors_open(const char *path,
                                          cbx_tensor_file **out,
                                          cbx_error *err);

/* One tensor to write. CBX_FILE_OTHER cannot be written. */
typedef struct cbx_safetensors_item {
    const char *name;
    cbx_file_dtype dtype;
    int ndim;
    int64_t dims[CBX_TENSOR_MAX_DIMS];
    const void *data;
} cbx_safetensors_item;

/* [setup] Writes a small file (a voice) beside `path` and renames it into
 * place, so that a reader never sees half of it. */
CBX_CHECK cbx_status cbx_safetensors_write(const char *path,
                                           const cbx_safetensors_item *items,
                                           size_t n, cbx_error *err);

/* An entry of the string map `__metadata__`: UTF-8, each key once. */
typedef struct cbx_safetensors_note {
    const char *key, *value;
} cbx_safetensors_note;

/* [setup] The same, with notes. */
CBX_CHECK cbx_status cbx_safetensors_write_noted(
    const char *path, const cbx_safetensors_item *items, size_t n,
    const cbx_safetensors_note *notes, size_t n_notes, cbx_error *err);

#endif
