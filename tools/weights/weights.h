#ifndef CBX_TOOLS_WEIGHTS_WEIGHTS_H
#define CBX_TOOLS_WEIGHTS_WEIGHTS_H

#include "kernels/kernels.h"

/* What smaller weights cost T3. */

/* For each matrix of the layers and the head: the error that bf16, int8 and
 * int4 leave in the numbers themselves. No device is needed. */
CBX_CHECK cbx_status weights_errors(const char *folder, cbx_error *err);

/* For the first `count` lines of a file: whether the drawn tokens are those of
 * f32, seed and voice being the same. */
CBX_CHECK cbx_status weights_tokens(const char *folder, const char *text,
                                    int count, int most, cbx_error *err);

#endif
