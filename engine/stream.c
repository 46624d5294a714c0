/* The public functions of a stream, on the callers' side. */
#include "engine/internal.h"

#include "rt/clock.h"
#include "rt/priority.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Frames between the decode thread and the listener: five seconds at 48 kHz. A
 * cancel drops them, so depth costs no responsiveness. */
enum { RING_FRAMES = 1 << 18, EVENTS = 1024, FADE_MS = 5 };

/* -- open and close -------------------------------------------------------- */

static cbx_status open_arena(cbx_stream *s, cbx_error *err)
{
    cbx_error warning;
    const size_t bytes =
        cbx_ring_bytes(RING_FRAMES) + 2 * EVENTS * sizeof(stream_event) + 4096;
    cbx_status st = cbx_arena_open(bytes, &s->arena, err);
    if (!st)
        st =
            cbx_ring_new(&s->arena, RING_FRAMES,
                         s->params.sample_rate * FADE_MS / 1000, &s->ring, err);
    if (!st)
        st = cbx_queue_new(&s->arena, EVENTS, sizeof(stream_event), &s->events,
                           err);
    if (!st && !cbx_memory_lock(s->arena.base, s->arena.size, &warning))
        engine_warn(s->engine, warning.text);
    return st;
}

static cbx_status open_pipeline(cbx_stream *s, cbx_error *err)
{
    const cbx_params *p = &s->params;
    const cbx_model *m = s->voice->model;
    cbx_pipeline_options options = {
        .seed = p->seed,
        .grid = s->live ? CBX_GRID_LIVE : (cbx_grid)p->latency,
        .flow = (cbx_flow)p->flow,
        .history = p->flow_history,
        .look_ahead = p->look_ahead,
        .guards = p->guards,
        .exaggeration = p->exaggeration,
        .sampling = {.order = cbx_tts_config(m->tts)->t3.gpt2
                                  ? CBX_SAMPLE_TURBO
                                  : CBX_SAMPLE_LLAMA,
                     .temperature = p->temperature,
                     .top_p = p->top_p,
                     .min_p = p->min_p,
                     .repetition_penalty = p->repetition_penalty,
                     .cfg_weight = p->cfg_weight,
                     .top_k = p->top_k}};
    const char *notice;
    memcpy(options.language, p->language, sizeof options.language);
    cbx_status st = cbx_tts_language(m->tts, p->language, &notice, err);
    if (st)
        return st;
    if (notice)
        engine_warn(s->engine, notice);
    pthread_mutex_lock(&s->engine->device);
    st = cbx_pipeline_open(m->tts, s->voice->speaker, &options, &s->pipeline,
                           err);
    pthread_mutex_unlock(&s->engine->device);
    return st;
}

/* [text] A language that the markup names. */
static bool speaks(void *user, const char *language)
{
    const cbx_stream *s = user;
    const char *notice;
    cbx_error ignored;
    return !cbx_tts_language(s->voice->model->tts, language, &notice, &ignored);
}

static void warn_about_text(void *user, const char *sentence)
{
    engine_warn(user, sentence);
}

static cbx_status open_text(cbx_stream *s, cbx_error *err)
{
    const cbx_params *p = &s->params;
    const cbx_config *c = cbx_tts_config(s->voice->model->tts);
    const bool one_language = c->family != CBX_FAMILY_MULTILINGUAL;
    const cbx_script_options options = {.max_chars = c->limits.max_text_chars,
                                        .wrapped = p->wrapped,
                                        .ssml = p->markup == CBX_MARKUP_SSML,
                                        .normalize = p->normalize,
                                        .english = one_language ||
                                                   !strcmp(p->language, "en"),
                                        .language = p->language,
                                        .speaks = speaks,
                                        .user = s};
    pronounce *dictionary;
    const cbx_status st = stream_open_dictionary(s, &dictionary, err);
    return st ? st
              : text_feed_open(&options, dictionary, warn_about_text, s->engine,
                               &s->text, err);
}

static cbx_status
open_parts(cbx_stream *s,
           cbx_status (*set_up)(cbx_stream *s, const void *arg, cbx_error *err),
           const void *arg, cbx_error *err)
{
    cbx_status st = cbx_params_check(&s->params, err);
    if (!st && set_up)
        st = set_up(s, arg, err);
    if (!st)
        st = open_arena(s, err);
    if (!st)
        st = open_text(s, err);
    if (!st)
        st = open_pipeline(s, err);
    if (!st)
        st = stream_mark_open(s, err);
    if (!st)
        st = stream_out_open(s, err);
    if (st)
        return st;
    const uint32_t epoch = cbx_ring_epoch(s->ring);
    cbx_ring_begin(s->ring, epoch);
    atomic_init(&s->epoch, epoch);
    atomic_init(&s->rate, s->params.sample_rate);
    if ((st = stream_out_reset(s, epoch, err)))
        return st;
    return engine_add(s->engine, s, err);
}

static void free_stream(cbx_stream *s)
{
    stream_out_close(s);
    stream_mark_close(s);
    stream_convert_close(s);
    pthread_mutex_lock(&s->engine->device);
    cbx_pipeline_close(s->pipeline);
    pthread_mutex_unlock(&s->engine->device);
    text_feed_close(s->text);
    if (s->arena.base)
        cbx_memory_unlock(s->arena.base, s->arena.size);
    cbx_arena_close(&s->arena);
    pthread_cond_destroy(&s->moved);
    stream_map_destroy(&s->map);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

cbx_status cbx_stream_open(cbx_voice *voice, const cbx_params *params,
                           cbx_stream **out, cbx_error *err)
{
    return stream_open(voice, params, NULL, NULL, out, err);
}

cbx_status stream_open(cbx_voice *voice, const cbx_params *params,
                       cbx_status (*set_up)(cbx_stream *s, const void *arg,
                                            cbx_error *err),
                       const void *arg, cbx_stream **out, cbx_error *err)
{
    cbx_stream *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    s->engine = voice->model->engine;
    s->voice = voice;
    s->params = *params;
    s->dry = true;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    stream_map_init(&s->map);
    atomic_init(&s->speed, params->speed);
    atomic_init(&s->pitch, params->pitch);
    atomic_init(&s->gain_db, params->gain_db);
    pthread_cond_init(&s->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    const cbx_status st = open_parts(s, set_up, arg, err);
    if (st) {
        free_stream(s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

void cbx_stream_close(cbx_stream *s)
{
    if (!s)
        return;
    engine_remove(s->engine, s);
    free_stream(s);
}

/* -- text ------------------------------------------------------------------ */

static uint64_t cancels(const cbx_stream *s)
{
    return atomic_load_explicit(&s->cancels, memory_order_acquire);
}

/* From here on the stream has ended only when this text was spoken. */
static void note_text(cbx_stream *s, uint64_t now)
{
    if (atomic_load_explicit(&s->text_for, memory_order_relaxed) == now + 1)
        return;
    atomic_store_explicit(&s->asked_ns, cbx_clock_ns(), memory_order_relaxed);
    /* release: the time belongs to it */
    atomic_store_explicit(&s->text_for, now + 1, memory_order_release);
}

uint64_t stream_note_input(cbx_stream *s)
{
    const uint64_t now = cancels(s);
    note_text(s, now);
    return now;
}

cbx_status cbx_stream_push(cbx_stream *s, const char *text, size_t n,
                           size_t *taken, cbx_error *err)
{
    const uint64_t now = cancels(s);
    *taken = 0;
    if (s->sound)
        return cbx_fail(err, CBX_E_ARG,
                        "text for a stream that converts speech");
    if (n > 0)
        note_text(s, now);
    const cbx_status st = text_feed_push(s->text, now, text, n, taken, err);
    engine_poke(s->engine);
    return st;
}

void cbx_stream_flush(cbx_stream *s)
{
    text_feed_flush(s->text, cancels(s));
    engine_poke(s->engine);
}

void cbx_stream_finish(cbx_stream *s)
{
    const uint64_t now = cancels(s);
    note_text(s, now);
    cbx_error ignored;
    if (s->sound && sound_feed_finish(s->sound, now, &ignored))
        return;
    text_feed_finish(s->text, now);
    engine_poke(s->engine);
}

void cbx_stream_cancel(cbx_stream *s)
{
    cbx_ring_cancel(s->ring);
    /* release: who sees the count sees the ring's new epoch */
    atomic_fetch_add_explicit(&s->cancels, 1, memory_order_release);
}

cbx_status cbx_stream_replace(cbx_stream *s, const char *text, size_t n,
                              size_t *taken, cbx_error *err)
{
    cbx_stream_cancel(s);
    return cbx_stream_push(s, text, n, taken, err);
}

void cbx_stream_pause(cbx_stream *s, bool on)
{
    cbx_ring_pause(s->ring, on);
}

/* -- sound ----------------------------------------------------------------- */

CBX_RT uint32_t cbx_stream_read(cbx_stream *s, float *out, uint32_t n,
                                uint32_t *owed)
{
    const cbx_ring_got got = cbx_ring_read(s->ring, out, n);
    if (owed)
        *owed = got.underrun;
    return got.frames;
}

CBX_RT uint32_t cbx_stream_available(const cbx_stream *s)
{
    const uint32_t epoch =
        atomic_load_explicit(&s->epoch, memory_order_acquire);
    return cbx_ring_gate_is_open(s->ring, epoch) ? cbx_ring_queued(s->ring) : 0;
}

CBX_RT bool cbx_stream_ended(const cbx_stream *s)
{
    const uint64_t now = cancels(s);
    const bool text =
        atomic_load_explicit(&s->text_for, memory_order_acquire) == now + 1;
    const bool seen =
        now == atomic_load_explicit(&s->cancels_seen, memory_order_acquire);
    if (!seen)
        return !text && atomic_load_explicit(&s->drained, memory_order_acquire);
    if (text && !atomic_load_explicit(&s->all_written, memory_order_acquire))
        return false;
    return (text || now > 0) &&
           cbx_ring_ended(
               s->ring, atomic_load_explicit(&s->epoch, memory_order_acquire));
}

static struct timespec deadline_in(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000L;
    t.tv_nsec %= 1000000000L;
    return t;
}

/* Once the decode thread has seen a cancel, the reader has a fade to take; once
 * all is written, an end to see, even where there was nothing to hear. */
static bool can_read(const cbx_stream *s)
{
    const uint64_t now = cancels(s);
    const bool text =
        atomic_load_explicit(&s->text_for, memory_order_acquire) == now + 1;
    const bool seen =
        now == atomic_load_explicit(&s->cancels_seen, memory_order_acquire);
    const bool cancelled = now > 0 && !text && seen;
    const bool over =
        text && seen &&
        atomic_load_explicit(&s->all_written, memory_order_acquire);
    return cancelled || over || cbx_stream_available(s) > 0 ||
           cbx_stream_ended(s);
}

bool cbx_stream_wait(cbx_stream *s, int timeout_ms)
{
    const struct timespec until = deadline_in(timeout_ms > 0 ? timeout_ms : 0);
    engine_poke(s->engine); /* the ring may have been full */
    pthread_mutex_lock(&s->lock);
    while (!can_read(s) &&
           pthread_cond_timedwait(&s->moved, &s->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&s->lock);
    return can_read(s);
}

/* The reader stands still meanwhile, so this thread may read in its place: it
 * takes what the ring fades out at the old rate. */
static void empty_ring(cbx_stream *s)
{
    enum { PIECE = 1024 };
    float scratch[PIECE];
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    for (uint32_t n = rate * FADE_MS / 1000 + 1; n > 0;) {
        const uint32_t step = n < PIECE ? n : PIECE;
        cbx_ring_read(s->ring, scratch, step);
        n -= step;
    }
}

static void wait_for(cbx_stream *s, int state)
{
    while ((int)s->rate_change != state) {
        pthread_mutex_unlock(&s->lock);
        engine_poke(s->engine);
        pthread_mutex_lock(&s->lock);
        if ((int)s->rate_change != state) {
            const struct timespec until = deadline_in(20);
            pthread_cond_timedwait(&s->moved, &s->lock, &until);
        }
    }
}

cbx_status cbx_stream_set_rate(cbx_stream *s, uint32_t rate, cbx_error *err)
{
    cbx_params params = s->params;
    params.sample_rate = rate;
    cbx_status st = cbx_params_check(&params, err);
    if (st || rate == atomic_load_explicit(&s->rate, memory_order_relaxed))
        return st;
    pthread_mutex_lock(&s->lock);
    s->rate_asked = rate;
    s->rate_change = RATE_ASKED;
    wait_for(s, RATE_PARKED);
    empty_ring(s);
    cbx_ring_set_fade(s->ring, rate * FADE_MS / 1000);
    s->rate_change = RATE_GO;
    wait_for(s, RATE_STEADY);
    st = s->rate_status;
    if (st)
        cbx_fail(err, st, "%s", s->rate_error.text);
    else
        s->params.sample_rate = rate;
    pthread_mutex_unlock(&s->lock);
    return st;
}

/* -- stats ----------------------------------------------------------------- */

void cbx_stream_get_stats(const cbx_stream *stream, cbx_stream_stats *out)
{
    cbx_stream *s = (cbx_stream *)stream; /* only to take its lock */
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    pthread_mutex_unlock(&s->lock);
    const uint32_t epoch =
        atomic_load_explicit(&s->epoch, memory_order_acquire);
    out->frames_read = cbx_ring_played(s->ring, epoch);
    out->frames_made = out->frames_read + cbx_ring_queued(s->ring);
    out->underruns = cbx_ring_underrun_events(s->ring);
    out->underrun_frames = cbx_ring_underrun_frames(s->ring);
    out->bad_bytes = text_feed_replaced(s->text);
}
