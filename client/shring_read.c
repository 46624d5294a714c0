/* The client's side of the ring: real-time safe. */
#include "client/shring.h"

#include <string.h>

void cbx_shring_reader_init(cbx_shring_reader *r, const cbx_shring_map *map)
{
    *r = (cbx_shring_reader){.map = *map, .gain = 1};
}

/* A stretch as it is now; `to` is how far it can be read. */
typedef struct {
    uint64_t job, start, base, to;
    bool ended, wanted;
} view;

static CBX_RT view look(const cbx_shring_map *m, uint64_t k)
{
    cbx_shring_stretch *s = &m->memory->stretch[k % RING_STRETCHES];
    /* acquire, and the end first: an end that is seen comes with its frames */
    const uint64_t end = atomic_load_explicit(&s->end, memory_order_acquire);
    const uint64_t written =
        atomic_load_explicit(&m->memory->written, memory_order_acquire);
    const uint64_t job = atomic_load_explicit(&s->job, memory_order_relaxed);
    const uint64_t drop =
        atomic_load_explicit(&m->memory->drop, memory_order_acquire);
    return (view){
        .job = job,
        .start = atomic_load_explicit(&s->start, memory_order_relaxed),
        .base = atomic_load_explicit(&s->base, memory_order_relaxed),
        .to = end < written ? end : written,
        .ended = end != RING_OPEN,
        .wanted = job > drop &&
                  !atomic_load_explicit(&s->unwanted, memory_order_acquire)};
}

static CBX_RT void copy_out(const cbx_shring_map *m, uint64_t from, float *out,
                            uint32_t n)
{
    const uint32_t at = (uint32_t)(from & (m->frames - 1));
    const uint32_t head = n < m->frames - at ? n : m->frames - at;
    memcpy(out, m->memory->pcm + at, head * sizeof *out);
    memcpy(out + head, m->memory->pcm, (n - head) * sizeof *out);
}

/* The gain moves by `step` a frame, and stays at 0 and 1. Returns the frames
 * after which it reached 0, or n. */
static CBX_RT uint32_t fade(cbx_shring_reader *r, float *out, uint32_t n)
{
    if (r->step == 0)
        return n;
    for (uint32_t i = 0; i < n; i++) {
        r->gain += r->step;
        if (r->gain >= 1) {
            r->gain = 1;
            r->step = 0;
            return n;
        }
        if (r->gain <= 0) {
            r->gain = 0;
            memset(out + i, 0, (n - i) * sizeof *out);
            return i;
        }
        /* 3x^2 - 2x^3: no corner at either end */
        out[i] *= r->gain * r->gain * (3 - 2 * r->gain);
    }
    return n;
}

static CBX_RT float fade_step(const cbx_shring_reader *r)
{
    return 200.0f / (float)r->map.rate; /* 5 ms */
}

/* What is left of a job that is not wanted any more: a fade, if it was being
 * heard. Returns the frames put out. */
static CBX_RT uint32_t leave(cbx_shring_reader *r, const view *v, float *out,
                             uint32_t n)
{
    uint32_t used = 0;
    if (r->playing == v->job && !r->held && r->gain > 0) {
        const uint64_t there = v->to > r->at ? v->to - r->at : 0;
        const uint32_t m = (uint32_t)(there < n ? there : n);
        copy_out(&r->map, r->at, out, m);
        if (r->step >= 0) {
            const uint32_t full = r->map.rate / 200; /* 5 ms, or what is left */
            r->step = -r->gain / (float)(there < full ? there + 1 : full);
        }
        used = fade(r, out, m);
        r->at += used;
        if (r->gain > 0 && used == n)
            return n; /* the fade goes on */
    }
    r->gain = 1;
    r->step = 0;
    r->playing = 0;
    r->held = false;
    if (v->to > r->at)
        r->at = v->to;
    return used;
}

/* A pause: fades out once, then nothing moves. True: nothing to play now. */
static CBX_RT bool pausing(cbx_shring_reader *r)
{
    const bool wanted = atomic_load_explicit(&r->paused, memory_order_relaxed);
    if (wanted && !r->held && r->step >= 0) {
        if (!r->playing)
            r->held = true;
        else
            r->step = -fade_step(r);
    } else if (!wanted && (r->held || r->step < 0)) {
        r->held = false;
        r->step = r->playing ? fade_step(r) : 0;
    }
    return r->held;
}

static CBX_RT uint32_t play(cbx_shring_reader *r, const view *v, float *out,
                            uint32_t n)
{
    const uint64_t there = v->to > r->at ? v->to - r->at : 0;
    uint32_t m = (uint32_t)(there < n ? there : n);
    if (!m)
        return 0;
    r->playing = v->job;
    copy_out(&r->map, r->at, out, m);
    const uint32_t heard = fade(r, out, m);
    if (r->step < 0 && r->gain <= 0) {
        r->held = true;
        r->step = 0;
        m = heard; /* what comes behind is heard after the pause */
    }
    r->at += m;
    return m;
}

static CBX_RT void publish(cbx_shring_reader *r)
{
    /* release: we are done with what is before it */
    atomic_store_explicit(&r->map.memory->read, r->at, memory_order_release);
    atomic_store_explicit(&r->map.memory->passed, r->stretch,
                          memory_order_release);
}

/* A writer that keeps to the rules is never further ahead than the ring is
 * long. */
static CBX_RT bool makes_sense(const cbx_shring_reader *r, const view *v)
{
    return v->to <= r->at || v->to - r->at <= r->map.frames;
}

CBX_RT cbx_shring_got cbx_shring_read(cbx_shring_reader *r, float *out,
                                      uint32_t n, bool one_job)
{
    cbx_shring_got got = {0};
    uint32_t used = 0;
    cbx_shring_memory *m = r->map.memory;
    /* bounded: a writer that makes no sense must not hold the audio thread */
    for (int turn = 0; used < n && turn < 4 * RING_STRETCHES; turn++) {
        /* acquire: the stretches before it are whole */
        if (r->stretch >= atomic_load_explicit(&m->begun, memory_order_acquire))
            break;
        const view v = look(&r->map, r->stretch);
        if (v.start > r->at)
            r->at = v.start;
        if (!makes_sense(r, &v)) {
            r->at = v.to;
            continue;
        }
        uint32_t put;
        if (!v.wanted) {
            put = leave(r, &v, out + used, n - used);
        } else {
            if (pausing(r))
                break;
            const uint64_t frame = v.base + (r->at - v.start);
            put = play(r, &v, out + used, n - used);
            if (put && !got.frames) {
                got.job = v.job;
                got.frame = frame;
            }
            got.frames += put;
        }
        used += put;
        if (v.ended && r->at >= v.to && (v.wanted || !r->playing)) {
            r->stretch++;
            if (one_job && got.frames)
                break;
        } else if (!put) {
            if (v.wanted && !v.ended && r->playing == v.job && !r->held)
                got.owed = n - used;
            break;
        }
    }
    memset(out + used, 0, (n - used) * sizeof *out);
    publish(r);
    return got;
}

CBX_RT uint32_t cbx_shring_available(const cbx_shring_map *m)
{
    const uint64_t begun =
        atomic_load_explicit(&m->memory->begun, memory_order_acquire);
    const uint64_t read =
        atomic_load_explicit(&m->memory->read, memory_order_acquire);
    uint64_t sum = 0;
    uint64_t k = atomic_load_explicit(&m->memory->passed, memory_order_acquire);
    for (int i = 0; i < RING_STRETCHES && k < begun; i++, k++) {
        const view v = look(m, k);
        const uint64_t from = v.start > read ? v.start : read;
        if (v.wanted && v.to > from)
            sum += v.to - from;
    }
    return sum < m->frames ? (uint32_t)sum : m->frames;
}

CBX_RT bool cbx_shring_quiet(const cbx_shring_map *m)
{
    const uint64_t begun =
        atomic_load_explicit(&m->memory->begun, memory_order_acquire);
    if (cbx_shring_available(m))
        return false;
    if (!begun)
        return true;
    const view v = look(m, begun - 1);
    return v.ended || !v.wanted;
}

CBX_RT void cbx_shring_drop_up_to(const cbx_shring_map *m, uint64_t job)
{
    uint64_t now = atomic_load_explicit(&m->memory->drop, memory_order_relaxed);
    while (now < job &&
           !atomic_compare_exchange_weak(&m->memory->drop, &now, job))
        ;
}

void cbx_shring_drop_job(const cbx_shring_map *m, uint64_t job)
{
    for (int i = 0; i < RING_STRETCHES; i++) {
        cbx_shring_stretch *s = &m->memory->stretch[i];
        if (atomic_load_explicit(&s->job, memory_order_relaxed) == job)
            atomic_store_explicit(&s->unwanted, 1, memory_order_release);
    }
}

void cbx_shring_find_job(const cbx_shring_map *m, uint64_t job,
                         uint64_t *frames, bool *complete)
{
    const uint64_t begun =
        atomic_load_explicit(&m->memory->begun, memory_order_acquire);
    *frames = 0;
    *complete = false;
    for (uint64_t k = begun > RING_STRETCHES ? begun - RING_STRETCHES : 0;
         k < begun; k++) {
        const cbx_shring_stretch *s = &m->memory->stretch[k % RING_STRETCHES];
        const view v = look(m, k);
        if (v.job != job || v.to < v.start)
            continue;
        *frames = v.base + (v.to - v.start);
        *complete =
            v.ended && atomic_load_explicit(&s->done, memory_order_acquire) ==
                           STRETCH_COMPLETE;
    }
}
