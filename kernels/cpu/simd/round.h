#ifndef CBX_KERNELS_CPU_SIMD_ROUND_H
#define CBX_KERNELS_CPU_SIMD_ROUND_H

#include "kernels/cpu/simd/multiply.h"

/* Inputs of `linear` rounded as their format says, in scratch. */

/* Floats of rows x cols, up to whole 64 bytes. */
static inline size_t whole_lines(int rows, int cols)
{
    return ((size_t)rows * (size_t)cols + 15) / 16 * 16;
}

/* Floats of scratch that round_rows needs; 0: nothing is to be rounded. */
size_t FN(round_floats)(cbx_format f, const multiply_set *set, int rows,
                        int cols);

/* Rounds all rows of *x to `p`: into *out where the kernels read that, else
 * into floats, to which *x then points. */
void FN(round_rows)(cbx_dev *d, cbx_format f, const multiply_set *set,
                    cbx_mat *x, float *p, rounded *out);

/* The same from row `from` on. */
static inline rounded rounded_from(const rounded *r, size_t from)
{
    rounded s = *r;
    s.x = (const char *)r->x + from * r->ld * (r->scale ? 1 : 2);
    if (r->scale) {
        s.scale = r->scale + from * r->groups;
        s.offset = r->offset + from * r->groups;
    }
    return s;
}

/* linear with a given set of kernels. */
void FN(linear_by)(cbx_dev *d, const cbx_linear *op, const multiply_set *set);

#endif
