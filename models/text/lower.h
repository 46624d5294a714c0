#ifndef CBX_MODELS_TEXT_LOWER_H
#define CBX_MODELS_TEXT_LOWER_H

#include <stddef.h>
#include <stdint.h>

/* [any] Lower case of text as Python's str.lower() gives it: a sigma at the
 * end of a word becomes the final one, and a capital I with a dot two
 * characters. Writes up to 2 * n code points to out, returns how many. out must
 * not overlap text. */
size_t text_lower(const uint32_t *text, size_t n, uint32_t *out);

#endif
