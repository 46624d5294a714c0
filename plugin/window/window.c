#include "plugin/window/internal.h"

#include "rt/status.h"

#include <X11/Xatom.h>
#include <X11/Xutil.h>
#include <cairo/cairo-xlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- errors of our own displays -------------------------------------------- */

/* A host may destroy the parent first; Xlib would then end the program. The
 * handler is one for the process: what is not ours goes to the one before. */
enum { DISPLAYS = 64 };
static Display *ours[DISPLAYS];
static XErrorHandler others;
static bool handling;

static int on_error(Display *d, XErrorEvent *e)
{
    for (int i = 0; i < DISPLAYS; i++)
        if (ours[i] == d)
            return 0;
    return others ? others(d, e) : 0;
}

static void claim(Display *d, Display *was)
{
    if (!handling)
        others = XSetErrorHandler(on_error);
    handling = true;
    for (int i = 0; i < DISPLAYS; i++)
        if (ours[i] == was) {
            ours[i] = d;
            return;
        }
}

/* -- opening --------------------------------------------------------------- */

static double display_scale(Display *d)
{
    const char *dpi = XGetDefault(d, "Xft", "dpi");
    const double scale = dpi ? strtod(dpi, NULL) / 96 : 1;
    return scale >= 0.5 && scale <= 8 ? scale : 1;
}

static void open_input_method(window *w)
{
    XSetLocaleModifiers("");
    w->im = XOpenIM(w->display, NULL, NULL, NULL);
    if (!w->im) {
        XSetLocaleModifiers("@im=none");
        w->im = XOpenIM(w->display, NULL, NULL, NULL);
    }
    if (w->im)
        w->ic =
            XCreateIC(w->im, XNInputStyle, XIMPreeditNothing | XIMStatusNothing,
                      XNClientWindow, w->id, XNFocusWindow, w->id, NULL);
}

static void name_window(window *w)
{
    XStoreName(w->display, w->id, "Chatterbox Voice");
    XSetWMProtocols(w->display, w->id, &w->wm_delete, 1);
    XClassHint hint = {"chatterbox-voice", "Chatterbox Voice"};
    XSetClassHint(w->display, w->id, &hint);
}

cbx_status window_open(unsigned long parent, double scale,
                       const window_actions *actions, window **out,
                       cbx_error *err)
{
    window *w = calloc(1, sizeof *w);
    if (!w)
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    w->actions = *actions;
    w->drag = PARTS;
    w->daemon_up = true;
    for (int i = 0; i < PLUG_PARAMS; i++)
        w->params[i] = plug_params[i].normal;
    Display *d = w->display = XOpenDisplay(NULL);
    if (!d) {
        free(w);
        return cbx_fail(err, CBX_E_DEVICE,
                        "the window needs an X display; set DISPLAY");
    }
    claim(d, NULL);
    w->scale = scale > 0 ? scale : display_scale(d);
    w->width = (uint32_t)(WINDOW_WIDTH * w->scale);
    w->height = (uint32_t)(WINDOW_HEIGHT * w->scale);
    w->id = XCreateSimpleWindow(d, parent ? parent : DefaultRootWindow(d), 0, 0,
                                w->width, w->height, 0, 0, 0);
    w->clipboard = XInternAtom(d, "CLIPBOARD", False);
    w->utf8 = XInternAtom(d, "UTF8_STRING", False);
    w->targets = XInternAtom(d, "TARGETS", False);
    w->paste = XInternAtom(d, "CHATTERBOX_PASTE", False);
    w->wm_delete = XInternAtom(d, "WM_DELETE_WINDOW", False);
    w->wm_protocols = XInternAtom(d, "WM_PROTOCOLS", False);
    open_input_method(w);
    long mask = 0;
    if (w->ic)
        XGetICValues(w->ic, XNFilterEvents, &mask, NULL);
    XSelectInput(d, w->id,
                 mask | KeyPressMask | ButtonPressMask | ButtonReleaseMask |
                     Button1MotionMask | ExposureMask | StructureNotifyMask |
                     FocusChangeMask);
    if (!parent)
        name_window(w);
    w->surface =
        cairo_xlib_surface_create(d, w->id, DefaultVisual(d, DefaultScreen(d)),
                                  (int)w->width, (int)w->height);
    w->cr = cairo_create(w->surface);
    PangoContext *context = pango_cairo_create_context(w->cr);
    const bool ok = context && editor_open(&w->editor, context);
    if (context)
        g_object_unref(context);
    if (!ok) {
        window_close(w);
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    }
    *out = w;
    return CBX_OK;
}

void window_close(window *w)
{
    if (!w)
        return;
    editor_close(&w->editor);
    cairo_destroy(w->cr);
    cairo_surface_destroy(w->surface);
    if (w->ic)
        XDestroyIC(w->ic);
    if (w->im)
        XCloseIM(w->im);
    XSync(w->display, False);
    XCloseDisplay(w->display); /* and with it the window */
    claim(NULL, w->display);
    free(w->held[0]);
    free(w->held[1]);
    free(w->told_text);
    free(w->voices);
    free(w);
}

unsigned long window_id(const window *w)
{
    return w->id;
}

int window_fd(const window *w)
{
    return ConnectionNumber(w->display);
}

void window_size(const window *w, uint32_t *width, uint32_t *height)
{
    *width = w->width;
    *height = w->height;
}

static void resized(window *w, uint32_t width, uint32_t height)
{
    w->width = width;
    w->height = height;
    cairo_xlib_surface_set_size(w->surface, (int)width, (int)height);
    w->dirty_view = true;
}

void window_resize(window *w, uint32_t width, uint32_t height)
{
    XResizeWindow(w->display, w->id, width, height);
    resized(w, width, height);
}

void window_show(window *w, bool on)
{
    if (on)
        XMapRaised(w->display, w->id);
    else
        XUnmapWindow(w->display, w->id);
    XFlush(w->display);
    w->shown = on;
    w->closed = false;
}

/* -- running --------------------------------------------------------------- */

static void handle(window *w, XEvent *e)
{
    switch (e->type) {
    case Expose:
        w->dirty_view = true;
        break;
    case ConfigureNotify:
        if ((uint32_t)e->xconfigure.width != w->width ||
            (uint32_t)e->xconfigure.height != w->height)
            resized(w, (uint32_t)e->xconfigure.width,
                    (uint32_t)e->xconfigure.height);
        break;
    case KeyPress:
        window_key(w, &e->xkey);
        break;
    case ButtonPress:
    case ButtonRelease:
        window_button(w, &e->xbutton);
        break;
    case MotionNotify:
        window_drag(w, &e->xmotion);
        break;
    case FocusIn:
        if (w->ic)
            XSetICFocus(w->ic);
        break;
    case FocusOut:
        if (w->ic)
            XUnsetICFocus(w->ic);
        break;
    case SelectionRequest:
    case SelectionNotify:
    case SelectionClear:
        window_selection_event(w, e);
        break;
    case ClientMessage:
        w->closed |= (Atom)e->xclient.data.l[0] == w->wm_delete;
        break;
    case DestroyNotify:
        w->gone |= e->xdestroywindow.window == w->id;
        break;
    default:
        break;
    }
}

bool window_run(window *w)
{
    while (XPending(w->display)) {
        XEvent e;
        XNextEvent(w->display, &e);
        if (!XFilterEvent(&e, None))
            handle(w, &e);
    }
    if (w->closed)
        window_apply(w);
    if (w->dirty_view && w->shown && !w->gone) {
        w->dirty_view = false;
        window_draw(w);
    }
    return !w->closed && !w->gone;
}

/* -- what is shown --------------------------------------------------------- */

void window_tell_text(window *w, const char *script)
{
    if (w->told_text && strcmp(w->told_text, script) == 0)
        return;
    free(w->told_text);
    w->told_text = strdup(script);
    if (w->edited)
        return;
    editor_set(&w->editor, script);
    w->dirty_view = true;
}

void window_tell_voice(window *w, const char *voice)
{
    snprintf(w->voice, sizeof w->voice, "%s", voice);
    w->dirty_view = true;
}

void window_tell_voices(window *w, const char *names)
{
    free(w->voices);
    w->voices = strdup(names);
}

/* One field of a status line, up to a tab; the rest stays in *at. */
static void field(const char **at, char *out, size_t size)
{
    const size_t n = strcspn(*at, "\t\n");
    snprintf(out, size, "%.*s", (int)n, *at);
    *at += n;
    if (**at == '\t')
        ++*at;
}

void window_tell_status(window *w, const char *status)
{
    char name[16], seconds[16];
    w->phrase_count = 0;
    *w->note = '\0';
    while (*status) {
        phrase_state p = {0};
        field(&status, name, sizeof name);
        if (strcmp(name, "daemon") == 0) {
            field(&status, p.state, sizeof p.state);
            w->daemon_up = strcmp(p.state, "up") == 0;
        } else if (strcmp(name, "note") == 0) {
            field(&status, w->note, sizeof w->note);
        } else if (w->phrase_count < PLUG_PHRASES) {
            p.number = atoi(name);
            field(&status, p.state, sizeof p.state);
            field(&status, seconds, sizeof seconds);
            p.seconds = strtod(seconds, NULL);
            field(&status, p.why, sizeof p.why);
            w->phrases[w->phrase_count++] = p;
        }
        status += strcspn(status, "\n");
        status += *status == '\n';
    }
    w->dirty_view = true;
}

void window_tell_param(window *w, plug_param which, float value)
{
    if (w->params[which] == value)
        return;
    w->params[which] = value;
    w->dirty_view = true;
}

void window_tell_level(window *w, float peak)
{
    const float fallen = w->level * 0.85f, next = peak > fallen ? peak : fallen;
    w->dirty_view |= fabsf(next - w->level) > 1e-4f;
    w->level = next;
}
