#ifndef CBX_DAEMON_SPEECHD_INPUT_H
#define CBX_DAEMON_SPEECHD_INPUT_H

#include "daemon/buffer.h"

/* Lines of the module protocol from a descriptor that is never waited for. */

typedef struct sd_input {
    int fd;
    cbx_buffer bytes;
    size_t at;     /* before it: handed out */
    size_t seen;   /* before it: searched for the end of a line */
    bool ended;    /* the server has closed it */
    bool too_long; /* the rest of a line that was cut */
} sd_input;

/* A line longer than this is cut; that is more than is spoken at once. */
enum { SD_LINE_MOST = 4 << 20 };

/* [setup] fd is made non-blocking where it is a pipe or socket; it stays the
 * caller's. */
void sd_input_init(sd_input *in, int fd);
void sd_input_free(sd_input *in);

/* [any] Reads what is there. Call it when poll says so. */
void sd_input_fill(sd_input *in);

/* [any] The next whole line without its end, in `line` (its bytes are
 * replaced). Zero bytes in it become spaces. False: none yet. */
bool sd_input_line(sd_input *in, cbx_buffer *line);

#endif
