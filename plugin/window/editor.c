#include "plugin/window/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool editor_open(editor *e, PangoContext *context)
{
    *e = (editor){.text = strdup(""), .layout = pango_layout_new(context)};
    if (!e->text || !e->layout)
        return false;
    PangoFontDescription *font = pango_font_description_from_string("Sans 11");
    pango_layout_set_font_description(e->layout, font);
    pango_font_description_free(font);
    pango_layout_set_wrap(e->layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_spacing(e->layout, 2 * PANGO_SCALE);
    return true;
}

void editor_close(editor *e)
{
    for (int i = 0; i < e->undo_count; i++)
        free(e->undo[i].text);
    free(e->text);
    if (e->layout)
        g_object_unref(e->layout);
}

/* The heads of phrases stand out. */
static void style(editor *e)
{
    PangoAttrList *list = pango_attr_list_new();
    for (size_t at = 0; at < e->bytes;) {
        const char *stop = strchr(e->text + at, '\n');
        const size_t end = stop ? (size_t)(stop - e->text) : e->bytes;
        if (e->text[at] == '@' && isdigit((unsigned char)e->text[at + 1])) {
            PangoAttribute *both[] = {
                pango_attr_foreground_new(0x6f6f, 0xd3d3, 0xb5b5),
                pango_attr_weight_new(PANGO_WEIGHT_BOLD)};
            for (int i = 0; i < 2; i++) {
                both[i]->start_index = (guint)at;
                both[i]->end_index = (guint)end;
                pango_attr_list_insert(list, both[i]);
            }
        }
        at = end + 1;
    }
    pango_layout_set_attributes(e->layout, list);
    pango_attr_list_unref(list);
}

static void changed(editor *e)
{
    pango_layout_set_text(e->layout, e->text, (int)e->bytes);
    style(e);
}

void editor_set(editor *e, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return;
    free(e->text);
    e->text = copy;
    e->bytes = strlen(copy);
    e->cursor = e->cursor < e->bytes ? e->cursor : e->bytes;
    while (e->cursor && (e->text[e->cursor] & 0xc0) == 0x80)
        e->cursor--;
    e->anchor = e->cursor;
    for (int i = 0; i < e->undo_count; i++)
        free(e->undo[i].text);
    e->undo_count = 0;
    changed(e);
}

static void keep_undo(editor *e)
{
    char *copy = strdup(e->text);
    if (!copy)
        return; /* this step cannot be taken back */
    if (e->undo_count == EDITOR_UNDO) {
        free(e->undo[0].text);
        memmove(&e->undo[0], &e->undo[1],
                (EDITOR_UNDO - 1) * sizeof e->undo[0]);
        e->undo_count--;
    }
    e->undo[e->undo_count].text = copy;
    e->undo[e->undo_count++].cursor = e->cursor;
}

void editor_undo(editor *e)
{
    if (!e->undo_count)
        return;
    e->undo_count--;
    free(e->text);
    e->text = e->undo[e->undo_count].text;
    e->bytes = strlen(e->text);
    e->cursor = e->anchor = e->undo[e->undo_count].cursor;
    e->typing = false;
    changed(e);
}

void editor_selection(const editor *e, size_t *from, size_t *to)
{
    *from = e->cursor < e->anchor ? e->cursor : e->anchor;
    *to = e->cursor < e->anchor ? e->anchor : e->cursor;
}

bool editor_insert(editor *e, const char *text, size_t n, bool typed)
{
    size_t from, to;
    editor_selection(e, &from, &to);
    if (!g_utf8_validate(text, (gssize)n, NULL) ||
        e->bytes - (to - from) + n > PLUG_SCRIPT_MAX)
        return false;
    char *next = malloc(e->bytes - (to - from) + n + 1);
    if (!next)
        return false;
    if (!(typed && e->typing && from == to))
        keep_undo(e);
    e->typing = typed;
    memcpy(next, e->text, from);
    memcpy(next + from, text, n);
    memcpy(next + from + n, e->text + to, e->bytes - to + 1);
    free(e->text);
    e->text = next;
    e->bytes = e->bytes - (to - from) + n;
    e->cursor = e->anchor = from + n;
    changed(e);
    return true;
}

static bool is_word(const char *at)
{
    const gunichar c = g_utf8_get_char(at);
    return g_unichar_isalnum(c) || g_unichar_ismark(c);
}

static size_t step_word(const editor *e, size_t at, int way)
{
    bool in_word = false;
    const char *p = e->text + at;
    while (way < 0 ? p > e->text : *p != '\0') {
        const char *next = way < 0 ? g_utf8_prev_char(p) : g_utf8_next_char(p);
        const bool word = is_word(way < 0 ? next : p);
        if (in_word && !word)
            break;
        in_word |= word;
        p = next;
    }
    return (size_t)(p - e->text);
}

/* Left and right as the eye sees them: right-to-left scripts too. */
static size_t step_cell(editor *e, size_t at, int way)
{
    int index, trailing;
    pango_layout_move_cursor_visually(e->layout, TRUE, (int)at, 0, way, &index,
                                      &trailing);
    if (index < 0)
        return 0;
    if (index == G_MAXINT)
        return e->bytes;
    const char *p = e->text + index;
    while (trailing-- > 0 && *p)
        p = g_utf8_next_char(p);
    return (size_t)(p - e->text);
}

static size_t step_line(editor *e, size_t at, int by)
{
    int line, x, index, trailing;
    pango_layout_index_to_line_x(e->layout, (int)at, FALSE, &line, &x);
    PangoLayoutLine *next =
        line + by < 0 ? NULL
                      : pango_layout_get_line_readonly(e->layout, line + by);
    if (!next)
        return by < 0 ? 0 : e->bytes;
    pango_layout_line_x_to_index(next, x, &index, &trailing);
    const char *p = e->text + index;
    while (trailing-- > 0 && *p && *p != '\n')
        p = g_utf8_next_char(p);
    return (size_t)(p - e->text);
}

static size_t line_end(editor *e, size_t at, bool end)
{
    int line, x;
    pango_layout_index_to_line_x(e->layout, (int)at, FALSE, &line, &x);
    PangoLayoutLine *l = pango_layout_get_line_readonly(e->layout, line);
    return l ? (size_t)(l->start_index + (end ? l->length : 0)) : at;
}

static size_t stepped(editor *e, editor_step step)
{
    const size_t at = e->cursor;
    switch (step) {
    case STEP_LEFT:
        return step_cell(e, at, -1);
    case STEP_RIGHT:
        return step_cell(e, at, 1);
    case STEP_WORD_LEFT:
        return step_word(e, at, -1);
    case STEP_WORD_RIGHT:
        return step_word(e, at, 1);
    case STEP_UP:
        return step_line(e, at, -1);
    case STEP_DOWN:
        return step_line(e, at, 1);
    case STEP_LINE_START:
        return line_end(e, at, false);
    case STEP_LINE_END:
        return line_end(e, at, true);
    case STEP_START:
        return 0;
    case STEP_END:
        return e->bytes;
    }
    return at;
}

void editor_move(editor *e, editor_step step, bool select)
{
    e->cursor = stepped(e, step);
    if (!select)
        e->anchor = e->cursor;
    e->typing = false;
}

void editor_erase(editor *e, editor_step step)
{
    if (e->cursor == e->anchor)
        e->anchor = stepped(e, step);
    if (e->cursor != e->anchor)
        editor_insert(e, "", 0, false);
}

void editor_point(editor *e, double x, double y, bool select)
{
    int index, trailing;
    pango_layout_xy_to_index(e->layout, (int)(x * PANGO_SCALE),
                             (int)((y + e->scroll) * PANGO_SCALE), &index,
                             &trailing);
    const char *p = e->text + index;
    while (trailing-- > 0 && *p && *p != '\n')
        p = g_utf8_next_char(p);
    e->cursor = (size_t)(p - e->text);
    if (!select)
        e->anchor = e->cursor;
    e->typing = false;
}

void editor_fit(editor *e, double width, double height, bool follow)
{
    if (e->width != width) {
        e->width = width;
        pango_layout_set_width(e->layout, (int)(width * PANGO_SCALE));
    }
    PangoRectangle at;
    int whole;
    pango_layout_get_cursor_pos(e->layout, (int)e->cursor, &at, NULL);
    pango_layout_get_size(e->layout, NULL, &whole);
    const double top = (double)at.y / PANGO_SCALE,
                 low = top + (double)at.height / PANGO_SCALE,
                 most = (double)whole / PANGO_SCALE - height;
    if (follow && low > e->scroll + height)
        e->scroll = low - height;
    if (follow && top < e->scroll)
        e->scroll = top;
    if (e->scroll > most)
        e->scroll = most;
    if (e->scroll < 0)
        e->scroll = 0;
}
