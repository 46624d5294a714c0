/* One text's sound, as fast as it comes. */
#include "client/internal.h"

#include "rt/clock.h"
#include "rt/status.h"

enum { ROOM = 1 << 17, BLOCK = 4096, TICK_MS = 100 };

typedef struct {
    cbx_client *client;
    const cbx_render_to *to;
    cbx_client_audio *audio;
    event_queue events; /* of this job only */
    bool over, enough;
    cbx_client_event last;
} rendering;

/* Every event that the daemon has sent; the callback runs without the lock. */
static void take_events(rendering *r)
{
    cbx_client *c = r->client;
    cbx_client_event e;
    for (bool got = true; got && !r->enough;) {
        pthread_mutex_lock(&c->lock);
        if (!r->events.n)
            client_link_receive(c);
        got = client_events_take(c, &r->events, &e);
        pthread_mutex_unlock(&c->lock);
        if (!got)
            break;
        if (e.kind == CBX_CLIENT_ENDED || e.kind == CBX_CLIENT_CANCELLED ||
            e.kind == CBX_CLIENT_ERROR) {
            r->over = true;
            r->last = e;
        } else if (r->to->event && !r->to->event(r->to->user, &e)) {
            r->enough = true;
        }
    }
}

/* What can be read before the events are taken has all of its events told. */
static bool take_some(rendering *r)
{
    float block[BLOCK];
    const uint32_t there = cbx_client_audio_available(r->audio);
    take_events(r);
    const uint32_t n =
        r->enough ? 0
                  : cbx_client_audio_read(r->audio, block,
                                          there < BLOCK ? there : BLOCK, NULL);
    if (n && r->to->frames && !r->to->frames(r->to->user, block, n))
        r->enough = true;
    return n > 0;
}

static cbx_status run(rendering *r, int patience_ms, cbx_error *err)
{
    int64_t heard = cbx_clock_ns();
    while (!r->enough) {
        const bool over = r->over; /* before the last look at the frames */
        if (take_some(r)) {
            heard = cbx_clock_ns();
            continue;
        }
        if (over)
            break;
        if (!r->over)
            cbx_client_audio_wait(r->audio, TICK_MS);
        if (patience_ms > 0 &&
            cbx_clock_ns() - heard > (int64_t)patience_ms * CBX_NS_PER_MS)
            return cbx_fail(err, CBX_E_DEVICE,
                            "no sound came from chatterboxd for %d ms%s%s",
                            patience_ms, r->client->why[0] ? ": " : "",
                            r->client->why);
    }
    if (r->over && r->last.kind == CBX_CLIENT_ERROR)
        return cbx_fail(err, r->last.status ? r->last.status : CBX_E_DEVICE,
                        "%s", r->last.text);
    if (r->over && r->last.kind == CBX_CLIENT_CANCELLED)
        return cbx_fail(err, CBX_E_DEVICE, "it was cancelled (%s)",
                        r->last.text);
    return CBX_OK;
}

/* The job's events must not come once its queue is gone. */
static void end_job(rendering *r, uint64_t number)
{
    cbx_client *c = r->client;
    pthread_mutex_lock(&c->lock);
    job *j = client_job_find(c, number);
    if (j)
        client_job_stop(c, j);
    if ((j = client_job_find(c, number)))
        j->queue = NULL;
    client_events_free(&r->events);
    pthread_mutex_unlock(&c->lock);
}

cbx_status cbx_client_render(cbx_client *c, const cbx_say *say, uint32_t rate,
                             const cbx_render_to *to, int patience_ms,
                             cbx_error *err)
{
    rendering r = {.client = c, .to = to};
    cbx_say mine = *say;
    uint64_t number;
    cbx_status st = cbx_client_audio_open(c, rate, ROOM, &r.audio, err);
    if (st)
        return st;
    mine.audio = r.audio;
    mine.more = mine.keep = false;
    mine.priority = CBX_PRIORITY_MESSAGE;
    pthread_mutex_lock(&c->lock);
    st = client_job_say(c, &mine, &r.events, &number, err);
    pthread_mutex_unlock(&c->lock);
    if (!st) {
        st = run(&r, patience_ms, err);
        end_job(&r, number);
    }
    cbx_client_audio_close(r.audio);
    return st;
}
