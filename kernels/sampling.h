#ifndef CBX_KERNELS_SAMPLING_H
#define CBX_KERNELS_SAMPLING_H

#include <stdint.h>

/* The logits processors of the reference, in plain C on host memory: the
 * definition of `sample`, used one by one by the parity tool. x is [V];
 * a dropped id becomes -infinity. NaN counts as -infinity in `sample`. [any] */

/* t3.py: inference: cond + w * (cond - uncond) */
void cbx_cfg_mix(float *x, const float *uncond, int V, float w);
/* transformers: TemperatureLogitsWarper; 1.0 changes nothing */
void cbx_temperature(float *x, int V, float t);
/* transformers: TopKLogitsWarper: below the k-th largest, ties stay.
 * order: scratch [2 * V]. */
void cbx_top_k(float *x, int V, int k, int32_t *order);
/* transformers: TopPLogitsWarper: ascending, cumulative <= 1 - p are dropped,
 * the last always stays. Equal values: the smaller id counts as smaller.
 * order: scratch [2 * V]. */
void cbx_top_p(float *x, int V, float p, int32_t *order);
/* transformers: MinPLogitsWarper: p < min_p * max(p) */
void cbx_min_p(float *x, int V, float min_p);
/* transformers: RepetitionPenaltyLogitsProcessor; seen: one byte for each id */
void cbx_repetition_penalty(float *x, int V, const unsigned char *seen,
                            float penalty);
/* Softmax in place; all -infinity gives all zeros. */
void cbx_softmax(float *x, int V);
/* First id whose running fp64 sum of p exceeds u * sum(p); the last id with
 * p > 0 where rounding leaves none, 0 where all are 0. */
int cbx_pick(const float *p, int V, double u);

#endif
