/* Events: made by the decode thread ahead of time, given to the poller when the
 * listener gets there. */
#include "engine/internal.h"

/* The poller takes them in order: none is due before the one before it. */
void stream_tell(cbx_stream *s, cbx_event event, uint64_t at)
{
    if (event.kind == CBX_EVENT_CANCELLED || at > s->told_at)
        s->told_at = at;
    at = s->told_at;
    const stream_event e = {.event = event,
                            .at = at,
                            .cancels = atomic_load_explicit(
                                &s->cancels_seen, memory_order_relaxed)};
    if (!cbx_queue_push(s->events, &e)) {
        pthread_mutex_lock(&s->lock);
        s->stats.events_lost++;
        pthread_mutex_unlock(&s->lock);
    }
}

/* What the ring and the text counted: no position, due at once. */
static bool poll_counters(cbx_stream *s, cbx_event *out)
{
    const uint64_t underruns = cbx_ring_underrun_frames(s->ring);
    const uint64_t bad = text_feed_replaced(s->text);
    if (underruns > s->underruns_told) {
        *out = (cbx_event){.kind = CBX_EVENT_UNDERRUN,
                           .value = (int64_t)(underruns - s->underruns_told)};
        s->underruns_told = underruns;
        return true;
    }
    if (bad > s->bad_bytes_told) {
        *out = (cbx_event){.kind = CBX_EVENT_BAD_UTF8,
                           .value = (int64_t)(bad - s->bad_bytes_told)};
        s->bad_bytes_told = bad;
        return true;
    }
    return false;
}

/* The last change of speed, pitch or gain, once it is heard. */
static bool poll_changes(cbx_stream *s, cbx_event *out)
{
    const uint64_t n = atomic_load_explicit(&s->changes, memory_order_acquire);
    if (n == s->changes_told || cbx_ring_splicing(s->ring))
        return false;
    const uint64_t at =
        atomic_load_explicit(&s->change_at, memory_order_relaxed);
    s->changes_told = n;
    *out = (cbx_event){.kind = CBX_EVENT_CHANGED,
                       .frame = stream_frame_of(s, at),
                       .value = (int64_t)at};
    return true;
}

static bool is_stale(const cbx_stream *s, const stream_event *e)
{
    return e->cancels !=
           atomic_load_explicit(&s->cancels, memory_order_acquire);
}

/* A word that is spoken counts as begun with its first sample; the end only
 * when the last one is over. */
static bool is_due(cbx_stream *s, const stream_event *e)
{
    switch (e->event.kind) {
    case CBX_EVENT_CANCELLED:
        return true;
    case CBX_EVENT_ENDED:
        return cbx_stream_ended(s);
    default:
        return stream_heard(s) > e->at || cbx_stream_ended(s);
    }
}

bool cbx_stream_poll(cbx_stream *s, cbx_event *out)
{
    if (poll_counters(s, out) || poll_changes(s, out))
        return true;
    for (;;) {
        if (!s->holding && !cbx_queue_pop(s->events, &s->held))
            return false;
        s->holding = true;
        if (is_stale(s, &s->held)) {
            s->holding = false;
            continue;
        }
        if (!is_due(s, &s->held))
            return false;
        s->holding = false;
        *out = s->held.event;
        out->frame = stream_frame_of(s, s->held.at);
        return true;
    }
}
