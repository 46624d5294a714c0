#ifndef CBX_DAEMON_SPEECHD_OUTPUT_H
#define CBX_DAEMON_SPEECHD_OUTPUT_H

#include "daemon/buffer.h"

#include <stdint.h>

/* What the module says to the server, in whole messages, to a descriptor that
 * is never waited for. The server takes sound only as fast as it is played, so
 * bytes may stay here for long; as little of it as possible is under way, so
 * that what follows a STOP is not behind it. */
typedef struct sd_output {
    int fd;
    cbx_buffer bytes; /* not written yet */
    bool broken;      /* the server is gone, or memory ran out */
} sd_output;

/* [setup] fd stays the caller's. */
void sd_output_init(sd_output *out, int fd);
void sd_output_free(sd_output *out);

/* [any] Queues lines: each with its '\n'. */
void sd_output_lines(sd_output *out, const char *lines);
/* [any] 700: a mark of this name. */
void sd_output_mark(sd_output *out, const char *name);
/* [any] 706: the server plays this file. */
void sd_output_icon(sd_output *out, const char *file);
/* [any] 705: n frames of mono sound. */
void sd_output_audio(sd_output *out, const int16_t *frames, size_t n,
                     unsigned rate);

/* [any] Whether bytes wait to be written. */
static inline bool sd_output_waits(const sd_output *out)
{
    return out->bytes.n > 0;
}
/* [any] Writes what the descriptor takes. */
void sd_output_write(sd_output *out);
/* [setup] Writes all, waiting up to timeout_ms. */
void sd_output_flush(sd_output *out, int timeout_ms);

#endif
