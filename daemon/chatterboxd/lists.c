/* What the service tells of itself. */
#include "daemon/chatterboxd/jobs.h"
#include "daemon/chatterboxd/service.h"

#include "rt/clock.h"

#include <inttypes.h>
#include <string.h>

static const char *const priorities[] = {"important", "message", "text",
                                         "notification", "progress"};

json_t *service_queue(service *s)
{
    json_t *list = json_array();
    pthread_mutex_lock(&s->lock);
    for (const service_job *j = s->jobs; j; j = j->next) {
        if (j->state == JOB_OVER)
            continue;
        const char *state = j->paused                  ? "paused"
                            : j->state == JOB_SPEAKING ? "speaking"
                                                       : "waiting";
        json_array_append_new(
            list,
            json_pack("{s:I, s:s, s:I, s:s, s:s, s:s, s:I, s:I}", "client",
                      (json_int_t)j->owner, "name", j->name, "job",
                      (json_int_t)j->number, "sink",
                      j->outlet->device ? j->outlet->sink.name : "", "priority",
                      priorities[j->say.priority], "state", state, "bytes",
                      (json_int_t)j->n, "frame", (json_int_t)j->frame));
    }
    pthread_mutex_unlock(&s->lock);
    return list;
}

static const char *state_of(bool open, const cbx_sink_info *i)
{
    if (!open)
        return "closed";
    return i->state == CBX_SINK_LOST     ? "lost"
           : i->state == CBX_SINK_FAILED ? "failed"
                                         : "open";
}

json_t *service_sinks(service *s)
{
    static const char *const kinds[] = {[CBX_SINK_PORTAUDIO] = "portaudio",
                                        [CBX_SINK_JACK] = "jack",
                                        [CBX_SINK_NULL] = "null"};
    json_t *list = json_array();
    pthread_mutex_lock(&s->lock);
    for (int k = 0; k < s->config.n_sinks; k++) {
        const config_sink *c = &s->config.sinks[k];
        const service_outlet *o = s->outlets;
        int jobs = 0;
        bool open = false;
        cbx_sink_info info = {0};
        while (o && (!o->device || strcmp(o->sink.name, c->name)))
            o = o->next;
        if (o)
            device_info(o, &open, &info);
        for (const service_job *j = s->jobs; j; j = j->next)
            jobs += j->outlet == o && j->state != JOB_OVER;
        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:b}", "name", c->name,
                      "kind", kinds[c->kind], "state", state_of(open, &info),
                      "rate", (json_int_t)info.rate, "latency",
                      (json_int_t)info.latency, "jobs", jobs, "default",
                      strcmp(c->name, s->config.default_sink) == 0));
    }
    pthread_mutex_unlock(&s->lock);
    return list;
}

json_t *service_models(service *s)
{
    return library_models(s->library);
}

static json_t *text(const char *s)
{
    json_t *t = json_string(s ? s : "");
    return t ? t : json_string(""); /* a file that is not UTF-8 */
}

static void add_voice(void *user, const cbx_preset *p)
{
    json_array_append_new(
        user, json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", text(p->name),
                        "description", text(p->description), "language",
                        text(p->language), "model", text(p->model), "file",
                        text(p->file)));
}

json_t *service_voices(service *s)
{
    (void)s;
    json_t *list = json_array();
    cbx_voices(add_voice, NULL, list);
    return list;
}

json_t *service_stats(service *s)
{
    int busy = 0, streams = 0;
    const char *kernels;
    const int threads = library_threads(s->library, &kernels);
    pthread_mutex_lock(&s->lock);
    for (const service_job *j = s->jobs; j; j = j->next) {
        busy += j->state != JOB_OVER;
        streams += j->stream != NULL;
    }
    json_t *o = json_pack(
        "{s:f, s:I, s:I, s:I, s:I, s:f, s:i, s:i, s:I, s:s, s:i}", "uptime",
        (double)(cbx_clock_ns() - s->started_ns) * 1e-9, "jobs",
        (json_int_t)s->accepted, "spoken", (json_int_t)s->spoken, "cancelled",
        (json_int_t)s->cancelled, "failed", (json_int_t)s->failed,
        "audio_seconds", s->audio_seconds, "busy", busy, "streams", streams,
        "loads", (json_int_t)library_loads(s->library), "kernels", kernels,
        "threads", threads);
    pthread_mutex_unlock(&s->lock);
    return o;
}

json_t *service_parameters(service *s, const char *model, const char *voice,
                           cbx_error *err)
{
    static const char *const latencies[] = {"lowest", "balanced", "safest"};
    static const char *const flows[] = {"auto", "full", "prefix", "causal"};
    char seed[24];
    library_voice *v;
    cbx_params p;
    if (library_take(s->library, model, voice, &v, err))
        return NULL;
    library_params(v, &p);
    library_give_back(s->library, v);
    snprintf(seed, sizeof seed, "%" PRIu64, p.seed);
    json_t *o = json_pack(
        "{s:f, s:i, s:f, s:f, s:f, s:f, s:f, s:s, s:s, s:s, s:b}",
        "temperature", (double)p.temperature, "top_k", p.top_k, "top_p",
        (double)p.top_p, "min_p", (double)p.min_p, "repetition_penalty",
        (double)p.repetition_penalty, "cfg_weight", (double)p.cfg_weight,
        "exaggeration", (double)p.exaggeration, "latency", latencies[p.latency],
        "flow", flows[p.flow], "language", p.language, "normalize",
        p.normalize);
    if (p.seed <= INT64_MAX)
        json_object_set_new(o, "seed", json_integer((json_int_t)p.seed));
    else
        json_object_set_new(o, "seed", json_string(seed));
    return o;
}
