#ifndef CBX_MODELS_TEXT_BPE_H
#define CBX_MODELS_TEXT_BPE_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* GPT-2's byte-level BPE, as Hugging Face's GPT2Tokenizer does it for turbo
 * and nano: added tokens ("[laugh]") split the text first, the leftmost and
 * longest wins; the rest is cut by GPT-2's pattern and merged by rank. No
 * prefix space and no start or end tokens. Read-only after opening. */
typedef struct cbx_bpe cbx_bpe;

/* [setup] Reads vocab.json, merges.txt and, where it is there,
 * added_tokens.json from the folder. */
CBX_CHECK cbx_status cbx_bpe_open(const char *folder, cbx_bpe **out,
                                  cbx_error *err);
void cbx_bpe_close(cbx_bpe *b);

/* [any] One more than the largest id. */
int cbx_bpe_size(const cbx_bpe *b);

/* Longest text for one call, in bytes. */
enum { CBX_BPE_MAX_TEXT = 1 << 16 };

/* [any] Writes `*count` ids to ids[0..cap). cap must be n or more, else
 * CBX_E_ARG. Does not allocate. */
CBX_CHECK cbx_status cbx_bpe_encode(const cbx_bpe *b, const char *text,
                                    size_t n, int32_t *ids, size_t cap,
                                    size_t *count, cbx_error *err);

#endif
