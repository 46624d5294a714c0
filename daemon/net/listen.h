#ifndef CBX_DAEMON_NET_LISTEN_H
#define CBX_DAEMON_NET_LISTEN_H

#include "rt/annotate.h"
#include "rt/status.h"

#include <stdbool.h>

/* TCP for the front-ends. Addresses are numbers ("127.0.0.1", "::1"). */

/* Only this machine can reach it. */
bool net_is_loopback(const char *address);

/* [setup] port 0: any. *bound: the port that it became. `who` begins the
 * sentence of a failure. CBX_E_ARG: no such address; CBX_E_DEVICE. */
CBX_CHECK cbx_status net_listen(const char *who, const char *address, int port,
                                int *fd, int *bound, cbx_error *err);

#endif
