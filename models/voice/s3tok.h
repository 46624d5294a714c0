#ifndef CBX_MODELS_VOICE_S3TOK_H
#define CBX_MODELS_VOICE_S3TOK_H

#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/probe.h"
#include "models/voice/features.h"

/* The speech tokenizer: what was said, as 25 tokens a second (s3tokenizer:
 * S3TokenizerV2 with FSMN attention and a finite scalar quantizer). const once
 * opened. */
typedef struct s3tok s3tok;

enum {
    S3TOK_MAX_FRAMES = 3000, /* 30 s: more needs windows */
    S3TOK_CODES = 6561,      /* 3^8 */
};

/* [setup] The file holds tokenizer.*; it may be closed afterwards. */
CBX_CHECK cbx_status s3tok_open(cbx_dev *dev, const cbx_tensor_file *file,
                                const cbx_config_s3tok *config, s3tok **out,
                                cbx_error *err);
void s3tok_close(s3tok *m);

/* [any] Tokens of so many log-mel frames. */
int s3tok_count(int frames);

/* [setup] The first `frames` rows of voice_token_mel()'s. *tokens:
 * s3tok_count() of them, free() it. Shows voice.tok.*. CBX_E_LIMIT above
 * S3TOK_MAX_FRAMES. */
CBX_CHECK cbx_status s3tok_encode(const s3tok *m, const voice_rows *mel,
                                  int frames, const cbx_probe *probe,
                                  int32_t **tokens, cbx_error *err);

#endif
