#include "models/text/script.h"

#include "models/text/cut.h"
#include "models/text/english.h"
#include "models/text/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much longer words are than signs; what does not fit stays as it is. */
enum { GROWTH = 12, ROOM = 1024 };

struct cbx_script {
    cbx_script_options options;
    char language[16];
    cbx_splitter *splitter;
    pronounce *dictionary;
    english *english;

    text_line a, b;
    unit *units;         /* [room of a line]: b, as cut.c takes it */
    cbx_segment segment; /* what b is the text of */
    size_t at;           /* of b, that is not given out yet */
    bool waiting;        /* something is left in b */
    unsigned silent;     /* segments of which nothing was left */
    char told[8][16];    /* languages that were refused, and it was said */
    int n_told;

    char *text;
    size_t max;
};

cbx_status cbx_script_open(const cbx_script_options *options,
                           pronounce *dictionary, cbx_script **out,
                           cbx_error *err)
{
    const cbx_split_options split = {.max_chars = options->max_chars,
                                     .wrapped = options->wrapped,
                                     .ssml = options->ssml,
                                     .english = options->english};
    cbx_script *s = calloc(1, sizeof *s);
    if (!s) {
        pronounce_close(dictionary);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
    }
    s->options = *options;
    s->dictionary = dictionary;
    if (options->language)
        snprintf(s->language, sizeof s->language, "%s", options->language);
    cbx_status st = cbx_splitter_open(&split, &s->splitter, err);
    if (!st && options->normalize)
        st = english_open(&s->english, err);
    s->max = (size_t)options->max_chars;
    const size_t room = GROWTH * s->max + ROOM;
    if (!st)
        st = line_open(&s->a, room, err);
    if (!st)
        st = line_open(&s->b, room, err);
    if (!st) {
        s->units = calloc(room, sizeof *s->units);
        s->text = malloc(4 * s->max + 1);
        if (!s->units || !s->text)
            st = cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
    }
    if (st) {
        cbx_script_close(s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

void cbx_script_close(cbx_script *s)
{
    if (!s)
        return;
    cbx_splitter_close(s->splitter);
    pronounce_close(s->dictionary);
    english_close(s->english);
    line_close(&s->a);
    line_close(&s->b);
    free(s->units);
    free(s->text);
    free(s);
}

void cbx_script_reset(cbx_script *s)
{
    cbx_splitter_reset(s->splitter);
    s->waiting = false;
    s->silent = 0;
    s->n_told = 0;
}

cbx_status cbx_script_push(cbx_script *s, const void *bytes, size_t n,
                           size_t *taken, cbx_error *err)
{
    return cbx_splitter_push(s->splitter, bytes, n, taken, err);
}

void cbx_script_flush(cbx_script *s)
{
    cbx_splitter_flush(s->splitter);
}

void cbx_script_finish(cbx_script *s)
{
    cbx_splitter_finish(s->splitter);
}

uint64_t cbx_script_replaced(const cbx_script *s)
{
    return cbx_splitter_replaced(s->splitter);
}

cbx_status cbx_script_refresh(cbx_script *s, cbx_error *err)
{
    return s->dictionary ? pronounce_refresh(s->dictionary, err) : CBX_OK;
}

/* -- a segment's language -------------------------------------------------- */

static void add_notice(cbx_segment *g, const char *sentence, const char *name)
{
    if (g->n_cues == CBX_SEGMENT_CUES)
        return;
    memmove(g->cues + 1, g->cues, (size_t)g->n_cues++ * sizeof *g->cues);
    g->cues[0] = (cbx_cue){.kind = CBX_CUE_NOTICE, .from = g->begin};
    snprintf(g->cues[0].text, sizeof g->cues[0].text, sentence, name);
}

/* A language that the model lacks: spoken as the rest of the text, and said. */
static void check_language(cbx_script *s, cbx_segment *g)
{
    if (!g->language[0] || !strcmp(g->language, s->language))
        return;
    if (s->options.speaks && s->options.speaks(s->options.user, g->language))
        return;
    int i = 0;
    while (i < s->n_told && strcmp(s->told[i], g->language) != 0)
        i++;
    if (i == s->n_told && i < 8) {
        memcpy(s->told[s->n_told++], g->language, sizeof s->told[0]);
        add_notice(g,
                   "the model does not speak '%s': what is marked so is spoken "
                   "as the rest",
                   g->language);
    }
    g->language[0] = 0;
}

static const char *language_of(const cbx_script *s, const cbx_segment *g)
{
    if (g->language[0])
        return g->language;
    return s->options.english ? "en" : s->language;
}

/* -- the rules ------------------------------------------------------------- */

static void swap(text_line *a, text_line *b)
{
    const text_line c = *a;
    *a = *b;
    *b = c;
    b->n = 0;
}

/* Cues stay before the character that came from where they were. */
static void move_cues(cbx_segment *g, const text_line *l)
{
    for (int i = 0; i < g->n_cues; i++) {
        const int at = g->cues[i].at;
        const uint64_t from = at < g->chars ? g->source[at].from : UINT64_MAX;
        size_t to = 0;
        while (to < l->n && l->source[to].from < from)
            to++;
        g->cues[i].at = (int)to;
    }
}

/* From s->segment to s->b. */
static void apply_rules(cbx_script *s)
{
    cbx_segment *g = &s->segment;
    const char *language = language_of(s, g), *p = g->text;
    s->a.n = s->b.n = 0;
    for (int i = 0; i < g->chars; i++) {
        const cbx_codepoint c =
            cbx_utf8_first(p, g->len - (size_t)(p - g->text));
        line_put(&s->b, c.code, g->source[i], false);
        p += c.bytes;
    }
    if (s->dictionary && pronounce_size(s->dictionary)) {
        swap(&s->a, &s->b);
        pronounce_apply(s->dictionary, &s->a, language, &s->b);
    }
    if (s->english) {
        swap(&s->a, &s->b);
        english_apply(s->english, &s->a, !strcmp(language, "en"), &s->b);
    }
    move_cues(g, &s->b);
    for (size_t i = 0; i < s->b.n; i++)
        s->units[i] = (unit){s->b.source[i].from, s->b.code[i], 1};
}

static bool can_be_spoken(const text_line *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (cbx_is_letter(l->code[i]) || cbx_is_number(l->code[i]))
            return true;
    return false;
}

/* -- pieces ---------------------------------------------------------------- */

/* The cues in front of character `last` of b; those behind stay. */
static void give_cues(cbx_script *s, size_t last, size_t chars,
                      cbx_segment *out)
{
    cbx_segment *g = &s->segment;
    int n = 0;
    for (; n < g->n_cues && g->cues[n].at <= (int)last; n++) {
        const int at = g->cues[n].at - (int)s->at;
        out->cues[n] = g->cues[n];
        out->cues[n].at = at < 0 ? 0 : at > (int)chars ? (int)chars : at;
    }
    out->n_cues = n;
    g->n_cues -= n;
    memmove(g->cues, g->cues + n, (size_t)g->n_cues * sizeof *g->cues);
}

/* The next piece of b. */
static void give_piece(cbx_script *s, cbx_segment *out)
{
    cbx_segment *g = &s->segment;
    const size_t left = s->b.n - s->at;
    const unit *units = s->units + s->at;
    cbx_pause pause = g->pause;
    size_t n = left;
    if (left > s->max && !(n = cut_best(units, left, true, s->max, &pause))) {
        n = cut_anywhere(units, left, s->max);
        pause = CBX_PAUSE_NONE;
    }
    const bool last = n == left;
    const size_t chars = n - (n && units[n - 1].code == ' ');
    char *p = s->text;
    for (size_t i = 0; i < chars; i++)
        p += cbx_utf8_encode(units[i].code, p);
    *p = 0;
    *out = *g;
    out->text = s->text;
    out->len = (size_t)(p - s->text);
    out->chars = (int)chars;
    out->source = s->b.source + s->at;
    out->pause = pause;
    if (chars) {
        out->begin = s->at ? out->source[0].from : g->begin;
        out->end = last ? g->end : out->source[chars - 1].to;
    }
    give_cues(s, last ? s->b.n : s->at + chars, chars, out);
    g->silent_before = 0;
    g->break_before = -1;
    s->at += n;
    while (s->at < s->b.n && s->b.code[s->at] == ' ')
        s->at++;
    s->waiting = s->at < s->b.n;
}

bool cbx_script_next(cbx_script *s, cbx_segment *out)
{
    while (!s->waiting) {
        cbx_segment *g = &s->segment;
        if (!cbx_splitter_next(s->splitter, g))
            return false;
        check_language(s, g);
        g->silent_before += s->silent;
        s->silent = 0;
        apply_rules(s);
        s->at = 0;
        s->waiting = true;
        if (can_be_spoken(&s->b))
            break;
        s->b.n = 0;
        if (g->n_cues || g->break_before >= 0 || !g->chars) {
            move_cues(g, &s->b);
            break;
        }
        s->silent = g->silent_before + 1;
        s->waiting = false;
    }
    give_piece(s, out);
    return true;
}
