#ifndef CBX_DAEMON_SPEECHD_CACHE_H
#define CBX_DAEMON_SPEECHD_CACHE_H

#include "daemon/speechd/sound.h"

/* Sounds by key (text, voice and all that changes the sound), up to a number of
 * bytes; the one that was asked for the longest time ago goes first. */
typedef struct sd_cache sd_cache;

/* [setup] NULL: memory ran out. */
sd_cache *sd_cache_open(size_t bytes);
/* [setup] Accepts NULL. */
void sd_cache_close(sd_cache *c);

/* [main] Valid until the next put or clear; NULL: not there. */
const sd_sound *sd_cache_get(sd_cache *c, const char *key);
/* [main] Takes a whole sound over; *s is zeroed. One that is too large, or for
 * which there is no memory, is dropped. */
void sd_cache_put(sd_cache *c, const char *key, sd_sound *s);
void sd_cache_clear(sd_cache *c);

/* [main] What the sounds and keys take. */
size_t sd_cache_bytes(const sd_cache *c);

#endif
