/* The audio thread of a CLAP host: events and blocks to the core. */
#include "plugin/clap/shell.h"

#include <math.h>
#include <string.h>

/* Where the host is, in frames. False: it does not say. */
CBX_RT static bool place_of(const shell *s, const clap_event_transport_t *t,
                            int64_t *out)
{
    double seconds;
    if (t->flags & CLAP_TRANSPORT_HAS_SECONDS_TIMELINE)
        seconds = (double)t->song_pos_seconds / CLAP_SECTIME_FACTOR;
    else if (t->flags & CLAP_TRANSPORT_HAS_BEATS_TIMELINE &&
             t->flags & CLAP_TRANSPORT_HAS_TEMPO && t->tempo > 0)
        seconds =
            (double)t->song_pos_beats / CLAP_BEATTIME_FACTOR * 60 / t->tempo;
    else
        return false;
    const double frame = floor(seconds * s->rate + 0.5);
    if (!(frame > -1e15 && frame < 1e15))
        return false;
    *out = (int64_t)frame;
    return true;
}

CBX_RT static void take_transport(shell *s, const clap_event_transport_t *t)
{
    const bool playing = t->flags & CLAP_TRANSPORT_IS_PLAYING;
    const int64_t here = plug_position(s->plug);
    int64_t at = here;
    /* Times are rounded on their way: one frame is no jump. */
    if (place_of(s, t, &at) && playing && at >= here - 1 && at <= here + 1)
        at = here;
    plug_transport(s->plug, playing, at);
}

CBX_RT static void take_midi(shell *s, const uint8_t *m)
{
    const int kind = m[0] & 0xf0;
    if (kind == 0x90)
        plug_note(s->plug, m[1] & 127, (float)(m[2] & 127) / 127);
    else if (kind == 0x80)
        plug_note(s->plug, m[1] & 127, 0);
    else if (kind == 0xb0 && (m[1] == 120 || m[1] == 123))
        plug_silence(s->plug);
}

CBX_RT void shell_event(shell *s, const clap_event_header_t *e)
{
    if (e->space_id != CLAP_CORE_EVENT_SPACE_ID)
        return;
    const clap_event_note_t *note = (const clap_event_note_t *)e;
    const clap_event_param_value_t *param = (const clap_event_param_value_t *)e;
    switch (e->type) {
    case CLAP_EVENT_NOTE_ON:
        plug_note(s->plug, note->key, (float)note->velocity);
        break;
    case CLAP_EVENT_NOTE_OFF:
        for (int key = 0; key < PLUG_PHRASES; key++)
            if (note->key == key || note->key == -1)
                plug_note(s->plug, key, 0);
        break;
    case CLAP_EVENT_NOTE_CHOKE:
        plug_silence(s->plug);
        break;
    case CLAP_EVENT_MIDI:
        take_midi(s, ((const clap_event_midi_t *)e)->data);
        break;
    case CLAP_EVENT_PARAM_VALUE:
        if (param->param_id < PLUG_PARAMS)
            plug_set(s->plug, (plug_param)param->param_id, (float)param->value);
        break;
    case CLAP_EVENT_TRANSPORT:
        take_transport(s, (const clap_event_transport_t *)e);
        break;
    default:
        break;
    }
}

CBX_RT void shell_tell_touched(shell *s, const clap_output_events_t *out)
{
    const uint32_t bits =
        atomic_exchange_explicit(&s->touched, 0, memory_order_relaxed);
    for (uint32_t i = 0; bits && out && i < PLUG_PARAMS; i++) {
        if (!(bits & 1u << i))
            continue;
        const clap_event_param_value_t e = {
            .header = {sizeof e, 0, CLAP_CORE_EVENT_SPACE_ID,
                       CLAP_EVENT_PARAM_VALUE, 0},
            .param_id = i,
            .note_id = -1,
            .port_index = -1,
            .channel = -1,
            .key = -1,
            .value = (double)plug_get(s->plug, (plug_param)i)};
        if (!out->try_push(out, &e.header)) /* the host's list is full */
            atomic_fetch_or_explicit(&s->touched, 1u << i,
                                     memory_order_relaxed);
    }
}

CBX_RT static void fill(shell *s, float *out, uint32_t from, uint32_t to,
                        bool offline)
{
    if (from >= to)
        return;
    if (offline)
        plug_wait(s->plug, to - from);
    plug_fill(s->plug, out + from, to - from);
}

CBX_RT clap_process_status shell_process(const clap_plugin_t *plugin,
                                         const clap_process_t *process)
{
    shell *s = shell_of(plugin);
    if (process->audio_outputs_count < 1 || !process->audio_outputs ||
        process->audio_outputs[0].channel_count < 1 ||
        !process->audio_outputs[0].data32)
        return CLAP_PROCESS_ERROR;
    float *out = process->audio_outputs[0].data32[0];
    process->audio_outputs[0].constant_mask = 0;
    const uint32_t n = process->frames_count;
    const bool offline =
        atomic_load_explicit(&s->offline, memory_order_relaxed);
    plug_set_offline(s->plug, offline);
    plug_begin(s->plug);
    if (process->transport)
        take_transport(s, process->transport);
    const clap_input_events_t *in = process->in_events;
    const uint32_t count = in ? in->size(in) : 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const clap_event_header_t *e = in->get(in, i);
        if (!e)
            continue;
        const uint32_t frame = e->time < n ? e->time : n;
        if (frame > at) {
            fill(s, out, at, frame, offline);
            at = frame;
        }
        shell_event(s, e);
    }
    fill(s, out, at, n, offline);
    shell_tell_touched(s, process->out_events);
    if (plug_wants_service(s->plug))
        s->host->request_callback(s->host);
    return CLAP_PROCESS_CONTINUE; /* phrases begin without an event */
}
