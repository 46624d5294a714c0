#ifndef CBX_DAEMON_CHATTERBOXD_LISTEN_H
#define CBX_DAEMON_CHATTERBOXD_LISTEN_H

#include "rt/annotate.h"
#include "rt/status.h"

/* The control socket. */
typedef struct listening {
    int fd;   /* non-blocking; whoever runs the server closes it */
    int lock; /* held while we are the daemon of this path; -1: systemd's */
    char path[108]; /* "": systemd's */
} listening;

/* [setup] The socket that systemd passed, or one at `path` (NULL: as clients
 * look for it), in a folder of mode 0700 that is made where it is missing.
 * CBX_E_DEVICE: another daemon runs there. CBX_E_FILE, CBX_E_ARG. */
CBX_CHECK cbx_status listen_open(const char *path, listening *out,
                                 cbx_error *err);
/* [setup] Removes the socket that was made; closes all but fd. */
void listen_close(listening *l);

#endif
