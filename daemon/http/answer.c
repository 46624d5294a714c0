/* Answers that are whole before they are sent. */
#include "daemon/http/internal.h"

#include <stdlib.h>
#include <string.h>

static enum MHD_Result queue(http_request *r, unsigned status, const char *type,
                             char *bytes, size_t n)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(bytes);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    const enum MHD_Result result =
        MHD_queue_response(r->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result http_json(http_request *r, unsigned status, json_t *o)
{
    char *bytes = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!bytes)
        return MHD_NO;
    return queue(r, status, "application/json", bytes, strlen(bytes));
}

enum MHD_Result http_refuse(http_request *r, unsigned status,
                            const char *sentence)
{
    const char *type = status == MHD_HTTP_UNAUTHORIZED ? "authentication_error"
                       : status >= 500                 ? "server_error"
                                       : "invalid_request_error";
    json_t *text = json_string(sentence);
    atomic_fetch_add_explicit(&r->server->refused, 1, memory_order_relaxed);
    return http_json(r, status,
                     json_pack("{s:{s:o, s:s, s:n, s:n}}", "error", "message",
                               text ? text : json_string("not UTF-8"), "type",
                               type, "param", "code"));
}

enum MHD_Result http_text(http_request *r, const char *type, const char *bytes,
                          size_t n)
{
    char *copy = malloc(n ? n : 1);
    if (!copy)
        return MHD_NO;
    memcpy(copy, bytes, n);
    return queue(r, MHD_HTTP_OK, type, copy, n);
}
