#include "daemon/sinks/internal.h"

#include <string.h>
#include <time.h>

/* The first call after `stopping` begins the fade; when it is through, nothing
 * is read any more. */
static CBX_RT void fade_out(cbx_sink *s, float *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = s->fade_at;
        out[i] *= at < s->fade_n ? s->fade[at] : 0.0f;
        s->fade_at += at < s->fade_n;
    }
    if (s->fade_at >= s->fade_n)
        atomic_store_explicit(&s->silenced, true, memory_order_release);
}

/* Frames missing: the end, or a source that is late. Before its first frame a
 * source owes nothing. */
static CBX_RT void count_missing(cbx_sink *s, uint32_t missing)
{
    if (s->source.ended(s->source.user))
        sink_count(&s->tail, missing);
    else if (atomic_load_explicit(&s->frames, memory_order_relaxed))
        sink_count(&s->starved, missing);
}

static CBX_RT void pull(cbx_sink *s, float *out, uint32_t n)
{
    sink_count(&s->callbacks, 1);
    atomic_store_explicit(&s->period, n, memory_order_relaxed);
    if (atomic_load_explicit(&s->silenced, memory_order_relaxed)) {
        memset(out, 0, n * sizeof *out);
        return;
    }
    const uint32_t got = s->source.read(s->source.user, out, n);
    sink_count(&s->frames, got);
    if (got < n)
        count_missing(s, n - got);
    if (s->gain != 1.0f)
        for (uint32_t i = 0; i < n; i++)
            out[i] *= s->gain;
    if (atomic_load_explicit(&s->stopping, memory_order_relaxed))
        fade_out(s, out, n);
}

CBX_RT void sink_pull_planar(cbx_sink *s, float *const *planes,
                             uint32_t channels, uint32_t n)
{
    pull(s, planes[0], n);
    for (uint32_t c = 1; c < channels; c++)
        memcpy(planes[c], planes[0], n * sizeof *planes[c]);
}

CBX_RT void sink_pull_interleaved(cbx_sink *s, float *out, uint32_t channels,
                                  uint32_t n)
{
    pull(s, out, n);
    /* backwards, so that no frame is overwritten before it is spread */
    for (uint32_t i = channels > 1 ? n : 0; i-- > 0;)
        for (uint32_t c = channels; c-- > 0;)
            out[(size_t)i * channels + c] = out[i];
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void wait_for_source(cbx_sink *s)
{
    if (s->source.wait)
        s->source.wait(s->source.user, 0.02);
    else
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

uint32_t sink_pull_waiting(cbx_sink *s, float *out, uint32_t n,
                           double timeout_s, bool *ended)
{
    const double until = seconds_now() + timeout_s;
    uint32_t got;
    *ended = false;
    sink_count(&s->callbacks, 1);
    while (!(got = s->source.read(s->source.user, out, n))) {
        *ended = s->source.ended(s->source.user);
        if (*ended || atomic_load(&s->stopping) || seconds_now() > until)
            return 0;
        wait_for_source(s);
    }
    sink_count(&s->frames, got);
    if (s->gain != 1.0f)
        for (uint32_t i = 0; i < got; i++)
            out[i] *= s->gain;
    return got;
}
