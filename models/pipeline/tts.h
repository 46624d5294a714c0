#ifndef CBX_MODELS_PIPELINE_TTS_H
#define CBX_MODELS_PIPELINE_TTS_H

#include "kernels/kernels.h"
#include "models/checkpoint/config.h"

#include <stddef.h>

/* A checkpoint, opened: everything that turns text into PCM. Read-only after
 * opening, shared by all streams of a device. */
typedef struct cbx_tts cbx_tts;

/* A speaker, prepared for one checkpoint: T3's prefix with its keys and
 * values, and the flow decoder's prompt. Read-only, shared by streams. */
typedef struct cbx_speaker cbx_speaker;

/* In which formats the weights are held. NULL names: the default. */
typedef struct cbx_tts_weights {
    /* T3: "f32", "bf16", "int8", "int4"; default int8, but f32 for a T3 below
     * 64 MB, whose weights stay in a cache. */
    const char *t3;
    /* Flow and vocoder: "f32" (the default), or "bf16" or "int8" with inputs
     * rounded as well (CBX_FMT_BF16A, CBX_FMT_I8A). The pitch is always f32. */
    const char *s3gen;
} cbx_tts_weights;

/* [setup] `folder` holds the published files (or the built-in model's). weights
 * may be NULL. CBX_E_ARG: no such format. */
CBX_CHECK cbx_status cbx_tts_open(cbx_dev *dev, const char *folder,
                                  const cbx_tts_weights *weights, cbx_tts **out,
                                  cbx_error *err);

/* [any] The format of T3's weights, "int8"; that of flow and vocoder, "int8a".
 */
const char *cbx_tts_weights_name(const cbx_tts *m);
const char *cbx_tts_compute_name(const cbx_tts *m);
void cbx_tts_close(cbx_tts *m);

/* [any] */
const cbx_config *cbx_tts_config(const cbx_tts *m);
size_t cbx_tts_weight_bytes(const cbx_tts *m);

/* [setup] Whether the model speaks this language ("de"; NULL or "": none is
 * named). *notice: what it does not do for that language, one sentence to tell
 * the user, or NULL. */
CBX_CHECK cbx_status cbx_tts_language(const cbx_tts *m, const char *language,
                                      const char **notice, cbx_error *err);

/* [setup] conds: a conds.pt or its safetensors form, or NULL for the one in
 * the model's folder. */
CBX_CHECK cbx_status cbx_speaker_open(const cbx_tts *m, const char *conds,
                                      cbx_speaker **out, cbx_error *err);
void cbx_speaker_close(cbx_speaker *s);

#endif
