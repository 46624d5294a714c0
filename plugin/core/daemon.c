/* The daemon as a source: one client for the process, and for each job an
 * audio ring in shared memory. The client connects by itself, again and again,
 * and resumes jobs that a crash cut off. */
#include "chatterbox/client.h"
#include "plugin/core/source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING_FRAMES = 1 << 16, VOICES_MS = 300 };

typedef struct job {
    struct job *next;
    uint64_t id; /* the client's */
    cbx_client_audio *audio;
    uint64_t frames; /* read so far */
    bool ended, failed, cancelled;
    uint64_t length; /* once it has ended */
    char why[256];
    plug_mark *marks; /* those not fetched: [first, count) */
    size_t first, count, room;
} job;

static cbx_client *client;
static job *jobs;

static cbx_status daemon_begin(void *self, cbx_error *err)
{
    (void)self;
    const cbx_client_options options = {.name = "plugin"};
    return cbx_client_open(&options, &client, err);
}

static void daemon_end(void *self)
{
    (void)self;
    cbx_client_close(client);
    client = NULL;
}

static bool daemon_up(void *self)
{
    (void)self;
    return cbx_client_connected(client);
}

static cbx_status daemon_open(void *self, const plug_request *r, void **out,
                              cbx_error *err)
{
    (void)self;
    if (!cbx_client_connected(client))
        return cbx_fail(err, CBX_E_DEVICE,
                        "the daemon is not there; start chatterboxd");
    job *j = calloc(1, sizeof *j);
    if (!j)
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    cbx_status st = cbx_client_audio_open(client, PLUG_NATIVE_RATE, RING_FRAMES,
                                          &j->audio, err);
    if (st)
        goto free_job;
    cbx_say say;
    cbx_say_init(&say);
    say.text = r->text;
    say.voice = *r->voice ? r->voice : NULL;
    say.seed = r->seed;
    say.has_seed = true;
    say.speed = r->speed;
    say.pitch = r->pitch;
    say.audio = j->audio;
    st = cbx_client_say(client, &say, &j->id, err);
    if (st)
        goto close_audio;
    j->next = jobs;
    jobs = j;
    *out = j;
    return CBX_OK;

close_audio:
    cbx_client_audio_close(j->audio);
free_job:
    free(j);
    return st;
}

static void keep_mark(job *j, const cbx_client_event *e)
{
    if (j->count == j->room) {
        const size_t room = j->room ? 2 * j->room : 64;
        plug_mark *more = realloc(j->marks, room * sizeof *more);
        if (!more)
            return; /* a word without a mark: the sound is whole */
        j->marks = more;
        j->room = room;
    }
    j->marks[j->count++] =
        (plug_mark){e->frame, (uint32_t)e->text_from, (uint32_t)e->text_to};
}

static void take_event(const cbx_client_event *e)
{
    job *j = jobs;
    while (j && j->id != e->job)
        j = j->next;
    if (!j)
        return;
    switch (e->kind) {
    case CBX_CLIENT_WORD:
        keep_mark(j, e);
        break;
    case CBX_CLIENT_ENDED:
        j->ended = true;
        j->length = e->frame;
        break;
    case CBX_CLIENT_CANCELLED:
        j->cancelled = true;
        break;
    case CBX_CLIENT_ERROR:
        j->failed = true;
        snprintf(j->why, sizeof j->why, "%s", e->text);
        break;
    default:
        break;
    }
}

static plug_progress daemon_read(void *self, void *of, float *out, uint32_t cap,
                                 uint32_t *got, cbx_error *err)
{
    (void)self;
    job *j = of;
    uint32_t n = cbx_client_audio_available(j->audio);
    cbx_client_event e;
    /* first, so that the words of these frames and the end are known */
    while (cbx_client_poll(client, &e))
        take_event(&e);
    n = n < cap ? n : cap;
    *got = n ? cbx_client_audio_read(j->audio, out, n, NULL) : 0;
    j->frames += *got;
    if (j->failed) {
        cbx_fail(err, CBX_E_TEXT, "%s", j->why);
        return PLUG_FAILED;
    }
    if (j->cancelled) /* the daemon shuts down: its heir does it */
        return PLUG_LOST;
    return j->ended && j->frames >= j->length ? PLUG_ENDED : PLUG_MORE;
}

static bool daemon_mark(void *self, void *of, plug_mark *out)
{
    (void)self;
    job *j = of;
    if (j->first == j->count)
        return false;
    *out = j->marks[j->first++];
    return true;
}

static void daemon_close(void *self, void *of)
{
    (void)self;
    job *j = of;
    job **link = &jobs;
    while (*link != j)
        link = &(*link)->next;
    *link = j->next;
    cbx_client_stop(client, j->id);
    cbx_client_audio_close(j->audio);
    free(j->marks);
    free(j);
}

typedef struct names {
    char *at;
    size_t left;
} names;

static void add_name(void *user, const cbx_preset *preset)
{
    names *n = user;
    const size_t bytes = strlen(preset->name);
    if (bytes + 2 > n->left)
        return;
    memcpy(n->at, preset->name, bytes);
    memcpy(n->at + bytes, "\n", 2);
    n->at += bytes + 1;
    n->left -= bytes + 1;
}

static void daemon_voices(void *self, char *out, size_t size)
{
    (void)self;
    names n = {out, size};
    *out = '\0';
    if (cbx_client_voices(client, VOICES_MS, add_name, &n, NULL))
        *out = '\0';
}

const plug_source *plug_daemon(void)
{
    static const plug_source source = {.open = daemon_open,
                                       .read = daemon_read,
                                       .mark = daemon_mark,
                                       .close = daemon_close,
                                       .voices = daemon_voices,
                                       .begin = daemon_begin,
                                       .end = daemon_end,
                                       .up = daemon_up};
    return &source;
}
