#ifndef CBX_MODELS_CHECKPOINT_TENSOR_H
#define CBX_MODELS_CHECKPOINT_TENSOR_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* Tensors as they lie in a checkpoint file, whatever its kind: a safetensors
 * file (safetensors.h) or a .pt file (torch_file.h). Both are opened into a
 * cbx_tensor_file, a table from name to tensor. The file is mapped read-only
 * and shared; nothing is read before it is asked for, so opening two gigabytes
 * takes milliseconds. Everything in the file is checked when it is opened.
 *
 * Not handled: a file that another program shortens while it is mapped. The
 * kernel then raises SIGBUS on access. Replace files by renaming over them. */

enum { CBX_TENSOR_MAX_DIMS = 8 };

typedef enum cbx_file_dtype {
    CBX_FILE_F32,
    CBX_FILE_F16,
    CBX_FILE_BF16,
    CBX_FILE_I64,
    CBX_FILE_I32,
    CBX_FILE_I16,
    CBX_FILE_U8,
    CBX_FILE_OTHER, /* known to the format, not to us: can be listed only */
} cbx_file_dtype;

typedef struct cbx_file_tensor {
    const char *name; /* as in the file; dotted path in a .pt file */
    const char *file; /* path of the file, for messages */
    cbx_file_dtype dtype;
    const char *dtype_name; /* "F32", "BF16", "F64", ... */
    int ndim;               /* 0 is a scalar */
    int64_t dims[CBX_TENSOR_MAX_DIMS];
    size_t numel;
    size_t bytes;
    /* Row-major little-endian elements, `bytes` long; may lie at any address,
     * so use memcpy or the functions below. */
    const unsigned char *data;
} cbx_file_tensor;

typedef struct cbx_tensor_file cbx_tensor_file;

/* [setup] Opens a file of either kind; its first bytes tell which. Close
 * accepts NULL; every tensor of the file dies with it. */
CBX_CHECK cbx_status cbx_tensor_file_open(const char *path,
                                          cbx_tensor_file **out,
                                          cbx_error *err);
void cbx_tensor_file_close(cbx_tensor_file *f);

/* [any] The path it was opened with. */
const char *cbx_tensor_file_path(const cbx_tensor_file *f);

/* [any] All tensors, in the order of the file's header. */
size_t cbx_tensor_count(const cbx_tensor_file *f);
const cbx_file_tensor *cbx_tensor_at(const cbx_tensor_file *f, size_t i);

/* [any] NULL when there is none of that name. */
const cbx_file_tensor *cbx_tensor_find(const cbx_tensor_file *f,
                                       const char *name);

/* [any] A value of the string map in `__metadata__`; NULL when not there. */
const char *cbx_tensor_file_metadata(const cbx_tensor_file *f, const char *key);

/* [any] The i-th entry of that map, in its own order; false past the end. */
int cbx_tensor_file_metadata_at(const cbx_tensor_file *f, size_t i,
                                const char **key, const char **value);

/* [setup] The tensor `name`, which must have `ndim` dims; dims[i] < 0 accepts
 * any size. CBX_E_SHAPE names the file, the tensor, and both shapes. */
CBX_CHECK cbx_status cbx_tensor_need(const cbx_tensor_file *f, const char *name,
                                     int ndim, const int64_t *dims,
                                     const cbx_file_tensor **out,
                                     cbx_error *err);

/* [setup] All `numel` elements as float: F32, F16 and BF16, each exact.
 * CBX_E_UNSUPPORTED for any other type. */
CBX_CHECK cbx_status cbx_tensor_f32(const cbx_file_tensor *t, float *out,
                                    cbx_error *err);

/* [setup] All elements as int32: integer types within its range, and floats
 * that hold whole numbers. CBX_E_FORMAT names the first that does not fit. */
CBX_CHECK cbx_status cbx_tensor_i32(const cbx_file_tensor *t, int32_t *out,
                                    cbx_error *err);

/* [any] "[1, 50, 80]" into out (cap bytes, at least 1); returns out. */
char *cbx_tensor_shape_text(int ndim, const int64_t *dims, char *out,
                            size_t cap);

/* [any] Bytes of one element; 0 for CBX_FILE_OTHER. */
size_t cbx_file_dtype_size(cbx_file_dtype dtype);

/* [any] Exact conversions of one element. */
float cbx_half_to_float(uint16_t h);
float cbx_bf16_to_float(uint16_t h);

#endif
