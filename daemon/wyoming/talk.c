#define _GNU_SOURCE /* POLLRDHUP */
#include "daemon/wyoming/talk.h"

#include "daemon/wyoming/frame.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { RATE = 24000 };

struct talk {
    service *service;
    int fd;
    uint64_t owner, number;
    service_job *job; /* of the text that is spoken; NULL: none */
    bool open;        /* its text is still to come */

    pthread_mutex_t writing; /* one event at a time on the socket */
    _Atomic bool over;       /* the job sent its last event */
    _Atomic bool broken;

    /* The job's thread. */
    bool started, streaming;
};

static json_t *audio_format(void)
{
    return json_pack("{s:i, s:i, s:i}", "rate", RATE, "width", 2, "channels",
                     1);
}

/* -- the job's side -------------------------------------------------------- */

static bool given_up(void *user)
{
    return service_cancelled(user);
}

static bool write_event(talk *t, service_job *job, const char *type,
                        json_t *data, const void *payload, size_t n)
{
    pthread_mutex_lock(&t->writing);
    bool ok = !t->broken;
    if (ok)
        ok = frame_write(t->fd, type, data, payload, n, job ? given_up : NULL,
                         job);
    else
        json_decref(data);
    if (!ok)
        t->broken = true;
    pthread_mutex_unlock(&t->writing);
    return ok;
}

static bool start_audio(talk *t, service_job *job)
{
    if (t->started)
        return true;
    t->started = true;
    return write_event(t, job, "audio-start", audio_format(), NULL, 0);
}

static bool take_frames(void *user, service_job *job, const float *frames,
                        uint32_t n)
{
    enum { BLOCK = 2400 };
    talk *t = user;
    uint8_t bytes[2 * BLOCK];
    bool ok = start_audio(t, job);
    while (ok && n > 0) {
        const uint32_t part = n < BLOCK ? n : BLOCK;
        for (uint32_t i = 0; i < part; i++) {
            const float x = fminf(fmaxf(frames[i], -1), 32767 / 32768.0f);
            const uint16_t v = (uint16_t)lrintf(x * 32768);
            bytes[2 * i] = (uint8_t)v;
            bytes[2 * i + 1] = (uint8_t)(v >> 8);
        }
        ok = write_event(t, job, "audio-chunk", audio_format(), bytes,
                         2 * (size_t)part);
        frames += part;
        n -= part;
    }
    return ok;
}

static void take_event(void *user, service_job *job,
                       const cbx_client_event *event)
{
    talk *t = user;
    if (event->kind < CBX_CLIENT_ENDED)
        return;
    if (event->kind == CBX_CLIENT_ERROR)
        write_event(t, job, "error", json_pack("{s:s}", "text", event->text),
                    NULL, 0);
    else if (event->kind == CBX_CLIENT_ENDED)
        start_audio(t, job);
    if (t->started)
        write_event(t, job, "audio-stop", NULL, NULL, 0);
    if (t->streaming)
        write_event(t, job, "synthesize-stopped", NULL, NULL, 0);
    t->over = true;
}

/* -- the connection's side ------------------------------------------------- */

talk *talk_open(service *s, int fd)
{
    talk *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->service = s;
    t->fd = fd;
    t->owner = service_owner(s);
    pthread_mutex_init(&t->writing, NULL);
    return t;
}

void talk_close(talk *t)
{
    if (!t)
        return;
    if (t->job)
        service_cancel(t->job, "client");
    service_release(t->job);
    pthread_mutex_destroy(&t->writing);
    free(t);
}

bool talk_is_broken(const talk *t)
{
    return t->broken;
}

/* The other side closed, while nobody was reading. */
static bool has_hung_up(const talk *t)
{
    struct pollfd p = {.fd = t->fd, .events = POLLRDHUP};
    return poll(&p, 1, 50) != 0;
}

static void wait_for_end(talk *t)
{
    while (t->job && !t->over && !t->broken)
        if (has_hung_up(t))
            t->broken = true;
    if (t->job && t->broken)
        service_cancel(t->job, "client");
    service_release(t->job);
    t->job = NULL;
}

/* voice {name, language, speaker}, text_format. Strings point into data. */
static void take_say(const json_t *data, bool more, cbx_say *say)
{
    const json_t *voice = json_object_get(data, "voice");
    const char *form = json_string_value(json_object_get(data, "text_format"));
    cbx_say_init(say);
    say->voice = json_string_value(json_object_get(voice, "name"));
    say->language = json_string_value(json_object_get(voice, "language"));
    say->markup =
        form && strcmp(form, "ssml") == 0 ? CBX_MARKUP_SSML : CBX_MARKUP_PLAIN;
    say->more = more;
    say->quiet = true;
    const json_t *text = json_object_get(data, "text");
    if (!more && json_is_string(text)) {
        say->text = json_string_value(text);
        say->bytes = json_string_length(text);
    } else {
        say->text = "";
    }
    if (say->voice && !*say->voice)
        say->voice = NULL;
    if (say->language && !*say->language)
        say->language = NULL;
}

void talk_begin(talk *t, const json_t *data, bool more)
{
    const service_consumer consumer = {
        .frames = take_frames, .event = take_event, .user = t};
    cbx_say say;
    cbx_error err;
    wait_for_end(t);
    take_say(data, more, &say);
    t->over = t->started = false;
    t->streaming = t->open = more;
    if (service_speak(t->service,
                      &(service_request){.say = &say,
                                         .consumer = &consumer,
                                         .rate = RATE,
                                         .owner = t->owner,
                                         .number = ++t->number,
                                         .name = "wyoming"},
                      &t->job, &err)) {
        t->job = NULL;
        write_event(t, NULL, "error", json_pack("{s:s}", "text", err.text),
                    NULL, 0);
        if (more)
            write_event(t, NULL, "synthesize-stopped", NULL, NULL, 0);
        t->open = false;
    }
}

void talk_append(talk *t, const char *text)
{
    cbx_error err;
    while (t->open && t->job && !t->over && !t->broken) {
        const cbx_status st = service_append(t->job, text, strlen(text), &err);
        if (st != CBX_E_LIMIT)
            return; /* taken, or it ended with an event of its own */
        if (has_hung_up(t))
            t->broken = true;
    }
}

void talk_finish(talk *t)
{
    if (t->open && t->job)
        service_finish(t->job);
    t->open = false;
}

bool talk_is_open(const talk *t)
{
    return t->open;
}

bool talk_send(talk *t, const char *type, json_t *data)
{
    return write_event(t, NULL, type, data, NULL, 0);
}
