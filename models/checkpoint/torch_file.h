#ifndef CBX_MODELS_CHECKPOINT_TORCH_FILE_H
#define CBX_MODELS_CHECKPOINT_TORCH_FILE_H

#include "models/checkpoint/tensor.h"

/* The tensors of a file written by torch.save (zip form): conds.pt, ve.pt,
 * s3gen.pt. The pickle inside is read as data and executes nothing: see
 * pickle.h. A tensor's name is its path through the dictionaries, joined by
 * dots ("t3.speaker_emb"); lists contribute their index. Storages of float,
 * half, bfloat16, int64, int32, int16 and uint8 can be used. Views are allowed
 * when they stay inside their storage; one that is not row-major is copied. */

/* [setup] Close with cbx_tensor_file_close. */
CBX_CHECK cbx_status cbx_torch_file_open(const char *path,
                                         cbx_tensor_file **out, cbx_error *err);

#endif
