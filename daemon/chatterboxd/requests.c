/* What a client can ask for: docs/PROTOCOL.md, in code. */
#include "daemon/chatterboxd/connection.h"

#include "client/say_json.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void connection_answer(peer *p, const json_t *id, json_t *fields)
{
    if (!id) {
        json_decref(fields);
        return;
    }
    json_t *o = json_pack("{s:O, s:b}", "re", id, "ok", 1);
    if (fields)
        json_object_update(o, fields);
    json_decref(fields);
    peer_send(p, o);
}

void connection_refuse(peer *p, const json_t *id, const cbx_error *why)
{
    json_t *o = json_pack("{s:b, s:s, s:s}", "ok", 0, "status",
                          cbx_status_name(why->status), "error", why->text);
    if (id)
        json_object_set(o, "re", (json_t *)id);
    peer_send(p, o);
}

/* -- events ---------------------------------------------------------------- */

static const char *const event_names[] = {
    [CBX_CLIENT_QUEUED] = "queued",       [CBX_CLIENT_STARTED] = "started",
    [CBX_CLIENT_SENTENCE] = "sentence",   [CBX_CLIENT_WORD] = "word",
    [CBX_CLIENT_MARK] = "mark",           [CBX_CLIENT_PAUSED] = "paused",
    [CBX_CLIENT_RESUMED] = "resumed",     [CBX_CLIENT_NOTICE] = "notice",
    [CBX_CLIENT_UNDERRUN] = "underrun",   [CBX_CLIENT_ENDED] = "ended",
    [CBX_CLIENT_CANCELLED] = "cancelled", [CBX_CLIENT_ERROR] = "error",
};

static bool has_text_range(cbx_client_event_kind kind)
{
    return kind == CBX_CLIENT_SENTENCE || kind == CBX_CLIENT_WORD;
}

static json_t *event_json(const cbx_client_event *e)
{
    json_t *o = json_pack("{s:s, s:I, s:I, s:I}", "event", event_names[e->kind],
                          "job", (json_int_t)e->job, "frame",
                          (json_int_t)e->frame, "rate", (json_int_t)e->rate);
    if (has_text_range(e->kind) || e->kind == CBX_CLIENT_MARK)
        json_object_set_new(o, "text_from",
                            json_integer((json_int_t)e->text_from));
    if (has_text_range(e->kind))
        json_object_set_new(o, "text_to", json_integer((json_int_t)e->text_to));
    if (e->kind == CBX_CLIENT_QUEUED || e->kind == CBX_CLIENT_UNDERRUN)
        json_object_set_new(o, "value", json_integer(e->value));
    if (e->kind == CBX_CLIENT_ERROR)
        json_object_set_new(o, "status",
                            json_string(cbx_status_name(e->status)));
    if (e->text[0]) {
        json_t *text = json_string(e->text); /* NULL: cut in a character */
        json_object_set_new(o, "text", text ? text : json_string("?"));
    }
    return o;
}

static bool is_last(cbx_client_event_kind kind)
{
    return kind == CBX_CLIENT_ENDED || kind == CBX_CLIENT_CANCELLED ||
           kind == CBX_CLIENT_ERROR;
}

/* [job's thread] The peer is held by each job until its last event. */
static void on_event(void *user, service_job *job, const cbx_client_event *e)
{
    peer *p = user;
    (void)job;
    peer_send(p, event_json(e));
    if (is_last(e->kind))
        peer_unhold(p);
}

static void on_progress(void *user, service_job *job, uint64_t frame,
                        uint32_t rate)
{
    peer_send(user, json_pack("{s:s, s:I, s:I, s:I}", "event", "progress",
                              "job", (json_int_t)service_number(job), "frame",
                              (json_int_t)frame, "rate", (json_int_t)rate));
}

/* -- fields ---------------------------------------------------------------- */

static cbx_status take_integer(const json_t *r, const char *name, int64_t most,
                               int64_t *out, cbx_error *err)
{
    const json_t *v = json_object_get(r, name);
    if (!json_is_integer(v) || json_integer_value(v) < 1 ||
        json_integer_value(v) > most)
        return cbx_fail(err, CBX_E_ARG,
                        "%s: it must be a whole number from 1 to %" PRId64,
                        name, most);
    *out = json_integer_value(v);
    return CBX_OK;
}

static cbx_status take_text(const json_t *r, const char **text, size_t *bytes,
                            cbx_error *err)
{
    const json_t *v = json_object_get(r, "text");
    if (!json_is_string(v))
        return cbx_fail(err, CBX_E_ARG, "text: it must be a string");
    *text = json_string_value(v);
    *bytes = json_string_length(v);
    if (*bytes > TEXT_MAX_BYTES)
        return cbx_fail(err, CBX_E_LIMIT,
                        "text: it has %zu bytes; at most %d go into one "
                        "request, more into 'append'",
                        *bytes, TEXT_MAX_BYTES);
    return CBX_OK;
}

static audio *find_audio(const connection *c, int64_t number)
{
    for (int i = 0; i < c->n_audios; i++)
        if (audio_number(c->audios[i]) == number)
            return c->audios[i];
    return NULL;
}

/* -- requests about jobs --------------------------------------------------- */

static cbx_status where_to(connection *c, const json_t *r, cbx_say *say,
                           service_request *q, cbx_error *err)
{
    const json_t *sink = json_object_get(r, "sink");
    int64_t number = 0;
    if (json_object_get(r, "audio")) {
        const cbx_status st = take_integer(r, "audio", INT32_MAX, &number, err);
        if (st)
            return st;
        audio *a = find_audio(c, number);
        if (!a)
            return cbx_fail(err, CBX_E_ARG,
                            "audio: this connection has no %" PRId64, number);
        q->outlet = audio_outlet(a);
        say->keep = false;
    } else if (sink) {
        if (!json_is_string(sink))
            return cbx_fail(err, CBX_E_ARG, "sink: it must be a string");
        say->sink = json_string_value(sink);
    }
    return CBX_OK;
}

static cbx_status speak(connection *c, const json_t *r, int64_t job,
                        cbx_error *err)
{
    const json_t *from = json_object_get(r, "from");
    const service_consumer to = {
        .event = on_event, .progress = on_progress, .user = c->peer};
    service_request q = {.consumer = &to,
                         .owner = c->owner,
                         .number = (uint64_t)job,
                         .name = c->name};
    cbx_say say;
    cbx_status st = cbx_say_from_json(r, &say, err);
    if (!st)
        st = take_text(r, &say.text, &say.bytes, err);
    if (!st)
        st = where_to(c, r, &say, &q, err);
    if (from && !st) {
        if (!json_is_integer(from) || json_integer_value(from) < 0)
            return cbx_fail(err, CBX_E_ARG, "from: it must be a frame");
        q.from = (uint64_t)json_integer_value(from);
    }
    q.say = &say;
    if (st)
        return st;
    peer_hold(c->peer);
    st = service_speak(server_service(c->server), &q, NULL, err);
    if (st)
        peer_unhold(c->peer);
    return st;
}

/* What is refused ends like any other job: with an event. */
static cbx_status do_say(connection *c, const json_t *r, json_t *answer,
                         cbx_error *err)
{
    int64_t job = 0;
    (void)answer;
    cbx_status st = take_integer(r, "job", JOB_NUMBER_MAX, &job, err);
    if (!st && job <= c->last_job)
        st = cbx_fail(err, CBX_E_ARG,
                      "job %" PRId64 ": it must be greater than %" PRId64, job,
                      c->last_job);
    if (st)
        return st;
    c->last_job = job;
    cbx_error why;
    if (speak(c, r, job, &why))
        peer_send(c->peer,
                  json_pack("{s:s, s:I, s:s, s:s}", "event", "error", "job",
                            (json_int_t)job, "status",
                            cbx_status_name(why.status), "text", why.text));
    return CBX_OK;
}

/* A job that is over is no fault: it may have ended while the request was on
 * its way. */
static cbx_status find_job(connection *c, const json_t *r, service_job **out,
                           cbx_error *err)
{
    int64_t number = 0;
    const cbx_status st = take_integer(r, "job", JOB_NUMBER_MAX, &number, err);
    if (!st)
        *out =
            service_find(server_service(c->server), c->owner, (uint64_t)number);
    return st;
}

static cbx_status do_append(connection *c, const json_t *r, json_t *answer,
                            cbx_error *err)
{
    const char *text = "";
    size_t bytes = 0;
    service_job *j = NULL;
    (void)answer;
    cbx_status st = take_text(r, &text, &bytes, err);
    if (!st)
        st = find_job(c, r, &j, err);
    if (j) {
        st = service_append(j, text, bytes, err);
        service_unhold(j);
    }
    return st;
}

static cbx_status do_finish(connection *c, const json_t *r, json_t *answer,
                            cbx_error *err)
{
    service_job *j = NULL;
    (void)answer;
    const cbx_status st = find_job(c, r, &j, err);
    if (j) {
        service_finish(j);
        service_unhold(j);
    }
    return st;
}

static cbx_status do_set(connection *c, const json_t *r, json_t *answer,
                         cbx_error *err)
{
    service_job *j = NULL;
    (void)answer;
    cbx_status st = find_job(c, r, &j, err);
    for (int i = 0; j && !st && i <= CBX_LIVE_GAIN; i++) {
        const json_t *v = json_object_get(r, cbx_live_name(i));
        if (!v)
            continue;
        if (!json_is_number(v))
            st = cbx_fail(err, CBX_E_ARG, "%s: it must be a number",
                          cbx_live_name(i));
        else
            st = service_set(j, (cbx_live)i, (float)json_number_value(v), err);
    }
    if (j)
        service_unhold(j);
    return st;
}

static cbx_status take_target(connection *c, const json_t *r, service_target *t,
                              cbx_error *err)
{
    const json_t *priority = json_object_get(r, "priority");
    const json_t *sink = json_object_get(r, "sink");
    int64_t number = 0;
    *t = (service_target){.owner = c->owner};
    if (json_object_get(r, "job")) {
        const cbx_status st =
            take_integer(r, "job", JOB_NUMBER_MAX, &number, err);
        t->number = (uint64_t)number;
        return st;
    }
    if (priority) {
        const int p = cbx_priority_named(json_string_value(priority));
        if (p < 0)
            return cbx_fail(err, CBX_E_ARG, "priority: there is no such one");
        t->has_priority = true;
        t->priority = (cbx_priority)p;
    } else if (sink) {
        if (!json_is_string(sink))
            return cbx_fail(err, CBX_E_ARG, "sink: it must be a string");
        t->owner = 0;
        t->sink = json_string_value(sink);
        if (strcmp(t->sink, "*") == 0)
            t->sink = NULL;
    }
    return CBX_OK;
}

static cbx_status do_stop(connection *c, const json_t *r, json_t *answer,
                          cbx_error *err)
{
    service_target t;
    const cbx_status st = take_target(c, r, &t, err);
    if (!st)
        json_object_set_new(
            answer, "stopped",
            json_integer(service_stop(server_service(c->server), &t, "stop")));
    return st;
}

static cbx_status pause_or_not(connection *c, const json_t *r, bool on,
                               cbx_error *err)
{
    service_target t;
    const cbx_status st = take_target(c, r, &t, err);
    if (!st)
        service_pause(server_service(c->server), &t, on);
    return st;
}

static cbx_status do_pause(connection *c, const json_t *r, json_t *answer,
                           cbx_error *err)
{
    (void)answer;
    return pause_or_not(c, r, true, err);
}

static cbx_status do_resume(connection *c, const json_t *r, json_t *answer,
                            cbx_error *err)
{
    (void)answer;
    return pause_or_not(c, r, false, err);
}

/* -- audios ---------------------------------------------------------------- */

static cbx_status do_audio(connection *c, const json_t *r, json_t *answer,
                           cbx_error *err)
{
    int64_t number = 0;
    (void)answer;
    const cbx_status st = take_integer(r, "audio", INT32_MAX, &number, err);
    if (st)
        return st;
    if (find_audio(c, number))
        return cbx_fail(err, CBX_E_ARG, "audio %" PRId64 " is there already",
                        number);
    if (c->n_audios == AUDIOS_MAX)
        return cbx_fail(err, CBX_E_LIMIT, "a connection has %d audios at most",
                        AUDIOS_MAX);
    if (c->in.fd < 0)
        return cbx_fail(err, CBX_E_ARG,
                        "audio: no descriptor came with the request");
    const cbx_status opened =
        audio_open(server_service(c->server), c->peer, number, c->in.fd,
                   &c->audios[c->n_audios], err);
    c->n_audios += opened == CBX_OK;
    close(c->in.fd);
    c->in.fd = -1;
    return opened;
}

static cbx_status do_close_audio(connection *c, const json_t *r, json_t *answer,
                                 cbx_error *err)
{
    int64_t number = 0;
    (void)answer;
    const cbx_status st = take_integer(r, "audio", INT32_MAX, &number, err);
    for (int i = 0; !st && i < c->n_audios; i++) {
        if (audio_number(c->audios[i]) != number)
            continue;
        server_close_audio(c->server, c->audios[i]);
        c->audios[i] = c->audios[--c->n_audios];
    }
    return st;
}

/* -- lists ----------------------------------------------------------------- */

static cbx_status do_queue(connection *c, const json_t *r, json_t *answer,
                           cbx_error *err)
{
    (void)r, (void)err;
    json_object_set_new(answer, "jobs",
                        service_queue(server_service(c->server)));
    return CBX_OK;
}

static cbx_status do_voices(connection *c, const json_t *r, json_t *answer,
                            cbx_error *err)
{
    (void)r, (void)err;
    json_object_set_new(answer, "voices",
                        service_voices(server_service(c->server)));
    return CBX_OK;
}

static cbx_status do_models(connection *c, const json_t *r, json_t *answer,
                            cbx_error *err)
{
    (void)r, (void)err;
    json_object_set_new(answer, "models",
                        service_models(server_service(c->server)));
    return CBX_OK;
}

static cbx_status do_sinks(connection *c, const json_t *r, json_t *answer,
                           cbx_error *err)
{
    (void)r, (void)err;
    json_object_set_new(answer, "sinks",
                        service_sinks(server_service(c->server)));
    return CBX_OK;
}

static cbx_status do_stats(connection *c, const json_t *r, json_t *answer,
                           cbx_error *err)
{
    (void)r, (void)err;
    json_t *stats = service_stats(server_service(c->server));
    json_object_update(answer, stats);
    json_decref(stats);
    json_object_set_new(answer, "clients",
                        json_integer(server_clients(c->server)));
    return CBX_OK;
}

/* A question that may have to load a model: a thread answers it. */
typedef struct {
    server *server;
    peer *peer;
    json_t *request;
} question;

static void answer_parameters(void *user)
{
    question *q = user;
    cbx_error err;
    json_t *id = json_object_get(q->request, "id");
    json_t *o = service_parameters(
        server_service(q->server),
        json_string_value(json_object_get(q->request, "model")),
        json_string_value(json_object_get(q->request, "voice")), &err);
    if (o)
        connection_answer(q->peer, id, o);
    else
        connection_refuse(q->peer, id, &err);
    peer_unhold(q->peer);
    json_decref(q->request);
    free(q);
}

static cbx_status do_hello(connection *c, const json_t *r, json_t *answer,
                           cbx_error *err)
{
    char us[64];
    const json_t *version = json_object_get(r, "version");
    const json_t *name = json_object_get(r, "name");
    if (!json_is_integer(version) ||
        json_integer_value(version) != PROTOCOL_VERSION)
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "hello: this daemon speaks version %d of the protocol",
                        PROTOCOL_VERSION);
    if (json_is_string(name) && *json_string_value(name))
        snprintf(c->name, sizeof c->name, "%.40s/%" PRIu64,
                 json_string_value(name), c->owner);
    for (char *p = c->name; *p; p++) /* it goes into the log */
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            *p = '?';
    snprintf(us, sizeof us, "chatterboxd %s", cbx_version());
    json_object_set_new(answer, "version", json_integer(PROTOCOL_VERSION));
    json_object_set_new(answer, "server", json_string(us));
    json_object_set_new(answer, "pid", json_integer(getpid()));
    c->greeted = true;
    return CBX_OK;
}

static cbx_status do_reload(connection *c, const json_t *r, json_t *answer,
                            cbx_error *err)
{
    (void)r, (void)answer;
    return server_reload(c->server, err);
}

static cbx_status do_shutdown(connection *c, const json_t *r, json_t *answer,
                              cbx_error *err)
{
    const char *mode = json_string_value(json_object_get(r, "mode"));
    (void)answer;
    if (!mode || (strcmp(mode, "finish") && strcmp(mode, "cancel")))
        return cbx_fail(err, CBX_E_ARG, "mode: it must be finish or cancel");
    server_stop(c->server, *mode == 'f' ? ON_STOP_FINISH : ON_STOP_CANCEL);
    return CBX_OK;
}

/* -- the table ------------------------------------------------------------- */

typedef cbx_status doing(connection *c, const json_t *r, json_t *answer,
                         cbx_error *err);

static const struct {
    const char *name;
    doing *done;
} requests[] = {
    {"say", do_say},           {"append", do_append},
    {"finish", do_finish},     {"set", do_set},
    {"stop", do_stop},         {"pause", do_pause},
    {"resume", do_resume},     {"audio", do_audio},
    {"queue", do_queue},       {"close_audio", do_close_audio},
    {"voices", do_voices},     {"models", do_models},
    {"sinks", do_sinks},       {"stats", do_stats},
    {"hello", do_hello},       {"reload", do_reload},
    {"shutdown", do_shutdown},
};
enum { N_REQUESTS = sizeof requests / sizeof *requests };

static cbx_status ask_parameters(connection *c, const json_t *r, cbx_error *err)
{
    question *q = malloc(sizeof *q);
    if (!q)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a question");
    *q = (question){c->server, c->peer, json_deep_copy(r)};
    peer_hold(c->peer);
    if (q->request && server_help(c->server, answer_parameters, q))
        return CBX_OK;
    peer_unhold(c->peer);
    json_decref(q->request);
    free(q);
    return cbx_fail(err, CBX_E_LIMIT, "too many questions at a time");
}

static cbx_status find_and_do(connection *c, const json_t *r, json_t *answer,
                              bool *later, cbx_error *err)
{
    const char *name = json_string_value(json_object_get(r, "do"));
    *later = false;
    if (name && !c->greeted && strcmp(name, "hello"))
        return cbx_fail(err, CBX_E_UNSUPPORTED,
                        "the first request must be 'hello'");
    if (name && strcmp(name, "parameters") == 0) {
        *later = true;
        return ask_parameters(c, r, err);
    }
    for (int i = 0; name && i < N_REQUESTS; i++)
        if (strcmp(name, requests[i].name) == 0)
            return requests[i].done(c, r, answer, err);
    return cbx_fail(err, CBX_E_ARG, "there is no request '%.40s'",
                    name ? name : "");
}

cbx_status connection_request(connection *c, const json_t *r, cbx_error *err)
{
    cbx_error why;
    bool later;
    json_t *answer = json_object();
    const json_t *id = json_object_get(r, "id");
    if (!answer)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for an answer");
    const cbx_status st = find_and_do(c, r, answer, &later, &why);
    if (st)
        connection_refuse(c->peer, id, &why);
    else if (!later)
        connection_answer(c->peer, id, json_incref(answer));
    json_decref(answer);
    if (st && !c->greeted) {
        *err = why;
        return st;
    }
    return CBX_OK;
}
