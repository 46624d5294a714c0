#include "daemon/chatterboxd/service.h"

#include "client/lines.h"
#include "daemon/chatterboxd/jobs.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/priority.h"
#include "rt/status.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_OF_ALL = 4096 };

/* -- open and close -------------------------------------------------------- */

/* Loads the default voice, so that the first job does not wait for it. */
static void *warm_up(void *user)
{
    service *s = user;
    library_voice *v;
    cbx_error err;
    char model[CONFIG_TEXT], voice[CONFIG_TEXT];
    cbx_thread_name("warmer");
    pthread_mutex_lock(&s->lock);
    snprintf(model, sizeof model, "%s", s->config.model);
    snprintf(voice, sizeof voice, "%s", s->config.voice);
    pthread_mutex_unlock(&s->lock);
    if (library_take(s->library, model, voice, &v, &err))
        cbx_log(CBX_LOG_ERROR, "the default voice: %s", err.text);
    else
        library_give_back(s->library, v);
    return NULL;
}

static cbx_status open_sinks(service *s, cbx_error *err)
{
    for (int i = 0; i < s->config.n_sinks; i++) {
        service_outlet *o = device_outlet_new(&s->config.sinks[i]);
        if (!o)
            return cbx_fail(err, CBX_E_NOMEM, "no memory for a sink");
        const cbx_status st = outlet_start(s, o, err);
        if (st) {
            device_outlet_free(o);
            return st;
        }
    }
    return CBX_OK;
}

cbx_status service_open(const daemon_config *c, service **out, cbx_error *err)
{
    service *s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the service");
    s->config = *c;
    s->started_ns = cbx_clock_ns();
    pthread_mutex_init(&s->lock, NULL);
    cbx_status st = library_open(c, &s->library, err);
    if (!st)
        st = open_sinks(s, err);
    if (st) {
        service_close(s);
        return st;
    }
    s->has_warmer =
        c->preload && pthread_create(&s->warmer, NULL, warm_up, s) == 0;
    *out = s;
    return CBX_OK;
}

void service_close(service *s)
{
    if (!s)
        return;
    service_stop(s, &(service_target){0}, "shutdown");
    if (s->has_warmer)
        pthread_join(s->warmer, NULL);
    while (s->outlets)
        outlet_close(s->outlets);
    library_close(s->library);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static service_outlet *find_sink(service *s, const char *name)
{
    service_outlet *o = s->outlets;
    while (o && (!o->device || strcmp(o->sink.name, name)))
        o = o->next;
    return o;
}

void service_configure(service *s, const daemon_config *c)
{
    cbx_error err;
    for (int i = 0; i < c->n_sinks; i++) {
        pthread_mutex_lock(&s->lock);
        service_outlet *o = find_sink(s, c->sinks[i].name);
        if (o) {
            o->sink = c->sinks[i];
            outlet_wake(o);
        }
        pthread_mutex_unlock(&s->lock);
        if (o || !(o = device_outlet_new(&c->sinks[i])))
            continue;
        if (outlet_start(s, o, &err)) {
            cbx_log(CBX_LOG_ERROR, "sink %s: %s", c->sinks[i].name, err.text);
            device_outlet_free(o);
        }
    }
    pthread_mutex_lock(&s->lock);
    if (c->threads != s->config.threads || c->streams != s->config.streams ||
        strcmp(c->kernels, s->config.kernels))
        cbx_log(CBX_LOG_WARNING, "[engine] changes with the next start only");
    s->config = *c;
    pthread_mutex_unlock(&s->lock);
    library_unload_idle(s->library, 0); /* files may have changed, too */
}

void service_refuse(service *s)
{
    pthread_mutex_lock(&s->lock);
    s->refusing = true;
    pthread_mutex_unlock(&s->lock);
}

int service_busy(service *s)
{
    int n = 0;
    pthread_mutex_lock(&s->lock);
    for (const service_job *j = s->jobs; j; j = j->next)
        n += j->state != JOB_OVER;
    pthread_mutex_unlock(&s->lock);
    return n;
}

double service_tick(service *s)
{
    pthread_mutex_lock(&s->lock);
    const double after = s->config.idle_unload;
    pthread_mutex_unlock(&s->lock);
    if (after <= 0)
        return 60;
    const double next = library_unload_idle(s->library, after);
    return next < 0 ? 1 : fmin(next, 60);
}

/* -- speaking -------------------------------------------------------------- */

uint64_t service_owner(service *s)
{
    pthread_mutex_lock(&s->lock);
    const uint64_t owner = ++s->owners;
    pthread_mutex_unlock(&s->lock);
    return owner;
}

/* [lock] Bounds, for one owner and for all. */
static cbx_status check_limits(service *s, const service_job *new_job,
                               cbx_error *err)
{
    int all = 0, own = 0;
    size_t text = new_job->n;
    for (const service_job *j = s->jobs; j; j = j->next) {
        if (j->state == JOB_OVER)
            continue;
        all++;
        if (new_job->owner && j->owner == new_job->owner) {
            own++;
            text += j->n - j->given;
        }
    }
    if (s->refusing)
        return cbx_fail(err, CBX_E_DEVICE, "the daemon is stopping");
    if (text > JOB_TEXT_MAX)
        return cbx_fail(err, CBX_E_LIMIT,
                        "over %d bytes of text are waiting already",
                        JOB_TEXT_MAX);
    if (own >= JOBS_MAX || all >= JOBS_OF_ALL)
        return cbx_fail(err, CBX_E_LIMIT, "%d jobs are waiting already",
                        own >= JOBS_MAX ? own : all);
    return CBX_OK;
}

/* [lock] */
static int jobs_on(const service_outlet *o)
{
    int n = 0;
    for (const service_job *j = o->service->jobs; j; j = j->next)
        n += j->outlet == o && j->state != JOB_OVER;
    return n;
}

/* An outlet for one job. */
static cbx_status own_outlet(service *s, const service_request *r,
                             service_outlet **out, cbx_error *err)
{
    const cbx_status st =
        service_outlet_open(s, r->consumer, r->rate, out, err);
    if (!st) {
        pthread_mutex_lock(&s->lock);
        (*out)->once = true;
        pthread_mutex_unlock(&s->lock);
    }
    return st;
}

static cbx_status find_outlet(service *s, const service_request *r,
                              service_job *j, cbx_error *err)
{
    cbx_status st = CBX_OK;
    j->outlet = r->outlet;
    if (j->outlet)
        return CBX_OK;
    if (r->consumer && r->consumer->frames) {
        st = own_outlet(s, r, &j->outlet, err);
        j->owns_outlet = !st;
        return st;
    }
    const char *name = r->say->sink && *r->say->sink ? r->say->sink : NULL;
    pthread_mutex_lock(&s->lock);
    const config_sink *c = daemon_config_sink_named(&s->config, name);
    j->outlet = c ? find_sink(s, c->name) : NULL;
    pthread_mutex_unlock(&s->lock);
    if (!j->outlet)
        st = cbx_fail(err, CBX_E_ARG,
                      "there is no sink '%.40s'; see 'chatterbox daemon sinks'",
                      name ? name : "default");
    return st;
}

/* QUEUED comes before anything else can be told of the job. */
static cbx_status join_queue(service *s, service_job *j, cbx_error *err)
{
    service_job **at = &s->jobs;
    pthread_mutex_lock(&s->lock);
    const cbx_status st = check_limits(s, j, err);
    const int before = jobs_on(j->outlet);
    if (!st) {
        j->holds++;
        j->serial = ++s->serials;
        s->accepted++;
        job_tell(
            j, (cbx_client_event){.kind = CBX_CLIENT_QUEUED, .value = before});
        priorities_arrive(j);
        while (*at)
            at = &(*at)->next;
        *at = j;
        outlet_wake(j->outlet);
    }
    pthread_mutex_unlock(&s->lock);
    return st;
}

cbx_status service_speak(service *s, const service_request *r,
                         service_job **out, cbx_error *err)
{
    service_job *j;
    cbx_status st = job_new(s, r, &j, err);
    if (st)
        return st;
    st = find_outlet(s, r, j, err);
    if (!st)
        st = join_queue(s, j, err);
    if (st || !out)
        service_release(j);
    if (!st && out)
        *out = j;
    return st;
}

void service_release(service_job *j)
{
    if (!j)
        return;
    if (j->owns_outlet)
        outlet_close(j->outlet);
    service_unhold(j);
}

void service_unhold(service_job *j)
{
    service *s = j->service;
    pthread_mutex_lock(&s->lock);
    job_unhold(j);
    pthread_mutex_unlock(&s->lock);
}

service_job *service_find(service *s, uint64_t owner, uint64_t number)
{
    pthread_mutex_lock(&s->lock);
    service_job *j = s->jobs;
    while (j &&
           (j->owner != owner || j->number != number || j->state == JOB_OVER))
        j = j->next;
    if (j)
        j->holds++;
    pthread_mutex_unlock(&s->lock);
    return j;
}

/* -- several at a time ----------------------------------------------------- */

static bool is_meant(const service_job *j, const service_target *t)
{
    return j->state != JOB_OVER && !j->why &&
           (!t->owner || j->owner == t->owner) &&
           (!t->number || j->number == t->number) &&
           (!t->outlet || j->outlet == t->outlet) &&
           (!t->sink || (j->outlet->device &&
                         strcmp(j->outlet->sink.name, t->sink) == 0)) &&
           (!t->has_priority || j->say.priority == t->priority) &&
           !(t->spare_kept && j->say.keep);
}

int service_stop(service *s, const service_target *which, const char *why)
{
    int n = 0;
    pthread_mutex_lock(&s->lock);
    for (service_job *j = s->jobs; j; j = j->next)
        if (is_meant(j, which)) {
            job_cancel(j, why);
            n++;
        }
    pthread_mutex_unlock(&s->lock);
    return n;
}

int service_pause(service *s, const service_target *which, bool on)
{
    int n = 0;
    pthread_mutex_lock(&s->lock);
    for (service_job *j = s->jobs; j; j = j->next) {
        if (!is_meant(j, which) || j->paused == on)
            continue;
        j->paused = on;
        if (j->stream)
            cbx_stream_pause(j->stream, on);
        outlet_wake(j->outlet);
        n++;
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}
