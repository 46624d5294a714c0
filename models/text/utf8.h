#ifndef CBX_MODELS_TEXT_UTF8_H
#define CBX_MODELS_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Incremental UTF-8. Bytes that are not UTF-8 become U+FFFD, one for each
 * maximal part of a sequence (Unicode 3.9, "best practice"), and are counted.
 * Where the bytes are cut into calls makes no difference. */

enum { CBX_UTF8_REPLACEMENT = 0xFFFD };

typedef struct cbx_utf8 {
    uint32_t code;     /* bits so far */
    uint8_t have;      /* bytes of the sequence so far */
    uint8_t want;      /* its length, 0 between sequences */
    uint8_t low, high; /* bounds of the next byte */
    uint64_t replaced;
} cbx_utf8;

typedef struct cbx_codepoint {
    uint32_t code;
    uint8_t bytes; /* of the input, 1..4 */
} cbx_codepoint;

/* [any] */
void cbx_utf8_init(cbx_utf8 *d);

/* [any] Returns how many code points (0, 1 or 2) the byte completed. */
int cbx_utf8_push(cbx_utf8 *d, unsigned char byte, cbx_codepoint out[2]);

/* [any] End of input: 1 when an unfinished sequence was replaced. */
int cbx_utf8_finish(cbx_utf8 *d, cbx_codepoint *out);

/* [any] The first code point of s[0..n), n > 0. Bytes that are not UTF-8 give
 * U+FFFD with the length of the part that it stands for. */
cbx_codepoint cbx_utf8_first(const char *s, size_t n);

/* [any] Returns the bytes written, 1..4. Surrogates and numbers past U+10FFFF
 * are written as U+FFFD. */
int cbx_utf8_encode(uint32_t code, char out[4]);

/* Classes of code points, as Python and the tokenizers' regexes have them.
 * Unicode data: utf8proc. */
bool cbx_is_letter(uint32_t code); /* \p{L} */
bool cbx_is_number(uint32_t code); /* \p{N} */
bool cbx_is_mark(uint32_t code);   /* \p{M} */
bool cbx_is_punct(uint32_t code);  /* \p{P} */
bool cbx_is_upper(uint32_t code);  /* \p{Lu} or \p{Lt} */
bool cbx_is_lower(uint32_t code);  /* property Lowercase: Python's islower() */
bool cbx_is_space(uint32_t code);  /* property White_Space: \s */

#endif
