#ifndef CBX_MODELS_TEXT_TOKENIZER_H
#define CBX_MODELS_TEXT_TOKENIZER_H

#include "models/checkpoint/config.h"

#include <stddef.h>
#include <stdint.h>

/* Text as the reference's front end hands it to T3, whatever the family
 * (generate() of tts.py, mtl_tts.py, tts_turbo.py): clean-up, tokenizer, and
 * the start and stop ids around them.
 *
 * It holds scratch: one thread at a time. */
typedef struct cbx_tokenizer cbx_tokenizer;

/* Longest text for one call, in bytes. */
enum { CBX_TOKENIZER_MAX_TEXT = 1 << 14 };

/* [setup] folder: the model's. Reads vocab.json and merges.txt (turbo, nano),
 * tokenizer.json (original), or grapheme_mtl_merged_expanded_v1.json and, where
 * one is there, Cangjie5_TC.json or .tsv (multilingual). */
CBX_CHECK cbx_status cbx_tokenizer_open(const char *folder,
                                        const cbx_config *config,
                                        cbx_tokenizer **out, cbx_error *err);
void cbx_tokenizer_close(cbx_tokenizer *t);

/* [any] One more than the largest id, the frame's included. */
int cbx_tokenizer_size(const cbx_tokenizer *t);

/* [any] Whether the model has this language ("de", any case). NULL and "": no
 * language is named; that is always possible. */
CBX_CHECK cbx_status cbx_tokenizer_check(const cbx_tokenizer *t,
                                         const char *language, cbx_error *err);

/* [any] What this program does not do for the language, one sentence to tell
 * the user once; or NULL. */
const char *cbx_tokenizer_notice(const cbx_tokenizer *t, const char *language);

/* [decode] All of it: *count ids to ids[0..cap). language: as above; only the
 * multilingual model makes a difference between languages. CBX_E_LIMIT: the
 * text is too long, or needs more than cap ids. Does not allocate. */
CBX_CHECK cbx_status cbx_tokenizer_encode(cbx_tokenizer *t, const char *text,
                                          size_t n, const char *language,
                                          int32_t *ids, size_t cap,
                                          size_t *count, cbx_error *err);

/* [decode] Its two parts. punc_norm of the family: *len bytes to out[0..cap),
 * which must have CBX_PUNC_NORM_MAX(n) bytes; and the ids of text that is
 * clean, without frame. */
CBX_CHECK cbx_status cbx_tokenizer_clean(const cbx_tokenizer *t,
                                         const char *text, size_t n, char *out,
                                         size_t cap, size_t *len,
                                         cbx_error *err);
CBX_CHECK cbx_status cbx_tokenizer_ids(cbx_tokenizer *t, const char *text,
                                       size_t n, const char *language,
                                       int32_t *ids, size_t cap, size_t *count,
                                       cbx_error *err);

#endif
