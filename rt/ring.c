#include "rt/ring.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define PI 3.14159265f

/* What the writer and the reader say about an epoch in one atomic number:
 * epoch << 32 | position. Positions count frames modulo 2^32. Epoch 0 is
 * never begun. */
typedef uint64_t mark;

/* A gain that moves from one level to another. Only frames move it. */
typedef struct ramp {
    float from, to; /* 0 ... 1 before the cosine */
    uint32_t frames, left;
} ramp;

/* What the reader keeps to itself. */
typedef struct listener {
    uint32_t epoch; /* the one it is at; 0 at first */
    bool over;      /* that one was cancelled and is faded out */
    bool leaving;   /* its fade has begun */
    bool sounding;  /* the last frame it gave was audible */
    bool dry;       /* the last read had an underrun */
    uint32_t known; /* frames of `epoch` are known to be queued up to here */
    uint64_t played, skipped;
    ramp gain;
    uint32_t tail,
        tail_left; /* of a cross-fade: its length, and what is left */
    float last;    /* the last frame given, before the gain */
} listener;

/* New frames in place of queued ones. Written while none waits. */
typedef struct splice {
    uint32_t epoch;
    uint32_t from, to; /* positions: the frame at `from` is now that at `to` */
    float ratio;
} splice;

/* `written` and `read` only grow; their difference, modulo 2^32, is the fill
 * level. What a thread writes often sits on its own cache line. */
struct cbx_ring {
    float *frames;
    uint32_t mask; /* capacity - 1 */

    /* by the writer */
    _Alignas(64) _Atomic uint32_t written;
    _Atomic mark begun;    /* the newest epoch and where it starts */
    _Atomic mark finished; /* a finished epoch and where it ends */
    splice splice;
    _Atomic uint32_t spliced, armed; /* counts of them */

    /* by the reader */
    _Alignas(64) _Atomic uint32_t read;
    _Atomic uint32_t playing; /* listener.epoch */
    _Atomic uint64_t played;  /* listener.played */
    _Atomic uint64_t skipped; /* listener.skipped */
    _Atomic uint32_t heeded;  /* the splice that it has gone over to */
    _Atomic uint64_t underrun_frames;
    _Atomic uint64_t underrun_events;
    listener me;
    float *old; /* [MOST_TAIL] what a cross-fade leaves */

    /* by anyone, seldom */
    _Alignas(64) _Atomic uint32_t wanted;
    _Atomic uint32_t gate; /* the epoch that may be heard */
    _Atomic uint32_t fade_frames;
    _Atomic bool paused;
};

enum { MOST_FRAMES = 1 << 30, MOST_TAIL = 4096 };

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics without locks");

static CBX_RT mark mark_of(uint32_t epoch, uint32_t at)
{
    return (mark)epoch << 32 | at;
}

static CBX_RT uint32_t mark_epoch(mark m)
{
    return (uint32_t)(m >> 32);
}

static CBX_RT uint32_t mark_at(mark m)
{
    return (uint32_t)m;
}

static CBX_RT uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t capacity_for(uint32_t min_frames)
{
    uint32_t cap = 1;
    while (cap < min_frames && cap < MOST_FRAMES)
        cap <<= 1;
    return cap;
}

size_t cbx_ring_bytes(uint32_t min_frames)
{
    const size_t alignment = 3 * 64;
    return sizeof(cbx_ring) +
           (capacity_for(min_frames) + MOST_TAIL) * sizeof(float) + alignment;
}

cbx_status cbx_ring_new(cbx_arena *arena, uint32_t min_frames,
                        uint32_t fade_frames, cbx_ring **out, cbx_error *err)
{
    if (min_frames == 0 || min_frames > MOST_FRAMES)
        return cbx_fail(err, CBX_E_ARG, "a ring of %u frames: choose 1 to %d",
                        min_frames, MOST_FRAMES);
    const uint32_t cap = capacity_for(min_frames);
    cbx_ring *r = cbx_arena_zero(arena, 1, sizeof *r);
    float *frames = cbx_arena_zero(arena, cap, sizeof *frames);
    float *old = cbx_arena_zero(arena, MOST_TAIL, sizeof *old);
    if (!r || !frames || !old)
        return cbx_fail(err, CBX_E_NOMEM,
                        "the arena has no room for a ring of %u frames", cap);

    r->frames = frames;
    r->old = old;
    r->mask = cap - 1;
    r->me.over = true;
    atomic_init(&r->wanted, 1);
    atomic_init(&r->fade_frames, fade_frames);
    *out = r;
    return CBX_OK;
}

/* --- writer ------------------------------------------------------------- */

CBX_RT bool cbx_ring_begin(cbx_ring *r, uint32_t epoch)
{
    if (cbx_ring_stale(r, epoch))
        return false;
    const mark m = atomic_load_explicit(&r->begun, memory_order_relaxed);
    if (mark_epoch(m) == epoch)
        return true;
    const uint32_t w = atomic_load_explicit(&r->written, memory_order_relaxed);
    /* release: whoever sees the epoch begun sees the frames before it written,
     * and `wanted` at least where this thread saw it */
    atomic_store_explicit(&r->begun, mark_of(epoch, w), memory_order_release);
    return true;
}

static CBX_RT bool may_write(const cbx_ring *r, uint32_t epoch)
{
    const mark m = atomic_load_explicit(&r->begun, memory_order_relaxed);
    return mark_epoch(m) == epoch && !cbx_ring_stale(r, epoch);
}

CBX_RT uint32_t cbx_ring_space(const cbx_ring *r)
{
    const uint32_t w = atomic_load_explicit(&r->written, memory_order_relaxed);
    /* acquire: the reader is done with the slots it has released */
    const uint32_t rd = atomic_load_explicit(&r->read, memory_order_acquire);
    return r->mask + 1 - (w - rd);
}

CBX_RT uint32_t cbx_ring_write(cbx_ring *r, uint32_t epoch, const float *pcm,
                               uint32_t n)
{
    if (!may_write(r, epoch))
        return 0;
    n = min_u32(n, cbx_ring_space(r));
    if (n == 0)
        return 0;
    const uint32_t w = atomic_load_explicit(&r->written, memory_order_relaxed);
    const uint32_t head = min_u32(n, r->mask + 1 - (w & r->mask));
    memcpy(r->frames + (w & r->mask), pcm, head * sizeof *pcm);
    memcpy(r->frames, pcm + head, (n - head) * sizeof *pcm);

    /* an end that was announced is none */
    atomic_store_explicit(&r->finished, 0, memory_order_relaxed);
    /* release: the frames are visible before the count says so */
    atomic_store_explicit(&r->written, w + n, memory_order_release);
    return n;
}

CBX_RT void cbx_ring_finish(cbx_ring *r, uint32_t epoch)
{
    if (!may_write(r, epoch))
        return;
    const uint32_t w = atomic_load_explicit(&r->written, memory_order_relaxed);
    /* release: whoever sees the end sees the frames before it */
    atomic_store_explicit(&r->finished, mark_of(epoch, w),
                          memory_order_release);
}

CBX_RT bool cbx_ring_splicing(const cbx_ring *r)
{
    /* acquire: the reader is done with the record */
    return atomic_load_explicit(&r->heeded, memory_order_acquire) !=
           atomic_load_explicit(&r->spliced, memory_order_relaxed);
}

CBX_RT bool cbx_ring_splice(cbx_ring *r, uint32_t epoch, uint64_t place,
                            float ratio)
{
    if (cbx_ring_splicing(r) || !may_write(r, epoch))
        return false;
    const mark m = atomic_load_explicit(&r->begun, memory_order_relaxed);
    r->splice =
        (splice){.epoch = epoch,
                 .from = mark_at(m) + (uint32_t)place,
                 .to = atomic_load_explicit(&r->written, memory_order_relaxed),
                 .ratio = ratio};
    /* release: whoever sees the count, or a frame written later, sees the
     * record */
    atomic_fetch_add_explicit(&r->spliced, 1, memory_order_release);
    return true;
}

CBX_RT void cbx_ring_arm(cbx_ring *r)
{
    /* release: whoever sees it armed sees the frames written before */
    atomic_store_explicit(
        &r->armed, atomic_load_explicit(&r->spliced, memory_order_relaxed),
        memory_order_release);
}

/* --- any thread --------------------------------------------------------- */

CBX_RT uint32_t cbx_ring_cancel(cbx_ring *r)
{
    /* release: whoever sees the new epoch wanted sees what led to it */
    return atomic_fetch_add_explicit(&r->wanted, 1, memory_order_acq_rel) + 1;
}

CBX_RT uint32_t cbx_ring_epoch(const cbx_ring *r)
{
    /* acquire: see cbx_ring_cancel */
    return atomic_load_explicit(&r->wanted, memory_order_acquire);
}

CBX_RT bool cbx_ring_stale(const cbx_ring *r, uint32_t epoch)
{
    return cbx_ring_epoch(r) != epoch;
}

CBX_RT void cbx_ring_open_gate(cbx_ring *r, uint32_t epoch)
{
    /* release: the reader that sees the gate open sees what was written
     * before, so that opening it late enough means no underrun */
    if (!cbx_ring_stale(r, epoch))
        atomic_store_explicit(&r->gate, epoch, memory_order_release);
}

CBX_RT bool cbx_ring_gate_is_open(const cbx_ring *r, uint32_t epoch)
{
    return atomic_load_explicit(&r->gate, memory_order_acquire) == epoch;
}

/* relaxed: pause and fade length stand for themselves */
CBX_RT void cbx_ring_pause(cbx_ring *r, bool paused)
{
    atomic_store_explicit(&r->paused, paused, memory_order_relaxed);
}

CBX_RT bool cbx_ring_is_paused(const cbx_ring *r)
{
    return atomic_load_explicit(&r->paused, memory_order_relaxed);
}

CBX_RT void cbx_ring_set_fade(cbx_ring *r, uint32_t frames)
{
    atomic_store_explicit(&r->fade_frames, frames, memory_order_relaxed);
}

CBX_RT uint32_t cbx_ring_queued(const cbx_ring *r)
{
    /* acquire: each load is made before the next; `written` before `read`, so
     * that the difference can only be too small, down to below zero */
    const mark begun = atomic_load_explicit(&r->begun, memory_order_acquire);
    const uint32_t w = atomic_load_explicit(&r->written, memory_order_acquire);
    const uint32_t at = atomic_load_explicit(&r->playing, memory_order_acquire);
    const uint32_t rd = atomic_load_explicit(&r->read, memory_order_acquire);
    if (cbx_ring_stale(r, mark_epoch(begun)))
        return 0;
    const uint32_t from = at == mark_epoch(begun) ? rd : mark_at(begun);
    const uint32_t queued = w - from;
    return queued > r->mask + 1 ? 0 : queued;
}

CBX_RT uint64_t cbx_ring_played(const cbx_ring *r, uint32_t epoch)
{
    /* acquire: a count of another epoch shows in the second look at the epoch;
     * see publish_epoch */
    if (atomic_load_explicit(&r->playing, memory_order_acquire) != epoch)
        return 0;
    const uint64_t n = atomic_load_explicit(&r->played, memory_order_acquire);
    if (atomic_load_explicit(&r->playing, memory_order_relaxed) != epoch)
        return 0;
    return n;
}

CBX_RT uint64_t cbx_ring_skipped(const cbx_ring *r, uint32_t epoch)
{
    /* acquire: as in cbx_ring_played */
    if (atomic_load_explicit(&r->playing, memory_order_acquire) != epoch)
        return 0;
    const uint64_t n = atomic_load_explicit(&r->skipped, memory_order_acquire);
    if (atomic_load_explicit(&r->playing, memory_order_relaxed) != epoch)
        return 0;
    return n;
}

CBX_RT uint64_t cbx_ring_place(const cbx_ring *r, uint32_t epoch)
{
    /* Between the two a splice can move the reader on: then the sum is its
     * place right behind the jump. */
    const uint64_t played = cbx_ring_played(r, epoch);
    return played + cbx_ring_skipped(r, epoch);
}

CBX_RT bool cbx_ring_ended(const cbx_ring *r, uint32_t epoch)
{
    const mark end = atomic_load_explicit(&r->finished, memory_order_acquire);
    const mark begun = atomic_load_explicit(&r->begun, memory_order_acquire);
    const uint32_t at = atomic_load_explicit(&r->playing, memory_order_acquire);
    const uint32_t rd = atomic_load_explicit(&r->read, memory_order_acquire);
    /* Who waits for frames never reads an epoch that has none. */
    const bool empty =
        at == 0 && mark_epoch(begun) == epoch && mark_at(begun) == mark_at(end);
    return mark_epoch(end) == epoch && (at == epoch || empty) &&
           rd == mark_at(end) && !cbx_ring_stale(r, epoch);
}

CBX_RT uint64_t cbx_ring_underrun_frames(const cbx_ring *r)
{
    return atomic_load_explicit(&r->underrun_frames, memory_order_relaxed);
}

CBX_RT uint64_t cbx_ring_underrun_events(const cbx_ring *r)
{
    return atomic_load_explicit(&r->underrun_events, memory_order_relaxed);
}

/* --- reader ------------------------------------------------------------- */

static CBX_RT void ramp_start(ramp *g, float to, uint32_t frames)
{
    const float at =
        g->left ? g->to + (g->from - g->to) * (float)g->left / (float)g->frames
                : g->to;
    *g = (ramp){.from = at, .to = to, .frames = frames, .left = frames};
}

static CBX_RT void ramp_set(ramp *g, float to)
{
    *g = (ramp){.from = to, .to = to};
}

/* Scales up to n frames in place; the last frame of the ramp has the level it
 * goes to. Returns how many frames that were. */
static CBX_RT uint32_t ramp_apply(ramp *g, float *x, uint32_t n)
{
    n = min_u32(n, g->left);
    for (uint32_t i = 0; i < n; i++) {
        g->left--;
        const float level =
            g->to + (g->from - g->to) * (float)g->left / (float)g->frames;
        x[i] *= 0.5f - 0.5f * cosf(PI * level);
    }
    return n;
}

static CBX_RT void copy_out(const cbx_ring *r, float *out, uint32_t at,
                            uint32_t n)
{
    const uint32_t head = min_u32(n, r->mask + 1 - (at & r->mask));
    memcpy(out, r->frames + (at & r->mask), head * sizeof *out);
    memcpy(out + head, r->frames, (n - head) * sizeof *out);
}

/* Copies n queued frames out and gives their slots back. */
static CBX_RT void take(cbx_ring *r, float *out, uint32_t n)
{
    const uint32_t rd = atomic_load_explicit(&r->read, memory_order_relaxed);
    copy_out(r, out, rd, n);
    r->me.played += n;
    atomic_store_explicit(&r->played, r->me.played, memory_order_release);
    /* release: the frames are copied before their slots are given back */
    atomic_store_explicit(&r->read, rd + n, memory_order_release);
}

/* Other threads must not take the count of one epoch for another's: between
 * the two stands an epoch 0. The releases keep this order. */
static CBX_RT void publish_epoch(cbx_ring *r, uint32_t epoch)
{
    r->me.played = r->me.skipped = 0;
    r->me.tail_left = 0;
    atomic_store_explicit(&r->playing, 0, memory_order_relaxed);
    atomic_store_explicit(&r->skipped, 0, memory_order_release);
    atomic_store_explicit(&r->played, 0, memory_order_release);
    atomic_store_explicit(&r->playing, epoch, memory_order_release);
}

static CBX_RT void begin_leaving(cbx_ring *r, uint32_t queued)
{
    listener *me = &r->me;
    const bool fading_already = me->gain.left && me->gain.to == 0;
    const uint32_t fade =
        atomic_load_explicit(&r->fade_frames, memory_order_relaxed);
    me->leaving = true;
    if (!me->sounding)
        ramp_set(&me->gain, 0);
    else if (!fading_already)
        ramp_start(&me->gain, 0, min_u32(fade, queued));
}

/* The cancelled epoch goes out with a fade, over its own frames only: those
 * below `known`. Returns the frames given. */
static CBX_RT uint32_t leave(cbx_ring *r, float *out, uint32_t n)
{
    listener *me = &r->me;
    if (me->over)
        return 0;
    if (!me->leaving)
        begin_leaving(r, me->known - atomic_load_explicit(
                                         &r->read, memory_order_relaxed));
    n = min_u32(n, me->gain.left);
    take(r, out, n);
    ramp_apply(&me->gain, out, n);
    me->over = me->gain.left == 0;
    return n;
}

/* Drops what is left of cancelled epochs, and starts the wanted one if the
 * writer has begun it.
 *
 * The order of the three loads in cbx_ring_read is what makes this right. Say
 * `begun` is not the wanted epoch: then it is an older one, since `wanted` was
 * read later and the writer only begins what is wanted. Had any frame below
 * `w` belonged to a newer epoch than `begun`, then `begun`, read after `w`,
 * would have been that epoch. So all frames below `w` are old. */
static CBX_RT void turn_over(cbx_ring *r, uint32_t w, mark begun,
                             uint32_t wanted)
{
    listener *me = &r->me;
    if (mark_epoch(begun) != wanted) {
        atomic_store_explicit(&r->read, w, memory_order_release);
        return;
    }
    /* release: as in take */
    atomic_store_explicit(&r->read, mark_at(begun), memory_order_release);
    publish_epoch(r, wanted);
    me->epoch = wanted;
    me->over = me->leaving = me->sounding = me->dry = false;
    ramp_set(&me->gain, cbx_ring_is_paused(r) ? 0 : 1);
    /* `w` may be from before the epoch began */
    me->known = (int32_t)(w - mark_at(begun)) > 0 ? w : mark_at(begun);
}

/* What the reader saw of splices: the order matters. `armed` was read before
 * `written`, so that the frames of an armed one are known; `spliced` after it,
 * so that no frame of a splice is taken for one that follows the old ones. */
typedef struct splices {
    uint32_t armed, spliced;
} splices;

/* Over to the new frames, keeping what the cross-fade needs of the old. */
static CBX_RT void jump(cbx_ring *r, const splice *p, uint32_t rd)
{
    listener *me = &r->me;
    const uint32_t fade = min_u32(
        atomic_load_explicit(&r->fade_frames, memory_order_relaxed), MOST_TAIL);
    const uint32_t there = me->known - p->to;
    const float past = (float)(rd - p->from) * p->ratio;
    const uint32_t most = there > fade ? there - fade : 0;
    const uint32_t on = past < (float)most ? (uint32_t)past : most;
    const uint32_t target = p->to + on;
    /* from silence where it was silent; from where they end if they run out */
    const uint32_t old = me->sounding ? min_u32(fade, p->to - rd) : 0;
    const float end = me->sounding ? me->last : 0;
    me->tail = me->tail_left = fade;
    copy_out(r, r->old, rd, old);
    for (uint32_t i = old; i < fade; i++)
        r->old[i] = old ? r->old[old - 1] : end;
    me->skipped += target - rd;
    atomic_store_explicit(&r->skipped, me->skipped, memory_order_release);
    /* release: the old frames are copied before their slots are given back */
    atomic_store_explicit(&r->read, target, memory_order_release);
}

/* Goes over to a splice that is due. *queued: the frames that may be played.
 * True: it went over just now. */
static CBX_RT bool heed_splice(cbx_ring *r, splices seen, uint32_t *queued)
{
    listener *me = &r->me;
    uint32_t rd = atomic_load_explicit(&r->read, memory_order_relaxed);
    *queued = me->known - rd;
    if (seen.spliced == atomic_load_explicit(&r->heeded, memory_order_relaxed))
        return false;
    const splice *p = &r->splice;
    const bool mine = p->epoch == me->epoch;
    const bool later = seen.armed != seen.spliced || me->tail_left > 0;
    if (mine && later && rd != p->to) {
        *queued = min_u32(*queued, p->to - rd);
        return false;
    }
    if (mine)
        jump(r, p, rd);
    rd = atomic_load_explicit(&r->read, memory_order_relaxed);
    *queued = me->known - rd;
    /* release: the record is free */
    atomic_store_explicit(&r->heeded, seen.spliced, memory_order_release);
    return mine;
}

/* The cross-fade from the frames that a splice left. */
static CBX_RT void mix_tail(cbx_ring *r, float *x, uint32_t n)
{
    listener *me = &r->me;
    n = min_u32(n, me->tail_left);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = me->tail - me->tail_left--;
        const float g =
            0.5f - 0.5f * cosf(PI * (float)(at + 1) / (float)(me->tail + 1));
        x[i] = g * x[i] + (1 - g) * r->old[at];
    }
}

/* Turns the pause flag into a ramp. */
static CBX_RT void heed_pause(cbx_ring *r, uint32_t queued)
{
    listener *me = &r->me;
    const float to = cbx_ring_is_paused(r) ? 0 : 1;
    if (to == me->gain.to)
        return;
    const uint32_t fade =
        atomic_load_explicit(&r->fade_frames, memory_order_relaxed);
    if (to > 0)
        ramp_start(&me->gain, to, fade);
    else if (me->sounding)
        ramp_start(&me->gain, to, min_u32(fade, queued));
    else
        ramp_set(&me->gain, to);
}

static CBX_RT bool at_the_end(const cbx_ring *r)
{
    const mark end = atomic_load_explicit(&r->finished, memory_order_acquire);
    return end == mark_of(r->me.epoch, r->me.known);
}

static CBX_RT void count_underrun(cbx_ring *r, uint32_t frames)
{
    if (frames && !r->me.dry)
        atomic_fetch_add_explicit(&r->underrun_events, 1, memory_order_relaxed);
    if (frames)
        atomic_fetch_add_explicit(&r->underrun_frames, frames,
                                  memory_order_relaxed);
    r->me.dry = frames > 0;
}

/* Plays the epoch; a held or dry one leaves the rest of out as it is. */
static CBX_RT cbx_ring_got play(cbx_ring *r, uint32_t gate, splices seen,
                                float *out, uint32_t n)
{
    listener *me = &r->me;
    uint32_t queued;
    if (gate != me->epoch)
        return (cbx_ring_got){0, 0};

    const bool jumped = heed_splice(r, seen, &queued);
    heed_pause(r, queued);
    const bool holds = me->gain.to == 0;
    uint32_t got = min_u32(n, queued);
    if (holds)
        got = min_u32(got, me->gain.left);
    take(r, out, got);
    mix_tail(r, out, got);
    me->last = got ? out[got - 1] : me->last;
    ramp_apply(&me->gain, out, got);

    const bool dry = !holds && !jumped && got < n && !at_the_end(r);
    count_underrun(r, dry ? n - got : 0);
    if (n)
        me->sounding = got == n && (!holds || me->gain.left);
    return (cbx_ring_got){got, dry ? n - got : 0};
}

CBX_RT cbx_ring_got cbx_ring_read(cbx_ring *r, float *out, uint32_t n)
{
    /* acquire: in this order. The gate first: what was written before it was
     * opened is below `w`. For the others see turn_over. Besides, the frames
     * below `w` and below the mark are visible. */
    const uint32_t gate = atomic_load_explicit(&r->gate, memory_order_acquire);
    splices seen;
    seen.armed = atomic_load_explicit(&r->armed, memory_order_acquire);
    const uint32_t w = atomic_load_explicit(&r->written, memory_order_acquire);
    seen.spliced = atomic_load_explicit(&r->spliced, memory_order_acquire);
    const mark begun = atomic_load_explicit(&r->begun, memory_order_acquire);
    const uint32_t wanted =
        atomic_load_explicit(&r->wanted, memory_order_acquire);

    if (mark_epoch(begun) == r->me.epoch)
        r->me.known = w;
    uint32_t left = 0;
    if (r->me.epoch != wanted) {
        left = leave(r, out, n);
        if (r->me.over)
            turn_over(r, w, begun, wanted);
    }
    cbx_ring_got got = {0, 0};
    if (r->me.epoch == wanted)
        got = play(r, gate, seen, out + left, n - left);
    const uint32_t given = left + got.frames;
    memset(out + given, 0, (n - given) * sizeof *out);
    got.frames = given;
    return got;
}
