#ifndef CBX_PLUGIN_WINDOW_H
#define CBX_PLUGIN_WINDOW_H

#include "plugin/core/plug.h"

/* The window of both plugins: the script with the state of its phrases, the
 * voice, the parameters and the level. It knows neither host nor core: it is
 * told what to show and tells what its user wants. X11, cairo, pango.
 *
 * All functions: [setup], one thread. */
typedef struct window window;

enum { WINDOW_WIDTH = 720, WINDOW_HEIGHT = 460 }; /* at scale 1 */

typedef struct window_actions {
    void (*text)(void *arg, const char *script);
    void (*voice)(void *arg, const char *name);
    void (*param)(void *arg, plug_param which, float value);
    void (*retry)(void *arg);
    void *arg;
} window_actions;

/* parent: an X window, 0 for one of its own. scale: 1 for 96 dpi, 0: what the
 * display says. CBX_E_DEVICE: no X display. */
CBX_CHECK cbx_status window_open(unsigned long parent, double scale,
                                 const window_actions *actions, window **out,
                                 cbx_error *err);
void window_close(window *w); /* NULL is allowed */

unsigned long window_id(const window *w);
int window_fd(const window *w); /* readable: call window_run */
void window_size(const window *w, uint32_t *width, uint32_t *height);
void window_resize(window *w, uint32_t width, uint32_t height);
void window_show(window *w, bool on);
/* Handles what has happened and draws; at least a few times a second. False:
 * its user has closed it. */
bool window_run(window *w);

/* What it shows. A script that its user is changing is not replaced. */
void window_tell_text(window *w, const char *script);
void window_tell_voice(window *w, const char *voice);
void window_tell_voices(window *w, const char *names);  /* one a line */
void window_tell_status(window *w, const char *status); /* core/scene.c */
void window_tell_param(window *w, plug_param which, float value);
void window_tell_level(window *w,
                       float peak); /* since the last call; 1: full */

#endif
