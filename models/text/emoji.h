#ifndef CBX_MODELS_TEXT_EMOJI_H
#define CBX_MODELS_TEXT_EMOJI_H

#include <stdbool.h>
#include <stdint.h>

/* [any] An English name for the picture, or NULL. */
const char *emoji_name(uint32_t code);

/* [any] Whether the code point is a picture or an ornament, which has no sound
 * of its own. */
bool emoji_is_picture(uint32_t code);

#endif
