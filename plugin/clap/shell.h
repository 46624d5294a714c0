#ifndef CBX_PLUGIN_CLAP_SHELL_H
#define CBX_PLUGIN_CLAP_SHELL_H

/* Inside of clap/: one instance as a CLAP host sees it. */

#include "plugin/core/plug.h"

#include <entry.h>
#include <ext/audio-ports.h>
#include <ext/gui.h>
#include <ext/latency.h>
#include <ext/note-ports.h>
#include <ext/params.h>
#include <ext/state.h>
#include <ext/timer-support.h>
#include <plugin-factory.h>
#include <plugin-features.h>
#include <plugin.h>

#define CLAP_VOICE_ID "chatterbox.voice"

/* -- what the packaged headers (CLAP 1.1.1) lack --------------------------- */

/* clap.render: <https://github.com/free-audio/clap> include/clap/ext/render.h
 */
#define CBX_CLAP_EXT_RENDER "clap.render"
enum { CBX_CLAP_RENDER_REALTIME = 0, CBX_CLAP_RENDER_OFFLINE = 1 };
typedef int32_t cbx_clap_render_mode;
typedef struct cbx_clap_plugin_render {
    bool(CLAP_ABI *has_hard_realtime_requirement)(const clap_plugin_t *plugin);
    bool(CLAP_ABI *set)(const clap_plugin_t *plugin, cbx_clap_render_mode mode);
} cbx_clap_plugin_render;

/* clap.posix-fd-support: .../ext/posix-fd-support.h */
#define CBX_CLAP_EXT_POSIX_FD "clap.posix-fd-support"
enum { CBX_CLAP_FD_READ = 1 };
typedef uint32_t cbx_clap_fd_flags;
typedef struct cbx_clap_plugin_posix_fd {
    void(CLAP_ABI *on_fd)(const clap_plugin_t *plugin, int fd,
                          cbx_clap_fd_flags flags);
} cbx_clap_plugin_posix_fd;
typedef struct cbx_clap_host_posix_fd {
    bool(CLAP_ABI *register_fd)(const clap_host_t *host, int fd,
                                cbx_clap_fd_flags flags);
    bool(CLAP_ABI *modify_fd)(const clap_host_t *host, int fd,
                              cbx_clap_fd_flags flags);
    bool(CLAP_ABI *unregister_fd)(const clap_host_t *host, int fd);
} cbx_clap_host_posix_fd;

/* -- the instance ---------------------------------------------------------- */

typedef struct gui gui; /* gui.c */

typedef struct shell {
    clap_plugin_t plugin; /* plugin_data is this shell */
    const clap_host_t *host;
    const clap_host_state_t *host_state; /* or NULL, as all of these */
    const clap_host_params_t *host_params;
    const clap_host_timer_support_t *host_timer;
    const cbx_clap_host_posix_fd *host_fd;
    plug *plug;
    double rate; /* 0: not active */
    _Atomic bool offline;
    _Atomic uint32_t touched; /* bits: parameters the window has moved */
    gui *gui;
} shell;

static inline shell *shell_of(const clap_plugin_t *p)
{
    return p->plugin_data;
}

extern const clap_plugin_factory_t shell_factory;
extern const clap_plugin_params_t shell_params;
extern const clap_plugin_state_t shell_state;
extern const clap_plugin_gui_t shell_gui;
extern const clap_plugin_timer_support_t shell_timer;
extern const cbx_clap_plugin_posix_fd shell_posix_fd;

/* [audio] */
CBX_RT clap_process_status shell_process(const clap_plugin_t *plugin,
                                         const clap_process_t *process);
CBX_RT void shell_event(shell *s, const clap_event_header_t *e);
/* [audio] What the window has moved, for the host's automation. */
CBX_RT void shell_tell_touched(shell *s, const clap_output_events_t *out);
/* [main] */
void gui_close(shell *s);

#endif
