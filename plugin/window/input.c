#include "plugin/window/internal.h"

#include <X11/XKBlib.h>
#include <X11/Xutil.h>
#include <X11/keysym.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void window_apply(window *w)
{
    if (!w->edited)
        return;
    w->edited = false;
    *w->note = '\0';
    w->actions.text(w->actions.arg, w->editor.text);
    w->dirty_view = true;
}

static void set_focus(window *w, part p)
{
    if (w->focus == PART_EDITOR && p != PART_EDITOR)
        window_apply(w);
    w->focus = p;
    w->dirty_view = true;
}

/* -- parameters and voice -------------------------------------------------- */

static void set_param(window *w, plug_param which, double v)
{
    const plug_param_info *p = &plug_params[which];
    v = v < (double)p->least ? (double)p->least : v;
    v = v > (double)p->most ? (double)p->most : v;
    if (p->whole)
        v = floor(v + 0.5);
    if ((float)v == w->params[which])
        return;
    w->params[which] = (float)v;
    w->actions.param(w->actions.arg, which, (float)v);
    w->dirty_view = true;
}

static void step_param(window *w, plug_param which, int by, bool far)
{
    static const double near_step[] = {0.5, 0.05, 0.5, 1, 1, 1, 1},
                        far_step[] = {6, 0.25, 2, 100, 1, 1, 30};
    set_param(w, which,
              (double)w->params[which] +
                  by * (far ? far_step : near_step)[which]);
}

/* The next name in "" (the daemon's choice) and the voices known. */
static void step_voice(window *w, int by)
{
    const char *names[256] = {""};
    int n = 1, at = 0;
    char *copy = strdup(w->voices ? w->voices : "");
    char *rest = copy;
    for (char *name; copy && n < 256 && (name = strsep(&rest, "\n"));)
        if (*name)
            names[n++] = name;
    for (int i = 1; i < n; i++)
        if (strcmp(names[i], w->voice) == 0)
            at = i;
    if (n > 1) {
        snprintf(w->voice, sizeof w->voice, "%s", names[(at + by + n) % n]);
        w->actions.voice(w->actions.arg, w->voice);
        w->dirty_view = true;
    }
    free(copy);
}

static void press(window *w, part p)
{
    if (p == PART_APPLY)
        window_apply(w);
    else if (p == PART_RETRY)
        w->actions.retry(w->actions.arg);
    else if (p == PART_VOICE)
        step_voice(w, 1);
    else if (p == PART_PARAMS + PLUG_NOTE_OFF ||
             p == PART_PARAMS + PLUG_TIMELINE) {
        const plug_param which = (plug_param)(p - PART_PARAMS);
        set_param(w, which, w->params[which] > 0.5f ? 0 : 1);
    }
}

static bool control_key(window *w, KeySym key)
{
    const bool param = w->focus >= PART_PARAMS && w->focus < PART_APPLY;
    const plug_param which = (plug_param)(w->focus - PART_PARAMS);
    const bool up = key == XK_Right || key == XK_Up || key == XK_Page_Up,
               down = key == XK_Left || key == XK_Down || key == XK_Page_Down,
               far = key == XK_Page_Up || key == XK_Page_Down;
    if (key == XK_Return || key == XK_KP_Enter || key == XK_space) {
        press(w, w->focus);
        return true;
    }
    if (w->focus == PART_VOICE && (up || down)) {
        /* down the list is forward */
        step_voice(w, key == XK_Right || key == XK_Down ? 1 : -1);
        return true;
    }
    if (param && (up || down)) {
        step_param(w, which, up ? 1 : -1, far);
        return true;
    }
    if (param && (key == XK_Home || key == XK_BackSpace)) {
        set_param(w, which, (double)plug_params[which].normal);
        return true;
    }
    return false;
}

/* -- the editor ------------------------------------------------------------ */

static bool step_of(KeySym key, bool ctrl, editor_step *out)
{
    switch (key) {
    case XK_Left:
    case XK_KP_Left:
        *out = ctrl ? STEP_WORD_LEFT : STEP_LEFT;
        return true;
    case XK_Right:
    case XK_KP_Right:
        *out = ctrl ? STEP_WORD_RIGHT : STEP_RIGHT;
        return true;
    case XK_Up:
    case XK_KP_Up:
        *out = STEP_UP;
        return true;
    case XK_Down:
    case XK_KP_Down:
        *out = STEP_DOWN;
        return true;
    case XK_Home:
    case XK_KP_Home:
        *out = ctrl ? STEP_START : STEP_LINE_START;
        return true;
    case XK_End:
    case XK_KP_End:
        *out = ctrl ? STEP_END : STEP_LINE_END;
        return true;
    default:
        return false;
    }
}

static void edited(window *w)
{
    w->edited = true;
    w->dirty_view = true;
}

/* Ctrl with a letter. */
static bool editor_command(window *w, KeySym key, Time time)
{
    editor *e = &w->editor;
    switch (key) {
    case XK_a:
        e->anchor = 0;
        e->cursor = e->bytes;
        return true;
    case XK_c:
    case XK_x:
        window_copy(w, 0, time);
        if (key == XK_x && e->cursor != e->anchor) {
            editor_insert(e, "", 0, false);
            edited(w);
        }
        return true;
    case XK_v:
        window_paste(w, 0, time);
        return true;
    case XK_z:
        editor_undo(e);
        edited(w);
        return true;
    default:
        return false;
    }
}

static void editor_key(window *w, KeySym key, unsigned state, Time time,
                       const char *text, int n)
{
    editor *e = &w->editor;
    const bool ctrl = state & ControlMask, shift = state & ShiftMask;
    editor_step step;
    if (step_of(key, ctrl, &step)) {
        editor_move(e, step, shift);
        if (shift)
            window_copy(w, 1, time);
    } else if (key == XK_Page_Up || key == XK_Page_Down) {
        for (int i = 0; i < 10; i++)
            editor_move(e, key == XK_Page_Up ? STEP_UP : STEP_DOWN, shift);
    } else if (key == XK_BackSpace || key == XK_Delete) {
        editor_erase(e, key == XK_Delete ? ctrl ? STEP_WORD_RIGHT : STEP_RIGHT
                        : ctrl           ? STEP_WORD_LEFT
                                         : STEP_LEFT);
        edited(w);
    } else if (ctrl && editor_command(w, key, time)) {
        w->dirty_view = true;
    } else if (key == XK_Return || key == XK_KP_Enter) {
        if (editor_insert(e, "\n", 1, false))
            edited(w);
    } else if (n > 0 && !ctrl && (unsigned char)text[0] >= 32 &&
               text[0] != 127) {
        if (editor_insert(e, text, (size_t)n, true))
            edited(w);
    } else {
        return;
    }
    const box b = window_box(w, PART_EDITOR);
    editor_fit(e, b.w - 24, b.h - 20, true);
    w->dirty_view = true;
}

void window_key(window *w, XKeyEvent *e)
{
    char text[256];
    KeySym key = NoSymbol;
    Status status = 0;
    int n;
    if (w->ic) {
        n = Xutf8LookupString(w->ic, e, text, sizeof text - 1, &key, &status);
        if (status == XBufferOverflow)
            return; /* over 255 bytes from one key: no input method does it */
        if (status == XLookupChars)
            key = NoSymbol;
    } else {
        n = XLookupString(e, text, sizeof text - 1, &key, NULL);
    }
    const bool ctrl = e->state & ControlMask;
    if (key == XK_Tab || key == XK_ISO_Left_Tab) {
        const int back = key == XK_ISO_Left_Tab || e->state & ShiftMask;
        set_focus(w, (part)((w->focus + (back ? PARTS - 1 : 1)) % PARTS));
    } else if (ctrl && (key == XK_Return || key == XK_KP_Enter)) {
        window_apply(w);
    } else if (key == XK_F5) {
        press(w, PART_RETRY);
    } else if (key == XK_Escape) {
        set_focus(w, PART_EDITOR);
    } else if (w->focus == PART_EDITOR) {
        editor_key(w, key, e->state, e->time, text, n);
    } else {
        control_key(w, key);
    }
}

/* -- the mouse ------------------------------------------------------------- */

static void drag_to(window *w, double x, double y, bool select)
{
    if (w->drag == PART_EDITOR) {
        const box b = window_box(w, PART_EDITOR);
        editor_point(&w->editor, x - b.x - 12, y - b.y - 10, select);
        w->dirty_view = true;
    } else if (w->drag >= PART_PARAMS && w->drag < PART_APPLY) {
        const plug_param which = (plug_param)(w->drag - PART_PARAMS);
        const plug_param_info *p = &plug_params[which];
        const box b = window_box(w, w->drag);
        set_param(w, which,
                  (double)p->least +
                      (double)(p->most - p->least) * (x - b.x) / b.w);
    }
}

static void wheel(window *w, part p, int by)
{
    if (p == PART_EDITOR) {
        w->editor.scroll -= by * 40;
        w->dirty_view = true;
    } else if (p == PART_VOICE) {
        step_voice(w, -by);
    } else if (p >= PART_PARAMS && p < PART_APPLY) {
        step_param(w, (plug_param)(p - PART_PARAMS), by, false);
    }
}

void window_button(window *w, const XButtonEvent *e)
{
    const double x = e->x / w->scale, y = e->y / w->scale;
    const part p = window_part_at(w, x, y);
    if (e->type == ButtonRelease) {
        if (w->drag == PART_EDITOR)
            window_copy(w, 1, e->time);
        w->drag = PARTS;
        return;
    }
    if (e->button == Button4 || e->button == Button5) {
        wheel(w, p, e->button == Button4 ? 1 : -1);
        return;
    }
    /* hosts do not give the keyboard to a child window by themselves */
    XSetInputFocus(w->display, w->id, RevertToParent, e->time);
    if (p == PARTS)
        return;
    set_focus(w, p);
    w->drag = p;
    if (e->button == Button2 && p == PART_EDITOR) {
        drag_to(w, x, y, false);
        window_paste(w, 1, e->time);
    } else if (p == PART_VOICE) {
        const box b = window_box(w, p);
        step_voice(w, x < b.x + 90 ? -1 : 1);
    } else if (p == PART_EDITOR || (p >= PART_PARAMS && p < PART_APPLY &&
                                    p != PART_PARAMS + PLUG_NOTE_OFF &&
                                    p != PART_PARAMS + PLUG_TIMELINE)) {
        drag_to(w, x, y, e->state & ShiftMask);
    } else {
        press(w, p);
        w->drag = PARTS;
    }
}

void window_drag(window *w, const XMotionEvent *e)
{
    drag_to(w, e->x / w->scale, e->y / w->scale, true);
}
