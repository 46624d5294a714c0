#ifndef CBX_MODELS_TEXT_CANGJIE_H
#define CBX_MODELS_TEXT_CANGJIE_H

#include "rt/status.h"

#include <stddef.h>
#include <stdint.h>

/* Cangjie codes of Chinese characters (tokenizer.py: ChineseCangjieConverter):
 * a few letters, and, for all but the first character of the same code, its
 * number among them. */
typedef struct cangjie cangjie;

enum { CANGJIE_MAX_CODE = 15 };

/* [setup] A JSON array of "glyph\tcode", or a .tsv file with one of them in a
 * line; the first byte tells which. */
CBX_CHECK cbx_status cangjie_open(const char *path, cangjie **out,
                                  cbx_error *err);
void cangjie_close(cangjie *c);

/* [any] The code of a character with its number ("a", "a1"), terminated; 0 when
 * it has none. Returns the length. */
size_t cangjie_code(const cangjie *c, uint32_t glyph,
                    char out[CANGJIE_MAX_CODE + 1]);

#endif
