#include "daemon/chatterboxd/jobs.h"

#include "client/lines.h"
#include "rt/status.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- making ---------------------------------------------------------------- */

/* NAN stands for the voice's own. */
static bool in_range(float x, float low, float high)
{
    return isnan(x) || (x >= low && x <= high);
}

cbx_status job_check(const cbx_say *say, cbx_error *err)
{
    if (!in_range(say->speed, 0.5f, 6))
        return cbx_fail(err, CBX_E_ARG, "speed %g: it must be from 0.5 to 6",
                        (double)say->speed);
    if (!in_range(say->pitch, -12, 12))
        return cbx_fail(err, CBX_E_ARG,
                        "pitch %g: it must be from -12 to 12 semitones",
                        (double)say->pitch);
    if (!in_range(say->gain_db, -60, 24))
        return cbx_fail(err, CBX_E_ARG, "gain %g: it must be from -60 to 24 dB",
                        (double)say->gain_db);
    if ((unsigned)say->priority > CBX_PRIORITY_PROGRESS)
        return cbx_fail(err, CBX_E_ARG, "there is no such priority");
    if (say->latency < -1 || say->latency > CBX_LATENCY_SAFEST ||
        say->flow < -1 || say->flow > CBX_FLOW_CAUSAL)
        return cbx_fail(err, CBX_E_ARG, "there is no such latency or flow");
    if (say->language && strlen(say->language) >= 16)
        return cbx_fail(err, CBX_E_ARG, "language %.40s: no such language",
                        say->language);
    return CBX_OK;
}

static cbx_status copy_strings(service_job *j, cbx_error *err)
{
    cbx_say *y = &j->say;
    const char **from[JOB_STRINGS] = {&y->voice, &y->model, &y->language,
                                      &y->sampling, &y->sink};
    for (int i = 0; i < JOB_STRINGS; i++) {
        if (!*from[i])
            continue;
        if (!(j->strings[i] = strdup(*from[i])))
            return cbx_fail(err, CBX_E_NOMEM, "no memory for a job");
        *from[i] = j->strings[i];
    }
    return CBX_OK;
}

static void free_job(service_job *j)
{
    for (int i = 0; i < JOB_STRINGS; i++)
        free(j->strings[i]);
    free(j->text);
    free(j);
}

static cbx_status add_text(service_job *j, const char *text, size_t bytes,
                           cbx_error *err)
{
    if (bytes == 0)
        return CBX_OK;
    if (memchr(text, 0, bytes))
        return cbx_fail(err, CBX_E_TEXT, "the text has a NUL byte");
    if (j->n + bytes > j->room) {
        const size_t room =
            2 * j->room > j->n + bytes ? 2 * j->room : j->n + bytes + 64;
        char *more = realloc(j->text, room);
        if (!more)
            return cbx_fail(err, CBX_E_NOMEM, "no memory for the text");
        j->text = more;
        j->room = room;
    }
    memcpy(j->text + j->n, text, bytes);
    j->n += bytes;
    return CBX_OK;
}

cbx_status job_new(service *s, const service_request *r, service_job **out,
                   cbx_error *err)
{
    const cbx_say *say = r->say;
    const char *text = say->text ? say->text : "";
    cbx_status st = job_check(say, err);
    if (st)
        return st;
    service_job *j = calloc(1, sizeof *j);
    if (!j)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a job");
    *j = (service_job){.service = s,
                       .holds = 1,
                       .owner = r->owner,
                       .number = r->number,
                       .from = r->from,
                       .say = *say,
                       .more = say->more,
                       .live = {say->speed, say->pitch, say->gain_db}};
    if (r->consumer)
        j->consumer = *r->consumer;
    snprintf(j->name, sizeof j->name, "%s", r->name ? r->name : "");
    j->say.audio = NULL;
    st = copy_strings(j, err);
    if (!st)
        st = add_text(j, text, say->bytes ? say->bytes : strlen(text), err);
    if (st) {
        free_job(j);
        return st;
    }
    j->say.text = NULL;
    *out = j;
    return CBX_OK;
}

void job_unhold(service_job *j)
{
    if (--j->holds == 0)
        free_job(j);
}

/* -- what callers do with it ------------------------------------------------*/

void job_cancel(service_job *j, const char *why)
{
    if (j->why || j->state == JOB_OVER)
        return;
    j->why = why;
    atomic_store(&j->cancelled, true);
    if (j->stream)
        cbx_stream_cancel(j->stream);
    /* one that waits in a queue need not wait for its outlet's thread, too */
    if (j->state == JOB_WAITING && j != j->outlet->current && !j->owns_outlet) {
        j->state = JOB_OVER;
        j->service->cancelled++;
        cbx_client_event e = {.kind = CBX_CLIENT_CANCELLED};
        snprintf(e.text, sizeof e.text, "%s", why);
        job_tell(j, e);
    }
    outlet_wake(j->outlet);
}

cbx_status service_append(service_job *j, const char *text, size_t bytes,
                          cbx_error *err)
{
    cbx_status st;
    pthread_mutex_lock(&j->service->lock);
    if (!j->more || j->state == JOB_OVER)
        st = cbx_fail(err, CBX_E_ARG,
                      "job %" PRIu64 " was finished: it takes no more text",
                      j->number);
    else if (j->n - j->given + bytes > JOB_TEXT_MAX)
        st = cbx_fail(err, CBX_E_LIMIT, "over %d bytes of text are waiting",
                      JOB_TEXT_MAX);
    else
        st = add_text(j, text, bytes, err);
    if (!st)
        outlet_wake(j->outlet);
    pthread_mutex_unlock(&j->service->lock);
    return st;
}

void service_finish(service_job *j)
{
    pthread_mutex_lock(&j->service->lock);
    j->more = false;
    if (j->state != JOB_OVER)
        outlet_wake(j->outlet);
    pthread_mutex_unlock(&j->service->lock);
}

cbx_status service_set(service_job *j, cbx_live what, float value,
                       cbx_error *err)
{
    cbx_say say = j->say;
    if (what == CBX_LIVE_SPEED)
        say.speed = value;
    else if (what == CBX_LIVE_PITCH)
        say.pitch = value;
    else
        say.gain_db = value;
    const cbx_status st = job_check(&say, err);
    if (st)
        return st;
    pthread_mutex_lock(&j->service->lock);
    j->live[what] = value;
    j->live_changed = true;
    j->live_told = false;
    if (j->state != JOB_OVER)
        outlet_wake(j->outlet);
    pthread_mutex_unlock(&j->service->lock);
    return CBX_OK;
}

void service_cancel(service_job *j, const char *why)
{
    pthread_mutex_lock(&j->service->lock);
    job_cancel(j, why);
    pthread_mutex_unlock(&j->service->lock);
}

bool service_cancelled(const service_job *j)
{
    return atomic_load(&j->cancelled);
}

uint64_t service_number(const service_job *j)
{
    return j->number;
}

/* -- what its outlet does -------------------------------------------------- */

void job_tell(service_job *j, cbx_client_event event)
{
    event.job = j->number;
    if (!event.rate)
        event.rate = j->rate;
    if (event.frame > j->frame)
        j->frame = event.frame;
    if (j->consumer.event)
        j->consumer.event(j->consumer.user, j, &event);
}

cbx_status job_feed(service_job *j, cbx_error *err)
{
    size_t taken = 0;
    if (j->live_changed && !j->live_told) {
        if (!isnan(j->live[CBX_LIVE_SPEED]))
            cbx_stream_set_speed(j->stream, j->live[CBX_LIVE_SPEED]);
        if (!isnan(j->live[CBX_LIVE_PITCH]))
            cbx_stream_set_pitch(j->stream, j->live[CBX_LIVE_PITCH]);
        if (!isnan(j->live[CBX_LIVE_GAIN]))
            cbx_stream_set_gain(j->stream, j->live[CBX_LIVE_GAIN]);
        j->live_told = true;
    }
    if (j->why || j->finished)
        return CBX_OK;
    if (j->given < j->n) {
        const cbx_status st = cbx_stream_push(j->stream, j->text + j->given,
                                              j->n - j->given, &taken, err);
        j->given += taken;
        if (st && st != CBX_E_TEXT)
            return st;
        if (st) { /* what was taken before it is still spoken */
            j->late = *err;
            j->given = j->n;
            j->more = false;
        }
    }
    if (j->given == j->n && !j->more) {
        cbx_stream_finish(j->stream);
        j->finished = true;
    }
    return CBX_OK;
}

static cbx_client_event_kind kind_of(cbx_event_kind kind)
{
    switch (kind) {
    case CBX_EVENT_STARTED:
        return CBX_CLIENT_STARTED;
    case CBX_EVENT_SENTENCE:
        return CBX_CLIENT_SENTENCE;
    case CBX_EVENT_MARK:
        return CBX_CLIENT_MARK;
    case CBX_EVENT_WORD:
        return CBX_CLIENT_WORD;
    case CBX_EVENT_UNDERRUN:
        return CBX_CLIENT_UNDERRUN;
    default:
        return CBX_CLIENT_NOTICE;
    }
}

/* Of a job that goes on after a crash the first part was told before. */
static bool is_wanted(const service_job *j, const cbx_event *e)
{
    switch (e->kind) {
    case CBX_EVENT_STARTED:
        return j->from == 0;
    case CBX_EVENT_SENTENCE:
    case CBX_EVENT_WORD:
    case CBX_EVENT_MARK:
        return !j->say.quiet && (e->frame >= j->from || j->from == 0);
    case CBX_EVENT_UNDERRUN: /* a consumer is waited for */
        return j->outlet->device != NULL;
    case CBX_EVENT_CUT:
    case CBX_EVENT_GUARD:
    case CBX_EVENT_NOTICE:
        return true;
    default:
        return false;
    }
}

cbx_status job_tell_engine(service_job *j, cbx_stream *stream, cbx_error *err)
{
    cbx_event e;
    while (cbx_stream_poll(stream, &e)) {
        if (e.kind == CBX_EVENT_ERROR)
            return cbx_fail(err, CBX_E_DEVICE, "%s", e.text);
        if (!is_wanted(j, &e))
            continue;
        cbx_client_event out = {.kind = kind_of(e.kind),
                                .frame = e.frame,
                                .text_from = e.text_from,
                                .text_to = e.text_to,
                                .value = e.value};
        snprintf(out.text, sizeof out.text, "%s", e.text);
        if (e.kind == CBX_EVENT_CUT)
            snprintf(out.text, sizeof out.text,
                     "the model found no end of a sentence; it was cut after "
                     "%" PRId64 " tokens",
                     e.value);
        job_tell(j, out);
    }
    return CBX_OK;
}

/* -- parameters ------------------------------------------------------------ */

static void set_float(float *to, float from)
{
    if (!isnan(from))
        *to = from;
}

cbx_status job_params(const service_job *j, cbx_params *p, uint32_t rate,
                      cbx_error *err)
{
    const cbx_say *y = &j->say;
    cbx_status st = CBX_OK;
    if (y->sampling && *y->sampling)
        st = cbx_params_preset(p, y->sampling, err);
    if (y->has_seed)
        p->seed = y->seed;
    if (y->latency >= 0)
        p->latency = (cbx_latency)y->latency;
    if (y->flow >= 0)
        p->flow = (cbx_flow_mode)y->flow;
    if (y->top_k >= 0)
        p->top_k = y->top_k;
    if (y->has_normalize)
        p->normalize = y->normalize;
    set_float(&p->temperature, y->temperature);
    set_float(&p->top_p, y->top_p);
    set_float(&p->min_p, y->min_p);
    set_float(&p->repetition_penalty, y->repetition_penalty);
    set_float(&p->cfg_weight, y->cfg_weight);
    set_float(&p->exaggeration, y->exaggeration);
    if (y->language && *y->language) {
        memset(p->language, 0, sizeof p->language);
        snprintf(p->language, sizeof p->language, "%s", y->language);
    }
    set_float(&p->speed, y->speed);
    set_float(&p->pitch, y->pitch);
    set_float(&p->gain_db, y->gain_db);
    p->wrapped = y->wrapped;
    p->markup = y->markup;
    p->sample_rate = rate;
    return st;
}
