#ifndef CBX_DAEMON_WYOMING_WYOMING_H
#define CBX_DAEMON_WYOMING_WYOMING_H

#include "daemon/chatterboxd/service.h"

#include <stdbool.h>

/* Home Assistant's Wyoming protocol in front of the service: text to speech,
 * with the text in one piece or as it is written (docs/WYOMING.md). The
 * protocol knows no passwords. */
typedef struct wyoming_server wyoming_server;

typedef struct wyoming_options {
    const char *address;
    int port;        /* 0: any, see wyoming_port */
    bool open;       /* allow an address that is not loopback */
    int connections; /* at a time; 0: 32 */
} wyoming_options;

/* [setup] CBX_E_ARG: not allowed, no such address; CBX_E_DEVICE: the port is
 * taken. */
CBX_CHECK cbx_status wyoming_open(service *s, const wyoming_options *o,
                                  wyoming_server **out, cbx_error *err);
/* [any] */
int wyoming_port(const wyoming_server *w);
/* [setup] Cancels what it speaks; waits for its threads. Before service_close.
 * Accepts NULL. */
void wyoming_close(wyoming_server *w);

#endif
