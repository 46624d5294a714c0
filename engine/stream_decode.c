/* What the decode thread does with one stream: text -> pipeline -> ring. */
#include "engine/internal.h"

#include "engine/start.h"

#include "rt/clock.h"
#include "rt/trace.h"

#include <stdio.h>
#include <string.h>

enum { NATIVE = 24000 };

/* A machine that needs less than this for a second of speech needs no care. */
#define COMFORT 0.8

/* A new stream's first chunk goes before any that is due now. */
#define FIRST_CHUNK_NS 1000000000

/* -- pauses ---------------------------------------------------------------- */

/* Silence between two segments, in 24 kHz samples: what the first one's end
 * asks for, and pieces without a word ("...") in between. Every segment brings
 * some 120 ms of its own. */
static int pause_after(cbx_pause pause)
{
    static const int ms[] = {[CBX_PAUSE_NONE] = 0,
                             [CBX_PAUSE_CLAUSE] = 60,
                             [CBX_PAUSE_SENTENCE] = 180,
                             [CBX_PAUSE_PARAGRAPH] = 450};
    return ms[pause] * (NATIVE / 1000);
}

static int pause_for_silent(unsigned pieces)
{
    enum { MOST = 10, MS = 200 };
    return (int)(pieces < MOST ? pieces : MOST) * MS * (NATIVE / 1000);
}

/* -- state shared with others ---------------------------------------------- */

static void publish(cbx_stream *s)
{
    const cbx_pipeline_stats *p = cbx_pipeline_get_stats(s->pipeline);
    pthread_mutex_lock(&s->lock);
    cbx_stream_stats *st = &s->stats;
    st->text_seconds = p->text_seconds;
    st->t3_seconds = p->t3_seconds;
    st->flow_seconds = p->flow_seconds;
    st->vocoder_seconds = p->vocoder_seconds;
    st->resample_seconds = s->resample_seconds;
    st->watermark_seconds = s->mark.seconds;
    st->tokens = p->tokens;
    st->cells = p->cells;
    st->segments = p->segments;
    st->cuts = p->cuts;
    st->guards = p->guards;
    st->audio_seconds = (double)p->samples / NATIVE;
    st->text_spoken = s->text_spoken;
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
}

static void note_first_audio(cbx_stream *s)
{
    const int64_t now = cbx_clock_ns();
    const int64_t asked =
        atomic_load_explicit(&s->asked_ns, memory_order_relaxed);
    s->first_made = true;
    pthread_mutex_lock(&s->lock);
    s->stats.first_audio_ms = 1e-6 * (double)(now - asked);
    if (s->stats.since_open_ms == 0)
        s->stats.since_open_ms = 1e-6 * (double)(now - s->engine->opened_ns);
    pthread_mutex_unlock(&s->lock);
}

static uint32_t epoch_of(const cbx_stream *s)
{
    return atomic_load_explicit(&s->epoch, memory_order_relaxed);
}

/* Nothing more is due for now: silence is no underrun. */
static void mark_dry(cbx_stream *s)
{
    cbx_ring_open_gate(s->ring, epoch_of(s));
    cbx_ring_finish(s->ring, epoch_of(s));
    s->dry = true;
}

static void set_all_written(cbx_stream *s, bool all)
{
    /* release: the ring's finish comes before it */
    atomic_store_explicit(&s->all_written, all, memory_order_release);
}

/* -- cancel ---------------------------------------------------------------- */

static bool cancelled(const cbx_stream *s)
{
    return atomic_load_explicit(&s->cancels, memory_order_acquire) !=
           atomic_load_explicit(&s->cancels_seen, memory_order_relaxed);
}

void stream_fail(cbx_stream *s, const cbx_error *err)
{
    cbx_event e = {.kind = CBX_EVENT_ERROR, .value = err->status};
    memcpy(e.text, err->text, sizeof e.text - 1);
    stream_tell(s, e, s->out.made);
    s->failed = true;
    s->speaking = false;
    mark_dry(s);
    set_all_written(s, true);
    publish(s);
}

/* The reader is silent already; here the work behind it stops, and the stream
 * is as it was when it was opened. */
static void take_cancel(cbx_stream *s)
{
    const uint64_t cancels =
        atomic_load_explicit(&s->cancels, memory_order_acquire);
    cbx_error err;
    uint32_t epoch = cbx_ring_epoch(s->ring);
    if (epoch == epoch_of(s)) /* two cancels at once: one gave its epoch away */
        epoch = cbx_ring_cancel(s->ring);
    cbx_pipeline_reset(s->pipeline);
    s->effects.prosody = (cbx_prosody){.rate = 1};
    const cbx_status st = stream_out_reset(s, epoch, &err);
    s->speaking = s->failed = s->first_made = s->text_ended = false;
    s->reopen = false;
    s->lead = 0;
    s->silence = 0;
    s->cues.n = 0;
    s->text_spoken = s->segment_end = 0;
    s->work_seconds = 0;
    atomic_store_explicit(&s->epoch, epoch, memory_order_release);
    set_all_written(s, false);
    cbx_ring_begin(s->ring, epoch);
    /* release: epoch and origin belong to this count */
    atomic_store_explicit(&s->cancels_seen, cancels, memory_order_release);
    stream_tell(s, (cbx_event){.kind = CBX_EVENT_CANCELLED}, 0);
    mark_dry(s);
    publish(s);
    if (st)
        stream_fail(s, &err);
}

/* -- another sample rate --------------------------------------------------- */

/* The caller of cbx_stream_set_rate is the reader for the time being. First the
 * ring is cut at what was heard; when the caller has emptied it, it is filled
 * anew from there. True: nothing else may be done with
 * the stream now. */
static bool take_rate_change(cbx_stream *s, bool *worked)
{
    pthread_mutex_lock(&s->lock);
    const bool asked = s->rate_change == RATE_ASKED;
    const bool go = s->rate_change == RATE_GO;
    if (asked) {
        const uint64_t heard = stream_heard(s);
        s->rate_heard = (stream_place){heard, stream_frame_of(s, heard)};
        s->rate_gate = cbx_ring_gate_is_open(s->ring, epoch_of(s));
        const uint32_t epoch = cbx_ring_cancel(s->ring);
        stream_map_begin(&s->map, epoch, s->rate_heard.frame, heard, 0);
        atomic_store_explicit(&s->epoch, epoch, memory_order_release);
        s->rate_change = RATE_PARKED;
    } else if (go) {
        s->rate_status = stream_out_change_rate(s, s->rate_asked,
                                                &s->rate_heard, &s->rate_error);
        cbx_ring_begin(s->ring, epoch_of(s));
        s->reopen = s->rate_gate; /* with its first frames */
        s->dry = false;
        if (s->text_ended) /* its end has to be written again */
            set_all_written(s, false);
        s->rate_change = RATE_STEADY;
    }
    pthread_cond_broadcast(&s->moved);
    const bool parked = s->rate_change == RATE_PARKED;
    pthread_mutex_unlock(&s->lock);
    *worked = asked || go;
    return *worked || parked;
}

static bool rate_change_waits(cbx_stream *s)
{
    pthread_mutex_lock(&s->lock);
    const bool waits =
        s->rate_change == RATE_ASKED || s->rate_change == RATE_GO;
    pthread_mutex_unlock(&s->lock);
    return waits;
}

/* -- other speed, pitch or gain -------------------------------------------- */

/* An end that was heard stays one; the next text has the new values. */
static bool effects_wait(const cbx_stream *s)
{
    return stream_effects_are_stale(s) && !cbx_ring_splicing(s->ring) &&
           !cbx_ring_stale(s->ring, epoch_of(s)) &&
           !(s->text_ended && s->dry && cbx_ring_ended(s->ring, epoch_of(s)));
}

static bool take_effects(cbx_stream *s)
{
    cbx_error err;
    const bool all =
        atomic_load_explicit(&s->all_written, memory_order_relaxed);
    if (!effects_wait(s))
        return false;
    set_all_written(s, false); /* an end has to be written again */
    if (!effects_wait(s)) {
        set_all_written(s, all);
        return false;
    }
    s->dry = false;
    if (stream_out_renew(s, &err))
        stream_fail(s, &err);
    return true;
}

/* -- writing --------------------------------------------------------------- */

/* Text of this length takes about that long to say: for the start policy only.
 */
static double guess_seconds(int chars)
{
    return 0.065 * chars + 0.3;
}

/* This machine's seconds for one second of speech, so far. */
static double slowness(const cbx_stream *s)
{
    return s->out.made > 0 ? s->work_seconds * NATIVE / (double)s->out.made : 0;
}

/* Seconds of the cell after k more. */
static double coming_cell(const void *pipeline, int k)
{
    return cbx_pipeline_cell_seconds(pipeline, k);
}

static bool may_start(cbx_stream *s)
{
    const double made = (double)(s->out.made - s->segment_at) / NATIVE;
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    const start_view view = {
        .slowness = slowness(s),
        .queued = (double)cbx_ring_queued(s->ring) / rate,
        .left = guess_seconds(s->segment_chars) - made,
        .speed = s->effects.speed > 0 ? (double)s->effects.speed : 1,
        .cell = coming_cell,
        .user = s->pipeline};
    return !s->speaking || stream_out_space(s) == 0 || start_now(&view);
}

static void open_gate(cbx_stream *s)
{
    const uint32_t epoch = epoch_of(s);
    if (!cbx_ring_gate_is_open(s->ring, epoch) &&
        cbx_ring_queued(s->ring) > 0 && (s->reopen || may_start(s))) {
        cbx_ring_open_gate(s->ring, epoch);
        s->reopen = false;
    }
}

/* Moves PCM on into the ring; *all: nothing is left of it. */
static bool write_out(cbx_stream *s, bool *all)
{
    cbx_error err;
    const uint32_t before = cbx_ring_space(s->ring);
    const int64_t t0 = cbx_clock_ns();
    const cbx_status st = stream_out_move(s, s->text_ended, all, &err);
    s->resample_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    if (st) {
        stream_fail(s, &err);
        return true;
    }
    const bool moved = cbx_ring_space(s->ring) < before;
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    if (moved)
        cbx_trace_count("decode", "ring ms",
                        cbx_ring_queued(s->ring) * INT64_C(1000) / rate);
    if (moved)
        s->dry = false;
    if (moved && !s->first_made)
        note_first_audio(s);
    open_gate(s);
    return moved;
}

/* All that was made is in the ring, and there is no more text for now. */
static bool settle(cbx_stream *s)
{
    if (s->dry)
        return false;
    mark_dry(s);
    if (s->text_ended)
        set_all_written(s, true);
    publish(s);
    return true;
}

/* -- segments -------------------------------------------------------------- */

static void begin_segment(cbx_stream *s, const cbx_segment *segment)
{
    cbx_error err;
    const int lead = stream_lead(
        segment, s->lead + pause_for_silent(segment->silent_before));
    const char *language =
        segment->language[0] ? segment->language : s->params.language;
    const int64_t t0 = cbx_clock_ns();
    set_all_written(s, false);
    if (!segment->chars) { /* a silence behind the last text, and marks */
        s->silence = (size_t)(segment->break_before < 0 ? 0 : lead);
        s->lead -= segment->break_before < 0 ? 0 : s->lead;
        stream_begin_cues(s, segment, s->out.made + s->silence);
        return;
    }
    /* all that was made before has gone into the effects */
    s->effects.prosody = segment->prosody;
    cbx_pipeline_language(s->pipeline, language);
    if (cbx_pipeline_begin(s->pipeline, segment->text, segment->len, lead,
                           &err)) {
        stream_fail(s, &err);
        return;
    }
    stream_mark_begin(s, lead);
    s->work_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    if (s->segment_end == 0)
        stream_tell(s, (cbx_event){.kind = CBX_EVENT_STARTED}, 0);
    stream_tell(s,
                (cbx_event){.kind = CBX_EVENT_SENTENCE,
                            .text_from = segment->begin,
                            .text_to = segment->end},
                s->out.made + (uint64_t)lead);
    stream_begin_cues(s, segment, s->out.made + (uint64_t)lead);
    s->speaking = true;
    s->segment = *segment;
    s->segment_at = s->out.made;
    s->step_end_ns = 0;
    s->word_from = s->word_to = UINT64_MAX;
    s->segment_end = segment->end;
    s->segment_chars = segment->chars;
    s->lead = pause_after(segment->pause);
}

/* A word of the segment, as bytes of what was pushed. */
static void tell_word(cbx_stream *s, const cbx_word *word)
{
    cbx_event e = {.kind = CBX_EVENT_WORD, .text_from = UINT64_MAX};
    const uint64_t at = s->segment_at + (uint64_t)word->sample;
    for (int i = word->from; i < word->to && i < s->segment.chars; i++) {
        const cbx_source *from = &s->segment.source[i];
        e.text_from = from->from < e.text_from ? from->from : e.text_from;
        e.text_to = from->to > e.text_to ? from->to : e.text_to;
    }
    stream_cues_before(s, word->to, at);
    if (e.text_from == s->word_from && e.text_to == s->word_to)
        return; /* one more of the words that "$3.50" is said with */
    s->word_from = e.text_from;
    s->word_to = e.text_to;
    stream_tell(s, e, at);
}

/* What the pipeline has found out about the segment: before the PCM that it
 * belongs to. */
static void tell_findings(cbx_stream *s)
{
    cbx_word word;
    cbx_intervention did;
    while (cbx_pipeline_word(s->pipeline, &word))
        tell_word(s, &word);
    while (cbx_pipeline_intervention(s->pipeline, &did)) {
        cbx_event e = {.kind = CBX_EVENT_GUARD,
                       .value = did.kind,
                       .text_from = s->segment.begin,
                       .text_to = s->segment.end};
        snprintf(e.text, sizeof e.text, "%s", did.text);
        stream_tell(s, e, s->out.made);
    }
}

static void end_segment(cbx_stream *s)
{
    int tokens;
    stream_end_cues(s, s->out.made);
    s->speaking = false;
    s->text_spoken = s->segment_end;
    if (cbx_pipeline_was_cut(s->pipeline, &tokens))
        stream_tell(s, (cbx_event){.kind = CBX_EVENT_CUT, .value = tokens},
                    s->out.made);
}

/* Several cells in one call take less work, but their sound comes later: where
 * playing cannot start yet, or enough is queued. */
static bool may_gather_cells(const cbx_stream *s)
{
    enum { LONGEST_CALL = 3 }; /* seconds of speech */
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    const double queued = (double)cbx_ring_queued(s->ring) / rate;
    return slowness(s) >= COMFORT &&
           (!cbx_ring_gate_is_open(s->ring, epoch_of(s)) ||
            queued > LONGEST_CALL * slowness(s));
}

/* One step of the segment that is being spoken; tokens of others' too. */
static void speak(cbx_stream *s, cbx_pipeline *const *others, int n_others)
{
    cbx_error err;
    bool done, all;
    size_t n;
    /* until it can be heard, others' work counts too */
    const bool heard = cbx_ring_gate_is_open(s->ring, epoch_of(s));
    const int64_t t0 =
        s->step_end_ns && !heard ? s->step_end_ns : cbx_clock_ns();
    cbx_pipeline_hurry(s->pipeline, may_gather_cells(s));
    if (cbx_pipeline_step_with(s->pipeline, others, n_others, &done, &err)) {
        stream_fail(s, &err);
        return;
    }
    tell_findings(s);
    const float *pcm = cbx_pipeline_pcm(s->pipeline, &n);
    pcm = stream_mark_run(s, pcm, done, &n);
    s->step_end_ns = cbx_clock_ns();
    s->work_seconds += 1e-9 * (double)(s->step_end_ns - t0);
    stream_out_put(s, pcm, n);
    if (n)
        write_out(s, &all);
    if (done)
        end_segment(s);
    if (n || done)
        publish(s);
}

void stream_end_input(cbx_stream *s)
{
    s->text_ended = true;
    s->dry = false; /* the resampler holds the last frames */
    stream_tell(s, (cbx_event){.kind = CBX_EVENT_ENDED}, s->out.made);
}

static uint64_t count_of(const cbx_stream *s)
{
    return atomic_load_explicit(&s->cancels_seen, memory_order_relaxed);
}

/* -- the interface to the engine ------------------------------------------- */

bool stream_wants_tokens(const cbx_stream *s)
{
    return s->speaking && !s->failed && !s->sound && !cancelled(s) &&
           s->out.frames_from == s->out.frames_to &&
           cbx_pipeline_wants_tokens(s->pipeline);
}

bool stream_step(cbx_stream *s, cbx_pipeline *const *others, int n_others)
{
    bool all = false, worked;
    cbx_segment segment;
    if (take_rate_change(s, &worked))
        return worked;
    if (cancelled(s)) {
        take_cancel(s);
        return true;
    }
    if (s->failed)
        return false;
    if (take_effects(s))
        return true;
    const bool moved = write_out(s, &all);
    if (!all || s->failed)
        return moved;
    if (s->sound && cbx_pipeline_waits(s->pipeline) && s->speaking)
        return stream_hear(s) || moved;
    if (s->speaking) {
        if (!stream_out_has_room(s, stream_mark_most(s)))
            return moved;
        speak(s, others, n_others);
        return true;
    }
    if (s->silence) {
        if (!stream_out_has_room(s, stream_mark_most(s)))
            return moved;
        stream_silence(s, stream_mark_most(s));
        s->dry = false;
        return true;
    }
    if (s->text_ended)
        return settle(s);
    if (s->sound)
        return stream_hear(s) || settle(s);
    switch (text_feed_next(s->text, count_of(s), &segment)) {
    case FEED_SEGMENT:
        begin_segment(s, &segment);
        return true;
    case FEED_END:
        stream_end_input(s);
        return true;
    case FEED_NONE:
        break;
    }
    return settle(s);
}

bool stream_has_work(cbx_stream *s)
{
    if (cancelled(s) || rate_change_waits(s))
        return true;
    if (s->failed)
        return false;
    if (effects_wait(s))
        return true;
    const struct stream_out *o = &s->out;
    if (o->frames_from < o->frames_to)
        return stream_out_space(s) > 0;
    if (s->sound && s->speaking && cbx_pipeline_waits(s->pipeline))
        return sound_feed_ready(s->sound, count_of(s));
    if (s->speaking || s->silence)
        return stream_out_has_room(s, stream_mark_most(s));
    if (s->sound)
        return !s->dry ||
               (!s->text_ended && sound_feed_ready(s->sound, count_of(s)));
    return !s->dry || (!s->text_ended && text_feed_ready(s->text, count_of(s)));
}

int64_t stream_deadline(cbx_stream *s, int64_t now_ns)
{
    const uint32_t rate = atomic_load_explicit(&s->rate, memory_order_relaxed);
    if (!s->first_made) /* before all that others have later */
        return now_ns - FIRST_CHUNK_NS;
    return cbx_deadline_after(now_ns, cbx_ring_queued(s->ring), rate);
}

bool stream_has_frames(cbx_stream *s)
{
    const bool has = cbx_ring_queued(s->ring) > 0 || cancelled(s) ||
                     !cbx_ring_ended(s->ring, epoch_of(s));
    atomic_store_explicit(&s->drained, !has, memory_order_release);
    return has;
}
