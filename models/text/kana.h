#ifndef CBX_MODELS_TEXT_KANA_H
#define CBX_MODELS_TEXT_KANA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kanji to hiragana, by libkakasi (GPL): this program does not come with it and
 * is not linked to it; where the user has installed it and its dictionary, it
 * is loaded on first use. One converter for the process, one thread at a time
 * in it. */

/* [any] Loads it, once. False: it is not there. */
bool kana_is_there(void);

/* [any] text[0..n) is composed (NFC). Kanji become hiragana, with a space in
 * front of a word that begins with ha or he (tokenizer.py:
 * hiragana_normalize); the rest stays. Writes up to cap code points and
 * returns how many; 0: they do not fit, or the library is not there. */
size_t kana_convert(const uint32_t *text, size_t n, uint32_t *out, size_t cap);

#endif
