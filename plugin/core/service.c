/* The worker of the process: one thread and one connection to the renderer for
 * all instances. It starts with the first instance and ends with the last. */
#include "plugin/core/instance.h"
#include "rt/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MOST_JOBS = 4, /* at once; more would only slow the first one down */
    BUSY_MS = 3,
    POLL_MS = 20,   /* hosts that call no worker */
    CALM_MS = 200,  /* all others; also: jobs that wait for the daemon */
    RETRY_MS = 250, /* the first time the renderer is away, then twice ... */
    RETRY_MAX_MS = 4000,
    VOICES_EVERY_MS = 5000,
    READ_FRAMES = 4096,
    READS = 64, /* of one take at one go */
};

struct plug_service {
    plug_service *next;
    const plug_source *source;
    int users; /* services_lock */
    pthread_t thread;

    pthread_mutex_t lock; /* of the list; taken before an instance's lock */
    plug *first;

    pthread_mutex_t source_lock; /* taken last */
    int running;                 /* jobs */
    char voices[8192];

    pthread_mutex_t wake_lock; /* taken last */
    pthread_cond_t wake_cond;
    bool woken, stop;

    _Atomic bool up;
    /* The thread's own. */
    bool answers; /* the last time that somebody was asked */
    int64_t retry_at, retry_ms, voices_at;
};

static pthread_mutex_t services_lock = PTHREAD_MUTEX_INITIALIZER;
static plug_service *services;

bool service_is_up(const plug_service *s)
{
    return atomic_load(&s->up);
}

void service_voices(plug_service *s, char *out, size_t size)
{
    pthread_mutex_lock(&s->source_lock);
    snprintf(out, size, "%s", s->voices);
    pthread_mutex_unlock(&s->source_lock);
}

void service_close_job(plug_service *s, void *job)
{
    pthread_mutex_lock(&s->source_lock);
    s->source->close(s->source->self, job);
    s->running--;
    pthread_mutex_unlock(&s->source_lock);
}

void service_wake(plug_service *s)
{
    pthread_mutex_lock(&s->wake_lock);
    s->woken = true;
    pthread_cond_signal(&s->wake_cond);
    pthread_mutex_unlock(&s->wake_lock);
}

/* Sleeps until somebody wakes it. False: stop. */
static bool sleep_ms(plug_service *s, int ms)
{
    const int64_t until = cbx_clock_ns() + (int64_t)ms * CBX_NS_PER_MS;
    const struct timespec ts = {until / CBX_NS_PER_S, until % CBX_NS_PER_S};
    pthread_mutex_lock(&s->wake_lock);
    while (!s->woken && !s->stop &&
           pthread_cond_timedwait(&s->wake_cond, &s->wake_lock, &ts) == 0)
        ;
    s->woken = false;
    const bool on = !s->stop;
    pthread_mutex_unlock(&s->wake_lock);
    return on;
}

/* -- jobs ------------------------------------------------------------------ */

static void set_up(plug_service *s, bool up)
{
    if (atomic_exchange(&s->up, up) == up)
        return;
    s->voices_at = 0;
    for (plug *p = s->first; p; p = p->next) {
        const plug_scene *scene = atomic_load(&p->player.current);
        if (up ? !scene : !scene || !scene->pending)
            continue;
        char line[128];
        snprintf(line, sizeof line,
                 up ? "the daemon is there"
                    : "the daemon does not answer; %d phrases wait for it",
                 scene->pending);
        plug_log(p, line);
    }
}

static void away(plug_service *s)
{
    s->answers = false;
    s->retry_ms = s->retry_ms ? 2 * s->retry_ms : RETRY_MS;
    if (s->retry_ms > RETRY_MAX_MS)
        s->retry_ms = RETRY_MAX_MS;
    s->retry_at = cbx_clock_ns() + s->retry_ms * CBX_NS_PER_MS;
}

static void fail_take(plug *p, plug_take *t, const char *why)
{
    char line[700];
    plug_drop_job(p, t);
    plug_take_fail(t, why);
    snprintf(line, sizeof line, "a phrase cannot be rendered: %s (%.60s)", why,
             t->request.text);
    plug_log(p, line);
}

/* One reading of a job, with the words that belong to it. */
static plug_progress read_job(plug_service *s, plug_take *t, float *pcm,
                              uint32_t *got, cbx_error *err)
{
    plug_mark m;
    pthread_mutex_lock(&s->source_lock);
    const plug_source *source = s->source;
    plug_progress how =
        source->read(source->self, t->job, pcm, READ_FRAMES, got, err);
    while (source->mark && source->mark(source->self, t->job, &m))
        if (plug_take_add_mark(t, &m)) {
            cbx_fail(err, CBX_E_NOMEM, "out of memory");
            how = PLUG_FAILED;
            break;
        }
    pthread_mutex_unlock(&s->source_lock);
    return how;
}

/* Takes what a job has. True: it goes on. */
static bool pump(plug_service *s, plug *p, plug_take *t)
{
    float pcm[READ_FRAMES];
    cbx_error err = {0};
    for (int i = 0; i < READS; i++) {
        uint32_t got = 0;
        const plug_progress how = read_job(s, t, pcm, &got, &err);
        const cbx_status st = plug_take_append(t, pcm, got, &err);
        if (st == CBX_E_FORMAT) {
            /* Nobody keeps what does not fit: render all of it anew. */
            plug_log(p, err.text);
            plug_drop_job(p, t);
            t->used = 0;
            cbx_error e;
            t->key.hex[0] = '-'; /* no key is like this one */
            if (plug_rebuild(p, &e))
                plug_log(p, e.text);
            return false;
        }
        if (st || how == PLUG_FAILED) {
            fail_take(p, t, err.text);
            return false;
        }
        if (how == PLUG_LOST) {
            plug_drop_job(p, t);
            t->checked = 0;
            away(s);
            return false;
        }
        if (how == PLUG_ENDED) {
            plug_drop_job(p, t);
            if (plug_take_finish(t, &err))
                fail_take(p, t, err.text);
            return false;
        }
        if (!got)
            return true;
    }
    return true;
}

/* One look at an instance. True: jobs are running. */
static bool look(plug_service *s, plug *p)
{
    bool busy = false;
    pthread_mutex_lock(&p->lock);
    plug_absorb(p, atomic_load(&p->offline));
    for (int i = p->take_count; i-- > 0;)
        if (i < p->take_count && p->takes[i]->job)
            busy |= pump(s, p, p->takes[i]);
    plug_publish_status(p);
    plug_reap(p);
    pthread_mutex_unlock(&p->lock);
    return busy;
}

static bool may_start(const plug *p, const plug_take *t, int64_t now)
{
    return !t->job && t->used == p->clock && t->request.text &&
           atomic_load(&t->state) == TAKE_WAITS &&
           (now >= t->not_before || atomic_load(&p->offline) ||
            atomic_load(&t->wanted));
}

/* The take that was asked for last, of all instances; or the first one that
 * waits. Its instance stays locked. */
static plug *next_take(plug_service *s, plug_take **out)
{
    const int64_t now = cbx_clock_ns();
    plug *best = NULL;
    plug_take *take = NULL;
    uint64_t most = 0;
    for (plug *p = s->first; p; p = p->next) {
        pthread_mutex_lock(&p->lock);
        bool better = false;
        for (int i = 0; i < p->take_count; i++) {
            plug_take *t = p->takes[i];
            const uint64_t wanted = atomic_load(&t->wanted);
            if (!may_start(p, t, now) || (take && wanted <= most))
                continue;
            better = true;
            take = t;
            most = wanted;
        }
        if (better) {
            if (best)
                pthread_mutex_unlock(&best->lock);
            best = p;
        } else {
            pthread_mutex_unlock(&p->lock);
        }
    }
    *out = take;
    return best;
}

/* Starts one more job. False: there is none, or nobody to do it. */
static bool start_one(plug_service *s)
{
    if (s->running >= MOST_JOBS || cbx_clock_ns() < s->retry_at)
        return false;
    plug_take *t;
    plug *p = next_take(s, &t);
    if (!p)
        return false;
    cbx_error err = {0};
    pthread_mutex_lock(&s->source_lock);
    const cbx_status st =
        s->source->open(s->source->self, &t->request, &t->job, &err);
    s->running += !st;
    pthread_mutex_unlock(&s->source_lock);
    if (!st) {
        atomic_store(&t->state, TAKE_RUNS);
        s->answers = true;
        s->retry_ms = 0;
    } else if (st == CBX_E_DEVICE) {
        away(s);
    } else {
        fail_take(p, t, err.text);
    }
    pthread_mutex_unlock(&p->lock);
    return st != CBX_E_DEVICE;
}

static void ask_voices(plug_service *s)
{
    const int64_t now = cbx_clock_ns();
    if (!s->source->voices || now < s->voices_at || !atomic_load(&s->up))
        return;
    s->voices_at = now + VOICES_EVERY_MS * (int64_t)CBX_NS_PER_MS;
    char names[sizeof s->voices] = "";
    pthread_mutex_lock(&s->source_lock);
    s->source->voices(s->source->self, names, sizeof names);
    const bool same = strcmp(names, s->voices) == 0;
    if (*names)
        memcpy(s->voices, names, sizeof names);
    pthread_mutex_unlock(&s->source_lock);
    for (plug *p = *names && !same ? s->first : NULL; p; p = p->next) {
        pthread_mutex_lock(&p->lock);
        p->text_serial++; /* windows ask for all texts then */
        if (p->rate && plug_publish(p, NULL))
            plug_log(p, "out of memory");
        pthread_mutex_unlock(&p->lock);
    }
}

static bool is_up(plug_service *s)
{
    const plug_source *source = s->source;
    return source->up ? source->up(source->self) : s->answers;
}

static void *work(void *arg)
{
    plug_service *s = arg;
    int ms = 0;
    while (sleep_ms(s, ms)) {
        bool busy = false, calm = true;
        pthread_mutex_lock(&s->lock);
        set_up(s, is_up(s));
        for (plug *p = s->first; p; p = p->next) {
            busy |= look(s, p);
            calm &= p->shell_serves;
        }
        while (start_one(s))
            busy = true;
        ask_voices(s);
        pthread_mutex_unlock(&s->lock);
        ms = busy ? BUSY_MS : calm ? CALM_MS : POLL_MS;
    }
    return NULL;
}

/* -- instances ------------------------------------------------------------- */

static cbx_status service_open(const plug_source *source, plug_service **out,
                               cbx_error *err)
{
    cbx_status st = source->begin ? source->begin(source->self, err) : CBX_OK;
    if (st)
        return st;
    plug_service *s = calloc(1, sizeof *s);
    if (!s) {
        st = cbx_fail(err, CBX_E_NOMEM, "out of memory");
        goto end_source;
    }
    s->source = source;
    s->answers = true;
    atomic_store(&s->up, true);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake_cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&s->wake_lock, NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->source_lock, NULL);
    if (pthread_create(&s->thread, NULL, work, s)) {
        free(s);
        st = cbx_fail(err, CBX_E_NOMEM, "the worker thread cannot be started");
        goto end_source;
    }
    *out = s;
    return CBX_OK;

end_source:
    if (source->end)
        source->end(source->self);
    return st;
}

static void service_close(plug_service *s)
{
    pthread_mutex_lock(&s->wake_lock);
    s->stop = true;
    pthread_cond_signal(&s->wake_cond);
    pthread_mutex_unlock(&s->wake_lock);
    pthread_join(s->thread, NULL);
    if (s->source->end)
        s->source->end(s->source->self);
    pthread_cond_destroy(&s->wake_cond);
    pthread_mutex_destroy(&s->wake_lock);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->source_lock);
    free(s);
}

cbx_status service_join(const plug_source *source, plug *p, cbx_error *err)
{
    cbx_status st = CBX_OK;
    pthread_mutex_lock(&services_lock);
    plug_service *s = services;
    while (s && s->source != source)
        s = s->next;
    if (!s) {
        st = service_open(source, &s, err);
        if (!st) {
            s->next = services;
            services = s;
        }
    }
    if (!st) {
        s->users++;
        pthread_mutex_lock(&s->lock);
        p->service = s;
        p->next = s->first;
        s->first = p;
        pthread_mutex_unlock(&s->lock);
        service_wake(s);
    }
    pthread_mutex_unlock(&services_lock);
    return st;
}

void service_leave(plug *p)
{
    plug_service *s = p->service;
    pthread_mutex_lock(&services_lock);
    pthread_mutex_lock(&s->lock);
    plug **link = &s->first;
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    pthread_mutex_unlock(&s->lock);
    if (--s->users == 0) {
        plug_service **at = &services;
        while (*at != s)
            at = &(*at)->next;
        *at = s->next;
        service_close(s);
    }
    pthread_mutex_unlock(&services_lock);
    p->service = NULL;
}
