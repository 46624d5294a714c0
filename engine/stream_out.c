/* From the pipeline's PCM to the ring: kept until it was heard, resampled to
 * the listener's rate, written as there is room. */
#include "engine/internal.h"

#include "dsp/resample.h"

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
    return cbx_resampler_open(NATIVE, s->params.sample_rate, CBX_RESAMPLE_HQ,
                              &s->resampler, err);
}

void stream_out_close(cbx_stream *s)
{
    cbx_resampler_close(s->resampler);
    free(s->out.frames);
    free(s->out.pcm);
}

cbx_status stream_out_reset(cbx_stream *s, cbx_error *err)
{
    struct stream_out *o = &s->out;
    o->first = o->made = o->given = 0;
    o->frames_from = o->frames_to = o->skip = 0;
    s->flushed = false;
    return cbx_resampler_reset(s->resampler, err);
}

uint64_t stream_heard(const cbx_stream *s)
{
    const uint32_t epoch =
        atomic_load_explicit(&s->epoch, memory_order_acquire);
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    return atomic_load_explicit(&s->origin, memory_order_relaxed) +
           cbx_ring_played(s->ring, epoch) * NATIVE / rate;
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

/* Resampled frames into the ring. True: all of them. */
static bool write_frames(cbx_stream *s)
{
    struct stream_out *o = &s->out;
    const size_t n = o->frames_to - o->frames_from;
    const uint32_t epoch =
        atomic_load_explicit(&s->epoch, memory_order_relaxed);
    o->frames_from +=
        cbx_ring_write(s->ring, epoch, o->frames + o->frames_from, (uint32_t)n);
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

cbx_status stream_out_move(cbx_stream *s, bool flush, bool *all, cbx_error *err)
{
    struct stream_out *o = &s->out;
    cbx_status st = CBX_OK;
    *all = false;
    while (!st && write_frames(s)) {
        size_t made = 0, used = 0;
        if (o->given < o->made) {
            const size_t at = (size_t)(o->given & (o->cap - 1));
            const uint64_t left = o->made - o->given;
            const size_t n = (size_t)(left < o->cap - at ? left : o->cap - at);
            st = cbx_resampler_push(s->resampler, o->pcm + at, n, &used,
                                    o->frames, o->frames_cap, &made, err);
            o->given += used;
        } else if (flush && !s->flushed) {
            st = cbx_resampler_flush(s->resampler, o->frames, o->frames_cap,
                                     &made, &s->flushed, err);
        } else {
            *all = true;
            break;
        }
        skip_frames(o, made);
    }
    return st;
}

cbx_status stream_out_change_rate(cbx_stream *s, uint32_t rate, uint64_t heard,
                                  cbx_error *err)
{
    struct stream_out *o = &s->out;
    cbx_resampler *r;
    const cbx_status st =
        cbx_resampler_open(NATIVE, rate, CBX_RESAMPLE_HQ, &r, err);
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
    const uint64_t step = NATIVE / a;
    uint64_t from = heard > RUN_UP ? heard - RUN_UP : 0;
    from = from > o->first ? from : o->first;
    from = (from + step - 1) / step * step;
    if (from > heard || from > o->made)
        from = heard; /* no such sample is near: half a frame off */
    o->given = from;
    o->skip = heard > from ? (size_t)((heard - from) * rate / NATIVE) : 0;
    o->frames_from = o->frames_to = 0;
    s->flushed = false;
    atomic_store_explicit(&s->rate, rate, memory_order_relaxed);
    atomic_store_explicit(&s->origin, heard, memory_order_relaxed);
    return CBX_OK;
}
