#include "plugin/clap/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t count(const clap_plugin_t *plugin)
{
    (void)plugin;
    return PLUG_PARAMS;
}

static bool get_info(const clap_plugin_t *plugin, uint32_t index,
                     clap_param_info_t *out)
{
    (void)plugin;
    if (index >= PLUG_PARAMS)
        return false;
    const plug_param_info *p = &plug_params[index];
    *out = (clap_param_info_t){
        .id = index,
        .flags = CLAP_PARAM_IS_AUTOMATABLE |
                 (p->whole ? (uint32_t)CLAP_PARAM_IS_STEPPED : 0u),
        .min_value = (double)p->least,
        .max_value = (double)p->most,
        .default_value = (double)p->normal};
    snprintf(out->name, sizeof out->name, "%s", p->name);
    return true;
}

static bool get_value(const clap_plugin_t *plugin, clap_id id, double *value)
{
    if (id >= PLUG_PARAMS)
        return false;
    *value = (double)plug_get(shell_of(plugin)->plug, (plug_param)id);
    return true;
}

static const char *const NOTE_OFF[] = {"Plays on", "Stops"};
static const char *const TIMELINE[] = {"Off", "On"};

/* Names of a choice; NULL: it is a number. */
static const char *const *names_of(clap_id id)
{
    return id == PLUG_NOTE_OFF   ? NOTE_OFF
           : id == PLUG_TIMELINE ? TIMELINE
                                 : NULL;
}

static bool value_to_text(const clap_plugin_t *plugin, clap_id id, double value,
                          char *text, uint32_t size)
{
    (void)plugin;
    if (id >= PLUG_PARAMS || !size)
        return false;
    const plug_param_info *p = &plug_params[id];
    if (names_of(id))
        snprintf(text, size, "%s", names_of(id)[value > 0.5]);
    else
        snprintf(text, size, p->whole ? "%.0f%s%s" : "%.2f%s%s", value,
                 *p->unit ? " " : "", p->unit);
    return true;
}

static bool text_to_value(const clap_plugin_t *plugin, clap_id id,
                          const char *text, double *value)
{
    (void)plugin;
    if (id >= PLUG_PARAMS)
        return false;
    for (int i = 0; names_of(id) && i < 2; i++)
        if (strcmp(text, names_of(id)[i]) == 0) {
            *value = i;
            return true;
        }
    char *end;
    const double v = strtod(text, &end);
    if (end == text || v != v)
        return false;
    const plug_param_info *p = &plug_params[id];
    *value = v < (double)p->least  ? (double)p->least
             : v > (double)p->most ? (double)p->most
                                   : v;
    return true;
}

static void flush(const clap_plugin_t *plugin, const clap_input_events_t *in,
                  const clap_output_events_t *out)
{
    shell *s = shell_of(plugin);
    const uint32_t n = in ? in->size(in) : 0;
    for (uint32_t i = 0; i < n; i++) {
        const clap_event_header_t *e = in->get(in, i);
        if (e && e->type == CLAP_EVENT_PARAM_VALUE)
            shell_event(s, e);
    }
    shell_tell_touched(s, out);
    if (plug_wants_service(s->plug))
        s->host->request_callback(s->host);
}

const clap_plugin_params_t shell_params = {
    count, get_info, get_value, value_to_text, text_to_value, flush};
