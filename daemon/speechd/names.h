#ifndef CBX_DAEMON_SPEECHD_NAMES_H
#define CBX_DAEMON_SPEECHD_NAMES_H

#include "daemon/speechd/settings.h"

#include <stddef.h>
#include <stdint.h>

/* How single characters and keys are said. The words are English: for another
 * language there are none, and what is asked for goes to the voice as it is. */

/* [any] Whether there are words for this language: "en", "en-us", "". */
bool sd_names_for(const char *language);

/* [any] "bee" for 'b' and 'B', "seven", "left bracket"; NULL: no name is
 * known. */
const char *sd_character_name(int32_t c);

/* [any] The name of a punctuation character that `mode` has spoken, or NULL. */
const char *sd_punctuation_name(int32_t c, sd_punctuation mode);

/* [any] A key as SSIP names it ("backspace", "kp-enter", "control"), n bytes:
 * its words, or NULL. */
const char *sd_key_name(const char *key, size_t n);

/* [any] Words that screen readers say all day: the i-th, or NULL behind the
 * last. They are made before they are asked for. */
const char *sd_common_word(size_t i);

#endif
