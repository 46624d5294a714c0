#ifndef CBX_KERNELS_CPU_SIMD_EPILOGUE_H
#define CBX_KERNELS_CPU_SIMD_EPILOGUE_H

#include "kernels/cpu/simd/simd.h"

/* What follows the sums of a linear (kernels/kernels.h: cbx_linear), for
 * `rows` rows from m and `cols` outputs from n, n a multiple of 8.
 * acc: [rows][ld], whole vectors of eight. */
void FN(epilogue)(const cbx_linear *op, const float *acc, int ld, int m,
                  int rows, int n, int cols);

#endif
