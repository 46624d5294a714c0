/* The LV2 plugin: ports and events to the core, and back. */
#include "plugin/lv2/shell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void shell_log(shell *s, const char *sentence)
{
    if (s->log)
        s->log->printf(s->log->handle, s->uris.log_Note,
                       "Chatterbox Voice: %s\n", sentence);
    else
        fprintf(stderr, "Chatterbox Voice: %s\n", sentence);
}

static void log_sentence(void *arg, const char *sentence)
{
    shell_log(arg, sentence);
}

void shell_path_features(shell *s, const LV2_Feature *const *features)
{
    for (int i = 0; features && features[i]; i++) {
        if (strcmp(features[i]->URI, LV2_STATE__makePath) == 0)
            s->make_path = features[i]->data;
        else if (strcmp(features[i]->URI, LV2_STATE__freePath) == 0)
            s->free_path = features[i]->data;
        else if (strcmp(features[i]->URI, LV2_STATE__mapPath) == 0)
            s->map_path = features[i]->data;
    }
}

static LV2_Handle instantiate(const LV2_Descriptor *d, double rate,
                              const char *bundle,
                              const LV2_Feature *const *features)
{
    (void)d;
    (void)bundle;
    shell *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    for (int i = 0; features && features[i]; i++) {
        if (strcmp(features[i]->URI, LV2_URID__map) == 0)
            s->map = features[i]->data;
        else if (strcmp(features[i]->URI, LV2_WORKER__schedule) == 0)
            s->schedule = features[i]->data;
        else if (strcmp(features[i]->URI, LV2_LOG__log) == 0)
            s->log = features[i]->data;
    }
    shell_path_features(s, features);
    cbx_error err = {0};
    if (!s->map || !(rate >= 8000 && rate <= 768000)) {
        shell_log(s, s->map ? "a sample rate that makes no sense"
                            : "the host has no urid:map, which is needed");
        free(s);
        return NULL;
    }
    voice_uris_map(&s->uris, s->map);
    lv2_atom_forge_init(&s->forge, s->map);
    s->rate = (uint32_t)lround(rate);
    if (plug_open(plug_daemon(), s->rate, &s->plug, &err)) {
        shell_log(s, err.text);
        free(s);
        return NULL;
    }
    plug_set_log(s->plug, log_sentence, s);
    if (s->schedule)
        plug_will_serve(s->plug);
    return s;
}

static void connect_port(LV2_Handle h, uint32_t port, void *data)
{
    shell *s = h;
    if (port == PORT_CONTROL)
        s->control = data;
    else if (port == PORT_NOTIFY)
        s->notify = data;
    else if (port == PORT_OUT)
        s->out = data;
    else if (port < PORT_COUNT)
        s->ports[port] = data;
}

static void activate(LV2_Handle h)
{
    shell *s = h;
    cbx_error err = {0};
    s->rolling = false;
    if (plug_set_rate(s->plug, s->rate, &err))
        shell_log(s, err.text);
}

CBX_RT static void fill(shell *s, uint32_t from, uint32_t to, bool offline)
{
    if (from >= to)
        return;
    if (offline)
        plug_wait(s->plug, to - from);
    plug_fill(s->plug, s->out + from, to - from);
}

CBX_RT static void set_out(shell *s, int port, double value)
{
    if (s->ports[port])
        *s->ports[port] = (float)value;
}

CBX_RT static void take_events(shell *s, uint32_t n, bool offline)
{
    uint32_t at = 0;
    const LV2_Atom_Sequence *in = s->control;
    const uint32_t size = in ? in->atom.size : 0;
    uint32_t offset = sizeof(LV2_Atom_Sequence_Body);
    while (offset + sizeof(LV2_Atom_Event) <= size) {
        const LV2_Atom_Event *ev =
            (const LV2_Atom_Event *)((const char *)&in->body + offset);
        const uint32_t room = size - offset - (uint32_t)sizeof(LV2_Atom_Event);
        if (ev->body.size > room)
            break; /* it says more than there is */
        const uint32_t frame = ev->time.frames < 0 ? 0
                               : ev->time.frames > (int64_t)n
                                   ? n
                                   : (uint32_t)ev->time.frames;
        if (frame > at) {
            fill(s, at, frame, offline);
            at = frame;
        }
        shell_event(s, &ev->body, ev->body.size);
        offset +=
            lv2_atom_pad_size((uint32_t)sizeof(LV2_Atom_Event) + ev->body.size);
    }
    fill(s, at, n, offline);
}

CBX_RT static void run(LV2_Handle h, uint32_t n)
{
    shell *s = h;
    for (int i = 0; i < PLUG_PARAMS; i++)
        if (s->ports[PORT_PARAMS + i])
            plug_set(s->plug, (plug_param)i, *s->ports[PORT_PARAMS + i]);
    const float *freewheel = s->ports[PORT_FREEWHEEL];
    const bool offline = freewheel && *freewheel > 0.5f;
    plug_set_offline(s->plug, offline);
    if (s->out) {
        const plug_scene *scene = plug_begin(s->plug);
        take_events(s, n, offline);
        if (scene) {
            set_out(s, PORT_PENDING, scene->pending);
            set_out(s, PORT_MISSING, scene->missing);
        }
        shell_tell(s, scene);
    }
    set_out(s, PORT_LATENCY, 0); /* a phrase lies where it is pinned */
    set_out(s, PORT_LATE, (double)plug_late(s->plug));
    const float peak = plug_peak(s->plug);
    set_out(s, PORT_LEVEL, peak > 1e-5f ? 20 * log10f(peak) : -100);
    if (s->schedule && plug_wants_service(s->plug)) {
        const uint8_t nothing = 0;
        /* Refused: the worker comes round by itself a little later. */
        s->schedule->schedule_work(s->schedule->handle, 1, &nothing);
    }
}

static void cleanup(LV2_Handle h)
{
    shell *s = h;
    plug_close(s->plug);
    free(s);
}

static LV2_Worker_Status work(LV2_Handle h, LV2_Worker_Respond_Function respond,
                              LV2_Worker_Respond_Handle handle, uint32_t size,
                              const void *data)
{
    (void)respond;
    (void)handle;
    (void)size;
    (void)data;
    plug_serve(((shell *)h)->plug);
    return LV2_WORKER_SUCCESS;
}

static LV2_Worker_Status work_response(LV2_Handle h, uint32_t size,
                                       const void *data)
{
    (void)h;
    (void)size;
    (void)data;
    return LV2_WORKER_SUCCESS;
}

static const void *extension_data(const char *uri)
{
    static const LV2_State_Interface state = {shell_save, shell_restore};
    static const LV2_Worker_Interface worker = {work, work_response, NULL};
    if (strcmp(uri, LV2_STATE__interface) == 0)
        return &state;
    if (strcmp(uri, LV2_WORKER__interface) == 0)
        return &worker;
    return NULL;
}

const LV2_Descriptor shell_descriptor = {VOICE_URI, instantiate,   connect_port,
                                         activate,  run,           NULL,
                                         cleanup,   extension_data};
