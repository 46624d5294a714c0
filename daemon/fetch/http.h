#ifndef CBX_DAEMON_FETCH_HTTP_H
#define CBX_DAEMON_FETCH_HTTP_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests by libcurl: proxies as its environment variables say, redirects
 * followed (never from https to http), certificates checked. A token goes to
 * the host that was asked, not to those that it redirects to. */
typedef struct http http;

typedef struct http_options {
    const char *token; /* or NULL */
    int timeout;       /* seconds without a byte until it is given up */
    /* [setup] Called while bytes come; true: give up. */
    bool (*progress)(void *user, uint64_t bytes);
    void *user;
} http_options;

/* [setup] */
CBX_CHECK cbx_status http_open(const http_options *options, http **out,
                               cbx_error *err);
void http_close(http *h);

/* [setup] The answer's body, with a zero behind it; free() it. At most `most`
 * bytes. Tried again when the connection or the server fails. */
CBX_CHECK cbx_status http_get(http *h, const char *url, size_t most, char **out,
                              size_t *n, cbx_error *err);

/* [setup] Writes the file of `size` bytes to `path`, going on behind what lies
 * there already; a server that cannot go on begins anew. Tried again as long as
 * bytes come. The size is right at the end; a server that sends more is
 * CBX_E_FORMAT. An interruption (progress said true) is CBX_E_LIMIT. */
CBX_CHECK cbx_status http_download(http *h, const char *url, uint64_t size,
                                   const char *path, cbx_error *err);

#endif
