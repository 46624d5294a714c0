#ifndef CBX_MODELS_S3GEN_CFM_H
#define CBX_MODELS_S3GEN_CFM_H

#include "models/s3gen/unet.h"

/* Noise to mel by a few Euler steps along the U-Net's velocity
 * (flow_matching.py: CausalConditionalCFM: basic_euler for meanflow,
 * solve_euler with classifier-free guidance otherwise). */
typedef struct cfm_run {
    cbx_dev *dev;
    space *mem;
    const cbx_probe *probe;
    past *past; /* of each step, with guidance two: with and without; or NULL */
} cfm_run;

/* [any] How many of them. */
static inline int cfm_pasts(const unet *m, float cfg)
{
    return m->steps * (cfg != 0 ? 2 : 1);
}

/* [decode] in: [UNET_PAST + T][4 * mels]: x, mu, speaker and prompt mel side by
 * side. x comes as noise and becomes the mel. cfg 0: no guidance, one
 * evaluation for each step. */
void cfm_solve(const unet *m, float cfg, const cfm_run *r, cbx_mat in);

#endif
