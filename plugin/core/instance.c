#include "plugin/core/instance.h"

#include "rt/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_RATE = 48000 }; /* of positions, before the host says one */
/* A parameter that a hand turns is followed when it rests for this long. */
static const int64_t REST_NS = 250 * (int64_t)CBX_NS_PER_MS;

void plug_log(plug *p, const char *sentence)
{
    if (p->log)
        p->log(p->log_arg, sentence);
}

/* -- lifetime -------------------------------------------------------------- */

cbx_status plug_open(const plug_source *source, uint32_t rate, plug **out,
                     cbx_error *err)
{
    plug *p = calloc(1, sizeof *p);
    cbx_arena *arena = calloc(1, sizeof *arena);
    if (!p || !arena) {
        free(p);
        free(arena);
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    }
    p->arena = arena;
    p->rate = rate;
    for (int i = 0; i < PLUG_PARAMS; i++) {
        const float v = plug_params[i].normal;
        atomic_store(&p->params[i], v);
        p->used[i] = p->seen[i] = v;
    }
    p->player.gain_target = 1.0f;
    player_reset(&p->player, rate);
    pthread_mutex_init(&p->lock, NULL);
    cbx_status st = cbx_arena_open(
        EDIT_PIECES * (sizeof(edit_piece) + 64) + 4096, arena, err);
    if (!st)
        st = cbx_queue_new(arena, EDIT_PIECES, sizeof(edit_piece), &p->edits,
                           err);
    if (!st)
        st = service_join(source, p, err);
    if (st) {
        plug_close(p);
        return st;
    }
    *out = p;
    return CBX_OK;
}

static void drop_takes(plug *p)
{
    for (int i = 0; i < p->take_count; i++) {
        plug_drop_job(p, p->takes[i]);
        plug_take_unref(p->takes[i]);
    }
    p->take_count = 0;
    for (int i = 0; i < PLUG_PHRASES; i++)
        plug_take_unref(p->of_phrase[i]);
}

void plug_close(plug *p)
{
    if (!p)
        return;
    if (p->service) {
        pthread_mutex_lock(&p->lock);
        drop_takes(p);
        pthread_mutex_unlock(&p->lock);
        service_leave(p);
    }
    atomic_store(&p->player.held[0], NULL);
    atomic_store(&p->player.held[1], NULL);
    plug_scene *last = player_publish(&p->player, NULL);
    if (last) {
        last->next = p->replaced;
        p->replaced = last;
    }
    plug_reap(p);
    plug_script_clear(&p->script);
    free(p->status);
    free(p->edit_text);
    pthread_mutex_destroy(&p->lock);
    cbx_arena_close(p->arena);
    free(p->arena);
    free(p);
}

void plug_set_log(plug *p, void (*log)(void *arg, const char *sentence),
                  void *arg)
{
    pthread_mutex_lock(&p->lock);
    p->log = log;
    p->log_arg = arg;
    pthread_mutex_unlock(&p->lock);
}

/* -- takes ----------------------------------------------------------------- */

void plug_drop_job(plug *p, plug_take *t)
{
    if (!t->job)
        return;
    service_close_job(p->service, t->job);
    t->job = NULL;
    if (!plug_take_over(t))
        atomic_store(&t->state, TAKE_WAITS);
}

static plug_take *find_take(plug *p, const plug_key *key)
{
    for (int i = 0; i < p->take_count; i++)
        if (strcmp(p->takes[i]->key.hex, key->hex) == 0 &&
            p->takes[i]->rate == p->rate)
            return p->takes[i];
    return NULL;
}

static void forget_take(plug *p, int i)
{
    plug_drop_job(p, p->takes[i]);
    plug_take_unref(p->takes[i]);
    p->takes[i] = p->takes[--p->take_count];
}

/* Unfinished takes that no phrase needs go at once, finished ones when there
 * are too many. */
static void forget_takes(plug *p, int most)
{
    for (int i = p->take_count; i-- > 0;)
        if (p->takes[i]->used != p->clock &&
            atomic_load(&p->takes[i]->state) != TAKE_DONE)
            forget_take(p, i);
    while (p->take_count > most) {
        int oldest = 0;
        for (int i = 1; i < p->take_count; i++)
            if (p->takes[i]->used < p->takes[oldest]->used)
                oldest = i;
        if (p->takes[oldest]->used == p->clock)
            return;
        forget_take(p, oldest);
    }
}

static cbx_status add_take(plug *p, plug_take *t, cbx_error *err)
{
    if (p->take_count == PLUG_TAKES) {
        forget_takes(p, PLUG_TAKES - 1);
        if (p->take_count == PLUG_TAKES)
            return cbx_fail(err, CBX_E_LIMIT, "too many takes");
    }
    p->takes[p->take_count++] = t;
    return CBX_OK;
}

static cbx_status take_for(plug *p, const plug_phrase *f, plug_take **out,
                           cbx_error *err)
{
    const plug_request r = {
        f->text,
        *f->voice ? f->voice : p->voice,
        f->seeded ? f->seed : (uint64_t)p->used[PLUG_SEED],
        p->used[PLUG_SPEED],
        p->used[PLUG_PITCH],
    };
    const plug_key key = plug_request_key(&r);
    plug_take *t = find_take(p, &key);
    if (!t) {
        t = plug_take_new(&r, p->rate);
        if (!t)
            return cbx_fail(err, CBX_E_NOMEM, "out of memory");
        t->not_before = atomic_load(&p->offline) ? 0 : cbx_clock_ns() + REST_NS;
        cbx_status st = add_take(p, t, err);
        if (st) {
            plug_take_unref(t);
            return st;
        }
        if (!*f->text && (st = plug_take_finish(t, err)))
            return st;
    }
    t->used = p->clock;
    *out = t;
    return CBX_OK;
}

cbx_status plug_rebuild(plug *p, cbx_error *err)
{
    if (!p->rate)
        return CBX_OK;
    p->clock++;
    for (int i = 0; i < PLUG_PHRASES; i++) {
        plug_take *t = NULL;
        if (i < p->script.count) {
            const cbx_status st = take_for(p, &p->script.phrases[i], &t, err);
            if (st)
                return st;
            plug_take_ref(t);
        }
        plug_take_unref(p->of_phrase[i]);
        p->of_phrase[i] = t;
    }
    forget_takes(p, p->script.count + PLUG_CACHE);
    return plug_publish(p, err);
}

/* -- the text -------------------------------------------------------------- */

static cbx_status set_script(plug *p, const char *text, size_t n, uint32_t rate,
                             cbx_error *err)
{
    /* on the heap: it is large */
    plug_script *s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    rate = rate ? rate : UNKNOWN_RATE;
    cbx_status st = plug_script_read(text, n, rate, s, err);
    if (!st) {
        plug_script_clear(&p->script);
        p->script = *s;
        p->script_rate = rate;
        for (int i = 0; i < PLUG_PHRASES; i++) {
            plug_take_unref(p->of_phrase[i]);
            p->of_phrase[i] = NULL;
        }
        if (p->rate && rate != p->rate) {
            plug_script_rescale(&p->script, rate, p->rate);
            p->script_rate = p->rate;
        }
        p->text_serial++;
        *p->complaint = '\0';
        st = plug_rebuild(p, err);
    }
    free(s);
    return st;
}

static cbx_status set_voice(plug *p, const char *voice, cbx_error *err)
{
    if (strlen(voice) >= PLUG_VOICE_MAX || strpbrk(voice, "\n\"\t"))
        return cbx_fail(err, CBX_E_ARG,
                        "voice: a name has at most %d bytes, and neither "
                        "quotes nor line breaks",
                        PLUG_VOICE_MAX - 1);
    snprintf(p->voice, sizeof p->voice, "%s", voice);
    p->text_serial++;
    *p->complaint = '\0';
    return plug_rebuild(p, err);
}

static void complain(plug *p, const char *sentence)
{
    snprintf(p->complaint, sizeof p->complaint, "%.250s", sentence);
    for (char *c = p->complaint; *c; c++)
        if (*c == '\t' || *c == '\n')
            *c = ' ';
    plug_log(p, sentence);
    if (p->rate && plug_publish(p, NULL) != CBX_OK)
        plug_log(p, "out of memory");
}

static cbx_status told(plug *p, cbx_status st, const cbx_error *e,
                       cbx_error *err)
{
    if (st) {
        complain(p, e->text);
        if (err)
            *err = *e;
    }
    pthread_mutex_unlock(&p->lock);
    service_wake(p->service);
    return st;
}

cbx_status plug_set_script(plug *p, const char *text, size_t n, cbx_error *err)
{
    cbx_error e = {0};
    pthread_mutex_lock(&p->lock);
    return told(p, set_script(p, text, n, p->rate, &e), &e, err);
}

cbx_status plug_set_voice(plug *p, const char *voice, cbx_error *err)
{
    cbx_error e = {0};
    pthread_mutex_lock(&p->lock);
    return told(p, set_voice(p, voice, &e), &e, err);
}

cbx_status plug_restore(plug *p, const char *script, size_t n, uint32_t rate,
                        const char *voice, cbx_error *err)
{
    cbx_error e = {0};
    pthread_mutex_lock(&p->lock);
    cbx_status st = set_voice(p, voice, &e);
    if (!st)
        st = set_script(p, script, n, rate ? rate : p->rate, &e);
    return told(p, st, &e, err);
}

static void retry(plug *p)
{
    for (int i = p->take_count; i-- > 0;) {
        atomic_store(&p->takes[i]->missed, false);
        if (atomic_load(&p->takes[i]->state) == TAKE_FAILED)
            forget_take(p, i);
    }
    cbx_error e = {0};
    if (plug_rebuild(p, &e))
        complain(p, e.text);
}

void plug_retry(plug *p)
{
    pthread_mutex_lock(&p->lock);
    retry(p);
    pthread_mutex_unlock(&p->lock);
    service_wake(p->service);
}

cbx_status plug_set_rate(plug *p, uint32_t rate, cbx_error *err)
{
    cbx_status st = CBX_OK;
    pthread_mutex_lock(&p->lock);
    player_reset(&p->player, rate);
    if (p->rate != rate) {
        p->rate = rate;
        if (p->script_rate && p->script_rate != rate)
            plug_script_rescale(&p->script, p->script_rate, rate);
        p->script_rate = rate;
        p->text_serial++;
        for (int i = 0; i < p->take_count; i++) {
            plug_take *t = p->takes[i];
            if (atomic_load(&t->state) != TAKE_DONE)
                continue;
            plug_take *again = plug_take_rerate(t, rate);
            if (!again) {
                st = cbx_fail(err, CBX_E_NOMEM, "out of memory");
                break;
            }
            p->takes[i] = again;
            plug_take_unref(t);
        }
        if (!st)
            st = plug_rebuild(p, err);
    }
    plug_reap(p);
    pthread_mutex_unlock(&p->lock);
    service_wake(p->service);
    return st;
}

/* -- from the audio thread ------------------------------------------------- */

static void apply_edit(plug *p, plug_edit what)
{
    cbx_error e = {0};
    cbx_status st = CBX_OK;
    char *text = p->edit_text ? p->edit_text : "";
    if (what == PLUG_EDIT_SCRIPT) {
        st = set_script(p, text, p->edit_size, p->rate, &e);
    } else if (what == PLUG_EDIT_VOICE) {
        char name[PLUG_VOICE_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int)p->edit_size, text);
        st = set_voice(p, name, &e);
    } else {
        retry(p);
    }
    if (st)
        complain(p, e.text);
    p->edit_size = 0;
}

static void absorb_edits(plug *p)
{
    edit_piece piece;
    while (cbx_queue_pop(p->edits, &piece)) {
        char *more = realloc(p->edit_text, p->edit_size + piece.bytes + 1);
        if (!more) {
            complain(p, "out of memory");
            continue;
        }
        p->edit_text = more;
        memcpy(more + p->edit_size, piece.text, piece.bytes);
        p->edit_size += piece.bytes;
        if (piece.last)
            apply_edit(p, (plug_edit)piece.what);
    }
    if (atomic_exchange(&p->refused, 0))
        complain(p, "a text was refused: it is longer than 65536 bytes, or "
                    "several came at once; open the window or use a preset");
}

static void absorb_params(plug *p, bool now)
{
    static const plug_param rendered[] = {PLUG_SPEED, PLUG_PITCH, PLUG_SEED};
    bool changed = false, moved = false;
    for (int i = 0; i < 3; i++) {
        const float v = plug_get(p, rendered[i]);
        moved |= v != p->seen[rendered[i]];
        changed |= v != p->used[rendered[i]];
        p->seen[rendered[i]] = v;
    }
    now |= !p->settled;
    p->settled |=
        atomic_load(&p->player.held[0]) || atomic_load(&p->player.held[1]);
    if (moved)
        p->seen_at = cbx_clock_ns();
    if (!changed || (!now && cbx_clock_ns() < p->seen_at + REST_NS))
        return;
    for (int i = 0; i < 3; i++)
        p->used[rendered[i]] = p->seen[rendered[i]];
    cbx_error e = {0};
    if (plug_rebuild(p, &e))
        complain(p, e.text);
}

void plug_absorb(plug *p, bool now)
{
    atomic_store(&p->serve, false);
    absorb_edits(p);
    absorb_params(p, now);
}

void plug_serve(plug *p)
{
    pthread_mutex_lock(&p->lock);
    plug_absorb(p, atomic_load(&p->offline));
    pthread_mutex_unlock(&p->lock);
    service_wake(p->service);
}

void plug_will_serve(plug *p)
{
    p->shell_serves = true;
}

/* -- copies for others ----------------------------------------------------- */

char *plug_script_copy(plug *p)
{
    pthread_mutex_lock(&p->lock);
    char *s = plug_script_text(&p->script, p->script_rate);
    pthread_mutex_unlock(&p->lock);
    return s;
}

char *plug_voice_copy(plug *p)
{
    pthread_mutex_lock(&p->lock);
    char *s = strdup(p->voice);
    pthread_mutex_unlock(&p->lock);
    return s;
}

char *plug_status_copy(plug *p)
{
    pthread_mutex_lock(&p->lock);
    char *s = strdup(p->status ? p->status : "");
    pthread_mutex_unlock(&p->lock);
    return s;
}

char *plug_missing_copy(plug *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < p->script.count; i++) {
        const plug_take *t = p->of_phrase[i];
        if (t &&
            (atomic_load(&t->missed) || atomic_load(&t->state) == TAKE_FAILED))
            fprintf(to, "%s%d", ftell(to) ? " " : "",
                    p->script.phrases[i].number);
    }
    pthread_mutex_unlock(&p->lock);
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

char *plug_voices_copy(plug *p)
{
    char *s = calloc(1, 8192);
    if (s)
        service_voices(p->service, s, 8192);
    return s;
}

uint32_t plug_rate(plug *p)
{
    pthread_mutex_lock(&p->lock);
    const uint32_t rate = p->rate ? p->rate : UNKNOWN_RATE;
    pthread_mutex_unlock(&p->lock);
    return rate;
}

cbx_status plug_takes(plug *p,
                      cbx_status (*see)(void *arg, int number,
                                        const plug_take *take, cbx_error *err),
                      void *arg, cbx_error *err)
{
    cbx_status st = CBX_OK;
    pthread_mutex_lock(&p->lock);
    for (int i = 0; p->rate && !st && i < p->script.count; i++) {
        const plug_take *t = p->of_phrase[i];
        if (atomic_load(&t->state) == TAKE_DONE && t->frames)
            st = see(arg, p->script.phrases[i].number, t, err);
    }
    pthread_mutex_unlock(&p->lock);
    return st;
}

/* Takes the place of an unfinished one with the same key. */
static cbx_status adopt(plug *p, plug_take *t, cbx_error *err)
{
    pthread_mutex_lock(&p->lock);
    cbx_status st = CBX_OK;
    for (int i = p->take_count; i-- > 0;) {
        if (strcmp(p->takes[i]->key.hex, t->key.hex))
            continue;
        if (atomic_load(&p->takes[i]->state) == TAKE_DONE) {
            plug_take_unref(t);
            pthread_mutex_unlock(&p->lock);
            return CBX_OK;
        }
        forget_take(p, i);
    }
    t->used = p->clock;
    st = add_take(p, t, err);
    if (st)
        plug_take_unref(t);
    else
        st = plug_rebuild(p, err);
    pthread_mutex_unlock(&p->lock);
    return st;
}

cbx_status plug_add_take_file(plug *p, const char *path, cbx_error *err)
{
    plug_take *t;
    const uint32_t rate = p->rate ? p->rate : PLUG_NATIVE_RATE;
    const cbx_status st = plug_take_load(path, rate, &t, err);
    return st ? st : adopt(p, t, err);
}

cbx_status plug_add_take_bytes(plug *p, const void *bytes, size_t n,
                               cbx_error *err)
{
    plug_take *t;
    const uint32_t rate = p->rate ? p->rate : PLUG_NATIVE_RATE;
    const cbx_status st = plug_take_unpack(bytes, n, rate, &t, err);
    return st ? st : adopt(p, t, err);
}
