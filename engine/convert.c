/* Voice conversion: a stream whose speech tokens are heard, not drawn (vc.py:
 * ChatterboxVC.generate). */
#include "engine/internal.h"

#include "models/voice/ears.h"
#include "rt/clock.h"

#include <stdlib.h>

/* Live: silence in front, so that what follows never runs dry: a hop comes
 * every 480 ms, and the first one gives less than that. */
enum { LIVE_LEAD = 600 * 24 };

/* -- open and close -------------------------------------------------------- */

static cbx_status set_up(cbx_stream *s, const void *arg, cbx_error *err)
{
    const cbx_convert_options *o = arg;
    const cbx_model *m = s->voice->model;
    const cbx_config *c = cbx_tts_config(m->tts);
    if (o->rate < 4000 || o->rate > 768000)
        return cbx_fail(err, CBX_E_ARG,
                        "a sample rate of %u Hz: it must be 4000 to 768000",
                        (unsigned)o->rate);
    s->live = o->live;
    s->params.language[0] = 0;
    cbx_status st = sound_feed_open(o->rate, c->limits.max_speech_tokens,
                                    o->live, &s->sound, err);
    if (st)
        return st;
    pthread_mutex_lock(&s->engine->device);
    st = cbx_ears_open(s->engine->dev, m->folder, c, &s->ears, err);
    pthread_mutex_unlock(&s->engine->device);
    return st;
}

cbx_status cbx_stream_open_convert(cbx_voice *voice, const cbx_params *params,
                                   const cbx_convert_options *options,
                                   cbx_stream **out, cbx_error *err)
{
    cbx_params p = *params;
    if (p.flow == CBX_FLOW_AUTO && !options->live)
        p.flow = CBX_FLOW_FULL; /* the reference; nobody waits */
    return stream_open(voice, &p, set_up, options, out, err);
}

void stream_convert_close(cbx_stream *s)
{
    sound_feed_close(s->sound);
    pthread_mutex_lock(&s->engine->device);
    s3tok_close(s->ears);
    pthread_mutex_unlock(&s->engine->device);
}

/* -- sound ----------------------------------------------------------------- */

cbx_status cbx_stream_push_sound(cbx_stream *s, const float *x, size_t n,
                                 size_t *taken, cbx_error *err)
{
    *taken = 0;
    if (!s->sound)
        return cbx_fail(err, CBX_E_ARG, "sound for a stream that speaks text");
    const uint64_t now = stream_note_input(s);
    const cbx_status st = sound_feed_push(s->sound, now, x, n, taken, err);
    engine_poke(s->engine);
    return st;
}

static void begin(cbx_stream *s, const sound_piece *piece)
{
    cbx_error err;
    const bool at_start = s->segment_end == 0;
    const int lead = s->live && at_start ? LIVE_LEAD : 0;
    if (cbx_pipeline_begin_given(s->pipeline, lead, &err)) {
        stream_fail(s, &err);
        return;
    }
    stream_mark_begin(s, lead);
    if (at_start)
        stream_tell(s, (cbx_event){.kind = CBX_EVENT_STARTED}, 0);
    s->segment_end++;
    s->speaking = true;
    /* 65 ms each, for the start policy */
    s->segment_chars =
        s->live ? 0 : (int)((double)piece->n / SOUND_RATE / 0.065);
}

/* The new tokens of the piece, on to the pipeline. */
static cbx_status listen(cbx_stream *s, const sound_piece *piece,
                         cbx_error *err)
{
    int32_t *tokens = NULL;
    int n = 0, take = 0;
    cbx_status st = CBX_OK;
    if (piece->n >= SOUND_TOKEN)
        st = cbx_ears_hear(s->ears, piece->x, piece->n, 0, NULL, &tokens, &n,
                           err);
    if (st)
        return st;
    if (n > piece->skip)
        take = piece->take < 0 || piece->take > n - piece->skip
                   ? n - piece->skip
                   : piece->take;
    st = cbx_pipeline_give(s->pipeline, take ? tokens + piece->skip : NULL,
                           take, piece->last, err);
    free(tokens);
    return st;
}

bool stream_hear(cbx_stream *s)
{
    cbx_error err;
    sound_piece piece;
    const uint64_t now =
        atomic_load_explicit(&s->cancels_seen, memory_order_relaxed);
    switch (sound_feed_next(s->sound, now, &piece)) {
    case SOUND_NONE:
        return false;
    case SOUND_END:
        stream_end_input(s);
        return true;
    case SOUND_PIECE:
        break;
    }
    const int64_t t0 = cbx_clock_ns();
    if (piece.first)
        begin(s, &piece);
    if (!s->failed && listen(s, &piece, &err))
        stream_fail(s, &err);
    s->work_seconds += 1e-9 * (double)(cbx_clock_ns() - t0);
    return true;
}
