#include "plugin/window/internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct colour {
    double r, g, b;
} colour;

static const colour GROUND = {0.110, 0.122, 0.145}, PANEL = {0.153, 0.169, 0.2},
                    LINE = {0.25, 0.275, 0.32}, TEXT = {0.92, 0.93, 0.94},
                    DIM = {0.62, 0.66, 0.71}, GOOD = {0.435, 0.827, 0.71},
                    WARN = {0.95, 0.74, 0.38}, BAD = {0.96, 0.47, 0.47};

static void use(cairo_t *cr, colour c)
{
    cairo_set_source_rgb(cr, c.r, c.g, c.b);
}

static void rounded(cairo_t *cr, box b, double r)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, b.x + b.w - r, b.y + r, r, -G_PI / 2, 0);
    cairo_arc(cr, b.x + b.w - r, b.y + b.h - r, r, 0, G_PI / 2);
    cairo_arc(cr, b.x + r, b.y + b.h - r, r, G_PI / 2, G_PI);
    cairo_arc(cr, b.x + r, b.y + r, r, G_PI, 3 * G_PI / 2);
    cairo_close_path(cr);
}

static void dot(cairo_t *cr, double x, double y, colour c)
{
    use(cr, c);
    cairo_arc(cr, x, y, 4, 0, 2 * G_PI);
    cairo_fill(cr);
}

/* One line of text in a box, cut with an ellipsis; align: 0 left, 1 right,
 * 2 centre. */
static void label(window *w, box b, const char *font, colour c, int align,
                  const char *text)
{
    PangoLayout *l = pango_cairo_create_layout(w->cr);
    PangoFontDescription *f = pango_font_description_from_string(font);
    pango_layout_set_font_description(l, f);
    pango_layout_set_text(l, text, -1);
    pango_layout_set_single_paragraph_mode(l, TRUE);
    pango_layout_set_width(l, (int)(b.w * PANGO_SCALE));
    pango_layout_set_ellipsize(l, PANGO_ELLIPSIZE_END);
    pango_layout_set_alignment(l, align == 0   ? PANGO_ALIGN_LEFT
                                  : align == 1 ? PANGO_ALIGN_RIGHT
                                               : PANGO_ALIGN_CENTER);
    int width, height;
    pango_layout_get_pixel_size(l, &width, &height);
    use(w->cr, c);
    cairo_move_to(w->cr, b.x, b.y + (b.h - height) / 2);
    pango_cairo_show_layout(w->cr, l);
    pango_font_description_free(f);
    g_object_unref(l);
}

static void focus_ring(window *w, box b, part p)
{
    if (w->focus != p)
        return;
    use(w->cr, GOOD);
    cairo_set_line_width(w->cr, 2);
    rounded(w->cr, (box){b.x - 2, b.y - 2, b.w + 4, b.h + 4}, 7);
    cairo_stroke(w->cr);
}

/* -- the script ------------------------------------------------------------ */

static colour state_colour(const char *state)
{
    return strcmp(state, "ready") == 0     ? GOOD
           : strcmp(state, "failed") == 0  ? BAD
           : strcmp(state, "missing") == 0 ? BAD
                                           : WARN;
}

static void state_words(const window *w, const phrase_state *p, char *out,
                        size_t n)
{
    if (strcmp(p->state, "ready") == 0)
        snprintf(out, n, "%.1f s", p->seconds);
    else if (strcmp(p->state, "runs") == 0)
        snprintf(out, n, "rendering, %.1f s", p->seconds);
    else if (strcmp(p->state, "waits") == 0)
        snprintf(out, n,
                 w->daemon_up ? "waits its turn" : "waits for the daemon");
    else
        snprintf(out, n, "%s", p->state);
}

/* The state of a phrase at the right end of the line that begins it. */
static void draw_state(window *w, box view, size_t at, int number)
{
    for (int i = 0; i < w->phrase_count; i++) {
        const phrase_state *p = &w->phrases[i];
        if (p->number != number)
            continue;
        PangoRectangle r;
        char words[64];
        pango_layout_index_to_pos(w->editor.layout, (int)at, &r);
        const double y = view.y + (double)r.y / PANGO_SCALE - w->editor.scroll;
        const double h = (double)r.height / PANGO_SCALE;
        state_words(w, p, words, sizeof words);
        dot(w->cr, view.x + view.w - 4, y + h / 2, state_colour(p->state));
        label(w, (box){view.x + view.w - 170, y, 156, h}, "Sans 9", DIM, 1,
              words);
    }
}

static void draw_states(window *w, box view)
{
    const char *text = w->editor.text;
    bool head_seen = false;
    for (const char *at = text; at && *at;) {
        if (*at == '@' && isdigit((unsigned char)at[1])) {
            draw_state(w, view, (size_t)(at - text), atoi(at + 1));
            head_seen = true;
        } else if (!head_seen && !isspace((unsigned char)*at)) {
            draw_state(w, view, (size_t)(at - text), PLUG_FIRST_PHRASE);
            head_seen = true;
        }
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
}

static void draw_selection(window *w, box view)
{
    size_t from, to;
    editor_selection(&w->editor, &from, &to);
    if (from == to)
        return;
    PangoLayoutIter *it = pango_layout_get_iter(w->editor.layout);
    cairo_set_source_rgba(w->cr, GOOD.r, GOOD.g, GOOD.b, 0.28);
    do {
        PangoLayoutLine *line = pango_layout_iter_get_line_readonly(it);
        const int a = line->start_index, b = a + line->length;
        if ((int)to <= a || (int)from > b)
            continue;
        int *ranges, n, top, low;
        pango_layout_line_get_x_ranges(line, (int)from, (int)to, &ranges, &n);
        pango_layout_iter_get_line_yrange(it, &top, &low);
        for (int i = 0; i < n; i++)
            cairo_rectangle(
                w->cr, view.x + (double)ranges[2 * i] / PANGO_SCALE,
                view.y + (double)top / PANGO_SCALE - w->editor.scroll,
                (double)(ranges[2 * i + 1] - ranges[2 * i]) / PANGO_SCALE,
                (double)(low - top) / PANGO_SCALE);
        g_free(ranges);
    } while (pango_layout_iter_next_line(it));
    pango_layout_iter_free(it);
    cairo_fill(w->cr);
}

static void draw_editor(window *w)
{
    const box b = window_box(w, PART_EDITOR);
    const box view = {b.x + 12, b.y + 10, b.w - 24, b.h - 20};
    use(w->cr, PANEL);
    rounded(w->cr, b, 6);
    cairo_fill(w->cr);
    focus_ring(w, b, PART_EDITOR);
    editor_fit(&w->editor, view.w, view.h, false);
    cairo_save(w->cr);
    cairo_rectangle(w->cr, view.x, view.y, view.w, view.h);
    cairo_clip(w->cr);
    if (!w->editor.bytes)
        label(w, (box){view.x, view.y, view.w, 20}, "Sans 11", DIM, 0,
              "Type what is to be spoken, then press Ctrl+Enter.");
    draw_selection(w, view);
    use(w->cr, TEXT);
    cairo_move_to(w->cr, view.x, view.y - w->editor.scroll);
    pango_cairo_show_layout(w->cr, w->editor.layout);
    draw_states(w, view);
    if (w->focus == PART_EDITOR) {
        PangoRectangle at;
        pango_layout_get_cursor_pos(w->editor.layout, (int)w->editor.cursor,
                                    &at, NULL);
        use(w->cr, TEXT);
        cairo_rectangle(w->cr, view.x + (double)at.x / PANGO_SCALE,
                        view.y + (double)at.y / PANGO_SCALE - w->editor.scroll,
                        1.5, (double)at.height / PANGO_SCALE);
        cairo_fill(w->cr);
    }
    cairo_restore(w->cr);
}

/* -- voice, parameters, level ---------------------------------------------- */

static void draw_voice(window *w)
{
    const box b = window_box(w, PART_VOICE);
    const box field = {b.x + 60, b.y + 4, b.w - 60, b.h - 8};
    label(w, b, "Sans 10", DIM, 0, "Voice");
    use(w->cr, PANEL);
    rounded(w->cr, field, 5);
    cairo_fill(w->cr);
    label(w, (box){field.x + 8, field.y, 12, field.h}, "Sans 10", DIM, 0,
          "\u2039");
    label(w, (box){field.x + field.w - 20, field.y, 12, field.h}, "Sans 10",
          DIM, 1, "\u203a");
    label(w, (box){field.x + 22, field.y, field.w - 44, field.h}, "Sans 10",
          TEXT, 2, *w->voice ? w->voice : "default");
    focus_ring(w, field, PART_VOICE);
}

static void value_words(plug_param which, float v, char *out, size_t n)
{
    const plug_param_info *p = &plug_params[which];
    if (which == PLUG_NOTE_OFF)
        snprintf(out, n, v > 0.5f ? "stops" : "plays on");
    else if (which == PLUG_TIMELINE)
        snprintf(out, n, v > 0.5f ? "on" : "off");
    else if (p->whole || which == PLUG_WAIT)
        snprintf(out, n, "%.0f %s", (double)v, p->unit);
    else
        snprintf(out, n, which == PLUG_SPEED ? "%.2f \u00d7" : "%+.1f %s",
                 (double)v, p->unit);
}

/* A choice of two. */
static void draw_switch(window *w, plug_param which)
{
    const part me = (part)(PART_PARAMS + which);
    const box b = window_box(w, me);
    const bool on = w->params[which] > 0.5f;
    const box knob = {b.x + b.w - 34, b.y + b.h / 2 - 8, 34, 18};
    char words[48];
    value_words(which, w->params[which], words, sizeof words);
    label(w, b, "Sans 10", DIM, 0, plug_params[which].name);
    label(w, (box){b.x, b.y, b.w - 44, b.h}, "Sans 10", TEXT, 1, words);
    use(w->cr, on ? GOOD : LINE);
    rounded(w->cr, knob, 9);
    cairo_fill(w->cr);
    use(w->cr, on ? GROUND : DIM);
    cairo_arc(w->cr, knob.x + (on ? 25 : 9), knob.y + 9, 6, 0, 2 * G_PI);
    cairo_fill(w->cr);
    focus_ring(w, (box){b.x - 4, b.y + 2, b.w + 8, b.h - 2}, me);
}

static void draw_param(window *w, plug_param which)
{
    const plug_param_info *p = &plug_params[which];
    const part me = (part)(PART_PARAMS + which);
    const box b = window_box(w, me);
    char words[48];
    value_words(which, w->params[which], words, sizeof words);
    label(w, (box){b.x, b.y, b.w, b.h - 12}, "Sans 10", DIM, 0, p->name);
    label(w, (box){b.x, b.y, b.w, b.h - 12}, "Sans 10", TEXT, 1, words);
    const double y = b.y + b.h - 9;
    const double at = (double)((w->params[which] - p->least) /
                               (p->most - p->least)),
                 zero = (double)((p->normal - p->least) / (p->most - p->least));
    use(w->cr, LINE);
    rounded(w->cr, (box){b.x, y, b.w, 4}, 2);
    cairo_fill(w->cr);
    use(w->cr, GOOD);
    cairo_rectangle(w->cr, b.x + b.w * fmin(at, zero), y, b.w * fabs(at - zero),
                    4);
    cairo_fill(w->cr);
    cairo_arc(w->cr, b.x + b.w * at, y + 2, 6, 0, 2 * G_PI);
    cairo_fill(w->cr);
    focus_ring(w, (box){b.x - 4, b.y + 2, b.w + 8, b.h - 2}, me);
}

static void draw_level(window *w, box b)
{
    const double db = w->level > 1e-5f ? 20 * log10((double)w->level) : -100;
    double at = (db + 60) / 60;
    at = at < 0 ? 0 : at > 1 ? 1 : at;
    use(w->cr, LINE);
    rounded(w->cr, b, 3);
    cairo_fill(w->cr);
    use(w->cr, db > -1 ? BAD : db > -9 ? WARN : GOOD);
    if (at > 0.02) {
        rounded(w->cr, (box){b.x, b.y, b.w * at, b.h}, 3);
        cairo_fill(w->cr);
    }
}

/* -- head and foot --------------------------------------------------------- */

static void draw_button(window *w, part p, const char *text, bool on)
{
    const box b = window_box(w, p);
    use(w->cr, on ? GOOD : LINE);
    rounded(w->cr, b, 5);
    cairo_fill(w->cr);
    label(w, b, "Sans Bold 10", on ? GROUND : TEXT, 2, text);
    focus_ring(w, b, p);
}

/* What is most worth saying now. */
static colour summary(const window *w, char *out, size_t n)
{
    int ready = 0, open = 0;
    for (int i = 0; i < w->phrase_count; i++) {
        const phrase_state *p = &w->phrases[i];
        if (strcmp(p->state, "failed") == 0 ||
            strcmp(p->state, "missing") == 0) {
            snprintf(out, n, "Phrase %d: %s", p->number,
                     *p->why ? p->why : "missing in the last run");
            return BAD;
        }
        ready += strcmp(p->state, "ready") == 0;
        open += strcmp(p->state, "ready") != 0;
    }
    if (*w->note)
        snprintf(out, n, "%s", w->note);
    else if (w->edited)
        snprintf(out, n, "Changed. Ctrl+Enter takes it over.");
    else if (open && !w->daemon_up)
        snprintf(out, n, "The daemon is not running: start chatterboxd.");
    else if (open)
        snprintf(out, n, "%d of %d phrases are ready", ready, ready + open);
    else
        snprintf(out, n, ready == 1 ? "Ready" : "All %d phrases are ready",
                 ready);
    return *w->note ? BAD : w->edited || open ? WARN : DIM;
}

void window_draw(window *w)
{
    const double width = w->width / w->scale, height = w->height / w->scale;
    char words[300];
    cairo_save(w->cr);
    cairo_push_group(w->cr);
    cairo_scale(w->cr, w->scale, w->scale);
    use(w->cr, GROUND);
    cairo_paint(w->cr);
    label(w, (box){16, 0, 300, 48}, "Sans Bold 13", TEXT, 0,
          "Chatterbox Voice");
    dot(w->cr, width - 20, 24, w->daemon_up ? GOOD : WARN);
    label(w, (box){width - 232, 0, 200, 48}, "Sans 10", DIM, 1,
          w->daemon_up ? "daemon is there" : "no daemon");
    draw_level(w, (box){width - 248, 21, 96, 6});
    draw_editor(w);
    draw_voice(w);
    for (int i = 0; i < PLUG_PARAMS; i++) {
        if (i == PLUG_NOTE_OFF || i == PLUG_TIMELINE)
            draw_switch(w, (plug_param)i);
        else
            draw_param(w, (plug_param)i);
    }
    draw_button(w, PART_APPLY, "Take over", w->edited);
    draw_button(w, PART_RETRY, "Render again", false);
    const colour c = summary(w, words, sizeof words);
    const box retry = window_box(w, PART_RETRY);
    const double x = retry.x + retry.w + 16;
    label(w, (box){x, height - 52, width - x - 16, 52}, "Sans 10", c, 0, words);
    cairo_pop_group_to_source(w->cr);
    cairo_paint(w->cr);
    cairo_restore(w->cr);
    cairo_surface_flush(w->surface);
    XFlush(w->display);
}
