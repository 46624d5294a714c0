#include "tests/live/listener.h"

#include "tests/check.h"

#include <string.h>
#include <time.h>

static void one_period(listener *l)
{
    float out[LISTENER_MOST_PERIOD];
    const uint32_t at = atomic_load(&l->done);
    atomic_store(&l->started, at + l->period);
    const uint32_t got = l->read
                             ? l->read(l, out, l->period)
                             : cbx_stream_read(l->stream, out, l->period, NULL);
    if (l->period <= l->cap && at <= l->cap - l->period)
        memcpy(l->frames + at, out, l->period * sizeof *out);
    atomic_fetch_add(&l->speech, got);
    atomic_store(&l->done, at + l->period);
}

static void *clocked(void *arg)
{
    listener *l = arg;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    while (!atomic_load(&l->halt)) {
        pthread_mutex_lock(&l->turn);
        one_period(l);
        pthread_mutex_unlock(&l->turn);
        t.tv_nsec += (long)(l->tick_s * 1e9);
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    }
    return NULL;
}

void listener_start(listener *l)
{
    CHECK(l->period <= LISTENER_MOST_PERIOD);
    l->frames = calloc(l->cap + 1, sizeof *l->frames);
    CHECK(l->frames);
    pthread_mutex_init(&l->turn, NULL);
    CHECK(!pthread_create(&l->thread, NULL, clocked, l));
}

void listener_stop(listener *l)
{
    atomic_store(&l->halt, true);
    pthread_join(l->thread, NULL);
    pthread_mutex_destroy(&l->turn);
    free(l->frames);
}

void listener_hold(listener *l)
{
    pthread_mutex_lock(&l->turn);
}

void listener_go(listener *l)
{
    pthread_mutex_unlock(&l->turn);
}

void listener_forget(listener *l)
{
    atomic_store(&l->started, 0);
    atomic_store(&l->done, 0);
    atomic_store(&l->speech, 0);
}
