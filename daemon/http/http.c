/* Routes, bodies, and the server's life. */
#include "daemon/http/internal.h"

#include "daemon/net/listen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- requests -------------------------------------------------------------- */

static const struct route {
    const char *method, *path;
    enum MHD_Result (*answer)(http_request *r);
} routes[] = {
    {"POST", "/v1/audio/speech", http_speech},
    {"GET", "/v1/audio/voices", http_voices},
    {"GET", "/v1/models", http_models},
    {"GET", "/health", http_health},
    {"GET", "/metrics", http_metrics},
};
enum { N_ROUTES = sizeof routes / sizeof *routes };

static enum MHD_Result dispatch(http_request *r, const char *method,
                                const char *path)
{
    const char *allowed = NULL;
    enum MHD_Result result;
    unsigned status;
    const char *why = http_forbidden(r, path, &status);
    if (why)
        return http_refuse(r, status, why);
    if (r->too_large)
        return http_refuse(r, MHD_HTTP_CONTENT_TOO_LARGE,
                           "the request is larger than 4 MiB; send the text "
                           "in parts");
    for (int i = 0; i < N_ROUTES; i++) {
        if (strcmp(path, routes[i].path) != 0)
            continue;
        if (strcmp(method, routes[i].method) == 0 ||
            (strcmp(method, "HEAD") == 0 && routes[i].method[0] == 'G'))
            return routes[i].answer(r);
        allowed = routes[i].method;
    }
    if (allowed)
        return http_refuse(r, MHD_HTTP_METHOD_NOT_ALLOWED,
                           strcmp(allowed, "POST") == 0 ? "use POST here"
                                                        : "use GET here");
    if (strcmp(method, "GET") == 0 && http_page(r, path, &result))
        return result;
    return http_refuse(r, MHD_HTTP_NOT_FOUND,
                       "there is nothing here; see docs/HTTP.md for what "
                       "there is");
}

static void keep_body(http_request *r, const char *bytes, size_t n)
{
    if (r->too_large || r->n + n > HTTP_BODY_MAX) {
        r->too_large = true; /* read on, so that the answer is heard */
        return;
    }
    if (r->n + n > r->capacity) {
        const size_t capacity = 2 * (r->n + n);
        char *body = realloc(r->body, capacity);
        if (!body) {
            r->too_large = true;
            return;
        }
        r->body = body;
        r->capacity = capacity;
    }
    memcpy(r->body + r->n, bytes, n);
    r->n += n;
}

/* Whether the head announces more than is taken: refused before it comes. */
static bool announces_too_much(struct MHD_Connection *c)
{
    const char *length =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
    return length && (strlen(length) > 9 || atol(length) > HTTP_BODY_MAX);
}

static enum MHD_Result handle(void *user, struct MHD_Connection *c,
                              const char *path, const char *method,
                              const char *version, const char *upload,
                              size_t *upload_size, void **memory)
{
    http_request *r = *memory;
    (void)version;
    if (!r) {
        r = calloc(1, sizeof *r);
        if (!r)
            return MHD_NO;
        r->server = user;
        r->connection = c;
        *memory = r;
        atomic_fetch_add_explicit(&r->server->requests, 1,
                                  memory_order_relaxed);
        if (!announces_too_much(c))
            return MHD_YES;
        r->too_large = true;
        return dispatch(r, method, path);
    }
    if (*upload_size > 0) {
        keep_body(r, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return dispatch(r, method, path);
}

static void completed(void *user, struct MHD_Connection *c, void **memory,
                      enum MHD_RequestTerminationCode how)
{
    http_request *r = *memory;
    http_server *h = user;
    (void)c;
    if (!r)
        return;
    if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        atomic_fetch_add_explicit(&h->disconnects, 1, memory_order_relaxed);
    free(r->body);
    free(r);
    *memory = NULL;
}

/* -- the server ------------------------------------------------------------ */

cbx_status http_open(service *s, const http_options *o, http_server **out,
                     cbx_error *err)
{
    const bool loopback = net_is_loopback(o->address);
    const bool token = o->token && *o->token;
    int fd;
    if (!loopback && !token && !o->open)
        return cbx_fail(err, CBX_E_ARG,
                        "http: %s is not this machine alone: set a token, or "
                        "open = yes",
                        o->address);
    if ((token && strlen(o->token) >= HTTP_TOKEN) ||
        strlen(o->address) >= HTTP_ADDRESS)
        return cbx_fail(err, CBX_E_ARG, "http: token or address is too long");
    http_server *h = calloc(1, sizeof *h);
    if (!h)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the HTTP server");
    h->service = s;
    h->loopback = loopback;
    snprintf(h->address, sizeof h->address, "%s", o->address);
    snprintf(h->token, sizeof h->token, "%s", token ? o->token : "");
    cbx_status st = net_listen("http", o->address, o->port, &fd, &h->port, err);
    if (!st) {
        h->mhd = MHD_start_daemon(
            MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                MHD_USE_POLL | MHD_USE_ITC,
            0, NULL, NULL, handle, h, MHD_OPTION_LISTEN_SOCKET, fd,
            MHD_OPTION_NOTIFY_COMPLETED, completed, h,
            MHD_OPTION_CONNECTION_LIMIT,
            (unsigned)(o->connections ? o->connections : 128),
            MHD_OPTION_CONNECTION_TIMEOUT,
            (unsigned)(o->silence_s > 0 ? o->silence_s : 30),
            MHD_OPTION_THREAD_STACK_SIZE, (size_t)256 << 10, MHD_OPTION_END);
        if (!h->mhd) {
            close(fd);
            st = cbx_fail(err, CBX_E_DEVICE, "http: the server does not start");
        }
    }
    if (st) {
        free(h);
        return st;
    }
    *out = h;
    return CBX_OK;
}

int http_port(const http_server *h)
{
    return h->port;
}

void http_close(http_server *h)
{
    if (!h)
        return;
    atomic_store_explicit(&h->closing, true, memory_order_relaxed);
    MHD_stop_daemon(h->mhd);
    free(h);
}
