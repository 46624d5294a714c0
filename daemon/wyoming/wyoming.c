/* Who is let in, and a thread for each. */
#define _GNU_SOURCE /* accept4 */
#include "daemon/wyoming/wyoming.h"

#include "daemon/net/listen.h"
#include "daemon/wyoming/internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 256 };

typedef struct {
    wyoming_server *server;
    int fd; /* -1: free */
} seat;

struct wyoming_server {
    service *service;
    int listener, port, room;
    _Atomic bool closing;
    pthread_t door;
    pthread_mutex_t lock;
    pthread_cond_t left;
    int n;
    seat seats[MOST];
};

static void *serve(void *arg)
{
    seat *me = arg;
    wyoming_server *w = me->server;
    wyoming_serve(w->service, me->fd);
    pthread_mutex_lock(&w->lock);
    close(me->fd);
    me->fd = -1;
    w->n--;
    pthread_cond_broadcast(&w->left);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void seat_client(wyoming_server *w, int fd)
{
    pthread_attr_t detached;
    pthread_t thread;
    seat *s = w->seats;
    pthread_mutex_lock(&w->lock);
    while (s < w->seats + w->room && s->fd >= 0)
        s++;
    bool ok = s < w->seats + w->room;
    if (ok) {
        *s = (seat){w, fd};
        pthread_attr_init(&detached);
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&detached, (size_t)256 << 10);
        ok = pthread_create(&thread, &detached, serve, s) == 0;
        pthread_attr_destroy(&detached);
        if (ok)
            w->n++;
        else
            s->fd = -1;
    }
    pthread_mutex_unlock(&w->lock);
    if (!ok)
        close(fd);
}

/* Until it is closed. Out of descriptors, it waits for some to come back. */
static void *stand_at_the_door(void *arg)
{
    enum { AGAIN_US = 50000 };
    wyoming_server *w = arg;
    while (!atomic_load_explicit(&w->closing, memory_order_relaxed)) {
        const int fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            seat_client(w, fd);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
            usleep(AGAIN_US);
    }
    return NULL;
}

cbx_status wyoming_open(service *s, const wyoming_options *o,
                        wyoming_server **out, cbx_error *err)
{
    if (!net_is_loopback(o->address) && !o->open)
        return cbx_fail(err, CBX_E_ARG,
                        "wyoming: %s is not this machine alone, and the "
                        "protocol has no passwords: set open = yes",
                        o->address);
    wyoming_server *w = calloc(1, sizeof *w);
    if (!w)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the Wyoming server");
    w->service = s;
    w->room = o->connections > 0 && o->connections < MOST ? o->connections : 32;
    for (int i = 0; i < MOST; i++)
        w->seats[i].fd = -1;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->left, NULL);
    cbx_status st =
        net_listen("wyoming", o->address, o->port, &w->listener, &w->port, err);
    if (!st && pthread_create(&w->door, NULL, stand_at_the_door, w)) {
        close(w->listener);
        st = cbx_fail(err, CBX_E_NOMEM, "no thread for the Wyoming server");
    }
    if (st) {
        free(w);
        return st;
    }
    *out = w;
    return CBX_OK;
}

int wyoming_port(const wyoming_server *w)
{
    return w->port;
}

void wyoming_close(wyoming_server *w)
{
    if (!w)
        return;
    atomic_store_explicit(&w->closing, true, memory_order_relaxed);
    shutdown(w->listener, SHUT_RDWR);
    pthread_join(w->door, NULL);
    close(w->listener);
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < w->room; i++)
        if (w->seats[i].fd >= 0)
            shutdown(w->seats[i].fd, SHUT_RDWR);
    while (w->n > 0)
        pthread_cond_wait(&w->left, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&w->left);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
