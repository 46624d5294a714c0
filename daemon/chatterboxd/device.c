/* An outlet whose sound goes to a device. The device stays open between jobs;
 * its callback takes frames of whichever stream is attached. */
#include "daemon/chatterboxd/jobs.h"

#include "rt/clock.h"
#include "rt/log.h"
#include "rt/status.h"

#include <stdlib.h>
#include <string.h>

static const double TICK_S = 0.005, PROGRESS_S = 0.2;
enum { NAP_NS = 200000 };

struct device {
    cbx_sink *sink; /* NULL: closed */
    cbx_sink_options options;
    config_sink opened; /* what it was opened with */

    /* The stream that the callback reads, and whether it is in it now. */
    _Atomic(cbx_stream *) stream;
    _Atomic(cbx_stream *) reading;

    pthread_mutex_t showing;  /* `sink`, for others than its thread */
    pthread_mutex_t changing; /* the stream, against a change of the rate */
    _Atomic uint32_t rate;
    int64_t told_ns; /* progress */
    int64_t cancelled_ns;
};

/* -- the callback ---------------------------------------------------------- */

/* [audio] Between jobs it is silent on purpose: nothing is owed. */
static CBX_RT uint32_t read_frames(void *user, float *out, uint32_t n)
{
    struct device *d = user;
    uint32_t owed = 0;
    cbx_stream *stream = atomic_load(&d->stream);
    /* who takes the stream away looks at `reading` afterwards: both in one
     * order for all (seq_cst) */
    atomic_store(&d->reading, stream);
    if (stream && stream == atomic_load(&d->stream)) {
        const uint32_t got = cbx_stream_read(stream, out, n, &owed);
        (void)got; /* what is missing is silence, owed or not */
    } else {
        memset(out, 0, n * sizeof *out);
    }
    atomic_store(&d->reading, NULL);
    return n - owed;
}

static CBX_RT bool never_ends(void *user)
{
    (void)user;
    return false;
}

static void set_rate(void *user, uint32_t rate)
{
    struct device *d = user;
    cbx_error err;
    pthread_mutex_lock(&d->changing);
    atomic_store(&d->rate, rate);
    cbx_stream *stream = atomic_load(&d->stream);
    if (stream && cbx_stream_set_rate(stream, rate, &err))
        cbx_log(CBX_LOG_ERROR, "sink: %s", err.text);
    pthread_mutex_unlock(&d->changing);
}

static void attach(struct device *d, cbx_stream *stream)
{
    pthread_mutex_lock(&d->changing);
    atomic_store(&d->stream, stream);
    pthread_mutex_unlock(&d->changing);
}

/* Returns when the callback has let go of it. */
static void detach(struct device *d)
{
    pthread_mutex_lock(&d->changing);
    cbx_stream *stream = atomic_exchange(&d->stream, NULL);
    pthread_mutex_unlock(&d->changing);
    while (stream && atomic_load(&d->reading) == stream)
        cbx_sleep_until(cbx_clock_ns() + NAP_NS);
}

/* -- the device ------------------------------------------------------------ */

/* Others look at it (device_info) while it is open. */
static void show(struct device *d, cbx_sink *sink)
{
    pthread_mutex_lock(&d->showing);
    d->sink = sink;
    pthread_mutex_unlock(&d->showing);
}

static void close_sink(struct device *d)
{
    cbx_sink *sink = d->sink;
    show(d, NULL);
    cbx_sink_close(sink);
}

static bool has_changed(const struct device *d, const config_sink *now)
{
    return memcmp(&d->opened, now, sizeof *now) != 0;
}

static cbx_status open_sink(struct device *d, const config_sink *c,
                            cbx_error *err)
{
    const cbx_source source = {.read = read_frames,
                               .ended = never_ends,
                               .set_rate = set_rate,
                               .user = d};
    d->opened = *c;
    d->options = daemon_config_sink_options(&d->opened);
    cbx_sink *sink;
    cbx_status st = cbx_sink_open(&d->options, &source, &sink, err);
    if (st)
        return st;
    if ((st = cbx_sink_start(sink, err)))
        cbx_sink_close(sink);
    else
        show(d, sink);
    return st;
}

static bool is_dead(cbx_sink *s)
{
    cbx_sink_info info;
    cbx_sink_poll(s, &info);
    return info.state == CBX_SINK_FAILED || info.state == CBX_SINK_STOPPED ||
           info.state == CBX_SINK_ENDED;
}

static void read_config(service_outlet *o, config_sink *out)
{
    pthread_mutex_lock(&o->service->lock);
    *out = o->sink;
    pthread_mutex_unlock(&o->service->lock);
}

/* -- what the outlet asks for ---------------------------------------------- */

static cbx_status device_open(service_outlet *o, uint32_t *rate, cbx_error *err)
{
    struct device *d = o->device;
    config_sink c;
    read_config(o, &c);
    if (d->sink && (has_changed(d, &c) || is_dead(d->sink)))
        close_sink(d);
    const cbx_status st = d->sink ? CBX_OK : open_sink(d, &c, err);
    *rate = atomic_load(&d->rate);
    return st;
}

/* What was heard before a crash is taken out here. */
static void skip(service_job *j, cbx_stream *stream)
{
    float unheard[1024];
    uint64_t left = j->from;
    while (left > 0 && !service_cancelled(j) && !cbx_stream_ended(stream)) {
        cbx_error err;
        uint32_t n = cbx_stream_available(stream);
        pthread_mutex_lock(&j->service->lock);
        const cbx_status st = job_feed(j, &err);
        pthread_mutex_unlock(&j->service->lock);
        if (st)
            return; /* the job will meet it again */
        if (!n)
            cbx_stream_wait(stream, 20);
        n = n < 1024 ? n : 1024;
        left -= cbx_stream_read(stream, unheard, n < left ? n : (uint32_t)left,
                                NULL);
    }
}

static void device_begin(service_outlet *o, service_job *j, cbx_stream *stream)
{
    struct device *d = o->device;
    d->told_ns = d->cancelled_ns = 0;
    skip(j, stream);
    attach(d, stream);
}

static void tell_progress(struct device *d, service_job *j, cbx_stream *stream)
{
    cbx_stream_stats stats;
    const int64_t now = cbx_clock_ns();
    if (now - d->told_ns < (int64_t)(PROGRESS_S * 1e9))
        return;
    d->told_ns = now;
    cbx_stream_get_stats(stream, &stats);
    j->frame = stats.frames_read;
    if (j->consumer.progress && j->frame)
        j->consumer.progress(j->consumer.user, j, j->frame, j->rate);
}

static cbx_status device_move(service_outlet *o, service_job *j,
                              cbx_stream *stream, cbx_error *err)
{
    struct device *d = o->device;
    cbx_sink_state state;
    pthread_mutex_lock(&o->service->lock);
    outlet_sleep(o, TICK_S);
    pthread_mutex_unlock(&o->service->lock);
    j->rate = atomic_load(&d->rate);
    cbx_status st = cbx_sink_wait(d->sink, 0, &state, err);
    if (!st && is_dead(d->sink))
        st = cbx_fail(err, CBX_E_DEVICE, "sink %s: it stopped", o->sink.name);
    if (!st)
        st = job_tell_engine(j, stream, err);
    if (!st)
        tell_progress(d, j, stream);
    return st;
}

/* After a cancel the callback still has a fade to play. */
static bool device_over(service_outlet *o, service_job *j, cbx_stream *stream)
{
    struct device *d = o->device;
    if (!service_cancelled(j))
        return j->finished && cbx_stream_ended(stream);
    const int64_t now = cbx_clock_ns();
    if (!d->cancelled_ns)
        d->cancelled_ns = now;
    return cbx_stream_ended(stream) || now - d->cancelled_ns > CBX_NS_PER_S / 5;
}

static void device_end(service_outlet *o, service_job *j, cbx_stream *stream,
                       bool complete)
{
    cbx_stream_stats stats;
    cbx_stream_get_stats(stream, &stats);
    if (complete && stats.frames_read > j->frame)
        j->frame = stats.frames_read;
    detach(o->device);
}

static double device_idle(service_outlet *o, double seconds)
{
    struct device *d = o->device;
    config_sink c;
    read_config(o, &c);
    if (!d->sink)
        return -1;
    const double left = c.idle_close - seconds;
    if (!has_changed(d, &c) && (c.idle_close < 0 || left > 0))
        return c.idle_close < 0 ? -1 : left;
    close_sink(d);
    return -1;
}

static void device_close(service_outlet *o)
{
    close_sink(o->device);
    pthread_mutex_destroy(&o->device->changing);
    pthread_mutex_destroy(&o->device->showing);
    free(o->device);
}

const outlet_ops outlet_device_ops = {
    .open = device_open,
    .begin = device_begin,
    .move = device_move,
    .over = device_over,
    .end = device_end,
    .idle = device_idle,
    .close = device_close,
};

service_outlet *device_outlet_new(const config_sink *c)
{
    service_outlet *o = calloc(1, sizeof *o);
    struct device *d = calloc(1, sizeof *d);
    if (!o || !d) {
        free(o);
        free(d);
        return NULL;
    }
    pthread_mutex_init(&d->changing, NULL);
    pthread_mutex_init(&d->showing, NULL);
    o->ops = &outlet_device_ops;
    o->device = d;
    o->sink = *c;
    return o;
}

void device_outlet_free(service_outlet *o)
{
    device_close(o);
    free(o);
}

void device_info(const service_outlet *o, bool *open, cbx_sink_info *out)
{
    struct device *d = o->device;
    pthread_mutex_lock(&d->showing);
    *open = d->sink != NULL;
    if (*open)
        cbx_sink_poll(d->sink, out);
    pthread_mutex_unlock(&d->showing);
}
