#include "daemon/chatterboxd/audio.h"

#include "client/shring.h"
#include "rt/clock.h"
#include "rt/status.h"

#include <stdlib.h>

enum { NAP_NS = 2000000 };

struct audio {
    peer *peer;
    int64_t number;
    cbx_shring_map map;
    cbx_shring_writer ring;
    service_outlet *outlet;
};

static void tell(audio *a)
{
    if (cbx_shring_take_notify(&a->ring))
        peer_send(a->peer, json_pack("{s:s, s:I}", "event", "audio", "audio",
                                     (json_int_t)a->number));
}

/* The client took the job back through the memory, or somebody cancelled it. */
static bool is_over(audio *a, service_job *job)
{
    if (cbx_shring_is_unwanted(&a->ring, service_number(job)))
        service_cancel(job, "stop");
    return service_cancelled(job);
}

static void nap(void)
{
    cbx_sleep_until(cbx_clock_ns() + NAP_NS);
}

static void begin(void *user, service_job *job, uint64_t from)
{
    audio *a = user;
    while (!is_over(a, job) &&
           !cbx_shring_begin(&a->ring, service_number(job), from))
        nap(); /* the reader is 32 jobs behind */
}

static bool wanted(void *user, service_job *job)
{
    return !is_over(user, job);
}

/* The reader makes no system call, so it cannot wake us: a full ring is looked
 * at again and again. */
static bool frames(void *user, service_job *job, const float *pcm, uint32_t n)
{
    audio *a = user;
    while (!is_over(a, job)) {
        const uint32_t taken = cbx_shring_write(&a->ring, pcm, n);
        pcm += taken;
        n -= taken;
        if (taken)
            tell(a);
        if (!n)
            return true;
        nap();
    }
    return false;
}

static void end(void *user, service_job *job, bool complete)
{
    audio *a = user;
    cbx_shring_end(&a->ring, complete ? STRETCH_COMPLETE : STRETCH_BROKE_OFF,
                   service_cancelled(job));
    tell(a);
}

cbx_status audio_open(service *s, peer *p, int64_t number, int fd, audio **out,
                      cbx_error *err)
{
    audio *a = calloc(1, sizeof *a);
    if (!a)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for an audio");
    a->number = number;
    a->peer = p;
    const service_consumer to = {.begin = begin,
                                 .frames = frames,
                                 .wanted = wanted,
                                 .end = end,
                                 .user = a};
    cbx_status st = cbx_shring_attach(fd, &a->map, err);
    if (!st)
        st = cbx_shring_writer_init(&a->ring, &a->map, err);
    if (!st)
        st = service_outlet_open(s, &to, a->map.rate, &a->outlet, err);
    if (st) {
        cbx_shring_unmap(&a->map);
        free(a);
        return st;
    }
    peer_hold(p);
    *out = a;
    return CBX_OK;
}

void audio_close(audio *a)
{
    if (!a)
        return;
    service_outlet_close(a->outlet);
    cbx_shring_unmap(&a->map);
    peer_unhold(a->peer);
    free(a);
}

int64_t audio_number(const audio *a)
{
    return a->number;
}

service_outlet *audio_outlet(const audio *a)
{
    return a->outlet;
}
