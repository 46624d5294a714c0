#ifndef CBX_PLUGIN_WINDOW_INTERNAL_H
#define CBX_PLUGIN_WINDOW_INTERNAL_H

/* Inside of window/. Lengths are in units of 1/96 inch; the drawing is
 * scaled. */

#include "plugin/window/window.h"

#include <X11/Xlib.h>
#include <cairo/cairo.h>
#include <pango/pangocairo.h>

/* -- editor.c: a text with a cursor ---------------------------------------- */

enum { EDITOR_UNDO = 64 };

typedef struct editor {
    char *text; /* UTF-8; ends in NUL; never NULL */
    size_t bytes;
    size_t cursor, anchor; /* bytes; the selection lies between them */
    double scroll;         /* units that are above the view */
    PangoLayout *layout;   /* of the text as it is */
    double width;
    struct {
        char *text;
        size_t cursor;
    } undo[EDITOR_UNDO];
    int undo_count;
    bool typing; /* the last change was a typed letter: one undo for all */
} editor;

typedef enum editor_step {
    STEP_LEFT,
    STEP_RIGHT,
    STEP_WORD_LEFT,
    STEP_WORD_RIGHT,
    STEP_UP,
    STEP_DOWN,
    STEP_LINE_START,
    STEP_LINE_END,
    STEP_START,
    STEP_END,
} editor_step;

bool editor_open(editor *e, PangoContext *context);
void editor_close(editor *e);
void editor_set(editor *e, const char *text); /* no undo over this */
/* Takes the place of the selection. What is no UTF-8 or too long is refused. */
bool editor_insert(editor *e, const char *text, size_t n, bool typed);
void editor_move(editor *e, editor_step step, bool select);
void editor_erase(editor *e, editor_step step); /* or the selection */
void editor_point(editor *e, double x, double y, bool select);
void editor_undo(editor *e);
void editor_selection(const editor *e, size_t *from, size_t *to);
/* Wraps at `width`; keeps the cursor inside of a view of `height`. */
void editor_fit(editor *e, double width, double height, bool follow);

/* -- the window ------------------------------------------------------------ */

typedef enum part {
    PART_EDITOR,
    PART_VOICE,
    PART_PARAMS, /* PLUG_PARAMS of them */
    PART_APPLY = PART_PARAMS + PLUG_PARAMS,
    PART_RETRY,
    PARTS,
} part;

typedef struct box {
    double x, y, w, h;
} box;

typedef struct phrase_state {
    int number;
    char state[12], why[160];
    double seconds;
} phrase_state;

struct window {
    Display *display;
    Window id;
    XIM im;
    XIC ic;
    Atom clipboard, utf8, targets, paste, wm_delete, wm_protocols;
    char *held[2]; /* what we own of CLIPBOARD and PRIMARY */
    cairo_surface_t *surface;
    cairo_t *cr;
    uint32_t width, height; /* pixels */
    double scale;
    window_actions actions;
    bool closed, shown, gone, dirty_view;

    editor editor;
    bool edited;      /* the user has changed the text and not applied it */
    char *told_text;  /* what the other side has */
    part focus, drag; /* drag: the part under the button; PARTS: none */
    char voice[PLUG_VOICE_MAX];
    char *voices; /* one a line */
    float params[PLUG_PARAMS];
    bool daemon_up;
    char note[256];
    phrase_state phrases[PLUG_PHRASES];
    int phrase_count;
    float level; /* shown, 0 ... 1; falls slowly */
};

/* layout.c */
box window_box(const window *w, part p);
part window_part_at(const window *w, double x, double y);
/* draw.c */
void window_draw(window *w);
/* input.c */
void window_key(window *w, XKeyEvent *e);
void window_button(window *w, const XButtonEvent *e);
void window_drag(window *w, const XMotionEvent *e);
void window_apply(window *w);
/* clipboard.c: which: 0 CLIPBOARD, 1 PRIMARY */
void window_copy(window *w, int which, Time time);
void window_paste(window *w, int which, Time time);
void window_selection_event(window *w, const XEvent *e);

#endif
