#ifndef CBX_MODELS_VOICE_VE_H
#define CBX_MODELS_VOICE_VE_H

#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/probe.h"
#include "models/voice/features.h"

/* The voice encoder: who speaks, for T3 (voice_encoder.py: VoiceEncoder).
 * Windows of 1.6 s run through an LSTM of three layers; the last state of each
 * is projected to a unit vector, and their mean is the speaker. const once
 * opened. */
typedef struct ve ve;

/* [setup] From ve.safetensors or ve.pt; the file may be closed afterwards. */
CBX_CHECK cbx_status ve_open(cbx_dev *dev, const cbx_tensor_file *file,
                             const cbx_config_ve *config, ve **out,
                             cbx_error *err);
void ve_close(ve *m);

/* [any] Length of an embedding. */
int ve_dim(const ve *m);

/* [any] Windows over so many frames (get_num_wins, get_frame_step). */
int ve_partials(const ve *m, int frames);

/* [setup] mel: voice_ve_mel()'s rows. out: [ve_dim()], of length 1. Shows
 * voice.ve.partial_embeds and voice.ve.out. CBX_E_ARG when the sound gives no
 * direction. */
CBX_CHECK cbx_status ve_embed(const ve *m, const voice_rows *mel,
                              const cbx_probe *probe, float *out,
                              cbx_error *err);

#endif
