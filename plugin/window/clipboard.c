#include "plugin/window/internal.h"

#include <X11/Xatom.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASTE_LONGS = (PLUG_SCRIPT_MAX + 4) / 4 };

static Atom selection_of(const window *w, int which)
{
    return which ? XA_PRIMARY : w->clipboard;
}

void window_copy(window *w, int which, Time time)
{
    size_t from, to;
    editor_selection(&w->editor, &from, &to);
    if (from == to)
        return;
    char *text = strndup(w->editor.text + from, to - from);
    if (!text)
        return;
    free(w->held[which]);
    w->held[which] = text;
    XSetSelectionOwner(w->display, selection_of(w, which), w->id, time);
}

void window_paste(window *w, int which, Time time)
{
    const char *own = w->held[which];
    if (own) { /* at once: what is typed next comes behind it */
        w->edited |= editor_insert(&w->editor, own, strlen(own), false);
        return;
    }
    XConvertSelection(w->display, selection_of(w, which), w->utf8, w->paste,
                      w->id, time);
}

/* Another program asks for what we copied. */
static void give(window *w, const XSelectionRequestEvent *r)
{
    const char *text = w->held[r->selection == XA_PRIMARY];
    XEvent answer = {
        .xselection = {.type = SelectionNotify,
                       .requestor = r->requestor,
                       .selection = r->selection,
                       .target = r->target,
                       .time = r->time,
                       .property = r->property ? r->property : r->target}};
    const Atom offered[] = {w->targets, w->utf8, XA_STRING};
    if (r->target == w->targets)
        XChangeProperty(w->display, r->requestor, answer.xselection.property,
                        XA_ATOM, 32, PropModeReplace,
                        (const unsigned char *)offered, 3);
    else if (text && (r->target == w->utf8 || r->target == XA_STRING))
        XChangeProperty(w->display, r->requestor, answer.xselection.property,
                        r->target, 8, PropModeReplace,
                        (const unsigned char *)text, (int)strlen(text));
    else
        answer.xselection.property = None;
    XSendEvent(w->display, r->requestor, False, 0, &answer);
}

/* What we asked for has come. */
static void take(window *w, const XSelectionEvent *s)
{
    Atom type;
    int format;
    unsigned long n, left;
    unsigned char *data = NULL;
    if (s->property == None)
        return; /* there is nothing to paste */
    if (XGetWindowProperty(w->display, w->id, w->paste, 0, PASTE_LONGS, True,
                           AnyPropertyType, &type, &format, &n, &left, &data))
        return;
    if (type == w->utf8 && format == 8 && !left &&
        editor_insert(&w->editor, (const char *)data, n, false))
        w->edited = true;
    else
        snprintf(w->note, sizeof w->note,
                 "This cannot be pasted: no text, or more than %d bytes",
                 PLUG_SCRIPT_MAX);
    w->dirty_view = true;
    XFree(data);
}

void window_selection_event(window *w, const XEvent *e)
{
    if (e->type == SelectionRequest)
        give(w, &e->xselectionrequest);
    else if (e->type == SelectionNotify)
        take(w, &e->xselection);
    else if (e->type == SelectionClear) {
        const int which = e->xselectionclear.selection == XA_PRIMARY;
        free(w->held[which]);
        w->held[which] = NULL;
    }
}
