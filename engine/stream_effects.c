/* Speed, pitch and gain, in takes: a take is made with one set of values. */
#include "engine/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NATIVE = 24000, POST = 4096 };
/* The map's anchors stand this far apart, and a gain takes this long to get
 * where it goes. */
enum { ANCHOR_STEP = NATIVE / 40, GAIN_STEPS = NATIVE / 50 };

/* The limiter: -1 dBTP; the gain comes back in 50 ms. */
static const float ceiling = 0.8912509f;
enum { RELEASE = NATIVE / 20 };

static float asked(const _Atomic float *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* What a take is made with: what was asked for, and what the markup of the text
 * that comes next says on top of it. */
static float wanted_speed(const cbx_stream *s)
{
    const float speed = asked(&s->speed) * s->effects.prosody.rate;
    return fminf(fmaxf(speed, 0.25f), 6);
}

static float wanted_pitch(const cbx_stream *s)
{
    const float pitch = asked(&s->pitch) + s->effects.prosody.pitch;
    return fminf(fmaxf(pitch, -12), 12);
}

static float wanted_gain(const cbx_stream *s)
{
    return asked(&s->gain_db) + s->effects.prosody.gain_db;
}

static double factor(float db)
{
    return db == 0 ? 1 : pow(10, (double)db / 20);
}

void stream_effects_settle(cbx_stream *s)
{
    s->effects.level = factor(asked(&s->gain_db));
}

cbx_status stream_effects_open(cbx_stream *s, cbx_error *err)
{
    struct stream_effects *e = &s->effects;
    e->post = malloc(POST * sizeof *e->post);
    if (!e->post)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    e->prosody = (cbx_prosody){.rate = 1};
    stream_effects_settle(s);
    cbx_status st = cbx_stretch_open(NATIVE, &e->stretch, err);
    if (!st)
        st = cbx_limiter_open(ceiling, RELEASE, &e->limiter, err);
    return st;
}

void stream_effects_close(cbx_stream *s)
{
    cbx_limiter_close(s->effects.limiter);
    cbx_stretch_close(s->effects.stretch);
    free(s->effects.post);
}

bool stream_effects_are_stale(const cbx_stream *s)
{
    const struct stream_effects *e = &s->effects;
    return e->speed != wanted_speed(s) || e->pitch != wanted_pitch(s) ||
           e->gain_db != wanted_gain(s);
}

double stream_effects_slope(const cbx_stream *s)
{
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    return (double)s->effects.speed * NATIVE / rate;
}

static double frame_of(const cbx_stream *s, uint64_t out)
{
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    return s->effects.frame + (double)out * rate / NATIVE;
}

cbx_status stream_effects_begin(cbx_stream *s, uint64_t from, double frame,
                                cbx_error *err)
{
    struct stream_effects *e = &s->effects;
    e->speed = wanted_speed(s);
    e->pitch = wanted_pitch(s);
    e->gain_db = wanted_gain(s);
    e->stretches = e->speed != 1 || e->pitch != 0;
    e->ended = e->all = false;
    cbx_limiter_begin(e->limiter);
    e->from = from;
    e->frame = frame;
    e->out = 0;
    e->next_anchor = ANCHOR_STEP;
    e->post_from = e->post_to = 0;
    stream_map_add(&s->map, (stream_anchor){frame, (double)from,
                                            stream_effects_slope(s), true});
    return e->stretches ? cbx_stretch_begin(e->stretch, (double)e->speed,
                                            pow(2, (double)e->pitch / 12), err)
                        : CBX_OK;
}

/* Gain moves in a straight line; 1 leaves every bit. */
static void apply_gain(struct stream_effects *e, float *x, size_t n)
{
    const double to = factor(e->gain_db);
    for (size_t i = 0; i < n && (e->level != to || to != 1); i++) {
        const double step = fmax(fabs(to), 1) / GAIN_STEPS;
        e->level += fmin(fmax(to - e->level, -step), step);
        x[i] = (float)((double)x[i] * e->level);
    }
}

static void pull(cbx_stream *s)
{
    struct stream_effects *e = &s->effects;
    e->post_from = 0;
    e->post_to = cbx_stretch_pull(e->stretch, e->post, POST);
    if (e->post_to && (double)e->out >= e->next_anchor && !e->ended) {
        e->next_anchor = (double)e->out + ANCHOR_STEP;
        stream_map_add(
            &s->map,
            (stream_anchor){frame_of(s, e->out),
                            (double)e->from + cbx_stretch_source(e->stretch),
                            stream_effects_slope(s), false});
    }
}

static void finish(struct stream_effects *e)
{
    apply_gain(e, e->post, e->post_to);
    e->out += e->post_to;
    e->post_to = cbx_limiter_run(e->limiter, e->post, e->post_to);
}

cbx_status stream_effects_run(cbx_stream *s, const float *pcm, size_t n,
                              size_t *used, cbx_error *err)
{
    struct stream_effects *e = &s->effects;
    *used = 0;
    if (!e->stretches) {
        *used = n < POST ? n : POST;
        memcpy(e->post, pcm, *used * sizeof *pcm);
        e->post_from = 0;
        e->post_to = *used;
        finish(e);
        return CBX_OK;
    }
    cbx_status st = CBX_OK;
    for (;;) {
        pull(s);
        finish(e);
        if (st || e->post_to > 0 || *used == n)
            return st;
        const size_t left = n - *used;
        const size_t step = left < CBX_STRETCH_BLOCK ? left : CBX_STRETCH_BLOCK;
        st = cbx_stretch_push(e->stretch, pcm + *used, step, err);
        *used += step;
    }
}

cbx_status stream_effects_end(cbx_stream *s, cbx_error *err)
{
    struct stream_effects *e = &s->effects;
    cbx_status st = CBX_OK;
    e->post_from = e->post_to = 0;
    if (e->stretches && !e->ended)
        st = cbx_stretch_end(e->stretch, err);
    e->ended = true;
    while (e->stretches && !st && e->post_to == 0) {
        const uint64_t before = e->out;
        pull(s);
        finish(e);
        if (e->out == before)
            break;
    }
    if (st || e->post_to > 0 || e->all)
        return st;
    e->post_to = cbx_limiter_end(e->limiter, e->post);
    e->all = true;
    return CBX_OK;
}

/* -- setters --------------------------------------------------------------- */

static CBX_RT float within(float x, float low, float high)
{
    return x > low ? x < high ? x : high : low; /* NaN: low */
}

CBX_RT void cbx_stream_set_speed(cbx_stream *s, float speed)
{
    atomic_store_explicit(&s->speed, within(speed, 0.5f, 6),
                          memory_order_relaxed);
}

CBX_RT void cbx_stream_set_pitch(cbx_stream *s, float semitones)
{
    atomic_store_explicit(&s->pitch, within(semitones, -12, 12),
                          memory_order_relaxed);
}

CBX_RT void cbx_stream_set_gain(cbx_stream *s, float db)
{
    atomic_store_explicit(&s->gain_db, within(db, -60, 24),
                          memory_order_relaxed);
}
