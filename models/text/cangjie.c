#include "models/text/cangjie.h"

#include "models/checkpoint/map.h"
#include "models/text/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILE = 64 << 20,
    MAX_ENTRIES = 1 << 20,
    MAX_LETTERS = 7,
};

typedef struct entry {
    uint32_t glyph; /* 0: a word of several characters, which only counts */
    uint32_t order; /* in the file */
    uint32_t index; /* among those of the same code */
    char code[MAX_LETTERS + 1];
} entry;

struct cangjie {
    entry *entries; /* sorted by glyph, one for each */
    size_t n, room;
};

static cbx_status no_memory(const char *path, cbx_error *err)
{
    return cbx_fail(err, CBX_E_NOMEM, "no memory for %s", path);
}

/* "glyph\tcode", with perhaps more behind another tab. */
static cbx_status add_entry(cangjie *c, const char *path, const char *text,
                            size_t n, cbx_error *err)
{
    const char *tab = memchr(text, '\t', n);
    const size_t word = tab ? (size_t)(tab - text) : 0;
    size_t letters = 0;
    while (tab && word + 1 + letters < n && tab[1 + letters] != '\t')
        letters++;
    if (!word || !letters || letters > MAX_LETTERS || c->n == MAX_ENTRIES)
        return cbx_fail(
            err, CBX_E_FORMAT,
            "%s: entry %zu is not a glyph, a tab and a Cangjie code", path,
            c->n + 1);
    if (c->n == c->room) {
        const size_t room = c->room ? 2 * c->room : 4096;
        entry *more = realloc(c->entries, room * sizeof *more);
        if (!more)
            return no_memory(path, err);
        c->entries = more;
        c->room = room;
    }
    const cbx_codepoint glyph = cbx_utf8_first(text, word);
    entry *e = &c->entries[c->n];
    *e = (entry){.glyph = glyph.bytes == word ? glyph.code : 0,
                 .order = (uint32_t)c->n};
    memcpy(e->code, tab + 1, letters);
    c->n++;
    return CBX_OK;
}

static cbx_status read_json(cangjie *c, const char *path, const file_map *map,
                            cbx_error *err)
{
    json_error_t why;
    json_t *list = json_loadb((const char *)map->data, map->size, 0, &why);
    cbx_status st = CBX_OK;
    if (!json_is_array(list))
        st = cbx_fail(err, CBX_E_FORMAT, "%s is not a JSON array", path);
    for (size_t i = 0; !st && i < json_array_size(list); i++) {
        const json_t *text = json_array_get(list, i);
        const char *s = json_string_value(text);
        st = add_entry(c, path, s ? s : "", json_string_length(text), err);
    }
    json_decref(list);
    return st;
}

static cbx_status read_tsv(cangjie *c, const char *path, const file_map *map,
                           cbx_error *err)
{
    const char *text = (const char *)map->data, *end = text + map->size;
    cbx_status st = CBX_OK;
    while (text < end && !st) {
        const char *line = memchr(text, '\n', (size_t)(end - text));
        const char *next = line ? line + 1 : end;
        size_t n = (size_t)((line ? line : end) - text);
        n -= n && text[n - 1] == '\r';
        if (n)
            st = add_entry(c, path, text, n, err);
        text = next;
    }
    return st;
}

static int by_order(const entry *x, const entry *y)
{
    return (x->order > y->order) - (x->order < y->order);
}

static int by_code(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int d = strcmp(x->code, y->code);
    return d ? d : by_order(x, y);
}

static int by_glyph(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    const int d = (x->glyph > y->glyph) - (x->glyph < y->glyph);
    return d ? d : by_order(x, y);
}

/* The reference's dictionaries: of a glyph's entries the last one gives the
 * code, and the first one with that code the number. */
static void choose(cangjie *c)
{
    size_t n = 0;
    for (size_t i = 0, next = 0; i < c->n; i = next) {
        for (next = i;
             next < c->n && c->entries[next].glyph == c->entries[i].glyph;
             next++)
            ;
        if (!c->entries[i].glyph)
            continue;
        size_t first = i;
        while (strcmp(c->entries[first].code, c->entries[next - 1].code))
            first++;
        c->entries[n++] = c->entries[first];
    }
    c->n = n;
}

static void index_entries(cangjie *c)
{
    if (!c->n)
        return;
    qsort(c->entries, c->n, sizeof *c->entries, by_code);
    for (size_t i = 1; i < c->n; i++)
        if (!strcmp(c->entries[i].code, c->entries[i - 1].code))
            c->entries[i].index = c->entries[i - 1].index + 1;
    qsort(c->entries, c->n, sizeof *c->entries, by_glyph);
    choose(c);
}

cbx_status cangjie_open(const char *path, cangjie **out, cbx_error *err)
{
    file_map map;
    cbx_status st = file_map_open(path, &map, err);
    if (st)
        return st;
    cangjie *c = calloc(1, sizeof *c);
    if (!c)
        st = no_memory(path, err);
    else if (map.size > MAX_FILE)
        st = cbx_fail(err, CBX_E_FORMAT, "%s is too large", path);
    else if (map.data[0] == '[')
        st = read_json(c, path, &map, err);
    else
        st = read_tsv(c, path, &map, err);
    file_map_close(&map);
    if (st) {
        cangjie_close(c);
        return st;
    }
    index_entries(c);
    *out = c;
    return CBX_OK;
}

void cangjie_close(cangjie *c)
{
    if (!c)
        return;
    free(c->entries);
    free(c);
}

size_t cangjie_code(const cangjie *c, uint32_t glyph,
                    char out[CANGJIE_MAX_CODE + 1])
{
    size_t from = 0, to = c->n;
    while (from < to) {
        const size_t mid = from + (to - from) / 2;
        if (c->entries[mid].glyph < glyph)
            from = mid + 1;
        else
            to = mid;
    }
    out[0] = 0;
    if (from == c->n || c->entries[from].glyph != glyph)
        return 0;
    const entry *e = &c->entries[from];
    const int n = e->index ? snprintf(out, CANGJIE_MAX_CODE + 1, "%s%u",
                                      e->code, (unsigned)e->index)
                           : snprintf(out, CANGJIE_MAX_CODE + 1, "%s", e->code);
    return (size_t)n;
}
