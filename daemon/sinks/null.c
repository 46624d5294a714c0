#include "daemon/sinks/internal.h"

#include <time.h>

enum { DEFAULT_PERIOD = 256, MAX_PERIOD = 65536 };

/* The clock of a sound device without the device: a thread that asks for one
 * period of frames every period / rate seconds. */
typedef struct {
    cbx_sink sink;
    pthread_t thread;
    atomic_bool halt;
    bool running;
    uint32_t period;
    uint64_t period_ns;
    float frames[MAX_PERIOD];
} null_sink;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
    const struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u),
                               .tv_nsec = (long)(ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
        ;
}

static void *clock_thread(void *arg)
{
    null_sink *d = arg;
    float *planes[1] = {d->frames};
    uint64_t next = now_ns();
    while (!atomic_load(&d->halt)) {
        sink_pull_planar(&d->sink, planes, 1, d->period);
        next += d->period_ns;
        sleep_until(next);
        const uint64_t now = now_ns();
        if (now > next + d->period_ns) {
            /* a device would have played silence; it does not catch up */
            sink_count(&d->sink.xruns, 1);
            next = now;
        }
    }
    return NULL;
}

static cbx_status null_connect(cbx_sink *s, cbx_error *err)
{
    (void)err;
    null_sink *d = (null_sink *)s;
    const uint32_t rate = s->options.rate ? s->options.rate : SINK_DEFAULT_RATE;
    d->period = s->options.period ? s->options.period : DEFAULT_PERIOD;
    d->period_ns = (uint64_t)d->period * 1000000000u / rate;
    atomic_store(&s->rate, rate);
    atomic_store(&s->period, d->period);
    atomic_store(&s->latency, d->period);
    return CBX_OK;
}

static cbx_status null_activate(cbx_sink *s, cbx_error *err)
{
    null_sink *d = (null_sink *)s;
    if (pthread_create(&d->thread, NULL, clock_thread, d))
        return cbx_fail(err, CBX_E_NOMEM, "sink: no thread can be started");
    d->running = true;
    return CBX_OK;
}

static void null_disconnect(cbx_sink *s)
{
    null_sink *d = (null_sink *)s;
    atomic_store(&d->halt, true);
    if (d->running)
        pthread_join(d->thread, NULL);
    d->running = false;
}

const sink_ops sink_null_ops = {
    .size = sizeof(null_sink),
    .live = true,
    .connect = null_connect,
    .activate = null_activate,
    .disconnect = null_disconnect,
};
