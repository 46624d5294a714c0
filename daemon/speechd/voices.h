#ifndef CBX_DAEMON_SPEECHD_VOICES_H
#define CBX_DAEMON_SPEECHD_VOICES_H

#include "daemon/speechd/output.h"

/* [main] Answers LIST VOICES from the voices' files, so without the daemon.
 * filter: "", "LANGUAGE" or "LANGUAGE VARIANT". */
void sd_list_voices(sd_output *out, const char *filter);

#endif
