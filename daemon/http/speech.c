/* POST /v1/audio/speech: the sound, while it is made. */
#include "daemon/http/internal.h"

#include "daemon/http/encoder.h"
#include "daemon/http/pipe.h"
#include "daemon/http/request.h"
#include "daemon/http/sse.h"
#include "rt/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PIPE_BYTES = 256 << 10, LOOK_MS = 50 };

/* One answer, shared by the job's thread and the connection's. Made by the
 * latter, which also frees it, when no callback of the job runs any more. */
typedef struct speech {
    http_server *server;
    struct MHD_Connection *connection;
    speech_request request;
    service_job *job;
    byte_pipe *pipe;
    int64_t started_ns;

    /* The job's thread; the connection's reads them behind the pipe's end. */
    service_job *speaking;
    encoder *encoder;
    uint64_t frames;
    enum { RUNNING, COMPLETE, BROKEN } outcome;
    cbx_error error;
} speech;

/* -- the job's side -------------------------------------------------------- */

static bool abandoned(void *user)
{
    return service_cancelled(user);
}

static bool write_bytes(void *user, const void *bytes, size_t n)
{
    speech *s = user;
    return s->request.sse
               ? sse_delta(s->pipe, bytes, n, abandoned, s->speaking)
               : byte_pipe_put(s->pipe, bytes, n, abandoned, s->speaking);
}

/* Only with the first sound: before, a fault can still be an HTTP status. */
static bool begin(speech *s)
{
    return s->encoder || !encoder_open(s->request.format, s->request.rate,
                                       write_bytes, s, &s->encoder, &s->error);
}

static bool take_frames(void *user, service_job *job, const float *frames,
                        uint32_t n)
{
    speech *s = user;
    s->speaking = job;
    s->frames += n;
    return begin(s) && encoder_put(s->encoder, frames, n);
}

static void take_event(void *user, service_job *job,
                       const cbx_client_event *event)
{
    speech *s = user;
    if (event->kind < CBX_CLIENT_ENDED)
        return;
    s->speaking = job;
    switch (event->kind) {
    case CBX_CLIENT_ENDED:
        s->outcome = begin(s) ? COMPLETE : BROKEN;
        break;
    case CBX_CLIENT_ERROR:
        s->error.status = event->status;
        snprintf(s->error.text, sizeof s->error.text, "%s", event->text);
        s->outcome = BROKEN;
        break;
    default: /* cancelled */
        if (!s->error.status) {
            s->error.status = CBX_E_DEVICE;
            snprintf(s->error.text, sizeof s->error.text,
                     "it was cancelled (%s)", event->text);
        }
        s->outcome = BROKEN;
    }
    encoder_close(s->encoder, s->outcome == COMPLETE);
    s->encoder = NULL;
    if (s->request.sse && (s->outcome == COMPLETE || s->frames > 0))
        sse_done(s->pipe, s->outcome == COMPLETE ? NULL : &s->error, s->frames,
                 abandoned, job);
    byte_pipe_end(s->pipe);
}

/* -- the connection's side ------------------------------------------------- */

static bool reader_has_gone(const speech *s)
{
    char byte;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        s->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const ssize_t n = recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 ||
           (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static bool must_stop(const speech *s)
{
    return reader_has_gone(s) ||
           atomic_load_explicit(&s->server->closing, memory_order_relaxed);
}

static void speech_free(void *user)
{
    speech *s = user;
    if (s->pipe)
        byte_pipe_leave(s->pipe);
    service_release(s->job);
    encoder_close(s->encoder, false);
    byte_pipe_close(s->pipe);
    speech_request_free(&s->request);
    free(s);
}

static ssize_t read_bytes(void *user, uint64_t at, char *bytes, size_t n)
{
    speech *s = user;
    (void)at;
    for (;;) {
        bool ended;
        const size_t got = byte_pipe_take(s->pipe, bytes, n, LOOK_MS, &ended);
        if (got > 0)
            return (ssize_t)got;
        if (ended)
            return s->outcome == COMPLETE || s->request.sse
                       ? MHD_CONTENT_READER_END_OF_STREAM
                       : MHD_CONTENT_READER_END_WITH_ERROR;
        if (must_stop(s))
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

static enum MHD_Result start_answer(http_request *r, speech *s)
{
    char value[64];
    const double ms = 1e-6 * (double)(cbx_clock_ns() - s->started_ns);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 16 << 10, read_bytes, s, speech_free);
    if (!response) {
        speech_free(s);
        return MHD_NO;
    }
    atomic_fetch_add_explicit(&s->server->streams, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->server->first_us, (uint64_t)(1000 * ms),
                              memory_order_relaxed);
    MHD_add_response_header(response, "Content-Type",
                            s->request.sse ? "text/event-stream"
                                           : s->request.format->type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    snprintf(value, sizeof value, "%u", s->request.rate);
    MHD_add_response_header(response, "X-Sample-Rate", value);
    snprintf(value, sizeof value, "first;dur=%.1f", ms);
    MHD_add_response_header(response, "Server-Timing", value);
    const enum MHD_Result result =
        MHD_queue_response(r->connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static unsigned http_status(cbx_status st)
{
    switch (st) {
    case CBX_E_ARG:
    case CBX_E_TEXT:
    case CBX_E_FILE:
    case CBX_E_UNSUPPORTED:
        return MHD_HTTP_BAD_REQUEST;
    case CBX_E_LIMIT:
        return MHD_HTTP_TOO_MANY_REQUESTS;
    case CBX_E_DEVICE:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    default:
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
}

static enum MHD_Result fail(http_request *r, speech *s, const cbx_error *err)
{
    const cbx_error copy = *err;
    speech_free(s);
    return http_refuse(r, http_status(copy.status), copy.text);
}

static cbx_status start_job(speech *s, cbx_error *err)
{
    const service_consumer consumer = {
        .frames = take_frames, .event = take_event, .user = s};
    service_job *job;
    const cbx_status st = service_speak(
        s->server->service,
        &(service_request){.say = &s->request.say,
                           .consumer = &consumer,
                           .rate = s->request.rate,
                           .owner = service_owner(s->server->service),
                           .number = 1,
                           .name = "http"},
        &job, err);
    if (!st)
        s->job = job;
    return st;
}

enum MHD_Result http_speech(http_request *r)
{
    cbx_error err;
    speech *s = calloc(1, sizeof *s);
    if (!s)
        return MHD_NO;
    s->server = r->server;
    s->connection = r->connection;
    s->started_ns = cbx_clock_ns();
    s->pipe = byte_pipe_open(PIPE_BYTES);
    if (!s->pipe) {
        cbx_fail(&err, CBX_E_NOMEM, "no memory for an answer");
        return fail(r, s, &err);
    }
    if (speech_request_read(r->body, r->n, &s->request, &err) ||
        start_job(s, &err))
        return fail(r, s, &err);
    while (!byte_pipe_wait(s->pipe, LOOK_MS))
        if (must_stop(s)) {
            speech_free(s);
            return MHD_NO;
        }
    /* An end without a byte: nothing could be spoken. */
    if (byte_pipe_is_empty(s->pipe) && s->outcome == BROKEN)
        return fail(r, s, &s->error);
    return start_answer(r, s);
}
