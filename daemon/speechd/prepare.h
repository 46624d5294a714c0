#ifndef CBX_DAEMON_SPEECHD_PREPARE_H
#define CBX_DAEMON_SPEECHD_PREPARE_H

#include "daemon/speechd/shape.h"

/* Letters, digits and common words, one after the other, so that they are in
 * the cache before a key is pressed. */
typedef struct sd_prepare {
    sd_settings settings;
    size_t next;
} sd_prepare;

/* [any] Begins anew where the sound of the words changes with the settings. */
void sd_prepare_for(sd_prepare *p, const sd_settings *s);

/* [any] The next one into a zeroed *out. False: that was all. */
bool sd_prepare_next(sd_prepare *p, sd_utterance *out);

#endif
