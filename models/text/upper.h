#ifndef CBX_MODELS_TEXT_UPPER_H
#define CBX_MODELS_TEXT_UPPER_H

#include <stdint.h>

/* [any] Full upper case of one lower-case character, as Python's str.upper():
 * 1 to 3 code points. */
int text_upper(uint32_t code, uint32_t out[3]);

#endif
