#ifndef CBX_DAEMON_SPEECHD_REQUEST_H
#define CBX_DAEMON_SPEECHD_REQUEST_H

#include "chatterbox/client.h"
#include "daemon/speechd/config.h"
#include "daemon/speechd/settings.h"

/* What speech-dispatcher's settings mean to the daemon. */

/* [any] Everything of *say but the text. plainly: without a voice or language
 * that the daemon may not have. Strings belong to the arguments, and lang. */
void sd_request(const sd_config *c, const sd_settings *s, bool plainly,
                cbx_say *say, char lang[16]);

/* Longer keys are none: what has them is not kept. */
enum { SD_KEY_MOST = 512 };

/* [any] Names a sound among all that can be asked for: the text and what of the
 * settings changes it. "": too long. */
void sd_request_key(const sd_config *c, const sd_settings *s, const char *text,
                    size_t n, char key[SD_KEY_MOST]);

#endif
