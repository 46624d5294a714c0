#ifndef CBX_MODELS_S3GEN_LOAD_H
#define CBX_MODELS_S3GEN_LOAD_H

#include "kernels/kernels.h"
#include "models/checkpoint/tensor.h"

/* Reading S3Gen's tensors onto the device.
 *
 * The first failure sticks: after it every load_ function does nothing and
 * returns NULL or 0, and the caller asks load->status once at the end. Names
 * are printf formats. `X` names a layer: its tensors are X.weight, or X's
 * weight norm X.parametrizations.weight.original{0,1}, and X.bias.
 *
 * Everything made here belongs to a load_owned and dies with it. */
typedef struct load_owned load_owned;

typedef struct load {
    cbx_dev *dev;
    const cbx_tensor_file *file;
    cbx_format format; /* of matrices; vectors are f32 */
    load_owned *own;
    cbx_status status;
    cbx_error *err;
} load;

enum { LOAD_MAX_DIM = 1 << 16 };

/* [setup] Close frees all that was loaded. */
CBX_CHECK cbx_status load_owned_open(cbx_dev *dev, load_owned **out,
                                     cbx_error *err);
void load_owned_close(load_owned *o);

/* [any] Bytes of the matrices. */
size_t load_owned_bytes(const load_owned *o);

/* [setup] True when layer X has a weight, in either form. */
CBX_PRINTF(2, 3)
bool load_has(load *l, const char *x, ...);

/* [setup] Size `i` of X's weight, which must have ndim sizes, each at least 1
 * and at most LOAD_MAX_DIM. 0 on failure. */
CBX_PRINTF(4, 5)
int load_dim(load *l, int ndim, int i, const char *x, ...);

/* [setup] The same for a tensor by its full name. */
CBX_PRINTF(4, 5)
int load_tensor_dim(load *l, int ndim, int i, const char *name, ...);

/* [setup] A vector of n floats by its full name; sizes of 1 may surround it,
 * and [a][b] with a * b = n will do. */
CBX_PRINTF(3, 4)
const float *load_vec(load *l, int n, const char *name, ...);

/* [setup] The same on the host, for the caller to work on; free() it. */
CBX_PRINTF(3, 4)
float *load_numbers(load *l, size_t n, const char *name, ...);

/* [setup] Host numbers on the device. */
const float *load_host_vec(load *l, int n, const float *host);

/* [setup] Layer norm X over n channels. */
CBX_PRINTF(4, 5)
cbx_norm load_norm(load *l, int n, float eps, const char *x, ...);

/* [setup] Linear X: weight [out][in]. */
CBX_PRINTF(5, 6)
const cbx_weight *load_linear(load *l, int in, int out, bool bias,
                              const char *x, ...);

/* [setup] Linears X.part[0], X.part[1], ... side by side in one matrix. */
CBX_PRINTF(7, 8)
const cbx_weight *load_linears(load *l, int in, int out, bool bias,
                               const char *const *part, int n, const char *x,
                               ...);

/* [setup] Convolution X: weight [out][in][taps], with bias. */
CBX_PRINTF(5, 6)
const cbx_weight *load_conv(load *l, int in, int out, int taps, const char *x,
                            ...);

/* [setup] The same with its taps folded into the input width, as a stride
 * needs it: taps * in inputs. */
CBX_PRINTF(5, 6)
const cbx_weight *load_conv_folded(load *l, int in, int out, int taps,
                                   const char *x, ...);

/* [setup] Transposed convolution X: weight [in][out][taps]. Packed as
 * ceil(taps / stride) taps and stride * out outputs: tap t of row q is what
 * input q + t - (ceil(taps / stride) - 1) gives to samples q * stride ... */
CBX_PRINTF(6, 7)
const cbx_weight *load_conv_transposed(load *l, int in, int out, int taps,
                                       int stride, const char *x, ...);

/* [setup] What the caller made of its tensors. */
const cbx_weight *load_packed(load *l, const cbx_weight_spec *spec);

/* [setup] A matrix that no file holds, kept as f32. */
const cbx_weight *load_matrix(load *l, int in, int out, const float *w);

/* [setup] Embedding table [rows][cols] by its full name; read where it lies. */
CBX_PRINTF(4, 5)
const cbx_table *load_table(load *l, int rows, int cols, const char *name, ...);

/* [setup] Device memory. */
void *load_memory(load *l, size_t bytes);

#endif
