#include "client/internal.h"

#include "rt/clock.h"
#include "rt/status.h"

#include <stdlib.h>
#include <unistd.h>

void client_audio_send(cbx_client *c, cbx_client_audio *a)
{
    if (!c->greeted || a->told)
        return;
    a->told = true;
    client_link_send(
        c,
        json_pack("{s:s, s:I}", "do", "audio", "audio", (json_int_t)a->number),
        a->fd);
}

cbx_client_audio *client_audio_numbered(cbx_client *c, int64_t number)
{
    cbx_client_audio *a = c->audios;
    while (a && a->number != number)
        a = a->next;
    return a;
}

void client_audio_signal(cbx_client *c, cbx_client_audio *a)
{
    const cbx_client_event e = {.kind = CBX_CLIENT_AUDIO, .audio = a};
    if (a->asked)
        client_events_add(c, &c->events, &e);
    a->asked = false;
    pthread_cond_broadcast(&c->changed);
}

cbx_status cbx_client_audio_open(cbx_client *c, uint32_t rate, uint32_t frames,
                                 cbx_client_audio **out, cbx_error *err)
{
    int n = 0;
    cbx_client_audio *a = calloc(1, sizeof *a);
    if (!a)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for an audio");
    const cbx_status st = cbx_shring_create(rate, frames, &a->map, &a->fd, err);
    if (st) {
        free(a);
        return st;
    }
    cbx_shring_reader_init(&a->reader, &a->map);
    a->client = c;
    pthread_mutex_lock(&c->lock);
    for (const cbx_client_audio *i = c->audios; i; i = i->next)
        n++;
    if (n < AUDIOS_MAX) {
        a->number = ++c->last_audio;
        a->next = c->audios;
        c->audios = a;
        client_audio_send(c, a);
    }
    pthread_mutex_unlock(&c->lock);
    if (n >= AUDIOS_MAX) {
        cbx_shring_unmap(&a->map);
        close(a->fd);
        free(a);
        return cbx_fail(err, CBX_E_LIMIT, "a client has %d audios at most",
                        AUDIOS_MAX);
    }
    *out = a;
    return CBX_OK;
}

/* A line with the descriptor may still wait to be sent. */
static void forget_line(cbx_client *c, int fd)
{
    for (const out_line *l = c->out; l; l = l->next)
        if (l->fd == fd && l->sent == 0) {
            client_link_lose(c,
                             "an audio was closed before the daemon took it");
            return;
        }
}

void cbx_client_audio_close(cbx_client_audio *a)
{
    const cbx_client_event e = {.kind = CBX_CLIENT_CANCELLED, .text = "client"};
    if (!a)
        return;
    cbx_client *c = a->client;
    pthread_mutex_lock(&c->lock);
    for (job *j = c->jobs, *next; j; j = next) {
        next = j->next;
        if (j->audio == a) {
            j->audio = NULL; /* its events must not name it any more */
            client_job_over(c, j, &e);
        }
    }
    for (size_t i = 0; i < c->events.n; i++) {
        cbx_client_event *old =
            &c->events.events[(c->events.first + i) % c->events.room];
        if (old->audio == a)
            old->audio = NULL;
    }
    forget_line(c, a->fd);
    if (c->greeted && a->told)
        client_link_send(c,
                         json_pack("{s:s, s:I}", "do", "close_audio", "audio",
                                   (json_int_t)a->number),
                         -1);
    cbx_client_audio **at = &c->audios;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    pthread_mutex_unlock(&c->lock);
    cbx_shring_unmap(&a->map);
    close(a->fd);
    free(a);
}

/* -- reading --------------------------------------------------------------- */

CBX_RT uint32_t cbx_client_audio_read(cbx_client_audio *a, float *out,
                                      uint32_t n, uint32_t *owed)
{
    const cbx_shring_got got = cbx_shring_read(&a->reader, out, n, false);
    if (owed)
        *owed = got.owed;
    return got.frames;
}

CBX_RT uint32_t cbx_client_audio_take(cbx_client_audio *a, float *out,
                                      uint32_t n, uint64_t *job_number,
                                      uint64_t *frame)
{
    const cbx_shring_got got = cbx_shring_read(&a->reader, out, n, true);
    *job_number = got.job;
    *frame = got.frame;
    return got.frames;
}

CBX_RT uint32_t cbx_client_audio_available(const cbx_client_audio *a)
{
    return atomic_load_explicit(&a->reader.paused, memory_order_relaxed)
               ? 0
               : cbx_shring_available(&a->map);
}

CBX_RT bool cbx_client_audio_idle(const cbx_client_audio *a)
{
    return atomic_load(&a->pending) == 0 && !cbx_shring_available(&a->map);
}

CBX_RT void cbx_client_audio_drop(cbx_client_audio *a)
{
    cbx_shring_drop_up_to(&a->map, atomic_load(&a->newest));
}

/* -- waiting --------------------------------------------------------------- */

static bool has_news(cbx_client_audio *a)
{
    return cbx_client_audio_available(a) || cbx_client_audio_idle(a);
}

/* Asks the daemon for a word; true: there is something already. */
static bool ask(cbx_client_audio *a)
{
    if (has_news(a))
        return true;
    atomic_store(&a->map.memory->notify, 1);
    return has_news(a); /* it may have come in between */
}

void cbx_client_audio_notify(cbx_client_audio *a)
{
    cbx_client *c = a->client;
    pthread_mutex_lock(&c->lock);
    a->asked = true;
    if (ask(a))
        client_audio_signal(c, a);
    pthread_mutex_unlock(&c->lock);
}

bool cbx_client_audio_wait(cbx_client_audio *a, int timeout_ms)
{
    cbx_client *c = a->client;
    const int64_t until = cbx_clock_ns() + (int64_t)timeout_ms * CBX_NS_PER_MS;
    pthread_mutex_lock(&c->lock);
    while (!ask(a) && cbx_clock_ns() < until)
        client_wait_until(c, until);
    pthread_mutex_unlock(&c->lock);
    return has_news(a);
}
