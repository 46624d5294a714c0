#ifndef CBX_DAEMON_HTTP_INTERNAL_H
#define CBX_DAEMON_HTTP_INTERNAL_H

#include "daemon/http/http.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stdatomic.h>

enum { HTTP_BODY_MAX = 4 << 20, HTTP_ADDRESS = 64, HTTP_TOKEN = 256 };

struct http_server {
    service *service;
    struct MHD_Daemon *mhd;
    char address[HTTP_ADDRESS], token[HTTP_TOKEN];
    int port;
    bool loopback;
    _Atomic bool closing;
    _Atomic uint64_t requests, refused, streams, disconnects;
    _Atomic uint64_t first_us; /* sum over streams, to the first byte */
};

/* One request. Made at its first line, freed when its connection is done. */
typedef struct http_request {
    http_server *server;
    struct MHD_Connection *connection;
    char *body;
    size_t n, capacity;
    bool too_large;
} http_request;

/* answer.c: complete answers. */
enum MHD_Result http_json(http_request *r, unsigned status, json_t *o);
/* OpenAI's form of a refusal. `sentence` is for people. */
enum MHD_Result http_refuse(http_request *r, unsigned status,
                            const char *sentence);
enum MHD_Result http_text(http_request *r, const char *type, const char *bytes,
                          size_t n);

/* access.c: NULL, or why this client may not ask; *status says how. */
const char *http_forbidden(const http_request *r, const char *path,
                           unsigned *status);

/* lists.c */
enum MHD_Result http_models(http_request *r);
enum MHD_Result http_voices(http_request *r);
enum MHD_Result http_health(http_request *r);
enum MHD_Result http_metrics(http_request *r);

/* speech.c */
enum MHD_Result http_speech(http_request *r);

/* page.c: false: there is no such file in the page. */
bool http_page(http_request *r, const char *path, enum MHD_Result *out);

#endif
