/* The daemon's client as the module sees it, without a daemon: words are flat
 * stretches of sound whose level says which word it is, so that a test knows
 * for every frame what it belongs to. $FAKE_CONTROL names a file: "there",
 * "away", "silent" (there, but no sound comes) or "refuse". */
#include "chatterbox/client.h"
#include "rt/status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { RATE = 24000, EVENTS = 4096 };
/* Of a longer text only the beginning is spoken. */
enum { WORDS_MOST = 2000 };
enum { LEAD = 1200, WORD = 2400, PAUSE = 480, TAIL = 4800 };

struct cbx_client {
    int fd;
    bool there;
    cbx_client_event events[EVENTS];
    unsigned put, got;
    cbx_client_audio *audio;
    uint64_t jobs;
};

struct cbx_client_audio {
    uint64_t job, at, frames_n, room;
    float *frames;
    bool over; /* the last event was sent */
};

static char *state(char text[32])
{
    strcpy(text, "there");
    FILE *f =
        getenv("FAKE_CONTROL") ? fopen(getenv("FAKE_CONTROL"), "r") : NULL;
    if (f && fscanf(f, "%31s", text) != 1)
        strcpy(text, "there");
    if (f)
        fclose(f);
    return text;
}

static bool control(const char *word)
{
    char text[32];
    return !strcmp(state(text), word);
}

static cbx_client_event *add(cbx_client *c, cbx_client_event_kind kind)
{
    cbx_client_event *e = &c->events[c->put++ % EVENTS];
    *e = (cbx_client_event){
        .kind = kind, .rate = RATE, .job = c->audio ? c->audio->job : 0};
    return e;
}

static void look(cbx_client *c, const char *is)
{
    const bool there = strcmp(is, "away");
    if (there != c->there)
        add(c, there ? CBX_CLIENT_CONNECTED : CBX_CLIENT_LOST);
    c->there = there;
}

cbx_status cbx_client_open(const cbx_client_options *options, cbx_client **out,
                           cbx_error *err)
{
    const struct itimerspec tick = {.it_interval.tv_nsec = 2000000,
                                    .it_value.tv_nsec = 1};
    cbx_client *c = calloc(1, sizeof *c);
    if (!c || !options)
        return cbx_fail(err, CBX_E_NOMEM, "no memory");
    c->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    timerfd_settime(c->fd, 0, &tick, NULL);
    *out = c;
    return CBX_OK;
}

void cbx_client_close(cbx_client *c)
{
    if (c)
        close(c->fd);
    free(c);
}

bool cbx_client_connected(const cbx_client *c)
{
    return c->there;
}

int cbx_client_fd(const cbx_client *c)
{
    return c->fd;
}

void cbx_say_init(cbx_say *say)
{
    *say = (cbx_say){.speed = 1,
                     .latency = -1,
                     .flow = -1,
                     .top_k = -1,
                     .temperature = NAN,
                     .top_p = NAN,
                     .min_p = NAN,
                     .repetition_penalty = NAN,
                     .cfg_weight = NAN,
                     .exaggeration = NAN};
}

static void fill(cbx_client_audio *a, uint64_t n, float level)
{
    while (a->frames_n + n > a->room) {
        a->room = 2 * a->room + 65536;
        a->frames = realloc(a->frames, a->room * sizeof *a->frames);
    }
    for (uint64_t i = 0; i < n; i++)
        a->frames[a->frames_n++] = level;
}

/* <mark name="..."/> at p: its end. */
static const char *mark(cbx_client *c, const char *p, const char *end)
{
    const char *name = strstr(p, "name=\"");
    const char *close = memchr(p, '>', (size_t)(end - p));
    if (!close)
        return end;
    if (!strncmp(p, "<mark", 5) && name) {
        cbx_client_event *e = add(c, CBX_CLIENT_MARK);
        e->frame = c->audio->frames_n;
        snprintf(e->text, sizeof e->text, "%.*s", (int)strcspn(name + 6, "\""),
                 name + 6);
    }
    return close + 1;
}

static void speak(cbx_client *c, const cbx_say *say)
{
    const char *end = say->text + say->bytes, *p = say->text;
    unsigned words = 0;
    fill(c->audio, LEAD, 0);
    while (p < end && words < WORDS_MOST) {
        if (*p == '<' && say->markup == CBX_MARKUP_SSML) {
            p = mark(c, p, end);
            continue;
        }
        if (*p == ' ' || *p == '\n') {
            p++;
            continue;
        }
        cbx_client_event *e = add(c, CBX_CLIENT_WORD);
        e->frame = c->audio->frames_n;
        e->text_from = (uint64_t)(p - say->text);
        do
            p++;
        while (p < end && *p != ' ' && *p != '\n' &&
               (*p != '<' || say->markup != CBX_MARKUP_SSML));
        fill(c->audio, (uint64_t)(WORD / say->speed),
             (float)(100 + words++) / 32768.0f);
        fill(c->audio, PAUSE, 0);
    }
    fill(c->audio, TAIL, 0);
}

cbx_status cbx_client_say(cbx_client *c, const cbx_say *say, uint64_t *job,
                          cbx_error *err)
{
    cbx_client_audio *a = say->audio;
    if (say->bytes > 4 << 20)
        return cbx_fail(err, CBX_E_LIMIT, "too much");
    *job = ++c->jobs;
    c->audio = a;
    a->job = *job;
    a->at = a->frames_n = 0;
    a->over = false;
    cbx_say with_size = *say;
    if (!with_size.bytes)
        with_size.bytes = strlen(say->text);
    const char *log = getenv("FAKE_LOG");
    FILE *f = log ? fopen(log, "a") : NULL;
    if (f) {
        fprintf(f, "%s|%s|%.4f|%.4f|%d|%.*s\n", say->voice ? say->voice : "",
                say->language ? say->language : "", (double)say->speed,
                (double)say->pitch, (int)say->markup, (int)with_size.bytes,
                say->text);
        fclose(f);
    }
    if (control("refuse") || (say->voice && !strcmp(say->voice, "nobody"))) {
        snprintf(add(c, CBX_CLIENT_ERROR)->text, 100, "no voice '%s'",
                 say->voice ? say->voice : "");
        a->over = true;
        return CBX_OK;
    }
    speak(c, &with_size);
    return CBX_OK;
}

void cbx_client_stop(cbx_client *c, uint64_t job)
{
    if (c->audio && c->audio->job == job)
        cbx_client_audio_drop(c->audio);
}

bool cbx_client_poll(cbx_client *c, cbx_client_event *out)
{
    uint64_t ticks;
    (void)!read(c->fd, &ticks, sizeof ticks);
    char is[32];
    look(c, state(is));
    cbx_client_audio *a = c->audio;
    if (a && !a->over && c->there && strcmp(is, "silent") &&
        a->frames_n) { /* all of it was made at once */
        a->over = true;
        add(c, CBX_CLIENT_ENDED)->frame = a->frames_n;
    }
    if (c->got == c->put)
        return false;
    *out = c->events[c->got++ % EVENTS];
    return true;
}

cbx_status cbx_client_audio_open(cbx_client *c, uint32_t rate, uint32_t frames,
                                 cbx_client_audio **out, cbx_error *err)
{
    (void)c, (void)frames;
    if (rate != RATE)
        return cbx_fail(err, CBX_E_ARG, "rate");
    *out = calloc(1, sizeof **out);
    return *out ? CBX_OK : CBX_E_NOMEM;
}

void cbx_client_audio_close(cbx_client_audio *a)
{
    if (a)
        free(a->frames);
    free(a);
}

uint32_t cbx_client_audio_available(const cbx_client_audio *a)
{
    char is[32];
    state(is);
    if (!strcmp(is, "away") || !strcmp(is, "silent"))
        return 0;
    return (uint32_t)(a->frames_n - a->at);
}

uint32_t cbx_client_audio_take(cbx_client_audio *a, float *out, uint32_t n,
                               uint64_t *job, uint64_t *frame)
{
    const uint64_t left = a->frames_n - a->at;
    const uint32_t got = left < n ? (uint32_t)left : n;
    memcpy(out, a->frames + a->at, got * sizeof *out);
    *job = a->job;
    *frame = a->at;
    a->at += got;
    return got;
}

void cbx_client_audio_drop(cbx_client_audio *a)
{
    a->at = a->frames_n = 0;
    a->over = true;
}

void cbx_client_audio_notify(cbx_client_audio *a)
{
    (void)a; /* the descriptor ticks anyway */
}
