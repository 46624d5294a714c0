#ifndef CBX_DAEMON_HTTP_REQUEST_H
#define CBX_DAEMON_HTTP_REQUEST_H

#include "chatterbox/client.h"
#include "daemon/http/encoder.h"
#include "rt/annotate.h"

#include <jansson.h>

/* The body of POST /v1/audio/speech: OpenAI's fields, and ours beside them. */
typedef struct speech_request {
    json_t *json; /* strings of `say` lie in it */
    cbx_say say;
    const encoder_format *format;
    uint32_t rate;
    bool sse;
} speech_request;

/* CBX_E_ARG: one sentence. Call speech_request_free either way. */
CBX_CHECK cbx_status speech_request_read(const char *body, size_t n,
                                         speech_request *out, cbx_error *err);
void speech_request_free(speech_request *r);

#endif
