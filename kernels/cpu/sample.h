#ifndef CBX_KERNELS_CPU_SAMPLE_H
#define CBX_KERNELS_CPU_SAMPLE_H

#include "kernels/cpu/cpu.h"

/* [decode] `sample` by selection: the tokens of the plain definition. */
void cpu_sample(cbx_dev *d, const cbx_sample *op);

/* [any] The results of cbx_top_p and cbx_min_p, bit for bit, where no value is
 * NaN; with p = 1 nothing is dropped. */
void cpu_top_p(float *x, int V, float p, int32_t *order);
void cpu_min_p(float *x, int V, float min_p);

#endif
