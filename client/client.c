/* Opening, the client's own thread, closing. */
#define _GNU_SOURCE /* pthread_setname_np through rt */
#include "client/internal.h"

#include "rt/clock.h"
#include "rt/priority.h"
#include "rt/status.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const int64_t RETRY_FIRST = 20 * CBX_NS_PER_MS,
                     RETRY_MOST = 500 * CBX_NS_PER_MS,
                     RETRY_REFUSED = 5 * CBX_NS_PER_S,
                     SPAWN_AGAIN = 2 * CBX_NS_PER_S;
enum { CLOSE_MS = 200 };

typedef struct {
    int64_t next, pause, spawned;
} retry;

/* [lock] */
static void try_link(cbx_client *c, retry *r)
{
    const int64_t now = cbx_clock_ns();
    if (now < r->next)
        return;
    if (client_link_open(c)) {
        r->pause = RETRY_FIRST;
        return;
    }
    if (c->spawn && (!r->spawned || now - r->spawned > SPAWN_AGAIN)) {
        r->spawned = now;
        r->pause = RETRY_FIRST;
        client_spawn(c);
    }
    r->next = now + r->pause;
    r->pause = 2 * r->pause < RETRY_MOST ? 2 * r->pause : RETRY_MOST;
}

static void sleep_in_poll(cbx_client *c, int fd, bool more, int ms)
{
    uint64_t n;
    struct pollfd p[2] = {
        {.fd = c->wake, .events = POLLIN},
        {.fd = fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))}};
    if (poll(p, 2, ms) > 0 && p[0].revents && read(c->wake, &n, sizeof n) < 0)
        return; /* somebody else had it */
}

static void *run(void *user)
{
    cbx_client *c = user;
    retry r = {.pause = RETRY_FIRST};
    cbx_thread_name("cbx-client");
    pthread_mutex_lock(&c->lock);
    while (!c->quit) {
        if (c->fd < 0)
            try_link(c, &r);
        const int fd = c->fd;
        const bool more = c->out != NULL;
        int64_t wait = fd < 0 ? r.next - cbx_clock_ns() : 10 * CBX_NS_PER_S;
        pthread_mutex_unlock(&c->lock);
        wait = wait < CBX_NS_PER_MS ? CBX_NS_PER_MS : wait;
        sleep_in_poll(c, fd, more, (int)(wait / CBX_NS_PER_MS));
        pthread_mutex_lock(&c->lock);
        if (c->fd >= 0) {
            client_link_flush(c);
            client_link_receive(c);
            if (c->fd < 0)
                r.next = cbx_clock_ns() + (c->refused ? RETRY_REFUSED : 0);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* -- open ------------------------------------------------------------------ */

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

static void free_client(cbx_client *c)
{
    client_jobs_free(c);
    client_events_free(&c->events);
    if (c->wake >= 0)
        close(c->wake);
    if (c->ready >= 0)
        close(c->ready);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c->name);
    free(c->path);
    free(c->program);
    free(c->config);
    free(c);
}

static cbx_status set_up(cbx_client *c, const cbx_client_options *o,
                         cbx_error *err)
{
    char path[512];
    const char *name = o->name ? o->name : "client";
    if (!o->socket && !cbx_client_socket_path(path, sizeof path))
        return cbx_fail(err, CBX_E_ARG, "the socket's path is too long");
    c->path = copy(o->socket ? o->socket : path);
    if (c->path && strlen(c->path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return cbx_fail(err, CBX_E_ARG, "%.60s...: the path is too long",
                        c->path);
    size_t n, changed; /* a name that JSON takes */
    c->name = cbx_text_repaired(name, strlen(name), &n, &changed);
    c->program = copy(o->program);
    c->config = copy(o->config);
    c->spawn = o->spawn;
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!c->path || !c->name || c->wake < 0 || c->ready < 0)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a client");
    return CBX_OK;
}

/* The thread takes no signals: those are the program's. */
static int start_thread(cbx_client *c)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int rc = pthread_create(&c->thread, NULL, run, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

cbx_status cbx_client_open(const cbx_client_options *options, cbx_client **out,
                           cbx_error *err)
{
    static const cbx_client_options standard;
    const cbx_client_options *o = options ? options : &standard;
    cbx_client *c = calloc(1, sizeof *c);
    pthread_condattr_t monotonic;
    if (!c)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a client");
    c->fd = c->wake = c->ready = -1;
    c->out_end = &c->out;
    cbx_line_reader_init(&c->in);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    cbx_status st = set_up(c, o, err);
    if (!st && start_thread(c))
        st = cbx_fail(err, CBX_E_NOMEM, "no thread can be started");
    if (st) {
        free_client(c);
        return st;
    }
    const int64_t until = cbx_clock_ns() + (int64_t)o->wait_ms * CBX_NS_PER_MS;
    pthread_mutex_lock(&c->lock);
    while (o->wait_ms > 0 && !c->greeted && !c->refused &&
           cbx_clock_ns() < until)
        client_wait_until(c, until);
    const bool there = c->greeted || o->wait_ms <= 0;
    if (!there)
        cbx_fail(err, CBX_E_DEVICE, "%s",
                 c->why[0] ? c->why : "chatterboxd does not answer");
    pthread_mutex_unlock(&c->lock);
    if (!there) {
        cbx_client_close(c);
        return CBX_E_DEVICE;
    }
    *out = c;
    return CBX_OK;
}

bool cbx_client_connected(const cbx_client *client)
{
    cbx_client *c = (cbx_client *)client; /* only to take its lock */
    pthread_mutex_lock(&c->lock);
    const bool is = c->greeted;
    pthread_mutex_unlock(&c->lock);
    return is;
}

/* -- close ----------------------------------------------------------------- */

/* What was sent reaches the daemon, since it reads up to our end; leaving with
 * unread lines would tear that up. */
static void say_goodbye(cbx_client *c)
{
    const int64_t until = cbx_clock_ns() + CLOSE_MS * CBX_NS_PER_MS;
    char unread[4096];
    for (int64_t now = 0; c->fd >= 0 && now < until; now = cbx_clock_ns()) {
        const bool more = c->out != NULL;
        struct pollfd p = {.fd = c->fd,
                           .events = (short)(more ? POLLOUT : POLLIN)};
        if (!more)
            shutdown(c->fd, SHUT_WR);
        if (poll(&p, 1, 20) <= 0)
            continue;
        if (more) {
            client_link_flush(c);
            continue;
        }
        const ssize_t n = recv(c->fd, unread, sizeof unread, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return;
    }
}

void cbx_client_close(cbx_client *c)
{
    const uint64_t one = 1;
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->quit = true;
    pthread_mutex_unlock(&c->lock);
    if (write(c->wake, &one, sizeof one) < 0)
        c->quit = true; /* it is awake */
    pthread_join(c->thread, NULL);
    say_goodbye(c);
    pthread_mutex_lock(&c->lock);
    client_link_lose(c, "closed");
    pthread_mutex_unlock(&c->lock);
    free_client(c);
}
