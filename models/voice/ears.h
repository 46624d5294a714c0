#ifndef CBX_MODELS_VOICE_EARS_H
#define CBX_MODELS_VOICE_EARS_H

#include "models/voice/s3tok.h"

/* The speech tokenizer of a model's folder, for those who need no more than
 * that. */

/* [setup] CBX_E_UNSUPPORTED when the model comes without one. */
CBX_CHECK cbx_status cbx_ears_open(cbx_dev *dev, const char *folder,
                                   const cbx_config *config, s3tok **out,
                                   cbx_error *err);

/* [setup] The speech tokens of n samples at 16 kHz; max: at most so many, 0 for
 * all. *tokens: free() it. */
CBX_CHECK cbx_status cbx_ears_hear(const s3tok *m, const float *wav16, size_t n,
                                   int max, const cbx_probe *probe,
                                   int32_t **tokens, int *count,
                                   cbx_error *err);

/* [setup] A file of the folder that must hold `key`; `what`: what the model
 * lacks else. */
CBX_CHECK cbx_status encoder_file_open(const char *folder, const char *name,
                                       const char *key, const char *what,
                                       cbx_tensor_file **out, cbx_error *err);

#endif
