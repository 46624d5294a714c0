/* Matching. The files are read in pronounce_load.c. */
#include "models/text/pronounce_parts.h"

#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

uint32_t pronounce_fold(uint32_t code)
{
    if (code == 0x2019)
        return '\'';
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
}

static bool is_word(uint32_t code)
{
    return cbx_is_letter(code) || cbx_is_number(code) || cbx_is_mark(code);
}

uint32_t pronounce_hash(const uint32_t *code, size_t n)
{
    uint32_t h = 2166136261u;
    size_t i = 0;
    do
        h = (h ^ pronounce_fold(code[i])) * 16777619u;
    while (++i < n && is_word(code[0]) && is_word(code[i]));
    return h % PRONOUNCE_BUCKETS;
}

static bool in_scope(const pronounce *p, const entry *e, const char *language)
{
    switch (e->scope) {
    case SCOPE_ALL:
        return true;
    case SCOPE_LANGUAGE:
        return !strcmp(e->scope_name, language);
    case SCOPE_VOICE:
        return !strcmp(e->scope_name, p->voice);
    }
    return false;
}

static bool is_free(const text_line *in, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (in->fixed[i])
            return false;
    return true;
}

static bool equals(const entry *e, const text_line *in, size_t at)
{
    if (e->n > in->n - at)
        return false;
    for (size_t i = 0; i < e->n; i++) {
        const uint32_t c = in->code[at + i];
        if (e->exact ? c != e->key[i] : pronounce_fold(c) != e->key[i])
            return false;
    }
    const size_t end = at + e->n;
    return !(end < in->n && is_word(in->code[end - 1]) &&
             is_word(in->code[end])) &&
           is_free(in, at, end);
}

static bool is_better(const entry *a, const entry *b)
{
    if (!b || a->file != b->file)
        return !b || a->file > b->file;
    if (a->scope != b->scope)
        return a->scope > b->scope;
    return a->n > b->n;
}

static const entry *find_words(const pronounce *p, const text_line *in,
                               size_t at, const char *language)
{
    const entry *best = NULL;
    if (at && is_word(in->code[at]) && is_word(in->code[at - 1]))
        return NULL;
    const uint32_t h = pronounce_hash(in->code + at, in->n - at);
    for (const entry *e = p->set.buckets[h]; e; e = e->next)
        if (in_scope(p, e, language) && is_better(e, best) && equals(e, in, at))
            best = e;
    return best;
}

/* $0 to $9 are groups, $$ a dollar sign. *len bytes to out. */
static bool expand(const pronounce *p, const entry *e, const text_line *in,
                   int groups, char *out, size_t cap, size_t *len)
{
    const PCRE2_SIZE *o = pcre2_get_ovector_pointer(p->match);
    size_t n = 0;
    for (const char *t = e->spoken; *t; t++) {
        if (n + 8 > cap)
            return false;
        if (*t != '$' || !t[1]) {
            out[n++] = *t;
            continue;
        }
        t++;
        const int g = *t - '0';
        if (g < 0 || g > 9) {
            out[n++] = *t;
            continue;
        }
        for (PCRE2_SIZE i = g < groups ? o[2 * g] : 0;
             g < groups && o[2 * g] != PCRE2_UNSET && i < o[2 * g + 1]; i++) {
            if (n + 8 > cap)
                return false;
            n += (size_t)cbx_utf8_encode(in->code[i], out + n);
        }
    }
    *len = n;
    return true;
}

/* The characters that a pattern at `at` stood for, or 0. */
static size_t apply_patterns(pronounce *p, const text_line *in, size_t at,
                             const char *language, text_line *out)
{
    char text[1024];
    size_t len;
    for (const entry *e = p->set.patterns; e; e = e->next) {
        if (!in_scope(p, e, language))
            continue;
        const int count = pcre2_match(e->pattern, in->code, in->n, at,
                                      PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK,
                                      p->match, p->limits);
        if (count <= 0)
            continue;
        const size_t end = pcre2_get_ovector_pointer(p->match)[1];
        if (end > at && is_free(in, at, end) &&
            expand(p, e, in, count, text, sizeof text, &len) &&
            line_replace(out, in, at, end, text, len, true))
            return end - at;
    }
    return 0;
}

void pronounce_apply(pronounce *p, const text_line *in, const char *language,
                     text_line *out)
{
    for (size_t at = 0; at < in->n;) {
        const entry *e = find_words(p, in, at, language);
        size_t n = 0;
        if (e && line_replace(out, in, at, at + e->n, e->spoken,
                              strlen(e->spoken), true))
            n = e->n;
        if (!n)
            n = apply_patterns(p, in, at, language, out);
        if (!n)
            line_copy(out, in, at);
        at += n ? n : 1;
    }
}

int pronounce_size(const pronounce *p)
{
    return p->set.count;
}
