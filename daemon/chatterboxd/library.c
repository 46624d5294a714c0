#include "daemon/chatterboxd/library.h"

#include "rt/clock.h"
#include "rt/log.h"
#include "rt/status.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_STREAMS = 4 /* kept for each voice */, FAILED_MODELS = 8 };

typedef enum { UNLOADED, LOADING, READY, FAILED } load_state;
static const char *const state_names[] = {"unloaded", "loading", "ready",
                                          "failed"};

typedef struct kept_stream {
    cbx_stream *stream;
    cbx_params params;
} kept_stream;

struct library_voice {
    struct model *model;
    library_voice *next;
    char *name; /* "": the model's own */
    cbx_voice *voice;
    int users;
    int64_t used_ns;
    pthread_mutex_t opening; /* [setup] calls on the voice, one at a time */
    kept_stream kept[IDLE_STREAMS];
    int n_kept;
};

typedef struct model {
    struct model *next;
    char *name;
    load_state state;
    cbx_model *model;
    cbx_model_info info;
    char error[512];
    library_voice *voices;
    int64_t used_ns;
} model;

struct library {
    cbx_engine_options options;
    char kernels[CONFIG_NAME];

    pthread_mutex_t lock;    /* everything below */
    pthread_mutex_t loading; /* [setup] calls on engine and models */
    cbx_engine *engine;
    model *models;
    _Atomic uint64_t loads;
};

static void warn(void *user, const char *sentence)
{
    (void)user;
    cbx_log(CBX_LOG_WARNING, "engine: %s", sentence);
}

cbx_status library_open(const daemon_config *c, library **out, cbx_error *err)
{
    library *l = calloc(1, sizeof *l);
    if (!l)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the engine");
    snprintf(l->kernels, sizeof l->kernels, "%s", c->kernels);
    l->options =
        (cbx_engine_options){.threads = c->threads,
                             .kernels = *l->kernels ? l->kernels : NULL,
                             .max_streams = c->streams,
                             .warn = warn};
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->loading, NULL);
    *out = l;
    return CBX_OK;
}

/* -- unloading ------------------------------------------------------------- */

static void close_voice(library_voice *v)
{
    for (int i = 0; i < v->n_kept; i++)
        cbx_stream_close(v->kept[i].stream);
    cbx_voice_close(v->voice);
    pthread_mutex_destroy(&v->opening);
    free(v->name);
    free(v);
}

static void close_model(model *m)
{
    while (m->voices) {
        library_voice *v = m->voices;
        m->voices = v->next;
        close_voice(v);
    }
    cbx_model_close(m->model);
    m->model = NULL;
    m->state = UNLOADED;
}

void library_close(library *l)
{
    if (!l)
        return;
    while (l->models) {
        model *m = l->models;
        l->models = m->next;
        close_model(m);
        free(m->name);
        free(m);
    }
    cbx_engine_close(l->engine);
    pthread_mutex_destroy(&l->loading);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static bool in_use(const model *m)
{
    for (const library_voice *v = m->voices; v; v = v->next)
        if (v->users)
            return true;
    return m->state == LOADING;
}

double library_unload_idle(library *l, double seconds)
{
    double next = -1;
    bool freed = false;
    pthread_mutex_lock(&l->loading);
    pthread_mutex_lock(&l->lock);
    for (model *m = l->models; m; m = m->next) {
        if (m->state != READY || in_use(m))
            continue;
        const double left =
            seconds - (double)(cbx_clock_ns() - m->used_ns) * 1e-9;
        if (left > 0) {
            next = next < 0 || left < next ? left : next;
            continue;
        }
        cbx_log(CBX_LOG_INFO, "model %s: unloaded", m->name);
        close_model(m);
        freed = true;
    }
    pthread_mutex_unlock(&l->lock);
    pthread_mutex_unlock(&l->loading);
    if (freed)
        malloc_trim(0);
    return next;
}

/* -- loading --------------------------------------------------------------- */

/* [lock] */
static model *find_model(library *l, const char *name)
{
    model *m = l->models;
    while (m && strcmp(m->name, name))
        m = m->next;
    if (m)
        return m;
    m = calloc(1, sizeof *m);
    if (m && !(m->name = strdup(name))) {
        free(m);
        m = NULL;
    }
    if (m) {
        m->next = l->models;
        l->models = m;
    }
    return m;
}

/* [lock] Names that led nowhere are remembered for the list of models, but not
 * without end. */
static void forget_failed(library *l)
{
    int n = 0;
    for (model **at = &l->models; *at;) {
        model *m = *at;
        if (m->state == FAILED && ++n > FAILED_MODELS) {
            *at = m->next;
            free(m->name);
            free(m);
        } else {
            at = &m->next;
        }
    }
}

/* [lock] A hold on a voice that is loaded, or NULL. */
static library_voice *hold(model *m, const char *voice)
{
    library_voice *v = m->voices;
    while (v && strcmp(v->name, voice))
        v = v->next;
    if (v)
        v->users++;
    return v;
}

static void set_state(library *l, model *m, load_state state)
{
    pthread_mutex_lock(&l->lock);
    m->state = state;
    pthread_mutex_unlock(&l->lock);
}

/* [loading] */
static cbx_status load_model(library *l, model *m, cbx_error *err)
{
    cbx_error why = {0};
    cbx_status st = CBX_OK;
    if (m->state == READY)
        return CBX_OK;
    set_state(l, m, LOADING);
    if (!l->engine)
        st = cbx_engine_open(&l->options, &l->engine, &why);
    if (!st)
        st = cbx_model_open(l->engine, m->name, &m->model, &why);
    pthread_mutex_lock(&l->lock);
    m->state = st ? FAILED : READY;
    m->used_ns = cbx_clock_ns();
    snprintf(m->error, sizeof m->error, "%s", st ? why.text : "");
    if (!st)
        cbx_model_get_info(m->model, &m->info);
    pthread_mutex_unlock(&l->lock);
    if (st)
        return cbx_fail(err, st, "%s", why.text);
    atomic_fetch_add(&l->loads, 1);
    cbx_log(CBX_LOG_INFO, "model %s: loaded in %.0f ms", m->name,
            1e3 * m->info.load_seconds);
    return CBX_OK;
}

/* [loading] */
static cbx_status load_voice(library *l, model *m, const char *name,
                             library_voice **out, cbx_error *err)
{
    library_voice *v = calloc(1, sizeof *v);
    if (!v || !(v->name = strdup(name))) {
        free(v);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a voice");
    }
    const cbx_status st =
        cbx_voice_open(m->model, *name ? name : NULL, &v->voice, err);
    if (st) {
        free(v->name);
        free(v);
        return st;
    }
    pthread_mutex_init(&v->opening, NULL);
    v->model = m;
    v->users = 1;
    pthread_mutex_lock(&l->lock);
    v->next = m->voices;
    m->voices = v;
    pthread_mutex_unlock(&l->lock);
    *out = v;
    return CBX_OK;
}

/* Only who loads waits for other loads. */
static cbx_status load(library *l, const char *model_name, const char *voice,
                       library_voice **out, cbx_error *err)
{
    cbx_status st = CBX_OK;
    pthread_mutex_lock(&l->loading);
    pthread_mutex_lock(&l->lock);
    model *m = find_model(l, model_name);
    library_voice *v = m && m->state == READY ? hold(m, voice) : NULL;
    pthread_mutex_unlock(&l->lock);
    if (!m)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for a model");
    if (!st && !v && !(st = load_model(l, m, err)))
        st = load_voice(l, m, voice, &v, err);
    if (st) {
        pthread_mutex_lock(&l->lock);
        forget_failed(l);
        pthread_mutex_unlock(&l->lock);
    }
    pthread_mutex_unlock(&l->loading);
    *out = v;
    return st;
}

cbx_status library_take(library *l, const char *model_name, const char *voice,
                        library_voice **out, cbx_error *err)
{
    char asked[1024];
    cbx_status st;
    voice = voice ? voice : "";
    if (!model_name || !*model_name) {
        st = cbx_voice_model(*voice ? voice : NULL, asked, sizeof asked, err);
        if (st)
            return st;
        model_name = asked;
    }
    *out = NULL;
    pthread_mutex_lock(&l->lock);
    for (model *m = l->models; m && !*out; m = m->next)
        if (m->state == READY && strcmp(m->name, model_name) == 0)
            *out = hold(m, voice);
    pthread_mutex_unlock(&l->lock);
    return *out ? CBX_OK : load(l, model_name, voice, out, err);
}

void library_give_back(library *l, library_voice *v)
{
    if (!v)
        return;
    pthread_mutex_lock(&l->lock);
    v->users--;
    v->used_ns = v->model->used_ns = cbx_clock_ns();
    pthread_mutex_unlock(&l->lock);
}

void library_params(const library_voice *v, cbx_params *out)
{
    memset(out, 0, sizeof *out); /* padding too: they are compared whole */
    cbx_voice_params(v->voice, out);
}

/* -- streams --------------------------------------------------------------- */

cbx_status library_stream(library *l, library_voice *v,
                          const cbx_params *params, cbx_stream **out,
                          cbx_error *err)
{
    *out = NULL;
    pthread_mutex_lock(&l->lock);
    for (int i = 0; i < v->n_kept && !*out; i++)
        if (memcmp(&v->kept[i].params, params, sizeof *params) == 0) {
            *out = v->kept[i].stream;
            v->kept[i] = v->kept[--v->n_kept];
        }
    pthread_mutex_unlock(&l->lock);
    if (*out)
        return CBX_OK;
    pthread_mutex_lock(&v->opening);
    const cbx_status st = cbx_stream_open(v->voice, params, out, err);
    pthread_mutex_unlock(&v->opening);
    return st;
}

/* A stream that ended takes text again after a cancel. The engine has to see
 * it, which takes a step of its thread. */
static bool is_fresh(cbx_stream *stream)
{
    float rest[256];
    cbx_event event;
    cbx_stream_cancel(stream);
    /* the fade of what was heard last must not begin the next text: whatever
     * the stream says of its end, it is read until nothing comes */
    for (int i = 0; i < 200; i++) {
        const uint32_t n = cbx_stream_read(stream, rest, 256, NULL);
        if (!n && cbx_stream_ended(stream))
            break;
        if (!n)
            cbx_stream_wait(stream, 20);
    }
    while (cbx_stream_poll(stream, &event))
        ;
    return cbx_stream_ended(stream);
}

void library_put_stream(library *l, library_voice *v, const cbx_params *params,
                        cbx_stream *stream, bool clean)
{
    cbx_stream *extra = NULL;
    if (!stream)
        return;
    if (!clean || !is_fresh(stream)) {
        cbx_stream_close(stream);
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (v->n_kept == IDLE_STREAMS) {
        extra = v->kept[0].stream; /* the oldest */
        memmove(v->kept, v->kept + 1, (IDLE_STREAMS - 1) * sizeof *v->kept);
        v->n_kept--;
    }
    v->kept[v->n_kept++] = (kept_stream){stream, *params};
    memcpy(&v->kept[v->n_kept - 1].params, params, sizeof *params);
    pthread_mutex_unlock(&l->lock);
    cbx_stream_close(extra);
}

/* -- listing --------------------------------------------------------------- */

json_t *library_models(library *l)
{
    json_t *list = json_array();
    pthread_mutex_lock(&l->lock);
    for (const model *m = l->models; m; m = m->next) {
        json_t *one = json_pack("{s:s, s:s}", "name", m->name, "state",
                                state_names[m->state]);
        if (m->state == READY) {
            json_object_set_new(one, "family", json_string(m->info.family));
            json_object_set_new(one, "bytes",
                                json_integer((json_int_t)m->info.weight_bytes));
        }
        if (m->state == FAILED)
            json_object_set_new(one, "error", json_string(m->error));
        json_array_append_new(list, one);
    }
    pthread_mutex_unlock(&l->lock);
    return list;
}

uint64_t library_loads(const library *l)
{
    return atomic_load(&l->loads);
}

int library_threads(library *l, const char **kernels)
{
    pthread_mutex_lock(&l->lock);
    const cbx_engine *e = l->engine;
    pthread_mutex_unlock(&l->lock);
    *kernels = e ? cbx_engine_kernels(e) : "";
    return e ? cbx_engine_threads(e) : 0;
}
