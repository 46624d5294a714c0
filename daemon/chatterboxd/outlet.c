/* An outlet's thread: who speaks next, and what happens in between. */
#include "daemon/chatterboxd/jobs.h"

#include "rt/clock.h"
#include "rt/priority.h"
#include "rt/status.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void outlet_wake(service_outlet *o)
{
    pthread_cond_broadcast(&o->wake);
}

void outlet_sleep(service_outlet *o, double seconds)
{
    const int64_t until = cbx_clock_ns() + (int64_t)(seconds * 1e9);
    const struct timespec t = {.tv_sec = (time_t)(until / CBX_NS_PER_S),
                               .tv_nsec = (long)(until % CBX_NS_PER_S)};
    pthread_cond_timedwait(&o->wake, &o->service->lock, &t);
}

/* [lock] A job of this outlet that was cancelled before it spoke: to be told,
 * or told already and still in the list. */
static service_job *find_cancelled(const service_outlet *o)
{
    for (service_job *j = o->service->jobs; j; j = j->next)
        if (j->outlet == o && j != o->current && j->why &&
            (j->state == JOB_WAITING || j->state == JOB_OVER))
            return j;
    return NULL;
}

/* [lock, released meanwhile] */
static void run_job(service_outlet *o, service_job *j, bool never)
{
    service *s = o->service;
    service_job **at = &s->jobs;
    o->current = never ? o->current : j;
    j->holds++;
    pthread_mutex_unlock(&s->lock);
    if (!never)
        speak(o, j);
    else if (j->state == JOB_WAITING)
        speak_never(j);
    pthread_mutex_lock(&s->lock);
    if (!never)
        o->current = NULL;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    j->next = NULL;
    o->idle_since = cbx_clock_ns();
    job_unhold(j); /* the list's */
    job_unhold(j);
}

/* [lock, released meanwhile] */
static void be_idle(service_outlet *o)
{
    service *s = o->service;
    const double idle = (double)(cbx_clock_ns() - o->idle_since) * 1e-9;
    pthread_mutex_unlock(&s->lock);
    const double next = o->ops->idle ? o->ops->idle(o, idle) : -1;
    pthread_mutex_lock(&s->lock);
    if (!o->quit && !find_cancelled(o) && !priorities_next(o))
        outlet_sleep(o, next < 0 ? 3600 : fmin(next, 3600));
}

static void *run(void *outlet)
{
    service_outlet *o = outlet;
    service *s = o->service;
    bool done = false;
    cbx_thread_name("outlet");
    pthread_mutex_lock(&s->lock);
    while (!done) {
        service_job *j = find_cancelled(o);
        const bool never = j != NULL;
        if (!j && !o->quit)
            j = priorities_next(o);
        if (j)
            run_job(o, j, never);
        else if (!o->quit)
            be_idle(o);
        done = (o->quit || (o->once && j)) && !find_cancelled(o);
    }
    pthread_mutex_unlock(&s->lock);
    o->ops->close(o);
    return NULL;
}

cbx_status outlet_start(service *s, service_outlet *o, cbx_error *err)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    o->service = s;
    o->idle_since = cbx_clock_ns();
    if (pthread_create(&o->thread, NULL, run, o)) {
        pthread_cond_destroy(&o->wake);
        return cbx_fail(err, CBX_E_NOMEM, "no thread can be started");
    }
    pthread_mutex_lock(&s->lock);
    o->next = s->outlets;
    s->outlets = o;
    pthread_mutex_unlock(&s->lock);
    return CBX_OK;
}

void outlet_close(service_outlet *o)
{
    service *s = o->service;
    pthread_mutex_lock(&s->lock);
    o->quit = true;
    for (service_job *j = s->jobs; j; j = j->next)
        if (j->outlet == o)
            job_cancel(j, "client");
    outlet_wake(o);
    pthread_mutex_unlock(&s->lock);
    pthread_join(o->thread, NULL);
    pthread_mutex_lock(&s->lock);
    service_outlet **at = &s->outlets;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    pthread_mutex_unlock(&s->lock);
    pthread_cond_destroy(&o->wake);
    free(o->block);
    free(o);
}

cbx_status service_outlet_open(service *s, const service_consumer *consumer,
                               uint32_t rate, service_outlet **out,
                               cbx_error *err)
{
    service_outlet *o = calloc(1, sizeof *o);
    float *block = malloc(OUTLET_BLOCK * sizeof *block);
    if (!o || !block) {
        free(o);
        free(block);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for an outlet");
    }
    *o = (service_outlet){.ops = &outlet_consumer_ops,
                          .consumer = *consumer,
                          .rate = rate,
                          .block = block};
    const cbx_status st = outlet_start(s, o, err);
    if (st) {
        free(block);
        free(o);
        return st;
    }
    *out = o;
    return CBX_OK;
}

void service_outlet_close(service_outlet *o)
{
    if (o)
        outlet_close(o);
}
