#ifndef CBX_MODELS_VOICE_CAMPPLUS_H
#define CBX_MODELS_VOICE_CAMPPLUS_H

#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/probe.h"
#include "models/voice/features.h"

/* The speaker encoder: who speaks, for S3Gen (xvector.py: CAMPPlus). A small
 * 2-D network over time and mel, then three blocks of densely connected
 * layers over time, each gated by its context; mean and deviation over time
 * are projected to the speaker. const once opened. */
typedef struct campplus campplus;

/* [setup] The file holds speaker_encoder.*; it may be closed afterwards. */
CBX_CHECK cbx_status campplus_open(cbx_dev *dev, const cbx_tensor_file *file,
                                   const cbx_config_campplus *config,
                                   campplus **out, cbx_error *err);
void campplus_close(campplus *m);

/* [any] Length of an embedding. */
int campplus_dim(const campplus *m);

/* [setup] feat: voice_fbank()'s rows without their mean. out: [campplus_dim()],
 * not normalised. Shows voice.xvec.*. */
CBX_CHECK cbx_status campplus_embed(const campplus *m, const voice_rows *feat,
                                    const cbx_probe *probe, float *out,
                                    cbx_error *err);

#endif
