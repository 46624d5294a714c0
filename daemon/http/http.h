#ifndef CBX_DAEMON_HTTP_HTTP_H
#define CBX_DAEMON_HTTP_HTTP_H

#include "daemon/chatterboxd/service.h"

#include <stdbool.h>

/* HTTP in front of the service: OpenAI's speech interface, lists, metrics, and
 * a page to try it with (docs/HTTP.md). One thread for each connection. */
typedef struct http_server http_server;

typedef struct http_options {
    const char *address; /* "127.0.0.1", "::1", ... */
    int port;            /* 0: any, see http_port */
    const char *token;   /* asked of every client; NULL or "": of none */
    bool open;       /* allow an address that is not loopback without a token */
    int connections; /* at a time; 0: 128 */
    double silence_s; /* a client that takes nothing for so long is dropped;
                       * 0: 30 */
} http_options;

/* [setup] Strings are copied. CBX_E_ARG: not allowed, no such address;
 * CBX_E_DEVICE: the port is taken. */
CBX_CHECK cbx_status http_open(service *s, const http_options *o,
                               http_server **out, cbx_error *err);
/* [any] */
int http_port(const http_server *h);
/* [setup] Cancels what it speaks; waits for its threads. Before service_close.
 * Accepts NULL. */
void http_close(http_server *h);

#endif
