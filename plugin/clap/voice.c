/* The CLAP plugin: lifetime, ports and the smaller extensions. */
#include "plugin/clap/shell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void log_sentence(void *arg, const char *sentence)
{
    (void)arg;
    fprintf(stderr, "Chatterbox Voice: %s\n", sentence);
}

/* -- lifetime -------------------------------------------------------------- */

static bool init(const clap_plugin_t *plugin)
{
    shell *s = shell_of(plugin);
    cbx_error err = {0};
    if (plug_open(plug_daemon(), 0, &s->plug, &err)) {
        log_sentence(NULL, err.text);
        return false;
    }
    plug_set_log(s->plug, log_sentence, NULL);
    plug_will_serve(s->plug); /* request_callback is in every host */
    const clap_host_t *h = s->host;
    s->host_state = h->get_extension(h, CLAP_EXT_STATE);
    s->host_params = h->get_extension(h, CLAP_EXT_PARAMS);
    s->host_timer = h->get_extension(h, CLAP_EXT_TIMER_SUPPORT);
    s->host_fd = h->get_extension(h, CBX_CLAP_EXT_POSIX_FD);
    return true;
}

static void destroy(const clap_plugin_t *plugin)
{
    shell *s = shell_of(plugin);
    gui_close(s);
    plug_close(s->plug);
    free(s);
}

static bool activate(const clap_plugin_t *plugin, double rate, uint32_t least,
                     uint32_t most)
{
    (void)least;
    (void)most;
    shell *s = shell_of(plugin);
    cbx_error err = {0};
    if (!(rate >= 8000 && rate <= 768000))
        return false;
    if (plug_set_rate(s->plug, (uint32_t)lround(rate), &err)) {
        log_sentence(NULL, err.text);
        return false;
    }
    s->rate = rate;
    return true;
}

static void deactivate(const clap_plugin_t *plugin)
{
    shell_of(plugin)->rate = 0;
}

static bool start_processing(const clap_plugin_t *plugin)
{
    (void)plugin;
    return true;
}

static void stop_processing(const clap_plugin_t *plugin)
{
    (void)plugin;
}

static void reset(const clap_plugin_t *plugin)
{
    plug_silence(shell_of(plugin)->plug);
}

static void on_main_thread(const clap_plugin_t *plugin)
{
    plug_serve(shell_of(plugin)->plug);
}

/* -- ports and smaller extensions ------------------------------------------ */

static uint32_t audio_count(const clap_plugin_t *plugin, bool is_input)
{
    (void)plugin;
    return !is_input;
}

static bool audio_get(const clap_plugin_t *plugin, uint32_t index,
                      bool is_input, clap_audio_port_info_t *info)
{
    (void)plugin;
    if (is_input || index)
        return false;
    *info = (clap_audio_port_info_t){.id = 0,
                                     .name = "Out",
                                     .flags = CLAP_AUDIO_PORT_IS_MAIN,
                                     .channel_count = 1,
                                     .port_type = CLAP_PORT_MONO,
                                     .in_place_pair = CLAP_INVALID_ID};
    return true;
}

static uint32_t note_count(const clap_plugin_t *plugin, bool is_input)
{
    (void)plugin;
    return is_input;
}

static bool note_get(const clap_plugin_t *plugin, uint32_t index, bool is_input,
                     clap_note_port_info_t *info)
{
    (void)plugin;
    if (!is_input || index)
        return false;
    *info = (clap_note_port_info_t){
        .id = 0,
        .supported_dialects = CLAP_NOTE_DIALECT_CLAP | CLAP_NOTE_DIALECT_MIDI,
        .preferred_dialect = CLAP_NOTE_DIALECT_CLAP,
        .name = "Notes"};
    return true;
}

/* A phrase lies where it is pinned. */
static uint32_t latency(const clap_plugin_t *plugin)
{
    (void)plugin;
    return 0;
}

static bool is_hard(const clap_plugin_t *plugin)
{
    (void)plugin;
    return false;
}

static bool set_render(const clap_plugin_t *plugin, cbx_clap_render_mode mode)
{
    if (mode != CBX_CLAP_RENDER_REALTIME && mode != CBX_CLAP_RENDER_OFFLINE)
        return false;
    atomic_store(&shell_of(plugin)->offline, mode == CBX_CLAP_RENDER_OFFLINE);
    return true;
}

static const void *get_extension(const clap_plugin_t *plugin, const char *id)
{
    static const clap_plugin_audio_ports_t audio = {audio_count, audio_get};
    static const clap_plugin_note_ports_t notes = {note_count, note_get};
    static const clap_plugin_latency_t late = {latency};
    static const cbx_clap_plugin_render render = {is_hard, set_render};
    const struct {
        const char *id;
        const void *extension;
    } all[] = {
        {CLAP_EXT_AUDIO_PORTS, &audio},
        {CLAP_EXT_NOTE_PORTS, &notes},
        {CLAP_EXT_LATENCY, &late},
        {CBX_CLAP_EXT_RENDER, &render},
        {CLAP_EXT_PARAMS, &shell_params},
        {CLAP_EXT_STATE, &shell_state},
        {CLAP_EXT_GUI, &shell_gui},
        {CLAP_EXT_TIMER_SUPPORT, &shell_timer},
        {CBX_CLAP_EXT_POSIX_FD, &shell_posix_fd},
    };
    (void)plugin;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(id, all[i].id) == 0)
            return all[i].extension;
    return NULL;
}

/* -- factory --------------------------------------------------------------- */

static const char *features[] = {CLAP_PLUGIN_FEATURE_INSTRUMENT,
                                 CLAP_PLUGIN_FEATURE_SYNTHESIZER,
                                 CLAP_PLUGIN_FEATURE_MONO, NULL};

static const clap_plugin_descriptor_t descriptor = {
    .clap_version = CLAP_VERSION_INIT,
    .id = CLAP_VOICE_ID,
    .name = "Chatterbox Voice",
    .vendor = "The chatterbox project",
    .url = "",
    .manual_url = "",
    .support_url = "",
    .version = "0.1.0",
    .description = "Speaks phrases at their place in the project, and when "
                   "their note is played.",
    .features = features};

static uint32_t plugin_count(const clap_plugin_factory_t *f)
{
    (void)f;
    return 1;
}

static const clap_plugin_descriptor_t *
plugin_descriptor(const clap_plugin_factory_t *f, uint32_t index)
{
    (void)f;
    return index ? NULL : &descriptor;
}

static const clap_plugin_t *create(const clap_plugin_factory_t *f,
                                   const clap_host_t *host, const char *id)
{
    (void)f;
    if (!host || !clap_version_is_compatible(host->clap_version) ||
        strcmp(id, descriptor.id))
        return NULL;
    shell *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->host = host;
    s->plugin = (clap_plugin_t){.desc = &descriptor,
                                .plugin_data = s,
                                .init = init,
                                .destroy = destroy,
                                .activate = activate,
                                .deactivate = deactivate,
                                .start_processing = start_processing,
                                .stop_processing = stop_processing,
                                .reset = reset,
                                .process = shell_process,
                                .get_extension = get_extension,
                                .on_main_thread = on_main_thread};
    return &s->plugin;
}

const clap_plugin_factory_t shell_factory = {plugin_count, plugin_descriptor,
                                             create};
