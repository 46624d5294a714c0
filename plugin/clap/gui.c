/* The window in a CLAP host: embedded or floating, driven by the host's timer
 * and, where it has them, by file descriptors. */
#include "plugin/clap/shell.h"
#include "plugin/window/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERIOD_MS = 33 };

struct gui {
    window *window;
    clap_id timer;
    bool timed, watched, floating;
    double scale;
    char *status, *text, *voice, *voices; /* as told last */
};

static void set_text(void *arg, const char *script)
{
    shell *s = arg;
    if (plug_set_script(s->plug, script, strlen(script), NULL) == CBX_OK &&
        s->host_state)
        s->host_state->mark_dirty(s->host);
}

static void set_voice(void *arg, const char *name)
{
    shell *s = arg;
    if (plug_set_voice(s->plug, name, NULL) == CBX_OK && s->host_state)
        s->host_state->mark_dirty(s->host);
}

static void set_param(void *arg, plug_param which, float value)
{
    shell *s = arg;
    plug_set(s->plug, which, value);
    atomic_fetch_or(&s->touched, 1u << which);
    if (s->host_params)
        s->host_params->request_flush(s->host);
}

static void retry(void *arg)
{
    plug_retry(((shell *)arg)->plug);
}

/* Shows `now` when it differs from what was shown; takes it over. */
static void tell(gui *g, char **was, char *now,
                 void (*show)(window *w, const char *text))
{
    if (!now || (*was && strcmp(*was, now) == 0)) {
        free(now);
        return;
    }
    free(*was);
    *was = now;
    show(g->window, now);
}

static void refresh(shell *s)
{
    gui *g = s->gui;
    tell(g, &g->text, plug_script_copy(s->plug), window_tell_text);
    tell(g, &g->voice, plug_voice_copy(s->plug), window_tell_voice);
    tell(g, &g->voices, plug_voices_copy(s->plug), window_tell_voices);
    tell(g, &g->status, plug_status_copy(s->plug), window_tell_status);
    for (int i = 0; i < PLUG_PARAMS; i++)
        window_tell_param(g->window, (plug_param)i,
                          plug_get(s->plug, (plug_param)i));
    window_tell_level(g->window, plug_peak(s->plug));
}

static void run(shell *s)
{
    const clap_host_gui_t *host = s->host->get_extension(s->host, CLAP_EXT_GUI);
    if (!window_run(s->gui->window)) {
        window_show(s->gui->window, false);
        if (host && s->gui->floating)
            host->closed(s->host, false);
    }
}

void gui_close(shell *s)
{
    gui *g = s->gui;
    if (!g)
        return;
    if (g->timed)
        s->host_timer->unregister_timer(s->host, g->timer);
    if (g->watched)
        s->host_fd->unregister_fd(s->host, window_fd(g->window));
    window_close(g->window);
    free(g->status);
    free(g->text);
    free(g->voice);
    free(g->voices);
    free(g);
    s->gui = NULL;
}

static bool is_api_supported(const clap_plugin_t *plugin, const char *api,
                             bool is_floating)
{
    (void)is_floating;
    return shell_of(plugin)->host_timer && api &&
           strcmp(api, CLAP_WINDOW_API_X11) == 0;
}

static bool get_preferred_api(const clap_plugin_t *plugin, const char **api,
                              bool *is_floating)
{
    (void)plugin;
    *api = CLAP_WINDOW_API_X11;
    *is_floating = false;
    return true;
}

/* The X window is made when its parent is known: with set_parent, or show. */
static bool open_window(shell *s, unsigned long parent)
{
    gui *g = s->gui;
    if (!g || g->window)
        return g;
    const window_actions actions = {set_text, set_voice, set_param, retry, s};
    cbx_error err = {0};
    if (window_open(parent, g->scale, &actions, &g->window, &err)) {
        fprintf(stderr, "Chatterbox Voice: %s\n", err.text);
        return false;
    }
    g->timed = s->host_timer->register_timer(s->host, PERIOD_MS, &g->timer);
    g->watched =
        s->host_fd && s->host_fd->register_fd(s->host, window_fd(g->window),
                                              CBX_CLAP_FD_READ);
    if (!g->timed)
        return false;
    refresh(s);
    return true;
}

static bool create(const clap_plugin_t *plugin, const char *api,
                   bool is_floating)
{
    shell *s = shell_of(plugin);
    if (s->gui || !s->host_timer ||
        (api && *api && strcmp(api, CLAP_WINDOW_API_X11)))
        return false;
    s->gui = calloc(1, sizeof *s->gui);
    if (s->gui)
        s->gui->floating = is_floating;
    return s->gui;
}

static void destroy(const clap_plugin_t *plugin)
{
    gui_close(shell_of(plugin));
}

static bool set_scale(const clap_plugin_t *plugin, double scale)
{
    gui *g = shell_of(plugin)->gui;
    if (!g || g->window || !(scale >= 0.5 && scale <= 8))
        return false;
    g->scale = scale;
    return true;
}

static bool get_size(const clap_plugin_t *plugin, uint32_t *width,
                     uint32_t *height)
{
    const gui *g = shell_of(plugin)->gui;
    const double scale = g && g->scale > 0 ? g->scale : 1;
    if (!g)
        return false;
    *width = (uint32_t)(WINDOW_WIDTH * scale);
    *height = (uint32_t)(WINDOW_HEIGHT * scale);
    if (g->window)
        window_size(g->window, width, height);
    return true;
}

static bool can_resize(const clap_plugin_t *plugin)
{
    (void)plugin;
    return true;
}

static bool get_resize_hints(const clap_plugin_t *plugin,
                             clap_gui_resize_hints_t *hints)
{
    (void)plugin;
    *hints = (clap_gui_resize_hints_t){true, true, false, 1, 1};
    return true;
}

static bool adjust_size(const clap_plugin_t *plugin, uint32_t *width,
                        uint32_t *height)
{
    (void)plugin;
    *width = *width < WINDOW_WIDTH / 2 ? WINDOW_WIDTH / 2 : *width;
    *height = *height < WINDOW_HEIGHT / 2 ? WINDOW_HEIGHT / 2 : *height;
    return true;
}

static bool set_size(const clap_plugin_t *plugin, uint32_t width,
                     uint32_t height)
{
    gui *g = shell_of(plugin)->gui;
    if (!g || !g->window)
        return false;
    window_resize(g->window, width, height);
    return true;
}

static bool set_parent(const clap_plugin_t *plugin, const clap_window_t *to)
{
    return to && strcmp(to->api, CLAP_WINDOW_API_X11) == 0 &&
           open_window(shell_of(plugin), to->x11);
}

static bool set_transient(const clap_plugin_t *plugin, const clap_window_t *to)
{
    (void)to;
    return shell_of(plugin)->gui;
}

static void suggest_title(const clap_plugin_t *plugin, const char *title)
{
    (void)plugin;
    (void)title;
}

static bool show(const clap_plugin_t *plugin)
{
    shell *s = shell_of(plugin);
    if (!open_window(s, 0))
        return false;
    window_show(s->gui->window, true);
    run(s);
    return true;
}

static bool hide(const clap_plugin_t *plugin)
{
    gui *g = shell_of(plugin)->gui;
    if (!g || !g->window)
        return false;
    window_show(g->window, false);
    return true;
}

static void on_timer(const clap_plugin_t *plugin, clap_id timer)
{
    shell *s = shell_of(plugin);
    if (!s->gui || !s->gui->window || timer != s->gui->timer)
        return;
    refresh(s);
    run(s);
}

static void on_fd(const clap_plugin_t *plugin, int fd, cbx_clap_fd_flags flags)
{
    (void)fd;
    (void)flags;
    shell *s = shell_of(plugin);
    if (s->gui && s->gui->window)
        run(s);
}

const clap_plugin_gui_t shell_gui = {is_api_supported,
                                     get_preferred_api,
                                     create,
                                     destroy,
                                     set_scale,
                                     get_size,
                                     can_resize,
                                     get_resize_hints,
                                     adjust_size,
                                     set_size,
                                     set_parent,
                                     set_transient,
                                     suggest_title,
                                     show,
                                     hide};
const clap_plugin_timer_support_t shell_timer = {on_timer};
const cbx_clap_plugin_posix_fd shell_posix_fd = {on_fd};
