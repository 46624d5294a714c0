#include "daemon/sinks/internal.h"

#include <string.h>

/* Time between two looks at a device that plays, and while its last frames
 * are on their way. */
static const double LOOK_S = 0.02, LOOK_NEAR_END_S = 0.002;
static const double RETRY_FIRST_S = 0.05, RETRY_MOST_S = 1.0;
/* This long without a callback and the device counts as gone: some drivers
 * just stop. */
static const double STALL_S = 3.0;

/* The last frame has been heard: the device's latency has passed in silence
 * since. The tail is counted in whole callbacks, hence the extra period. */
static bool was_heard(cbx_sink *s)
{
    const uint64_t tail = atomic_load(&s->tail);
    return tail > 0 &&
           tail >= (uint64_t)atomic_load(&s->latency) + atomic_load(&s->period);
}

static cbx_status reconnect(cbx_sink *s)
{
    cbx_error ignored; /* it is tried again */
    atomic_store(&s->gone, false);
    cbx_status st = s->ops->connect(s, &ignored);
    if (st)
        return st;
    sink_set_rate(s, atomic_load(&s->rate));
    if ((st = s->ops->activate(s, &ignored)))
        s->ops->disconnect(s);
    return st;
}

/* Until the device is back; false when the sink is to quit first. The source
 * keeps its frames meanwhile. */
static bool recover(cbx_sink *s)
{
    sink_set_state(s, CBX_SINK_LOST);
    s->ops->disconnect(s);
    s->connected = false;
    double pause = RETRY_FIRST_S;
    do {
        if (s->source.ended(s->source.user)) {
            sink_set_state(s, CBX_SINK_ENDED);
            return false;
        }
        if (sink_nap(s, pause))
            return false;
        pause = pause * 2 < RETRY_MOST_S ? pause * 2 : RETRY_MOST_S;
    } while (reconnect(s));
    s->connected = true;
    sink_count(&s->reconnects, 1);
    sink_set_state(s, CBX_SINK_PLAYING);
    return true;
}

/* Counts the time without callbacks; true when it is too long. */
static bool has_stalled(cbx_sink *s, uint64_t *seen, double *still)
{
    const uint64_t callbacks = atomic_load(&s->callbacks);
    *still = callbacks == *seen ? *still + LOOK_S : 0;
    *seen = callbacks;
    return *still > STALL_S;
}

void *sink_control(void *sink)
{
    cbx_sink *s = sink;
    uint64_t seen = 0;
    double still = 0;
    for (;;) {
        const bool near_end = atomic_load(&s->tail) > 0;
        if (sink_nap(s, near_end ? LOOK_NEAR_END_S : LOOK_S))
            return NULL;
        if (was_heard(s)) {
            if (s->ops->drain)
                s->ops->drain(s);
            sink_set_state(s, CBX_SINK_ENDED);
            return NULL;
        }
        const bool dead = atomic_load(&s->gone) ||
                          (s->ops->alive && !s->ops->alive(s)) ||
                          has_stalled(s, &seen, &still);
        if (dead && !recover(s))
            return NULL;
        if (dead)
            still = 0;
    }
}
