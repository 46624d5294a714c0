#ifndef CBX_MODELS_TEXT_NORMALIZE_H
#define CBX_MODELS_TEXT_NORMALIZE_H

#include "rt/status.h"

#include <stddef.h>

/* The reference's text clean-up before tokenising, character by character:
 * tts.py, mtl_tts.py, tts_turbo.py: punc_norm. It does not allocate. */

/* Bytes that the output of n input bytes can need. */
#define CBX_PUNC_NORM_MAX(n) (3 * (size_t)(n) + 64)

/* [any] text[0..n) is UTF-8 (other bytes become U+FFFD). Writes `*len` bytes
 * to out[0..cap), not terminated; cap must be CBX_PUNC_NORM_MAX(n) or more,
 * else CBX_E_ARG. out must not overlap text. */
CBX_CHECK cbx_status cbx_punc_norm_turbo(const char *text, size_t n, char *out,
                                         size_t cap, size_t *len,
                                         cbx_error *err);
CBX_CHECK cbx_status cbx_punc_norm_original(const char *text, size_t n,
                                            char *out, size_t cap, size_t *len,
                                            cbx_error *err);
CBX_CHECK cbx_status cbx_punc_norm_multilingual(const char *text, size_t n,
                                                char *out, size_t cap,
                                                size_t *len, cbx_error *err);

#endif
