#ifndef CBX_MODELS_TEXT_MTL_H
#define CBX_MODELS_TEXT_MTL_H

#include "models/text/cangjie.h"

#include <stdbool.h>

/* What the multilingual model's tokenizer does with cleaned text before it is
 * merged (tokenizer.py: MTLTokenizer.encode): lower case, NFKD, the step of the
 * language, the language's tag in front, and spaces as the token [SPACE].
 *
 * Japanese kanji become hiragana where libkakasi is installed (kana.h; the
 * reference: pykakasi). Its other optional packages are not there: Chinese is
 * not cut into words (pkuseg), Hebrew gets no vowel points (dicta_onnx),
 * Russian no stress marks (russian_text_stresser). */

/* Bytes that a text can have at any step. */
enum { MTL_MAX_BYTES = 1 << 18 };

typedef struct mtl mtl;

/* [setup] table: of Cangjie codes, or NULL: Chinese stays as it is. The mtl
 * owns it, also on failure. */
CBX_CHECK cbx_status mtl_open(cangjie *table, mtl **out, cbx_error *err);
void mtl_close(mtl *m);

/* [any] "de": one of the 23 languages (mtl_tts.py: SUPPORTED_LANGUAGES), in
 * lower case. */
bool mtl_speaks(const char *language);

/* [any] All of them: "ar da de ...". */
const char *mtl_languages(void);

/* [any] What this program does not do for the language, a sentence; or NULL. */
const char *mtl_notice(const mtl *m, const char *language);

/* [any, one thread at a time] text[0..n) is UTF-8. language: one that it
 * speaks, or "": no step and no tag. *out points into m, until the next call.
 * CBX_E_LIMIT when it grows too long. Does not allocate. */
CBX_CHECK cbx_status mtl_prepare(mtl *m, const char *text, size_t n,
                                 const char *language, const char **out,
                                 size_t *len, cbx_error *err);

#endif
