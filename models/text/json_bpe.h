#ifndef CBX_MODELS_TEXT_JSON_BPE_H
#define CBX_MODELS_TEXT_JSON_BPE_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* The tokenizer of original and multilingual: BPE over characters, as Hugging
 * Face's `tokenizers` runs a tokenizer.json (tokenizer.py: EnTokenizer,
 * MTLTokenizer). Added tokens ("[SPACE]") split the text first; the rest is cut
 * into words (\w+ or [^\w\s]+) and merged by rank; a character that the
 * vocabulary lacks becomes the unknown token. Kinds of files that this project
 * has not met (normalisers, other word rules) are refused. */
typedef struct json_bpe json_bpe;

/* Longest run of text without white space, punctuation or added tokens, in
 * characters. */
enum { JSON_BPE_MAX_WORD = 4096 };

/* [setup] */
CBX_CHECK cbx_status json_bpe_open(const char *path, json_bpe **out,
                                   cbx_error *err);
void json_bpe_close(json_bpe *b);

/* [any] One more than the largest id. */
int json_bpe_size(const json_bpe *b);

/* [any, one thread at a time] text[0..n) is UTF-8. Writes `*count` ids to
 * ids[0..cap); CBX_E_LIMIT when there are more, or a word is too long. Does not
 * allocate. */
CBX_CHECK cbx_status json_bpe_encode(json_bpe *b, const char *text, size_t n,
                                     int32_t *ids, size_t cap, size_t *count,
                                     cbx_error *err);

#endif
