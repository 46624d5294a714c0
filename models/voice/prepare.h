#ifndef CBX_MODELS_VOICE_PREPARE_H
#define CBX_MODELS_VOICE_PREPARE_H

#include "models/checkpoint/conds.h"
#include "models/checkpoint/config.h"
#include "models/probe.h"

#include <stddef.h>

/* From a recording of somebody to a voice (tts_turbo.py, tts.py:
 * prepare_conditionals). Holds the three encoders of a model's folder: voice
 * encoder, speaker encoder, speech tokenizer. Made for one voice or a few and
 * closed again; a voice takes seconds. */
typedef struct cbx_voice_maker cbx_voice_maker;

/* [setup] CBX_E_UNSUPPORTED when the model comes without encoders: it then
 * speaks with its own voices only. */
CBX_CHECK cbx_status cbx_voice_maker_open(cbx_dev *dev, const char *folder,
                                          const cbx_config *config,
                                          cbx_voice_maker **out,
                                          cbx_error *err);
void cbx_voice_maker_close(cbx_voice_maker *m);

/* [any] The fewest samples at 24 kHz that the family's front end takes: turbo
 * and nano want more than five seconds (ChatterboxTurboTTS.prepare_conditionals
 * asserts it). cbx_voice_make itself is content with CBX_VOICE_LEAST. */
size_t cbx_voice_wanted(cbx_family family);

enum {
    CBX_VOICE_RATE = 24000,
    CBX_VOICE_LEAST = CBX_VOICE_RATE / 2,
    CBX_VOICE_MOST = CBX_VOICE_RATE * 3600,
};

/* [setup] wav: n mono samples at CBX_VOICE_RATE between -1 and 1. Turbo and
 * nano bring it to -27 LUFS first. What is used of it: the first 10 s for
 * S3Gen's prompt, the first 15 s (6 s with a Llama T3) for T3's prompt, all of
 * it for the voice encoder. probe: NULL, or voice.xvec.*, voice.tok.* (of
 * S3Gen's prompt first, then of T3's) and voice.ve.* are shown to it.
 * CBX_E_ARG when there are too few samples, too many, one that is no number,
 * or nobody to be heard. */
CBX_CHECK cbx_status cbx_voice_make(const cbx_voice_maker *m, const float *wav,
                                    size_t n, const cbx_probe *probe,
                                    cbx_conds **out, cbx_error *err);

#endif
