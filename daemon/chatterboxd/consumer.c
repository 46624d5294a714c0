/* An outlet whose sound goes to a consumer, as fast as it takes it. */
#include "daemon/chatterboxd/jobs.h"

static cbx_status consumer_open(service_outlet *o, uint32_t *rate,
                                cbx_error *err)
{
    (void)err;
    *rate = o->rate;
    return CBX_OK;
}

static void consumer_begin(service_outlet *o, service_job *j,
                           cbx_stream *stream)
{
    (void)stream;
    if (o->consumer.begin)
        o->consumer.begin(o->consumer.user, j, j->from);
}

static cbx_status consumer_move(service_outlet *o, service_job *j,
                                cbx_stream *stream, cbx_error *err)
{
    const uint32_t there = cbx_stream_available(stream);
    if (!there && o->consumer.wanted &&
        !o->consumer.wanted(o->consumer.user, j))
        service_cancel(j, "client");
    if (j->told_paused) {
        pthread_mutex_lock(&o->service->lock);
        if (!j->why && j->paused)
            outlet_sleep(o, 0.1);
        pthread_mutex_unlock(&o->service->lock);
        return CBX_OK;
    }
    if (!there) { /* woken by frames; text that is appended waits a little */
        /* a stream without any sound ends for a reader only */
        cbx_stream_read(stream, o->block, 0, NULL);
        cbx_stream_wait(stream, j->finished ? 20 : 10);
        return job_tell_engine(j, stream, err);
    }
    const uint32_t n = cbx_stream_read(
        stream, o->block, there < OUTLET_BLOCK ? there : OUTLET_BLOCK, NULL);
    const cbx_status st = job_tell_engine(j, stream, err);
    if (st || service_cancelled(j))
        return st;
    const uint64_t at = o->position;
    o->position += n;
    if (o->position <= j->from)
        return CBX_OK;
    const uint32_t skip = at < j->from ? (uint32_t)(j->from - at) : 0;
    if (!o->consumer.frames(o->consumer.user, j, o->block + skip, n - skip))
        service_cancel(j, "client");
    j->frame = o->position;
    return CBX_OK;
}

static bool consumer_over(service_outlet *o, service_job *j, cbx_stream *stream)
{
    (void)o;
    return service_cancelled(j) || (j->finished && cbx_stream_ended(stream));
}

static void consumer_end(service_outlet *o, service_job *j, cbx_stream *stream,
                         bool complete)
{
    (void)stream;
    j->frame = o->position;
    if (o->consumer.end)
        o->consumer.end(o->consumer.user, j, complete);
}

static void consumer_close(service_outlet *o)
{
    (void)o;
}

const outlet_ops outlet_consumer_ops = {
    .open = consumer_open,
    .begin = consumer_begin,
    .move = consumer_move,
    .over = consumer_over,
    .end = consumer_end,
    .close = consumer_close,
};
