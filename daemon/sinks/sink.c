#include "daemon/sinks/sink.h"

#include "daemon/sinks/internal.h"
#include "dsp/fade.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const sink_ops *ops_of(cbx_sink_kind kind)
{
    switch (kind) {
    case CBX_SINK_PORTAUDIO:
        return &sink_portaudio_ops;
    case CBX_SINK_JACK:
        return &sink_jack_ops;
    case CBX_SINK_FILE:
        return &sink_file_ops;
    case CBX_SINK_RAW:
        return &sink_raw_ops;
    case CBX_SINK_NULL:
        return &sink_null_ops;
    }
    return NULL;
}

void sink_set_rate(cbx_sink *s, uint32_t rate)
{
    atomic_store(&s->rate, rate);
    s->fade_n = rate / 200 < SINK_MAX_FADE ? rate / 200 : SINK_MAX_FADE;
    for (uint32_t i = 0; i < s->fade_n; i++)
        s->fade[i] = 1.0f;
    cbx_fade_out(s->fade, s->fade_n);
    s->source.set_rate(s->source.user, rate);
}

void sink_set_state(cbx_sink *s, cbx_sink_state state)
{
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->state, state);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void sink_fail(cbx_sink *s, const cbx_error *why)
{
    pthread_mutex_lock(&s->lock);
    s->failure = *why;
    atomic_store(&s->state, CBX_SINK_FAILED);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static struct timespec after(double seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const double whole = floor(seconds);
    t.tv_sec += (time_t)whole;
    t.tv_nsec += (long)((seconds - whole) * 1e9);
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

bool sink_nap(cbx_sink *s, double timeout_s)
{
    const struct timespec until = after(timeout_s);
    pthread_mutex_lock(&s->lock);
    while (!s->quit && !pthread_cond_timedwait(&s->changed, &s->lock, &until))
        ;
    const bool quit = s->quit;
    pthread_mutex_unlock(&s->lock);
    return quit;
}

static cbx_sink *new_sink(const sink_ops *ops)
{
    cbx_sink *s = calloc(1, ops->size);
    if (!s)
        return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->stop_lock, NULL);
    s->ops = ops;
    return s;
}

static void free_sink(cbx_sink *s)
{
    pthread_mutex_destroy(&s->stop_lock);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    sink_options_free(&s->options);
    free(s);
}

/* A PortAudio device that is not there may be JACK's, which PortAudio is kept
 * away from (jack_open.c). */
static void find_device(cbx_sink_options *o)
{
    if (o->kind != CBX_SINK_PORTAUDIO || sink_has_portaudio(o->device) ||
        !sink_has_jack(o->device))
        return;
    o->kind = CBX_SINK_JACK;
    free((char *)o->ports);
    o->ports = o->device;
    o->device = NULL;
}

cbx_status cbx_sink_open(const cbx_sink_options *options,
                         const cbx_source *source, cbx_sink **out,
                         cbx_error *err)
{
    cbx_sink_options copy;
    cbx_status st = sink_options_copy(options, &copy, err);
    if (st)
        return st;
    find_device(&copy);
    cbx_sink *s = new_sink(ops_of(copy.kind));
    if (!s) {
        sink_options_free(&copy);
        return cbx_fail(err, CBX_E_NOMEM, "sink: out of memory");
    }
    s->options = copy;
    s->source = *source;
    s->gain = copy.gain_db == 0 ? 1.0f : (float)pow(10, copy.gain_db / 20);
    if ((st = s->ops->connect(s, err))) {
        free_sink(s);
        return st;
    }
    s->connected = true;
    sink_set_rate(s, atomic_load(&s->rate));
    *out = s;
    return CBX_OK;
}

cbx_status cbx_sink_start(cbx_sink *s, cbx_error *err)
{
    if (atomic_load(&s->state) != CBX_SINK_READY)
        return cbx_fail(err, CBX_E_ARG, "sink: started twice");
    sink_set_state(s, CBX_SINK_PLAYING);
    cbx_status st = s->ops->activate(s, err);
    if (st) {
        sink_set_state(s, CBX_SINK_STOPPED);
        return st;
    }
    if (!s->ops->live)
        return CBX_OK;
    if (pthread_create(&s->control, NULL, sink_control, s)) {
        cbx_sink_stop(s);
        return cbx_fail(err, CBX_E_NOMEM, "sink: no thread can be started");
    }
    s->has_control = true;
    return CBX_OK;
}

static bool is_over(cbx_sink_state state)
{
    return state == CBX_SINK_ENDED || state == CBX_SINK_STOPPED ||
           state == CBX_SINK_FAILED;
}

cbx_status cbx_sink_wait(cbx_sink *s, double timeout_s, cbx_sink_state *state,
                         cbx_error *err)
{
    const struct timespec until = after(timeout_s < 0 ? 0 : timeout_s);
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    while (!is_over(atomic_load(&s->state)) && rc == 0)
        rc = timeout_s < 0
                 ? pthread_cond_wait(&s->changed, &s->lock)
                 : pthread_cond_timedwait(&s->changed, &s->lock, &until);
    const cbx_sink_state now = atomic_load(&s->state);
    cbx_status st = CBX_OK;
    if (now == CBX_SINK_FAILED)
        st = cbx_fail(err, s->failure.status, "%s", s->failure.text);
    pthread_mutex_unlock(&s->lock);
    if (state)
        *state = now;
    return st;
}

/* The fade happens on the audio thread; a device that has stopped calling must
 * not hold the stop up. */
static void wait_for_fade(cbx_sink *s)
{
    const uint32_t rate = atomic_load(&s->rate);
    const uint32_t period = atomic_load(&s->period);
    const double most = 0.05 + 3.0 * period / rate;
    for (double waited = 0; waited < most; waited += 0.001) {
        if (atomic_load(&s->silenced))
            return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

void cbx_sink_stop(cbx_sink *s)
{
    pthread_mutex_lock(&s->stop_lock);
    atomic_store(&s->stopping, true);
    if (s->ops->live && atomic_load(&s->state) == CBX_SINK_PLAYING)
        wait_for_fade(s);

    pthread_mutex_lock(&s->lock);
    s->quit = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->has_control)
        pthread_join(s->control, NULL);
    s->has_control = false;
    if (s->connected)
        s->ops->disconnect(s);
    s->connected = false;
    if (!is_over(atomic_load(&s->state)))
        sink_set_state(s, CBX_SINK_STOPPED);
    pthread_mutex_unlock(&s->stop_lock);
}

void cbx_sink_poll(const cbx_sink *s, cbx_sink_info *out)
{
    *out = (cbx_sink_info){
        .state = atomic_load(&s->state),
        .kind = s->options.kind,
        .rate = atomic_load(&s->rate),
        .period = atomic_load(&s->period),
        .latency = atomic_load(&s->latency),
        .callbacks = atomic_load(&s->callbacks),
        .frames = atomic_load(&s->frames),
        .starved = atomic_load(&s->starved),
        .xruns = atomic_load(&s->xruns),
        .reconnects = atomic_load(&s->reconnects),
    };
}

void cbx_sink_close(cbx_sink *s)
{
    if (!s)
        return;
    cbx_sink_stop(s);
    free_sink(s);
}
