#ifndef CBX_KERNELS_REF_VOICE_OPS_H
#define CBX_KERNELS_REF_VOICE_OPS_H

#include "kernels/kernels.h"

/* The plain definitions of what the encoders of a voice need besides: gates,
 * folded norms and rotations (muladd), averages over time (time_stats). */
void ref_muladd(cbx_dev *d, const cbx_muladd *op);
void ref_time_stats(cbx_dev *d, const cbx_time_stats *op);

#endif
