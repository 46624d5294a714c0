#ifndef CBX_DAEMON_WYOMING_FRAME_H
#define CBX_DAEMON_WYOMING_FRAME_H

#include "rt/annotate.h"
#include "rt/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* One event on the wire: a line of JSON {type, data, data_length,
 * payload_length}, then data_length bytes of JSON that belong to data, then the
 * payload. */

enum { FRAME_LINE_MAX = 1 << 20, FRAME_PAYLOAD_MAX = 1 << 20 };

typedef struct frame_reader {
    int fd;
    char *bytes; /* read, not used yet */
    size_t from, to, capacity;
} frame_reader;

void frame_reader_init(frame_reader *r, int fd);
void frame_reader_close(frame_reader *r); /* not the descriptor */

/* Waits for the next event. *type is NULL at the end of the connection. The
 * caller owns *data (an object) and frees *type. A payload is passed over.
 * CBX_E_FORMAT, CBX_E_LIMIT: the connection cannot go on. */
CBX_CHECK cbx_status frame_read(frame_reader *r, char **type, json_t **data,
                                cbx_error *err);

/* Takes over data. Writes all of it; false: the other side has gone, takes
 * nothing for 30 s, or `given_up` (asked some 20 times a second while it
 * waits; NULL: never) says so. */
bool frame_write(int fd, const char *type, json_t *data, const void *payload,
                 size_t n, bool (*given_up)(void *user), void *user);

#endif
