#include "models/text/cut.h"

#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>

static bool is_in(uint32_t code, const uint32_t *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (set[i] == code)
            return true;
    return false;
}

#define IS_IN(code, set) is_in(code, set, sizeof(set) / sizeof *(set))

bool cut_is_direct(uint32_t code)
{
    static const uint32_t set[] = {0x3002, 0xFF01, 0xFF1F, 0xFF61};
    return IS_IN(code, set);
}

bool cut_is_terminator(uint32_t code)
{
    /* ellipsis, Arabic question mark and full stop, dandas, interrobang */
    static const uint32_t set[] = {'.',    '!',    '?',    0x2026, 0x061F,
                                   0x06D4, 0x0964, 0x0965, 0x203D};
    return IS_IN(code, set) || cut_is_direct(code);
}

bool cut_is_closer(uint32_t code)
{
    static const uint32_t set[] = {'"',    '\'',   ')',    ']',    '}',
                                   '*',    '_',    0x2019, 0x201D, 0x00BB,
                                   0x203A, 0x300D, 0x300F, 0x3011, 0xFF09};
    return IS_IN(code, set);
}

enum { WORD_MAX = 12 };

/* The word before a full stop, in lower-case ASCII with inner full stops. */
typedef struct word {
    char text[WORD_MAX + 1];
    size_t begin; /* its first unit */
    int letters, dots, digits;
    bool upper; /* all letters are upper case */
} word;

/* False when it is longer than any abbreviation, or not ASCII. */
static bool word_before(const unit *text, size_t stop, word *w)
{
    size_t n = 0;
    *w = (word){.begin = stop, .upper = true};
    while (w->begin > 0) {
        const uint32_t c = text[w->begin - 1].code;
        if (!cbx_is_letter(c) && !cbx_is_number(c) && c != '.')
            break;
        if (c > 127 || ++n > WORD_MAX)
            return false;
        w->begin--;
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t c = text[w->begin + i].code;
        w->dots += c == '.';
        w->digits += c >= '0' && c <= '9';
        w->letters += cbx_is_letter(c);
        w->upper = w->upper && !cbx_is_lower(c);
        w->text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return true;
}

static int compare(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

/* `list` is sorted. */
static bool is_listed(const char *s, const char *const *list, size_t n)
{
    return bsearch(s, list, n, sizeof *list, compare) != NULL;
}

#define IS_LISTED(s, list) is_listed(s, list, sizeof(list) / sizeof *(list))

/* Something always follows these. */
static const char *const titles[] = {
    "adm",    "capt", "cf",  "cmdr", "col", "dr", "e.g",  "eg",   "esp",
    "fr",     "gen",  "gov", "hon",  "i.e", "ie", "incl", "lt",   "maj",
    "messrs", "mlle", "mme", "mr",   "mrs", "ms", "mt",   "ph.d", "pres",
    "prof",   "rep",  "rev", "sen",  "sgt", "st", "viz",  "vs",
};

/* These can end a sentence: a capital letter tells. */
static const char *const ambiguous[] = {
    "a.m", "al",   "approx", "apr",  "assn", "aug",  "ave", "blvd", "bros",
    "co",  "corp", "dec",    "dept", "est",  "etc",  "feb", "fri",  "ft",
    "hrs", "inc",  "jan",    "jr",   "jul",  "jun",  "lb",  "lbs",  "ltd",
    "mar", "max",  "min",    "mins", "misc", "mon",  "nov", "oct",  "oz",
    "p.m", "rd",   "sat",    "sep",  "sept", "sq",   "sr",  "sun",  "temp",
    "thu", "thur", "thurs",  "tue",  "tues", "univ", "wed", "yr",   "yrs",
};

/* A number follows these. */
static const char *const numbered[] = {
    "art", "ch", "eq", "fig", "figs", "no",  "nos",
    "nr",  "p",  "pg", "pp",  "sec",  "tel", "vol",
};

/* "J. Smith", "George W. Bush", but not "vitamin C." */
static bool is_initial(const unit *text, const word *w)
{
    size_t at = w->begin;
    if (at < 2)
        return true;
    for (at--; at > 0 && text[at - 1].code != ' ';)
        at--;
    return cbx_is_upper(text[at].code);
}

bool cut_ends_sentence(const unit *text, const sentence_end *e, uint32_t next)
{
    word w;
    if ((e->run || e->closed) && cbx_is_lower(next))
        return false; /* "Wait!" he said; and so ... on */
    if (e->run || text[e->term].code != '.' || !word_before(text, e->term, &w))
        return true;
    if (IS_LISTED(w.text, titles))
        return false;
    if (IS_LISTED(w.text, numbered))
        return !cbx_is_number(next);
    if (IS_LISTED(w.text, ambiguous))
        return cbx_is_upper(next);
    if (w.digits && !w.letters)
        return w.begin > 0; /* "1. First" is an item of a list */
    if (w.letters == 1 && !w.digits)
        return w.upper ? !is_initial(text, &w) : cbx_is_upper(next);
    /* "U.S." and "J.R.R.": each letter has its stop */
    return !(w.dots && w.letters == w.dots + 1 && w.upper);
}

/* ---- cuts inside a sentence ---- */

typedef enum cut_kind {
    CUT_STRONG, /* ; : and dashes */
    CUT_COMMA,
    CUT_CONJUNCTION, /* before one */
    CUT_SPACE,
    CUT_PUNCT,
    CUT_NONE,
} cut_kind;

static cut_kind mark_kind(uint32_t code)
{
    static const uint32_t strong[] = {';',    ':',    0x2014, 0x2013,
                                      0x2026, 0xFF1B, 0xFF1A, 0x061B};
    static const uint32_t comma[] = {',', 0x3001, 0xFF0C, 0x060C, '-'};
    if (IS_IN(code, strong))
        return CUT_STRONG;
    return IS_IN(code, comma) ? CUT_COMMA : CUT_NONE;
}

/* Whether the word at text[at] is one that a phrase can begin with. */
static bool is_conjunction(const unit *text, size_t n, size_t at)
{
    static const char *const list[] = {
        "after",  "although", "and",   "as",   "because", "before",
        "but",    "for",      "from",  "if",   "into",    "nor",
        "or",     "since",    "so",    "than", "that",    "then",
        "though", "through",  "until", "when", "where",   "whether",
        "which",  "while",    "who",   "with", "without", "yet",
    };
    char s[12];
    size_t len = 0;
    while (at + len < n && text[at + len].code != ' ') {
        const uint32_t c = text[at + len].code;
        if (c > 127 || len == sizeof s - 1)
            return false;
        s[len++] = (char)c;
    }
    s[len] = 0;
    return IS_LISTED(s, list);
}

static cut_kind kind_after_space(const unit *text, size_t n, size_t at)
{
    size_t before = at - 1; /* the space */
    while (before > 0 && cut_is_closer(text[before - 1].code))
        before--;
    const cut_kind mark = before ? mark_kind(text[before - 1].code) : CUT_NONE;
    if (mark != CUT_NONE)
        return mark;
    return is_conjunction(text, n, at) ? CUT_CONJUNCTION : CUT_SPACE;
}

/* What a cut before text[at] would be, 0 < at < n. */
static cut_kind kind_of(const unit *text, size_t n, size_t at)
{
    const uint32_t left = text[at - 1].code, right = text[at].code;
    if (left == ' ')
        return at > 1 ? kind_after_space(text, n, at) : CUT_NONE;
    if (right == ' ' || cbx_is_mark(right) || !cbx_is_punct(left) ||
        cut_is_closer(right) || cbx_is_punct(right))
        return CUT_NONE;
    if (left > 127 && mark_kind(left) != CUT_NONE && left != 0x2013)
        return mark_kind(left); /* CJK, or a dash without spaces */
    /* not inside "don't", and not behind an opening bracket */
    const bool splits = left == '\'' || left == 0x2019 || left == '(' ||
                        left == '[' || left == '{' || left == '"';
    return splits ? CUT_NONE : CUT_PUNCT;
}

static size_t distance(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

/* An even piece: n / k characters, with k the fewest pieces that do; 3/4 of
 * the limit while the end is not known. */
static size_t even_length(size_t n, bool whole, size_t max)
{
    const size_t pieces = (n + max - 1) / max;
    return whole ? (n + pieces - 1) / pieces : max * 3 / 4;
}

/* In hundredths of `max` away from the even length. */
static size_t cost_of(cut_kind kind, size_t len, size_t n, bool whole,
                      size_t max)
{
    static const size_t price[] = {[CUT_STRONG] = 0,
                                   [CUT_COMMA] = 8,
                                   [CUT_CONJUNCTION] = 20,
                                   [CUT_SPACE] = 35,
                                   [CUT_PUNCT] = 90};
    size_t cost =
        price[kind] + 100 * distance(len, even_length(n, whole, max)) / max;
    if (len < max / 5 || (whole && n - len < max / 5))
        cost += 40; /* a scrap */
    if (whole && n - len > ((n + max - 1) / max - 1) * max)
        cost += 50; /* one piece more than needed */
    return cost;
}

size_t cut_best(const unit *text, size_t n, bool whole, size_t max,
                cbx_pause *pause)
{
    size_t best = 0, best_cost = SIZE_MAX;
    for (size_t at = 1; at < n && at <= max + 1; at++) {
        const cut_kind kind = kind_of(text, n, at);
        const size_t len = at - (text[at - 1].code == ' ');
        if (kind == CUT_NONE || len > max)
            continue;
        const size_t cost = cost_of(kind, len, n, whole, max);
        if (cost < best_cost) {
            best_cost = cost;
            best = at;
            *pause = kind <= CUT_COMMA ? CBX_PAUSE_CLAUSE : CBX_PAUSE_NONE;
        }
    }
    return best;
}

size_t cut_anywhere(const unit *text, size_t n, size_t max)
{
    const uint32_t joiner = 0x200D;
    const size_t even = even_length(n, true, max);
    size_t at = even;
    while (at > 1 && (cbx_is_mark(text[at].code) || text[at].code == joiner ||
                      text[at - 1].code == joiner))
        at--;
    return at > 1 ? at : even;
}
