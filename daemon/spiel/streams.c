#include "daemon/spiel/streams.h"

#include "daemon/spiel/wire.h"
#include "rt/status.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    RATE = 24000,
    RING = 32768,
    BLOCK = 1200,    /* frames in a chunk: 50 ms */
    PENDING = 16384, /* bytes for a pipe that is full; then nothing is taken */
    AWAY_MS = 3000,  /* without a daemon; then it is an error */
    EVENTS_MOST = 4096,
};

/* Something to tell when the frame is reached. */
typedef struct note {
    uint64_t frame;
    wire_event kind;
    uint32_t from, to;
    char name[120];
} note;

typedef struct stream {
    int fd; /* -1: not in use */
    cbx_client_audio *audio;
    uint64_t job;
    char *text;
    size_t byte, character; /* the same place of the text */
    cbx_buffer notes;       /* note[] */
    cbx_buffer out;         /* bytes for the pipe */
    uint32_t there;         /* frames whose events have been read */
    uint64_t frame;         /* the next one */
    bool over;              /* the daemon has sent all of it */
} stream;

struct streams {
    cbx_client *client;
    bool connected;
    int64_t changed;
    stream all[STREAMS_MOST];
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

cbx_status streams_open(streams **out, cbx_error *err)
{
    const cbx_client_options options = {.name = "spiel", .spawn = true};
    streams *s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for utterances");
    for (int i = 0; i < STREAMS_MOST; i++)
        s->all[i].fd = -1;
    s->changed = now_ms();
    const cbx_status st = cbx_client_open(&options, &s->client, err);
    if (st) {
        free(s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

static void end(streams *s, stream *t)
{
    if (!t->over && t->job)
        cbx_client_stop(s->client, t->job);
    cbx_client_audio_close(t->audio);
    if (t->fd >= 0)
        close(t->fd);
    free(t->text);
    cbx_buffer_free(&t->notes);
    cbx_buffer_free(&t->out);
    *t = (stream){.fd = -1};
}

void streams_close(streams *s)
{
    if (!s)
        return;
    for (int i = 0; i < STREAMS_MOST; i++)
        end(s, &s->all[i]);
    cbx_client_close(s->client);
    free(s);
}

/* -- beginning ------------------------------------------------------------- */

static stream *unused(streams *s)
{
    for (int i = 0; i < STREAMS_MOST; i++)
        if (s->all[i].fd < 0)
            return &s->all[i];
    return NULL;
}

static float within(double v, double least, double most)
{
    return (float)(v > least ? v < most ? v : most : least);
}

/* "en-US" -> "en" */
static void base_language(const char *language, char out[16])
{
    const size_t n = strcspn(language, "-_.");
    snprintf(out, 16, "%.*s", n < 15 ? (int)n : 15, language);
}

static cbx_status say(streams *s, stream *t, const stream_request *r,
                      cbx_error *err)
{
    cbx_say what;
    char language[16];
    base_language(r->language, language);
    cbx_say_init(&what);
    what.text = t->text;
    what.voice = *r->voice ? r->voice : NULL;
    what.language = *language ? language : NULL;
    what.markup = r->ssml ? CBX_MARKUP_SSML : CBX_MARKUP_PLAIN;
    what.wrapped = true;
    what.audio = t->audio;
    what.speed = within(r->rate, 0.5, 6);
    what.pitch = within(12 * log2(within(r->pitch, 0.5, 2)), -12, 12);
    return cbx_client_say(s->client, &what, &t->job, err);
}

static cbx_status fill(streams *s, stream *t, const stream_request *r,
                       cbx_error *err)
{
    cbx_status st =
        cbx_client_audio_open(s->client, RATE, RING, &t->audio, err);
    if (st)
        return st;
    t->text = strdup(r->text);
    t->fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
    if (t->fd < 0 || !t->text || !wire_header(&t->out))
        return cbx_fail(err, CBX_E_LIMIT, "no descriptor or memory is left");
    const int flags = fcntl(t->fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return cbx_fail(err, CBX_E_ARG, "the descriptor cannot be written to");
    fcntl(t->fd, F_SETFL, flags | O_NONBLOCK);
    return say(s, t, r, err);
}

cbx_status streams_begin(streams *s, const stream_request *r, cbx_error *err)
{
    stream *t = unused(s);
    if (!t)
        return cbx_fail(err, CBX_E_LIMIT,
                        "%d utterances are spoken already: wait for one to end",
                        STREAMS_MOST);
    if (!s->connected && now_ms() - s->changed > AWAY_MS)
        return cbx_fail(err, CBX_E_DEVICE,
                        "chatterboxd is not there and cannot be started: see "
                        "its log");
    const cbx_status st = fill(s, t, r, err);
    if (st)
        end(s, t);
    return st;
}

/* -- from the daemon ------------------------------------------------------- */

/* Which character of the text a byte belongs to. Places mostly grow. */
static uint32_t character(stream *t, size_t byte)
{
    if (byte < t->byte)
        t->byte = t->character = 0;
    while (t->byte < byte && t->text[t->byte]) {
        t->byte++;
        t->character += ((unsigned char)t->text[t->byte] & 0xc0) != 0x80;
    }
    return (uint32_t)t->character;
}

static void add_note(stream *t, wire_event kind, const cbx_client_event *e)
{
    note n = {.frame = e->frame, .kind = kind};
    if (t->notes.n >= EVENTS_MOST * sizeof n)
        return; /* whoever does not read for so long has no use for it */
    if (kind == WIRE_MARK) {
        snprintf(n.name, sizeof n.name, "%.119s", e->text);
    } else {
        n.from = character(t, (size_t)e->text_from);
        n.to = character(t, (size_t)e->text_to);
    }
    (void)cbx_buffer_add(&t->notes, &n, sizeof n);
}

static void event_of(stream *t, const cbx_client_event *e)
{
    switch (e->kind) {
    case CBX_CLIENT_WORD:
        add_note(t, WIRE_WORD, e);
        break;
    case CBX_CLIENT_SENTENCE:
        add_note(t, WIRE_SENTENCE, e);
        break;
    case CBX_CLIENT_MARK:
        add_note(t, WIRE_MARK, e);
        break;
    case CBX_CLIENT_ERROR:
        fprintf(stderr, "chatterbox-spiel: %s\n", e->text);
        t->over = true;
        break;
    case CBX_CLIENT_CANCELLED:
    case CBX_CLIENT_ENDED:
        t->over = true;
        break;
    default:
        break;
    }
}

static void events(streams *s)
{
    cbx_client_event e;
    while (cbx_client_poll(s->client, &e)) {
        if (e.kind == CBX_CLIENT_CONNECTED || e.kind == CBX_CLIENT_LOST) {
            s->connected = e.kind == CBX_CLIENT_CONNECTED;
            s->changed = now_ms();
        }
        for (int i = 0; i < STREAMS_MOST && e.job; i++)
            if (s->all[i].fd >= 0 && s->all[i].job == e.job)
                event_of(&s->all[i], &e);
    }
}

/* -- into the pipe --------------------------------------------------------- */

static const note *next_note(const stream *t)
{
    return t->notes.n ? (const void *)t->notes.data : NULL;
}

/* What is to be told before the next frame. */
static bool tell(stream *t, bool all)
{
    const note *n;
    while ((n = next_note(t)) && (all || n->frame <= t->frame)) {
        if (!wire_says(&t->out, n->kind, n->from, n->to, n->name))
            return false;
        cbx_buffer_drop(&t->notes, sizeof *n);
    }
    return true;
}

/* One chunk, that ends where something is to be told. False: none. */
static bool take(stream *t)
{
    float block[BLOCK];
    uint64_t job, frame;
    const note *n = next_note(t);
    uint64_t most = t->there < BLOCK ? t->there : BLOCK;
    if (n && n->frame - t->frame < most)
        most = n->frame - t->frame;
    const uint32_t got =
        most ? cbx_client_audio_take(t->audio, block, (uint32_t)most, &job,
                                     &frame)
             : 0;
    t->there -= got < t->there ? got : t->there;
    t->frame += got;
    return got && wire_sound(&t->out, block, got);
}

/* False: the pipe is closed. */
static bool write_out(stream *t)
{
    while (t->out.n) {
        const ssize_t n = write(t->fd, t->out.data, t->out.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        cbx_buffer_drop(&t->out, (size_t)n);
    }
    return true;
}

static bool reader_is_gone(const stream *t)
{
    struct pollfd p = {.fd = t->fd};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP | POLLNVAL));
}

static bool given_up(const streams *s)
{
    return !s->connected && now_ms() - s->changed > AWAY_MS;
}

/* False: it is over. */
static bool move(streams *s, stream *t)
{
    if (reader_is_gone(t) || !write_out(t))
        return false;
    while (t->out.n < PENDING && tell(t, false) && take(t))
        ;
    if (!write_out(t))
        return false;
    const bool all = t->over && !cbx_client_audio_available(t->audio);
    if (all)
        return tell(t, true) && write_out(t) && t->out.n;
    if (!t->over && given_up(s)) {
        fprintf(stderr, "chatterbox-spiel: the daemon went away: the rest of "
                        "an utterance is not spoken\n");
        return false;
    }
    if (t->out.n < PENDING)
        cbx_client_audio_notify(t->audio);
    return true;
}

void streams_turn(streams *s)
{
    /* The events of the frames that can be read now are there as well. */
    for (int i = 0; i < STREAMS_MOST; i++)
        if (s->all[i].fd >= 0)
            s->all[i].there = cbx_client_audio_available(s->all[i].audio);
    events(s);
    for (int i = 0; i < STREAMS_MOST; i++)
        if (s->all[i].fd >= 0 && !move(s, &s->all[i]))
            end(s, &s->all[i]);
}

int streams_fds(const streams *s, struct pollfd *fds)
{
    int n = 0;
    fds[n++] =
        (struct pollfd){.fd = cbx_client_fd(s->client), .events = POLLIN};
    for (int i = 0; i < STREAMS_MOST; i++)
        if (s->all[i].fd >= 0)
            fds[n++] = (struct pollfd){
                .fd = s->all[i].fd,
                .events = s->all[i].out.n ? (short)POLLOUT : (short)0};
    return n;
}

int streams_count(const streams *s)
{
    int n = 0;
    for (int i = 0; i < STREAMS_MOST; i++)
        n += s->all[i].fd >= 0;
    return n;
}
