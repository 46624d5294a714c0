/* What was said and is not over: kept, so that it can be sent again. */
#include "client/internal.h"

#include "rt/status.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 17 }; /* of text, in one line: it may grow sixfold */

job *client_job_find(cbx_client *c, uint64_t number)
{
    job *j = c->jobs;
    while (j && j->number != number)
        j = j->next;
    return j;
}

static void free_job(job *j)
{
    json_decref(j->say);
    free(j->text);
    free(j);
}

static void unlink_job(cbx_client *c, job *j)
{
    job **at = &c->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    c->n_jobs--;
    c->text_bytes -= j->n;
}

void client_job_over(cbx_client *c, job *j, const cbx_client_event *last)
{
    cbx_client_event e = *last;
    e.job = j->number;
    e.audio = j->audio;
    unlink_job(c, j);
    client_events_add(c, j->queue, &e);
    if (j->audio) {
        atomic_fetch_sub(&j->audio->pending, 1);
        client_audio_signal(c, j->audio);
    }
    free_job(j);
}

void client_jobs_free(cbx_client *c)
{
    while (c->jobs) {
        job *j = c->jobs;
        unlink_job(c, j);
        free_job(j);
    }
}

/* -- sending --------------------------------------------------------------- */

static size_t next_piece(const job *j)
{
    const size_t left = j->n - j->sent;
    return left <= PIECE ? left : cbx_text_whole(j->text + j->sent, PIECE);
}

static void send_say(cbx_client *c, job *j)
{
    const size_t n = next_piece(j);
    uint64_t from = j->frame;
    bool complete = false;
    json_t *o = json_copy(j->say);
    if (j->audio)
        cbx_shring_find_job(&j->audio->map, j->number, &from, &complete);
    if (complete) { /* the daemon died after the last frame */
        const cbx_client_event e = {.kind = CBX_CLIENT_ENDED,
                                    .frame = from,
                                    .rate = j->audio->map.rate};
        json_decref(o);
        client_job_over(c, j, &e);
        return;
    }
    j->told = true;
    j->told_more = j->more || n < j->n;
    json_object_set_new(o, "do", json_string("say"));
    json_object_set_new(o, "job", json_integer((json_int_t)j->number));
    json_object_set_new(o, "text", json_stringn(j->text ? j->text : "", n));
    if (j->told_more)
        json_object_set_new(o, "more", json_true());
    if (j->audio)
        json_object_set_new(o, "audio", json_integer(j->audio->number));
    if (from)
        json_object_set_new(o, "from", json_integer((json_int_t)from));
    j->sent = n;
    client_link_send(c, o, -1);
}

void client_job_send(cbx_client *c, job *j)
{
    const uint64_t number = j->number;
    if (!c->greeted || j->stopped)
        return;
    if (!j->told) {
        send_say(c, j);
        if (client_job_find(c, number) != j || !j->told_more)
            return;
    }
    while (c->greeted && j->sent < j->n) {
        const size_t n = next_piece(j);
        json_t *o = json_pack("{s:s, s:I, s:o}", "do", "append", "job",
                              (json_int_t)j->number, "text",
                              json_stringn(j->text + j->sent, n));
        j->sent += n;
        client_link_send(c, o, -1);
    }
    if (c->greeted && j->told_more && !j->more) {
        j->told_more = false;
        client_link_send(c,
                         json_pack("{s:s, s:I}", "do", "finish", "job",
                                   (json_int_t)j->number),
                         -1);
    }
}

void client_jobs_send_again(cbx_client *c)
{
    for (cbx_client_audio *a = c->audios; a && c->greeted; a = a->next)
        client_audio_send(c, a);
    for (job *j = c->jobs, *next; j && c->greeted; j = next) {
        next = j->next;
        client_job_send(c, j);
    }
}

/* -- saying ---------------------------------------------------------------- */

static cbx_status add_text(cbx_client *c, job *j, const char *text, size_t n,
                           bool end, cbx_error *err)
{
    size_t length, changed;
    if (memchr(text, 0, n))
        return cbx_fail(err, CBX_E_TEXT, "the text has a NUL byte");
    char *all = malloc(j->tail_n + n + 1);
    if (!all)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the text");
    memcpy(all, j->tail, j->tail_n);
    memcpy(all + j->tail_n, text, n);
    n += j->tail_n;
    const size_t use = end ? n : cbx_text_whole(all, n);
    char *clean = cbx_text_repaired(all, use, &length, &changed);
    cbx_status st = CBX_OK;
    if (!clean)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for the text");
    else if (c->text_bytes + length > JOB_TEXT_MAX)
        st = cbx_fail(err, CBX_E_LIMIT,
                      "over %d bytes of text are waiting to be spoken",
                      JOB_TEXT_MAX);
    if (!st && j->n + length > j->room) {
        const size_t room = 2 * (j->n + length);
        char *more = realloc(j->text, room);
        if (more) {
            j->text = more;
            j->room = room;
        } else {
            st = cbx_fail(err, CBX_E_NOMEM, "no memory for the text");
        }
    }
    if (!st) {
        memcpy(j->text + j->n, clean, length);
        j->n += length;
        c->text_bytes += length;
        j->tail_n = n - use;
        memcpy(j->tail, all + use, n - use);
    }
    free(clean);
    free(all);
    return st;
}

static cbx_status check(const cbx_say *y, cbx_error *err)
{
    if (!isnan(y->speed) && !(y->speed >= 0.5f && y->speed <= 6))
        return cbx_fail(err, CBX_E_ARG, "speed %g: it must be from 0.5 to 6",
                        (double)y->speed);
    if (!isnan(y->pitch) && !(y->pitch >= -12 && y->pitch <= 12))
        return cbx_fail(err, CBX_E_ARG,
                        "pitch %g: it must be from -12 to 12 semitones",
                        (double)y->pitch);
    if (!isnan(y->gain_db) && !(y->gain_db >= -60 && y->gain_db <= 24))
        return cbx_fail(err, CBX_E_ARG, "gain %g: it must be from -60 to 24 dB",
                        (double)y->gain_db);
    if ((unsigned)y->priority > CBX_PRIORITY_PROGRESS ||
        (unsigned)y->markup > CBX_MARKUP_SSML || y->latency < -1 ||
        y->latency > CBX_LATENCY_SAFEST || y->flow < -1 ||
        y->flow > CBX_FLOW_CAUSAL)
        return cbx_fail(err, CBX_E_ARG,
                        "priority, markup, latency or flow: there is no such "
                        "one");
    return CBX_OK;
}

static json_t *request_of(const cbx_say *say)
{
    cbx_say plain = *say;
    json_t *o = json_object();
    plain.more = false;
    bool ok = o && cbx_say_to_json(&plain, o);
    if (ok && say->sink && !say->audio)
        ok = json_object_set_new(o, "sink", json_string(say->sink)) == 0;
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

cbx_status client_job_say(cbx_client *c, const cbx_say *say, event_queue *q,
                          uint64_t *number, cbx_error *err)
{
    const char *text = say->text ? say->text : "";
    cbx_status st = check(say, err);
    if (!st && c->n_jobs >= JOBS_MAX)
        st = cbx_fail(err, CBX_E_LIMIT, "%d jobs are waiting to be spoken",
                      JOBS_MAX);
    if (st)
        return st;
    job *j = calloc(1, sizeof *j);
    json_t *request = request_of(say);
    if (!j || !request) {
        free(j);
        json_decref(request);
        return cbx_fail(err, CBX_E_ARG,
                        "a name is not UTF-8, or there is no memory");
    }
    *j = (job){.say = request,
               .more = say->more,
               .kept = say->keep,
               .audio = say->audio,
               .priority = say->priority,
               .queue = q};
    st = add_text(c, j, text, say->bytes ? say->bytes : strlen(text),
                  !say->more, err);
    if (st) {
        free_job(j);
        return st;
    }
    job **at = &c->jobs;
    while (*at)
        at = &(*at)->next;
    *at = j;
    c->n_jobs++;
    *number = j->number = ++c->last_job;
    if (j->audio) {
        atomic_fetch_add(&j->audio->pending, 1);
        atomic_store(&j->audio->newest, j->number);
    }
    client_job_send(c, j);
    return CBX_OK;
}

cbx_status cbx_client_say(cbx_client *c, const cbx_say *say, uint64_t *number,
                          cbx_error *err)
{
    uint64_t n = 0;
    pthread_mutex_lock(&c->lock);
    const cbx_status st = client_job_say(c, say, &c->events, &n, err);
    pthread_mutex_unlock(&c->lock);
    if (!st && number)
        *number = n;
    return st;
}

/* A job that ended meanwhile (an error, a stop) takes text and forgets it. */
cbx_status cbx_client_append(cbx_client *c, uint64_t number, const char *text,
                             size_t bytes, cbx_error *err)
{
    cbx_status st = CBX_OK;
    pthread_mutex_lock(&c->lock);
    job *j = client_job_find(c, number);
    if (j && !j->more)
        st = cbx_fail(err, CBX_E_ARG, "job %" PRIu64 " takes no more text",
                      number);
    else if (j)
        st = add_text(c, j, text, bytes, false, err);
    if (j && !st)
        client_job_send(c, j);
    pthread_mutex_unlock(&c->lock);
    return st;
}

void cbx_client_finish(cbx_client *c, uint64_t number)
{
    pthread_mutex_lock(&c->lock);
    job *j = client_job_find(c, number);
    if (j && j->more) {
        (void)add_text(c, j, "", 0, true, NULL);
        j->more = false;
        client_job_send(c, j);
    }
    pthread_mutex_unlock(&c->lock);
}

void cbx_client_set(cbx_client *c, uint64_t number, cbx_live what, float value)
{
    pthread_mutex_lock(&c->lock);
    job *j = client_job_find(c, number);
    const char *name = cbx_live_name(what);
    if (j) {
        json_object_set_new(j->say, name, json_real((double)value));
        if (c->greeted && j->told)
            client_link_send(c,
                             json_pack("{s:s, s:I, s:f}", "do", "set", "job",
                                       (json_int_t)number, name, (double)value),
                             -1);
    }
    pthread_mutex_unlock(&c->lock);
}

/* -- stopping -------------------------------------------------------------- */

/* What the daemon has is ended by it; the rest at once. */
void client_job_stop(cbx_client *c, job *j)
{
    const cbx_client_event e = {.kind = CBX_CLIENT_CANCELLED, .text = "stop"};
    if (j->stopped)
        return;
    if (j->audio)
        cbx_shring_drop_job(&j->audio->map, j->number);
    if (!c->greeted || !j->told) {
        client_job_over(c, j, &e);
        return;
    }
    j->stopped = true;
    client_link_send(
        c, json_pack("{s:s, s:I}", "do", "stop", "job", (json_int_t)j->number),
        -1);
}

static bool is_there(cbx_client *c, const job *wanted)
{
    for (const job *j = c->jobs; j; j = j->next)
        if (j == wanted)
            return true;
    return false;
}

/* Sending may lose the connection, and with it jobs: so the list is walked anew
 * whenever the next one is gone. */
static void stop_some(cbx_client *c, uint64_t number, int priority)
{
    pthread_mutex_lock(&c->lock);
    for (job *j = c->jobs, *next; j; j = next) {
        next = j->next;
        if ((!number || j->number == number) &&
            (priority < 0 || (int)j->priority == priority))
            client_job_stop(c, j);
        if (next && !is_there(c, next))
            next = c->jobs;
    }
    pthread_mutex_unlock(&c->lock);
}

void cbx_client_stop(cbx_client *c, uint64_t number)
{
    stop_some(c, number, -1);
}

void cbx_client_stop_priority(cbx_client *c, cbx_priority priority)
{
    stop_some(c, 0, (int)priority);
}

void cbx_client_stop_sink(cbx_client *c, const char *sink)
{
    pthread_mutex_lock(&c->lock);
    if (c->greeted)
        client_link_send(
            c, json_pack("{s:s, s:s}", "do", "stop", "sink", sink ? sink : "*"),
            -1);
    pthread_mutex_unlock(&c->lock);
}

void cbx_client_pause(cbx_client *c, uint64_t number, bool on)
{
    pthread_mutex_lock(&c->lock);
    for (job *j = c->jobs; j; j = j->next)
        if (j->audio && (!number || j->number == number))
            atomic_store(&j->audio->reader.paused, on);
    json_t *o = json_pack("{s:s}", "do", on ? "pause" : "resume");
    if (number)
        json_object_set_new(o, "job", json_integer((json_int_t)number));
    if (c->greeted)
        client_link_send(c, o, -1);
    else
        json_decref(o);
    pthread_mutex_unlock(&c->lock);
}
