#include "daemon/sinks/internal.h"

#include <signal.h>

enum { BLOCK = 1024 };
static const double LOOK_S = 0.1;

/* Takes frames until the source ends; false when the sink is to stop. */
static bool pump(sink_writer *w, cbx_status *st, cbx_error *err)
{
    float block[BLOCK];
    bool ended = false;
    while (!ended && !*st) {
        if (atomic_load(&w->sink->stopping))
            return false;
        const uint32_t n =
            sink_pull_waiting(w->sink, block, BLOCK, LOOK_S, &ended);
        if (n)
            *st = w->write(w->sink, block, n, err);
    }
    return true;
}

static void *run(void *writer)
{
    sink_writer *w = writer;
    cbx_error err;
    cbx_status st = CBX_OK;
    /* a reader that went away is EPIPE, not the end of the process */
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);

    if (!pump(w, &st, &err))
        return NULL;
    if (!st)
        st = w->finish(w->sink, &err);
    if (st && !atomic_load(&w->sink->stopping))
        sink_fail(w->sink, &err);
    else if (!st)
        sink_set_state(w->sink, CBX_SINK_ENDED);
    return NULL;
}

cbx_status sink_writer_start(sink_writer *w, cbx_error *err)
{
    if (pthread_create(&w->thread, NULL, run, w))
        return cbx_fail(err, CBX_E_NOMEM, "sink: no thread can be started");
    w->running = true;
    return CBX_OK;
}

void sink_writer_join(sink_writer *w)
{
    if (w->running)
        pthread_join(w->thread, NULL);
    w->running = false;
}
