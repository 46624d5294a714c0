/* From the pipeline's PCM to the ring: kept until it was heard, resampled to
 * the listener's rate, written as there is room. */
#include "engine/internal.h"

#include "dsp/resample.h"
#include "rt/trace.h"

#include <stdlib.h>
#include <string.h>

/* PCM at 24 kHz that is kept: what the ring can hold, and one step more. */
enum { KEEP_SAMPLES = 1 << 18 };
/* A resampler that starts in mid-stream starts this much earlier (24 kHz
 * samples), and what it makes of that is dropped. */
enum { RUN_UP = 4800 };
enum { NATIVE = 24000, FRAMES_CAP = 1 << 14 };

cbx_status stream_out_open(cbx_stream *s, cbx_error *err)
{
    struct stream_out *o = &s->out;
    o->cap = KEEP_SAMPLES;
    o->pcm = malloc(o->cap * sizeof *o->pcm);
    o->frames_cap = FRAMES_CAP;
    o->frames = malloc(o->frames_cap * sizeof *o->frames);
    if (!o->pcm || !o->frames)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream");
    cbx_status st = cbx_resampler_open(NATIVE, s->params.sample_rate,
                                       CBX_RESAMPLE_HQ, &s->resampler, err);
    if (!st)
        st = stream_effects_open(s, err);
    return st;
}

void stream_out_close(cbx_stream *s)
{
    stream_effects_close(s);
    cbx_resampler_close(s->resampler);
    free(s->out.frames);
    free(s->out.pcm);
}

/* The epoch's frame 0 is the sample `from`. */
static cbx_status begin_epoch(cbx_stream *s, uint32_t epoch, uint64_t heard,
                              uint64_t from, cbx_error *err)
{
    s->out.written = 0;
    s->out.arming = false;
    s->out.given = from;
    const cbx_status st = stream_effects_begin(s, from, 0, err);
    stream_map_begin(&s->map, epoch, heard, from, stream_effects_slope(s));
    return st;
}

cbx_status stream_out_reset(cbx_stream *s, uint32_t epoch, cbx_error *err)
{
    struct stream_out *o = &s->out;
    o->first = o->made = 0;
    o->frames_from = o->frames_to = o->skip = 0;
    s->flushed = false;
    stream_effects_settle(s);
    cbx_status st = begin_epoch(s, epoch, 0, 0, err);
    if (!st)
        st = cbx_resampler_reset(s->resampler, err);
    return st;
}

uint64_t stream_heard(cbx_stream *s)
{
    pthread_mutex_lock(&s->map.lock);
    const uint64_t place = cbx_ring_place(s->ring, s->map.epoch);
    const uint64_t heard = stream_map_sample(&s->map, place);
    pthread_mutex_unlock(&s->map.lock);
    return heard;
}

uint64_t stream_frame_of(cbx_stream *s, uint64_t sample)
{
    pthread_mutex_lock(&s->map.lock);
    const uint64_t skipped = cbx_ring_skipped(s->ring, s->map.epoch);
    const uint64_t reached = cbx_ring_played(s->ring, s->map.epoch) + skipped;
    const uint64_t place = stream_map_frame(&s->map, sample, reached);
    const uint64_t frame =
        s->map.frames_before + (place > skipped ? place - skipped : 0);
    pthread_mutex_unlock(&s->map.lock);
    return frame;
}

/* Forgets what was heard, but for a run-up. */
static void forget(cbx_stream *s)
{
    const uint64_t heard = stream_heard(s);
    const uint64_t keep = heard > 2 * RUN_UP ? heard - 2 * RUN_UP : 0;
    struct stream_out *o = &s->out;
    if (keep > o->first)
        o->first = keep < o->given ? keep : o->given;
}

bool stream_out_has_room(cbx_stream *s, size_t n)
{
    forget(s);
    return s->out.made - s->out.first + n <= s->out.cap;
}

void stream_out_put(cbx_stream *s, const float *pcm, size_t n)
{
    struct stream_out *o = &s->out;
    const size_t at = (size_t)(o->made & (o->cap - 1));
    const size_t head = n < o->cap - at ? n : (size_t)(o->cap - at);
    memcpy(o->pcm + at, pcm, head * sizeof *pcm);
    memcpy(o->pcm, pcm + head, (n - head) * sizeof *pcm);
    o->made += n;
}

/* Room that only a splice may use, so that it never waits for the reader; and
 * how much a splice writes before the reader goes over to it. */
enum { SPLICE_ROOM = 1 << 15, SPLICE_MS = 100 };

uint32_t stream_out_space(const cbx_stream *s)
{
    const uint32_t space = cbx_ring_space(s->ring);
    const uint32_t kept = s->out.arming ? 0 : SPLICE_ROOM;
    return space > kept ? space - kept : 0;
}

static void arm(cbx_stream *s)
{
    if (s->out.arming)
        cbx_ring_arm(s->ring);
    s->out.arming = false;
}

/* Resampled frames into the ring. True: all of them. */
static bool write_frames(cbx_stream *s)
{
    struct stream_out *o = &s->out;
    const size_t n = o->frames_to - o->frames_from;
    const uint32_t space = stream_out_space(s);
    const uint32_t epoch =
        atomic_load_explicit(&s->epoch, memory_order_relaxed);
    const uint32_t written =
        cbx_ring_write(s->ring, epoch, o->frames + o->frames_from,
                       n < space ? (uint32_t)n : space);
    o->frames_from += written;
    o->written += written;
    if (o->written >= o->arm_at || (n > 0 && space == 0))
        arm(s);
    return o->frames_from == o->frames_to;
}

/* Takes the run-up off freshly made frames. */
static void skip_frames(struct stream_out *o, size_t made)
{
    const size_t skipped = made < o->skip ? made : o->skip;
    o->skip -= skipped;
    o->frames_from = skipped;
    o->frames_to = made;
}

/* Samples that the effects made, into the resampler. */
static cbx_status resample(cbx_stream *s, cbx_error *err)
{
    struct stream_out *o = &s->out;
    struct stream_effects *e = &s->effects;
    size_t used, made;
    const int64_t t0 = cbx_trace_start();
    const cbx_status st = cbx_resampler_push(
        s->resampler, e->post + e->post_from, e->post_to - e->post_from, &used,
        o->frames, o->frames_cap, &made, err);
    if (st)
        return st;
    cbx_trace_span("decode", "resample", t0, (int64_t)made);
    e->post_from += used;
    skip_frames(o, made);
    return CBX_OK;
}

/* Kept samples, into the effects. */
static cbx_status give(cbx_stream *s, cbx_error *err)
{
    struct stream_out *o = &s->out;
    size_t used = 0;
    const size_t at = (size_t)(o->given & (o->cap - 1));
    const uint64_t left = o->made - o->given;
    const size_t n = (size_t)(left < o->cap - at ? left : o->cap - at);
    const int64_t t0 = cbx_trace_start();
    const cbx_status st = stream_effects_run(s, o->pcm + at, n, &used, err);
    cbx_trace_span("decode", "effects", t0, (int64_t)used);
    o->given += used;
    return st;
}

/* What effects and resampler hold back. */
static cbx_status flush_out(cbx_stream *s, cbx_error *err)
{
    struct stream_out *o = &s->out;
    size_t made = 0;
    cbx_status st = stream_effects_end(s, err);
    if (st || s->effects.post_to)
        return st;
    st = cbx_resampler_flush(s->resampler, o->frames, o->frames_cap, &made,
                             &s->flushed, err);
    if (!st)
        skip_frames(o, made);
    return st;
}

cbx_status stream_out_move(cbx_stream *s, bool flush, bool *all, cbx_error *err)
{
    struct stream_out *o = &s->out;
    struct stream_effects *e = &s->effects;
    cbx_status st = CBX_OK;
    *all = false;
    while (!st && write_frames(s)) {
        if (e->post_from < e->post_to) {
            st = resample(s, err);
        } else if (o->given < o->made) {
            st = give(s, err);
        } else if (flush && !s->flushed) {
            st = flush_out(s, err);
        } else {
            arm(s);
            *all = true;
            break;
        }
    }
    return st;
}

/* New frames behind those in the ring, for the reader to go over to. */
static cbx_status splice(cbx_stream *s, uint64_t place, uint64_t from,
                         double old_slope, cbx_error *err)
{
    struct stream_out *o = &s->out;
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    const uint32_t epoch =
        atomic_load_explicit(&s->epoch, memory_order_relaxed);
    uint32_t lead = rate * SPLICE_MS / 1000;
    o->given = from;
    o->frames_from = o->frames_to = o->skip = 0;
    s->flushed = false;
    cbx_status st = cbx_resampler_reset(s->resampler, err);
    if (!st)
        st = stream_effects_begin(s, from, (double)o->written, err);
    if (st)
        return st;
    lead = lead < SPLICE_ROOM / 2 ? lead : SPLICE_ROOM / 2;
    o->arm_at = o->written + lead;
    o->arming = cbx_ring_splice(s->ring, epoch, place,
                                (float)(old_slope / stream_effects_slope(s)));
    atomic_store_explicit(&s->change_at, from, memory_order_relaxed);
    /* release: the sample belongs to the count */
    atomic_fetch_add_explicit(&s->changes, 1, memory_order_release);
    return CBX_OK;
}

cbx_status stream_out_renew(cbx_stream *s, cbx_error *err)
{
    const struct stream_out *o = &s->out;
    const uint32_t epoch =
        atomic_load_explicit(&s->epoch, memory_order_relaxed);
    pthread_mutex_lock(&s->map.lock);
    const uint64_t place = cbx_ring_place(s->ring, epoch);
    uint64_t from = stream_map_sample(&s->map, place);
    pthread_mutex_unlock(&s->map.lock);
    from = from < o->made ? from : o->made;
    from = from > o->first ? from : o->first;
    return splice(s, place, from, stream_effects_slope(s), err);
}

cbx_status stream_out_change_rate(cbx_stream *s, uint32_t rate,
                                  const stream_place *heard, cbx_error *err)
{
    struct stream_out *o = &s->out;
    cbx_resampler *r;
    const uint32_t old = atomic_load_explicit(&s->rate, memory_order_relaxed);
    cbx_status st = cbx_resampler_open(NATIVE, rate, CBX_RESAMPLE_HQ, &r, err);
    if (st)
        return st;
    cbx_resampler_close(s->resampler);
    s->resampler = r;
    /* From an input sample that lies on an output frame. */
    uint32_t a = NATIVE, b = rate;
    while (b) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    const uint64_t step = NATIVE / a, sample = heard->sample;
    uint64_t from = sample > RUN_UP ? sample - RUN_UP : 0;
    from = from > o->first ? from : o->first;
    from = (from + step - 1) / step * step;
    if (from > sample || from > o->made || s->effects.stretches)
        from = sample; /* no such sample is near: half a frame off */
    o->skip = (size_t)((sample - from) * rate / NATIVE);
    o->frames_from = o->frames_to = 0;
    s->flushed = false;
    atomic_store_explicit(&s->rate, rate, memory_order_relaxed);
    st = begin_epoch(s, atomic_load_explicit(&s->epoch, memory_order_relaxed),
                     heard->frame * rate / old, sample, err);
    o->given = from;
    return st;
}
