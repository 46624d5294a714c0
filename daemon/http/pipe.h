#ifndef CBX_DAEMON_HTTP_PIPE_H
#define CBX_DAEMON_HTTP_PIPE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of one answer, from the job's thread to the connection's: bounded, so
 * that a slow reader holds its own job and nobody's memory. */
typedef struct byte_pipe byte_pipe;

/* NULL: no memory. */
byte_pipe *byte_pipe_open(size_t capacity);
void byte_pipe_close(byte_pipe *p);

/* [writer] All n bytes, waiting for room; false: the reader has gone, or
 * `abandoned` (asked some 20 times a second while it waits) said so. */
bool byte_pipe_put(byte_pipe *p, const void *bytes, size_t n,
                   bool (*abandoned)(void *user), void *user);
/* [writer] Nothing follows. */
void byte_pipe_end(byte_pipe *p);

/* [reader] Up to n bytes, waiting for the first one up to ms. 0: none came in
 * that time, or, with *ended, none will. */
size_t byte_pipe_take(byte_pipe *p, void *bytes, size_t n, int ms, bool *ended);
/* [reader] Whether there is a byte, or an end, waiting up to ms. */
bool byte_pipe_wait(byte_pipe *p, int ms);
/* [reader] */
bool byte_pipe_is_empty(byte_pipe *p);
/* [reader] Takes no more: a writer that waits is let go. */
void byte_pipe_leave(byte_pipe *p);

#endif
