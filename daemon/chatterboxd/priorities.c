/* SSIP's five priorities, on one queue. */
#include "daemon/chatterboxd/jobs.h"

static bool waits(const service_job *j, const service_outlet *o)
{
    return j->outlet == o && j->state == JOB_WAITING && !j->why;
}

/* What it counts as: the last one of a series of progress messages is said like
 * a message. */
static cbx_priority rank(const service_job *j)
{
    return j->last_progress ? CBX_PRIORITY_MESSAGE : j->say.priority;
}

static const unsigned I = 1 << CBX_PRIORITY_IMPORTANT,
                      M = 1 << CBX_PRIORITY_MESSAGE, T = 1 << CBX_PRIORITY_TEXT,
                      N = 1 << CBX_PRIORITY_NOTIFICATION,
                      P = 1 << CBX_PRIORITY_PROGRESS;

/* Ends who has one of these priorities: spoken, waiting. */
static void end(service_outlet *o, unsigned spoken, unsigned waiting)
{
    service_job *now = o->current;
    if (now && !now->why && (spoken & 1u << rank(now)))
        job_cancel(now, "priority");
    for (service_job *j = o->service->jobs; j; j = j->next)
        if (j != now && waits(j, o) && (waiting & 1u << rank(j)))
            job_cancel(j, "priority");
}

static bool is_busy(const service_outlet *o, unsigned with)
{
    const service_job *now = o->current;
    if (now && !now->why && (with & 1u << now->say.priority))
        return true;
    for (const service_job *j = o->service->jobs; j; j = j->next)
        if (j != now && waits(j, o) && (with & 1u << j->say.priority))
            return true;
    return false;
}

/* One that cannot be said now is kept, in place of the one kept before: it may
 * be the last of its series. */
static void keep_progress(service_job *j)
{
    service_outlet *o = j->outlet;
    for (service_job *i = o->service->jobs; i; i = i->next)
        if (i != o->current && waits(i, o) && i->last_progress)
            job_cancel(i, "priority");
    j->last_progress = true;
}

void priorities_arrive(service_job *j)
{
    service_outlet *o = j->outlet;
    switch (j->say.priority) {
    case CBX_PRIORITY_IMPORTANT:
        end(o, M | T | N | P, N | P);
        break;
    case CBX_PRIORITY_MESSAGE:
        end(o, T | N | P, T | N | P);
        break;
    case CBX_PRIORITY_TEXT:
        end(o, T | N | P, T | N | P);
        break;
    case CBX_PRIORITY_NOTIFICATION:
        if (is_busy(o, I | M | T | P))
            job_cancel(j, "priority");
        else
            end(o, N, N);
        break;
    case CBX_PRIORITY_PROGRESS:
        end(o, 0, N);
        if (is_busy(o, I | M | T | N | P))
            keep_progress(j);
        break;
    }
}

service_job *priorities_next(const service_outlet *o)
{
    service_job *best = NULL;
    for (service_job *j = o->service->jobs; j; j = j->next)
        if (waits(j, o) && !j->paused && (!best || rank(j) < rank(best)))
            best = j; /* the list is in the order they came */
    return best;
}
