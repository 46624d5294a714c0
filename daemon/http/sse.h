#ifndef CBX_DAEMON_HTTP_SSE_H
#define CBX_DAEMON_HTTP_SSE_H

#include "daemon/http/pipe.h"
#include "rt/status.h"

#include <stdint.h>

/* Server-sent events as OpenAI's stream_format "sse" has them. False: the
 * reader has gone. */

/* {"type":"speech.audio.delta","audio":"<base64>"} */
bool sse_delta(byte_pipe *to, const void *bytes, size_t n,
               bool (*abandoned)(void *user), void *user);

/* {"type":"speech.audio.done",...}, or {"type":"error",...}. */
bool sse_done(byte_pipe *to, const cbx_error *err, uint64_t frames,
              bool (*abandoned)(void *user), void *user);

#endif
