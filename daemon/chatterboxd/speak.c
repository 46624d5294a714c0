/* One job, from its voice to its last event. */
#include "daemon/chatterboxd/jobs.h"

#include "rt/log.h"
#include "rt/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    library_voice *voice;
    cbx_params params;
    cbx_stream *stream;
} parts;

static cbx_status open_voice(service_job *j, parts *p, cbx_error *err)
{
    service *s = j->service;
    char model[CONFIG_TEXT], voice[CONFIG_TEXT], sampling[CONFIG_TEXT],
        language[CONFIG_NAME];
    pthread_mutex_lock(&s->lock);
    snprintf(model, sizeof model, "%s", s->config.model);
    snprintf(voice, sizeof voice, "%s", s->config.voice);
    snprintf(sampling, sizeof sampling, "%s", s->config.sampling);
    snprintf(language, sizeof language, "%s", s->config.language);
    pthread_mutex_unlock(&s->lock);
    /* a default voice belongs to its model: who asks for another model does
     * not want it */
    const bool own_voice = j->say.voice && *j->say.voice;
    const bool own_model = j->say.model && *j->say.model;
    cbx_status st = library_take(s->library,
                                 own_model   ? j->say.model
                                 : own_voice ? NULL
                                             : model,
                                 own_voice   ? j->say.voice
                                 : own_model ? NULL
                                             : voice,
                                 &p->voice, err);
    if (st)
        return st;
    library_params(p->voice, &p->params);
    if (*sampling)
        st = cbx_params_preset(&p->params, sampling, err);
    if (*language && !own_voice && !own_model) {
        memset(p->params.language, 0, sizeof p->params.language);
        snprintf(p->params.language, sizeof p->params.language, "%.15s",
                 language);
    }
    return st;
}

/* All streams of the engine may be in use: then it is the job's turn later. */
static cbx_status open_stream(service_outlet *o, service_job *j, parts *p,
                              cbx_error *err)
{
    service *s = o->service;
    for (;;) {
        const cbx_status st =
            library_stream(s->library, p->voice, &p->params, &p->stream, err);
        if (st != CBX_E_LIMIT || service_cancelled(j))
            return st;
        pthread_mutex_lock(&s->lock);
        if (!j->why)
            outlet_sleep(o, 0.05);
        pthread_mutex_unlock(&s->lock);
    }
}

static cbx_status open_parts(service_outlet *o, service_job *j, parts *p,
                             cbx_error *err)
{
    cbx_status st = open_voice(j, p, err);
    if (st || service_cancelled(j))
        return st;
    uint32_t rate;
    if ((st = o->ops->open(o, &rate, err)))
        return st;
    j->rate = rate;
    if ((st = job_params(j, &p->params, rate, err)))
        return st;
    return open_stream(o, j, p, err);
}

/* A pause that came or went since the last look. */
static void tell_pause(service_outlet *o, service_job *j)
{
    pthread_mutex_lock(&o->service->lock);
    const bool changed = j->paused != j->told_paused && !j->why;
    const bool paused = j->paused;
    j->told_paused = paused;
    pthread_mutex_unlock(&o->service->lock);
    if (changed)
        job_tell(j, (cbx_client_event){.kind = paused ? CBX_CLIENT_PAUSED
                                                      : CBX_CLIENT_RESUMED,
                                       .frame = j->frame});
}

static cbx_status run(service_outlet *o, service_job *j, cbx_stream *stream,
                      cbx_error *err)
{
    cbx_status st = CBX_OK;
    while (!st && !o->ops->over(o, j, stream)) {
        pthread_mutex_lock(&o->service->lock);
        st = job_feed(j, err);
        pthread_mutex_unlock(&o->service->lock);
        tell_pause(o, j);
        if (!st)
            st = o->ops->move(o, j, stream, err);
    }
    if (!st && !service_cancelled(j))
        st = job_tell_engine(j, stream, err);
    if (!st && j->late.status) {
        *err = j->late;
        st = err->status;
    }
    return st;
}

/* [lock] */
static void count(service *s, const service_job *j, cbx_status st)
{
    if (st)
        s->failed++;
    else if (j->why)
        s->cancelled++;
    else
        s->spoken++;
    if (j->rate)
        s->audio_seconds += (double)j->frame / j->rate;
}

static void tell_last(service_job *j, cbx_status st, const cbx_error *err)
{
    service *s = j->service;
    cbx_client_event e = {.kind = CBX_CLIENT_ENDED, .frame = j->frame};
    pthread_mutex_lock(&s->lock);
    j->state = JOB_OVER;
    if (st && !j->why) {
        e.kind = CBX_CLIENT_ERROR;
        e.status = st;
        snprintf(e.text, sizeof e.text, "%.255s", err->text);
    } else if (j->why) {
        st = CBX_OK;
        e.kind = CBX_CLIENT_CANCELLED;
        snprintf(e.text, sizeof e.text, "%s", j->why);
    }
    count(s, j, st);
    pthread_mutex_unlock(&s->lock);
    if (st)
        cbx_log(CBX_LOG_WARNING, "job %" PRIu64 " of %s: %s", j->number,
                j->name, err->text);
    job_tell(j, e);
}

void speak_never(service_job *j)
{
    tell_last(j, CBX_OK, NULL);
}

/* The beginning of a text goes into the log only where that was asked for: it
 * may be private. */
static void log_job(service *s, const service_job *j)
{
    char text[81] = "";
    pthread_mutex_lock(&s->lock);
    const size_t n = s->config.log_text ? j->n : 0;
    for (size_t i = 0; i < n && i < sizeof text - 1; i++) {
        const unsigned char c = (unsigned char)j->text[i];
        text[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    const size_t all = j->n;
    pthread_mutex_unlock(&s->lock);
    cbx_log(CBX_LOG_INFO, "job %" PRIu64 " of %s: %zu bytes%s%s", j->number,
            j->name, all, n ? ": " : "", text);
}

void speak(service_outlet *o, service_job *j)
{
    service *s = o->service;
    log_job(s, j);
    cbx_error err = {0};
    parts p = {0};
    o->position = 0;
    cbx_status st = open_parts(o, j, &p, &err);
    if (!st && p.stream) {
        pthread_mutex_lock(&s->lock);
        j->state = JOB_SPEAKING;
        j->stream = p.stream;
        if (j->why)
            cbx_stream_cancel(p.stream);
        cbx_stream_pause(p.stream, j->paused);
        pthread_mutex_unlock(&s->lock);
        if (!service_cancelled(j)) {
            o->ops->begin(o, j, p.stream);
            st = run(o, j, p.stream, &err);
            o->ops->end(o, j, p.stream, !st && !service_cancelled(j));
        }
        pthread_mutex_lock(&s->lock);
        j->stream = NULL;
        pthread_mutex_unlock(&s->lock);
    }
    tell_last(j, st, &err);
    if (p.stream)
        cbx_stream_pause(p.stream, false);
    library_put_stream(s->library, p.voice, &p.params, p.stream,
                       !st && !j->live_changed);
    library_give_back(s->library, p.voice);
}
