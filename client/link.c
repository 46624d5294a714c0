/* The connection: connecting, sending, receiving. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "client/internal.h"

#include "rt/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool client_link_open(cbx_client *c)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct ucred who;
    socklen_t size = sizeof who;
    memcpy(a.sun_path, c->path, strlen(c->path) + 1); /* checked at open */
    const int fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof a)) {
        snprintf(c->why, sizeof c->why, "no chatterboxd at %.120s: %s", c->path,
                 strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    /* the text is private: it goes to our own user's daemon only */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) ||
        who.uid != getuid()) {
        snprintf(c->why, sizeof c->why, "%.120s belongs to another user",
                 c->path);
        close(fd);
        return false;
    }
    c->fd = fd;
    c->greeted = c->refused = false;
    client_link_send(c,
                     json_pack("{s:s, s:i, s:i, s:s}", "do", "hello", "id", 0,
                               "version", PROTOCOL_VERSION, "name", c->name),
                     -1);
    return c->fd >= 0;
}

static void forget_out(cbx_client *c)
{
    while (c->out) {
        out_line *l = c->out;
        c->out = l->next;
        free(l->data);
        free(l);
    }
    c->out_end = &c->out;
}

/* Jobs that the caller ended are not sent again. */
static void forget_sent(cbx_client *c)
{
    const cbx_client_event cancelled = {.kind = CBX_CLIENT_CANCELLED,
                                        .text = "stop"};
    for (job *j = c->jobs, *next; j; j = next) {
        next = j->next;
        j->told = false;
        j->sent = 0;
        if (j->stopped)
            client_job_over(c, j, &cancelled);
    }
    for (cbx_client_audio *a = c->audios; a; a = a->next)
        a->told = false;
    for (question *q = c->questions; q; q = q->next)
        q->lost = true;
}

void client_link_lose(cbx_client *c, const char *why)
{
    const bool was = c->greeted;
    cbx_client_event lost = {.kind = CBX_CLIENT_LOST};
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    c->greeted = false;
    if (why != c->why)
        snprintf(c->why, sizeof c->why, "%s", why);
    cbx_line_reader_close(&c->in);
    forget_out(c);
    forget_sent(c);
    snprintf(lost.text, sizeof lost.text, "%s", c->why);
    if (was)
        client_events_add(c, &c->events, &lost);
    pthread_cond_broadcast(&c->changed);
    const uint64_t one = 1;
    if (write(c->wake, &one, sizeof one) < 0)
        return; /* it is awake */
}

/* -- sending --------------------------------------------------------------- */

static ssize_t send_some(int socket, const out_line *l)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec io = {.iov_base = l->data + l->sent,
                       .iov_len = l->n - l->sent};
    struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1};
    if (l->fd >= 0 && l->sent == 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *h = CMSG_FIRSTHDR(&message);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(h), &l->fd, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void client_link_flush(cbx_client *c)
{
    while (c->fd >= 0 && c->out) {
        out_line *l = c->out;
        const ssize_t n = send_some(c->fd, l);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            /* what the daemon sent before it went is still to be read */
            forget_out(c);
            return;
        }
        if (n < 0)
            return;
        l->sent += (size_t)n;
        if (l->sent < l->n)
            continue;
        c->out = l->next;
        if (!c->out)
            c->out_end = &c->out;
        free(l->data);
        free(l);
    }
}

void client_link_send(cbx_client *c, json_t *object, int fd)
{
    size_t n = 0;
    char *data = cbx_line_of(object, &n);
    out_line *l = c->fd >= 0 && data ? malloc(sizeof *l) : NULL;
    if (!l) { /* without memory: as if the connection had been lost */
        free(data);
        if (c->fd >= 0)
            client_link_lose(c, "no memory");
        return;
    }
    *l = (out_line){.data = data, .n = n, .fd = fd};
    const bool idle = !c->out;
    *c->out_end = l;
    c->out_end = &l->next;
    client_link_flush(c);
    const uint64_t one = 1;
    if (idle && c->out && write(c->wake, &one, sizeof one) < 0)
        return; /* it is awake */
}

/* -- receiving ------------------------------------------------------------- */

static const struct {
    const char *name;
    cbx_client_event_kind kind;
    bool last;
} kinds[] = {
    {"queued", CBX_CLIENT_QUEUED, false},
    {"started", CBX_CLIENT_STARTED, false},
    {"sentence", CBX_CLIENT_SENTENCE, false},
    {"word", CBX_CLIENT_WORD, false},
    {"mark", CBX_CLIENT_MARK, false},
    {"paused", CBX_CLIENT_PAUSED, false},
    {"resumed", CBX_CLIENT_RESUMED, false},
    {"notice", CBX_CLIENT_NOTICE, false},
    {"underrun", CBX_CLIENT_UNDERRUN, false},
    {"ended", CBX_CLIENT_ENDED, true},
    {"cancelled", CBX_CLIENT_CANCELLED, true},
    {"error", CBX_CLIENT_ERROR, true},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static int64_t whole(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static const char *word(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static void take_job_event(cbx_client *c, const json_t *o, const char *name)
{
    job *j = client_job_find(c, (uint64_t)whole(o, "job"));
    if (!j)
        return;
    cbx_client_event e = {.job = j->number,
                          .audio = j->audio,
                          .frame = (uint64_t)whole(o, "frame"),
                          .rate = (uint32_t)whole(o, "rate"),
                          .text_from = (uint64_t)whole(o, "text_from"),
                          .text_to = (uint64_t)whole(o, "text_to"),
                          .value = whole(o, "value")};
    if (e.frame > j->frame)
        j->frame = e.frame;
    snprintf(e.text, sizeof e.text, "%s", word(o, "text"));
    for (int i = 0; i < N_KINDS; i++) {
        if (strcmp(name, kinds[i].name))
            continue;
        e.kind = kinds[i].kind;
        if (e.kind == CBX_CLIENT_ERROR)
            e.status = cbx_status_named(word(o, "status"));
        if (kinds[i].last)
            client_job_over(c, j, &e);
        else
            client_events_add(c, j->queue, &e);
    }
}

static void take_event(cbx_client *c, const json_t *o)
{
    const char *name = word(o, "event");
    if (strcmp(name, "audio") == 0) {
        cbx_client_audio *a = client_audio_numbered(c, whole(o, "audio"));
        if (a)
            client_audio_signal(c, a);
    } else if (strcmp(name, "error") == 0 && whole(o, "job") == 0) {
        snprintf(c->why, sizeof c->why, "%s", word(o, "text"));
        c->refused = true;
        client_link_lose(c, c->why);
    } else {
        take_job_event(c, o, name);
    }
}

static void take_hello(cbx_client *c, const json_t *o)
{
    cbx_client_event e = {.kind = CBX_CLIENT_CONNECTED};
    if (!json_is_true(json_object_get(o, "ok"))) {
        snprintf(c->why, sizeof c->why, "%s", word(o, "error"));
        c->refused = true;
        client_link_lose(c, c->why);
        return;
    }
    c->greeted = true;
    snprintf(e.text, sizeof e.text, "%s", word(o, "server"));
    client_events_add(c, &c->events, &e);
    client_jobs_send_again(c);
}

static void take_answer(cbx_client *c, const json_t *o)
{
    const json_t *re = json_object_get(o, "re");
    if (re && json_integer_value(re) == 0 && !c->greeted) {
        take_hello(c, o);
        return;
    }
    for (question *q = c->questions; q && re; q = q->next)
        if (q->id == json_integer_value(re) && !q->answer) {
            q->answer = json_incref((json_t *)o);
            pthread_cond_broadcast(&c->changed);
        }
}

void client_link_receive(cbx_client *c)
{
    cbx_error err = {0};
    json_t *o;
    bool bad = false;
    if (c->fd < 0)
        return;
    const cbx_lines_state state = cbx_line_reader_read(&c->in, c->fd, false);
    while (c->fd >= 0 && cbx_line_reader_next(&c->in, &o, &bad, &err)) {
        if (json_object_get(o, "event"))
            take_event(c, o);
        else
            take_answer(c, o);
        json_decref(o);
    }
    if (c->fd >= 0 && bad)
        client_link_lose(c, err.text);
    else if (c->fd >= 0 && state == LINES_ENDED)
        client_link_lose(c, "chatterboxd went away");
}
