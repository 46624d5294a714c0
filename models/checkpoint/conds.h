#ifndef CBX_MODELS_CHECKPOINT_CONDS_H
#define CBX_MODELS_CHECKPOINT_CONDS_H

#include "models/checkpoint/safetensors.h"

#include <stddef.h>
#include <stdint.h>

/* A voice: what T3 and S3Gen are conditioned on (tts.py, tts_turbo.py:
 * Conditionals). Read from conds.pt (torch.save) or from its safetensors form,
 * which has the same names. Sizes differ between checkpoints; the model checks
 * them against its own. All arrays belong to the struct. */
typedef struct cbx_conds {
    int speaker_dim;    /* 256 in the published models */
    float *speaker_emb; /* [speaker_dim] t3.speaker_emb */

    int n_t3_tokens;    /* 0 when the voice has none */
    int32_t *t3_tokens; /* [n_t3_tokens] t3.cond_prompt_speech_tokens */

    /* Optional (NULL): [n_t3_tokens, t3_prompt_dim], left in a saved voice by
     * T3.prepare_conditioning. */
    int t3_prompt_dim;
    float *t3_prompt_emb;

    float emotion_adv; /* t3.emotion_adv; 0.5 when absent */

    int n_prompt_tokens;    /* gen.prompt_token */
    int32_t *prompt_tokens; /* [n_prompt_tokens] */
    int n_prompt_frames;    /* as in the file: 2 * n_prompt_tokens, or 1 more */
    int n_mels;             /* 80 */
    float *prompt_feat; /* [n_prompt_frames, n_mels] log mel, frames first */
    int embedding_dim;  /* 192 */
    float *embedding;   /* [embedding_dim] gen.embedding, not normalised */
} cbx_conds;

/* [setup] Either form; the file's first bytes tell which. */
CBX_CHECK cbx_status cbx_conds_open(const char *path, cbx_conds **out,
                                    cbx_error *err);
void cbx_conds_close(cbx_conds *c);

/* [setup] Writes the safetensors form. */
CBX_CHECK cbx_status cbx_conds_write(const cbx_conds *c, const char *path,
                                     cbx_error *err);

/* [setup] The same, with notes in its metadata. */
CBX_CHECK cbx_status cbx_conds_write_noted(const cbx_conds *c, const char *path,
                                           const cbx_safetensors_note *notes,
                                           size_t n_notes, cbx_error *err);

/* [setup] Writes conds.pt, as the reference's Conditionals.save does and its
 * Conditionals.load wants it: it has no room for notes. */
CBX_CHECK cbx_status cbx_conds_write_pt(const cbx_conds *c, const char *path,
                                        cbx_error *err);

#endif
