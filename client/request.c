/* Questions: one line there, one line back. */
#include "client/internal.h"

#include "rt/clock.h"
#include "rt/status.h"

#include <stdlib.h>
#include <string.h>

/* [lock, let go of while waiting] */
static cbx_status wait_for(cbx_client *c, question *q, json_t *request,
                           int64_t until, cbx_error *err)
{
    while (!c->greeted && cbx_clock_ns() < until)
        client_wait_until(c, until);
    if (!c->greeted)
        return cbx_fail(err, CBX_E_DEVICE, "%s",
                        c->why[0] ? c->why : "chatterboxd does not answer");
    q->lost = false;
    json_object_set_new(request, "id", json_integer(q->id));
    client_link_send(c, json_incref(request), -1);
    while (!q->answer && !q->lost && cbx_clock_ns() < until)
        client_wait_until(c, until);
    if (!q->answer)
        return cbx_fail(err, CBX_E_DEVICE, "%s",
                        q->lost ? "chatterboxd went away before it answered"
                                : "chatterboxd does not answer in time");
    if (json_is_true(json_object_get(q->answer, "ok")))
        return CBX_OK;
    const char *why = json_string_value(json_object_get(q->answer, "error"));
    const cbx_status st = cbx_status_named(
        json_string_value(json_object_get(q->answer, "status")));
    return cbx_fail(err, st ? st : CBX_E_UNSUPPORTED, "%s",
                    why ? why : "chatterboxd refused");
}

static cbx_status ask(cbx_client *c, const char *text, int timeout_ms,
                      json_t **answer, cbx_error *err)
{
    const int64_t until = cbx_clock_ns() + (int64_t)timeout_ms * CBX_NS_PER_MS;
    json_t *request = json_loads(text, 0, NULL);
    question q = {0};
    if (!json_is_object(request)) {
        json_decref(request);
        return cbx_fail(err, CBX_E_ARG, "the request is no JSON object");
    }
    pthread_mutex_lock(&c->lock);
    q.id = ++c->last_id;
    q.next = c->questions;
    c->questions = &q;
    const cbx_status st = wait_for(c, &q, request, until, err);
    question **at = &c->questions;
    while (*at != &q)
        at = &(*at)->next;
    *at = q.next;
    pthread_mutex_unlock(&c->lock);
    json_decref(request);
    if (st)
        json_decref(q.answer);
    else
        *answer = q.answer;
    return st;
}

cbx_status cbx_client_request(cbx_client *c, const char *request,
                              int timeout_ms, char **reply, cbx_error *err)
{
    json_t *answer;
    const cbx_status st = ask(c, request, timeout_ms, &answer, err);
    if (st)
        return st;
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (!text)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the answer");
    if (reply)
        *reply = text;
    else
        free(text);
    return CBX_OK;
}

static const char *word(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

cbx_status cbx_client_voices(cbx_client *c, int timeout_ms,
                             void (*see)(void *user, const cbx_preset *preset),
                             void *user, cbx_error *err)
{
    json_t *answer, *v;
    size_t i;
    const cbx_status st =
        ask(c, "{\"do\":\"voices\"}", timeout_ms, &answer, err);
    if (st)
        return st;
    json_array_foreach(json_object_get(answer, "voices"), i, v)
    {
        const cbx_preset p = {.name = word(v, "name"),
                              .description = word(v, "description"),
                              .language = word(v, "language"),
                              .model = word(v, "model"),
                              .file = word(v, "file")};
        see(user, &p);
    }
    json_decref(answer);
    return CBX_OK;
}
