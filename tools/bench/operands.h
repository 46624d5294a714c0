#ifndef CBX_TOOLS_BENCH_OPERANDS_H
#define CBX_TOOLS_BENCH_OPERANDS_H

#include "tools/bench/bench.h"

/* Random matrices and weights for single operations. p == NULL, NULL: no
 * memory; of a weight err says so. */
cbx_mat operand_mat(cbx_dev *d, int rows, int cols);
cbx_weight *operand_weight(cbx_dev *d, cbx_format format, int taps, int in,
                           int out, cbx_error *err);
void operand_free(cbx_dev *d, cbx_mat m);

#endif
