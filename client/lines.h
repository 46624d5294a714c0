#ifndef CBX_CLIENT_LINES_H
#define CBX_CLIENT_LINES_H

#include "rt/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Lines of JSON over a socket, for both ends (docs/PROTOCOL.md). */

enum {
    PROTOCOL_VERSION = 1,
    LINE_MAX_BYTES = 1 << 20, /* with its line feed */
    TEXT_MAX_BYTES = 1 << 18, /* of one request */
    JOB_TEXT_MAX = 1 << 22,   /* that waits, for each connection */
    JOBS_MAX = 256,           /* that wait, for each connection */
    AUDIOS_MAX = 16,          /* of one connection */
};
#define JOB_NUMBER_MAX (INT64_C(1) << 53)

/* What came in and is not a whole line yet; and one descriptor with it. */
typedef struct cbx_line_reader {
    char *data;
    size_t used, size, seen; /* seen: searched for a line feed */
    int fd;                  /* -1: none */
} cbx_line_reader;

void cbx_line_reader_init(cbx_line_reader *r);
void cbx_line_reader_close(cbx_line_reader *r);

typedef enum {
    LINES_MORE,  /* nothing more for now */
    LINES_ENDED, /* the other end closed, or broke */
} cbx_lines_state;

/* [any, one thread] Reads what the socket has, up to some 64 KiB a call, so
 * that one that never stops does not hold the others up. take_fd: keeps a
 * descriptor that comes along (the latest one); else they are closed unseen. */
cbx_lines_state cbx_line_reader_read(cbx_line_reader *r, int socket,
                                     bool take_fd);

/* The next whole line, as JSON that the caller decrefs: true. *bad: it breaks
 * the rules, and `err` says how; nothing more can be read then. */
bool cbx_line_reader_next(cbx_line_reader *r, json_t **out, bool *bad,
                          cbx_error *err);

/* The object as a line, malloc'ed, with its length; NULL: no memory. Takes the
 * reference. */
char *cbx_line_of(json_t *object, size_t *bytes);

/* Text as JSON takes it: what is not UTF-8 becomes U+FFFD. malloc'ed; *changed
 * counts the bytes that were replaced. */
char *cbx_text_repaired(const char *text, size_t bytes, size_t *length,
                        size_t *changed);

/* How many of the bytes make whole characters: the rest is the beginning of
 * one that more bytes may complete. */
size_t cbx_text_whole(const char *text, size_t bytes);

#endif
