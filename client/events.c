#include "client/internal.h"

#include "rt/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool can_be_dropped(cbx_client_event_kind kind)
{
    return kind == CBX_CLIENT_SENTENCE || kind == CBX_CLIENT_WORD ||
           kind == CBX_CLIENT_MARK || kind == CBX_CLIENT_AUDIO;
}

static bool make_room(event_queue *q)
{
    if (q->n < q->room)
        return true;
    const size_t room = q->room ? 2 * q->room : 16;
    cbx_client_event *more = malloc(room * sizeof *more);
    if (!more)
        return false;
    for (size_t i = 0; i < q->n; i++)
        more[i] = q->events[(q->first + i) % q->room];
    free(q->events);
    *q = (event_queue){.events = more, .n = q->n, .room = room};
    return true;
}

/* Last events must not be lost, even where memory is: then an older one that
 * can be dropped makes room, if there is one. */
void client_events_add(cbx_client *c, event_queue *q, const cbx_client_event *e)
{
    const uint64_t one = 1;
    if (!q)
        return; /* nobody wants to know any more */
    if (q->n >= EVENTS_MOST && can_be_dropped(e->kind))
        return;
    if (!make_room(q))
        return;
    q->events[(q->first + q->n++) % q->room] = *e;
    pthread_cond_broadcast(&c->changed);
    if (q == &c->events && write(c->ready, &one, sizeof one) < 0)
        return; /* it is full of news already */
}

bool client_events_take(cbx_client *c, event_queue *q, cbx_client_event *out)
{
    uint64_t n;
    if (!q->n) {
        if (q == &c->events && read(c->ready, &n, sizeof n) < 0)
            return false; /* it was empty already */
        return false;
    }
    *out = q->events[q->first];
    q->first = (q->first + 1) % q->room;
    q->n--;
    return true;
}

void client_events_free(event_queue *q)
{
    free(q->events);
    *q = (event_queue){0};
}

void client_wait_until(cbx_client *c, int64_t until_ns)
{
    const struct timespec t = {.tv_sec = (time_t)(until_ns / CBX_NS_PER_S),
                               .tv_nsec = (long)(until_ns % CBX_NS_PER_S)};
    pthread_cond_timedwait(&c->changed, &c->lock, &t);
}

/* The socket is looked at, too, so that what the daemon sent before frames is
 * seen before these frames are read. */
bool cbx_client_poll(cbx_client *c, cbx_client_event *out)
{
    pthread_mutex_lock(&c->lock);
    if (!c->events.n)
        client_link_receive(c);
    const bool got = client_events_take(c, &c->events, out);
    pthread_mutex_unlock(&c->lock);
    return got;
}

bool cbx_client_wait(cbx_client *c, int timeout_ms)
{
    const int64_t until = cbx_clock_ns() + (int64_t)timeout_ms * CBX_NS_PER_MS;
    pthread_mutex_lock(&c->lock);
    while (!c->events.n && cbx_clock_ns() < until)
        client_wait_until(c, until);
    const bool got = c->events.n > 0;
    pthread_mutex_unlock(&c->lock);
    return got;
}

int cbx_client_fd(const cbx_client *c)
{
    return c->ready;
}
