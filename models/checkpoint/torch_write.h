#ifndef CBX_MODELS_CHECKPOINT_TORCH_WRITE_H
#define CBX_MODELS_CHECKPOINT_TORCH_WRITE_H

#include "models/checkpoint/tensor.h"

/* Writes what torch.save writes and torch.load(weights_only=True) reads: a zip
 * of stored entries with a pickle of protocol 2 and one storage per tensor
 * (torch/serialization.py: _save). torch_file.h reads it back. */

/* One entry of a dictionary of dictionaries. */
typedef struct cbx_torch_item {
    const char *group; /* "t3"; items of a group lie side by side */
    const char *name;  /* "speaker_emb"; ASCII, both below 256 bytes */
    cbx_file_dtype dtype;
    int ndim; /* row-major */
    int64_t dims[CBX_TENSOR_MAX_DIMS];
    const void *data; /* NULL: the value is None */
} cbx_torch_item;

/* [setup] `folder` is what the entries of the zip begin with, as torch.save
 * takes it from the file's name. Up to 1 GB. Replaces `path` as a whole. */
CBX_CHECK cbx_status cbx_torch_write(const char *path, const char *folder,
                                     const cbx_torch_item *items, size_t n,
                                     cbx_error *err);

#endif
