#include "daemon/chatterboxd/peer.h"

#include "client/lines.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_WAITING = 1 << 20 };

struct peer {
    pthread_mutex_t lock;
    int holds, fd, wake;
    char *out; /* [used) not sent yet */
    size_t used, room;
    const char *why; /* it is broken; NULL: it is not */
};

peer *peer_new(int fd, int wake)
{
    peer *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->holds = 1;
    p->fd = fd;
    p->wake = wake;
    return p;
}

void peer_hold(peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->holds++;
    pthread_mutex_unlock(&p->lock);
}

void peer_unhold(peer *p)
{
    pthread_mutex_lock(&p->lock);
    const int left = --p->holds;
    pthread_mutex_unlock(&p->lock);
    if (left)
        return;
    pthread_mutex_destroy(&p->lock);
    free(p->out);
    free(p);
}

/* [lock] How much the socket takes now. */
static size_t send_now(peer *p, const char *data, size_t n)
{
    const ssize_t sent = send(p->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        p->why = "it went away";
    return sent > 0 ? (size_t)sent : 0;
}

/* [lock] */
static void keep(peer *p, const char *data, size_t n)
{
    if (p->used + n > MOST_WAITING) {
        p->why = "it does not read what it is sent";
        return;
    }
    if (p->used + n > p->room) {
        const size_t room = 2 * (p->used + n);
        char *more = realloc(p->out, room);
        if (!more) {
            p->why = "there is no memory for it";
            return;
        }
        p->out = more;
        p->room = room;
    }
    memcpy(p->out + p->used, data, n);
    p->used += n;
}

void peer_send(peer *p, json_t *object)
{
    size_t n = 0;
    char *line = cbx_line_of(object, &n);
    bool look = false;
    pthread_mutex_lock(&p->lock);
    if (!line) {
        p->why = p->why ? p->why : "there is no memory for it";
    } else if (p->fd >= 0 && !p->why) {
        const size_t sent = p->used ? 0 : send_now(p, line, n);
        if (sent < n && !p->why)
            keep(p, line + sent, n - sent);
    }
    look = p->used > 0 || p->why;
    pthread_mutex_unlock(&p->lock);
    free(line);
    const uint64_t one = 1;
    if (look && write(p->wake, &one, sizeof one) < 0)
        return; /* it is full of wakes already */
}

bool peer_has_more(peer *p)
{
    pthread_mutex_lock(&p->lock);
    const bool more = p->used > 0;
    pthread_mutex_unlock(&p->lock);
    return more;
}

void peer_flush(peer *p)
{
    pthread_mutex_lock(&p->lock);
    const size_t sent =
        p->fd >= 0 && p->used ? send_now(p, p->out, p->used) : 0;
    if (sent)
        memmove(p->out, p->out + sent, p->used - sent);
    p->used -= sent;
    if (!p->used) {
        free(p->out);
        p->out = NULL;
        p->room = 0;
    }
    pthread_mutex_unlock(&p->lock);
}

bool peer_broken(peer *p, const char **why)
{
    pthread_mutex_lock(&p->lock);
    *why = p->why;
    pthread_mutex_unlock(&p->lock);
    return *why != NULL;
}

void peer_close(peer *p)
{
    pthread_mutex_lock(&p->lock);
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    pthread_mutex_unlock(&p->lock);
}
