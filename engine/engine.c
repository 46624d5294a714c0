/* The engine: a device and the decode thread that serves all its streams,
 * earliest deadline first. */
#include "engine/internal.h"

#include "rt/clock.h"
#include "rt/priority.h"
#include "rt/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_STREAMS = 64, MOST_STREAMS = 4096 };

/* While rings are full, and while somebody could still cancel, the thread looks
 * again this often: the audio thread, which makes no system call, cannot wake
 * it. */
enum { LOOK_AGAIN_MS = 10 };

const char *cbx_version(void)
{
    return CBX_VERSION;
}

void engine_warn(const cbx_engine *e, const char *sentence)
{
    if (e->warn)
        e->warn(e->warn_user, sentence);
}

void engine_poke(cbx_engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->poked = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

/* -- the decode thread ----------------------------------------------------- */

/* Who has something to do, and when each runs dry. */
static void look(cbx_engine *e)
{
    const int64_t now = cbx_clock_ns();
    for (int i = 0; i < e->max_streams; i++) {
        cbx_stream *s = e->streams[i];
        e->deadlines[i].ready = s && stream_has_work(s);
        if (e->deadlines[i].ready)
            e->deadlines[i].ns = stream_deadline(s, now);
    }
}

/* Sleeps, with the lock held, until there may be something to do. */
static void rest(cbx_engine *e)
{
    bool look_again = false;
    for (int i = 0; i < e->max_streams && !look_again; i++)
        look_again = e->streams[i] && stream_has_frames(e->streams[i]);
    if (look_again && !e->poked && !e->stop) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += LOOK_AGAIN_MS * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&e->wake, &e->lock, &t);
    } else {
        while (!e->poked && !e->stop)
            pthread_cond_wait(&e->wake, &e->lock);
    }
    e->poked = false;
}

/* Whether b's tokens are drawn in a's step: the weights are read once for both.
 * A first chunk waits for no later one's. */
static bool go_together(const cbx_stream *a, const cbx_stream *b)
{
    return b && b != a && a->voice->model == b->voice->model &&
           (a->first_made || !b->first_made) && stream_wants_tokens(b);
}

/* The streams of the step that `s` takes. */
static void gather(cbx_engine *e, cbx_stream *s)
{
    e->serving[0] = s;
    e->n_serving = 1;
    if (!stream_wants_tokens(s))
        return;
    for (int i = 0; i < e->max_streams; i++) {
        cbx_stream *other = e->streams[i];
        if (e->n_serving == CBX_PIPELINE_TOGETHER)
            return;
        if (!e->deadlines[i].ready || !go_together(s, other))
            continue;
        e->others[e->n_serving - 1] = other->pipeline;
        e->serving[e->n_serving++] = other;
    }
}

/* One step of the most urgent stream that can make one. The lock is released
 * while it computes. False: nobody could. */
static bool serve(cbx_engine *e)
{
    look(e);
    for (;;) {
        const int i = cbx_deadline_pick(e->deadlines, e->max_streams, e->last);
        if (i < 0)
            return false;
        e->last = i;
        cbx_stream *s = e->streams[i];
        if (!s) { /* closed while another one was served */
            e->deadlines[i].ready = false;
            continue;
        }
        gather(e, s);
        pthread_mutex_unlock(&e->lock);
        pthread_mutex_lock(&e->device);
        const int64_t t0 = cbx_trace_start();
        const bool worked = stream_step(s, e->others, e->n_serving - 1);
        if (worked)
            cbx_trace_span("decode", "step", t0, i);
        pthread_mutex_unlock(&e->device);
        pthread_mutex_lock(&e->lock);
        e->n_serving = 0;
        pthread_cond_broadcast(&e->served);
        if (worked)
            return true;
        e->deadlines[i].ready = false;
    }
}

static bool is_served(const cbx_engine *e, const cbx_stream *s)
{
    for (int i = 0; i < e->n_serving; i++)
        if (e->serving[i] == s)
            return true;
    return false;
}

static void *decode(void *arg)
{
    cbx_engine *e = arg;
    cbx_thread_name("cbx-decode");
    cbx_denormals_off();
    pthread_mutex_lock(&e->lock);
    while (!e->stop)
        if (!serve(e))
            rest(e);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* -- streams come and go --------------------------------------------------- */

cbx_status engine_add(cbx_engine *e, cbx_stream *s, cbx_error *err)
{
    cbx_status st = CBX_E_LIMIT;
    pthread_mutex_lock(&e->lock);
    for (int i = 0; i < e->max_streams && st; i++)
        if (!e->streams[i]) {
            e->streams[i] = s;
            st = CBX_OK;
        }
    pthread_mutex_unlock(&e->lock);
    return st ? cbx_fail(err, st,
                         "all %d streams of the engine are open; close one, or "
                         "raise max_streams",
                         e->max_streams)
              : CBX_OK;
}

void engine_remove(cbx_engine *e, cbx_stream *s)
{
    pthread_mutex_lock(&e->lock);
    /* first, or it would be served again before this thread wakes up */
    for (int i = 0; i < e->max_streams; i++)
        if (e->streams[i] == s)
            e->streams[i] = NULL;
    while (is_served(e, s))
        pthread_cond_wait(&e->served, &e->lock);
    pthread_mutex_unlock(&e->lock);
}

/* -- open and close -------------------------------------------------------- */

static void init_locks(cbx_engine *e)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&e->device, NULL);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->wake, &monotonic);
    pthread_cond_init(&e->served, NULL);
    pthread_condattr_destroy(&monotonic);
}

static void free_engine(cbx_engine *e)
{
    perth_close(e->perth);
    cbx_dev_close(e->dev);
    pthread_cond_destroy(&e->served);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    pthread_mutex_destroy(&e->device);
    free(e->deadlines);
    free(e->streams);
    free(e->serving);
    free(e->others);
    free(e);
}

static cbx_status start(cbx_engine *e, const cbx_engine_options *o,
                        cbx_error *err)
{
    const size_t n = (size_t)e->max_streams;
    e->streams = calloc(n, sizeof(cbx_stream *));
    e->deadlines = calloc(n, sizeof *e->deadlines);
    e->serving = calloc(n, sizeof(cbx_stream *));
    e->others = calloc(n, sizeof(cbx_pipeline *));
    if (!e->streams || !e->deadlines || !e->serving || !e->others)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for an engine");
    const cbx_status st = cbx_cpu_open(o->threads, o->kernels, &e->dev, err);
    if (st)
        return st;
    const int fault = pthread_create(&e->thread, NULL, decode, e);
    if (fault)
        return cbx_fail(err, CBX_E_LIMIT, "the decode thread: %s",
                        strerror(fault));
    return CBX_OK;
}

cbx_status cbx_engine_open(const cbx_engine_options *options, cbx_engine **out,
                           cbx_error *err)
{
    const cbx_engine_options o = options ? *options : (cbx_engine_options){0};
    if (o.threads < 0 || o.max_streams < 0 || o.max_streams > MOST_STREAMS)
        return cbx_fail(err, CBX_E_ARG,
                        "an engine with %d threads and %d streams: both must "
                        "be 0 or more, and at most %d streams",
                        o.threads, o.max_streams, (int)MOST_STREAMS);
    cbx_engine *e = calloc(1, sizeof *e);
    if (!e)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for an engine");
    e->opened_ns = cbx_clock_ns();
    snprintf(e->weights, sizeof e->weights, "%s", o.weights ? o.weights : "");
    snprintf(e->compute, sizeof e->compute, "%s", o.compute ? o.compute : "");
    e->warn = o.warn;
    e->warn_user = o.warn_user;
    e->max_streams = o.max_streams ? o.max_streams : DEFAULT_STREAMS;
    e->last = -1;
    init_locks(e);
    const cbx_status st = start(e, &o, err);
    if (st) {
        free_engine(e);
        return st;
    }
    *out = e;
    return CBX_OK;
}

void cbx_engine_close(cbx_engine *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    e->stop = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    free_engine(e);
}

const char *cbx_engine_kernels(const cbx_engine *e)
{
    return e->dev->k->name;
}

int cbx_engine_threads(const cbx_engine *e)
{
    return e->dev->threads;
}
