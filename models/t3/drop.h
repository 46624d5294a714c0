#ifndef CBX_MODELS_T3_DROP_H
#define CBX_MODELS_T3_DROP_H

#include "models/checkpoint/config.h"

#include <stddef.h>
#include <stdint.h>

/* [any] The tokens that are handed to S3Gen, of the n that T3 gave
 * (s3tokenizer: drop_invalid_tokens; tts.py, mtl_tts.py, tts_turbo.py:
 * generate).
 *
 * original      from behind the start token, if it is there, up to the stop
 *               token; without ids that are no speech codes
 * multilingual  the same, but such ids stay: the reference hands them on, and
 *               S3Gen has no code for them
 * turbo, nano   all that are speech codes, and silence behind them
 *
 * out has room for n + config->limits.silence_appended; it may be `in`.
 * CBX_E_ARG: two start or two stop tokens in the way, which the reference
 * cannot take either. */
CBX_CHECK cbx_status t3_drop_invalid(const cbx_config *config,
                                     const int32_t *in, size_t n, int32_t *out,
                                     size_t *count, cbx_error *err);

#endif
