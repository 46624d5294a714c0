#include "models/text/json_bpe_load.h"
#include "models/text/utf8.h"

#include <string.h>
#include <utf8proc.h>

/* Where ids go. */
typedef struct sink {
    json_bpe *b;
    int32_t *ids;
    size_t n, cap;
    cbx_error *err;
} sink;

static cbx_status put(sink *s, int32_t id)
{
    if (s->n == s->cap)
        return cbx_fail(s->err, CBX_E_LIMIT,
                        "the text has more than %zu tokens: split it", s->cap);
    s->ids[s->n++] = id;
    return CBX_OK;
}

/* -- one word -------------------------------------------------------------- */

static void look_up(const json_bpe *b, json_symbol *at)
{
    const pair_slot *m = pair_find(&b->merges, at[0].id, at[1].id);
    at->rank = m ? m->rank : INT32_MAX;
    at->merged = m ? m->id : -1;
}

/* tokenizers: Word::merge_all: the pair of the lowest rank, the leftmost of
 * several, one at a time. Returns the symbols left. */
static size_t merge(json_bpe *b, size_t n)
{
    json_symbol *w = b->word;
    for (size_t i = 0; i + 1 < n; i++)
        look_up(b, &w[i]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (w[i].rank < w[best].rank)
                best = i;
        if (w[best].rank == INT32_MAX)
            break;
        w[best].id = w[best].merged;
        n--;
        memmove(&w[best + 1], &w[best + 2], (n - best - 1) * sizeof *w);
        if (best + 1 < n)
            look_up(b, &w[best]);
        if (best > 0)
            look_up(b, &w[best - 1]);
    }
    return n;
}

/* tokenizers: BPE::merge_word */
static cbx_status encode_word(sink *s, const char *text, size_t n)
{
    json_bpe *b = s->b;
    size_t count = 0;
    bool unknown = false;
    cbx_status st = CBX_OK;
    for (size_t at = 0; at < n;) {
        const cbx_codepoint c = cbx_utf8_first(text + at, n - at);
        const pair_slot *known = pair_find(&b->chars, (int32_t)c.code, 0);
        at += c.bytes;
        if (!known && (b->unknown < 0 || (unknown && b->fuse)))
            continue;
        if (count == JSON_BPE_MAX_WORD)
            return cbx_fail(s->err, CBX_E_LIMIT,
                            "a word of more than %d characters: split it",
                            JSON_BPE_MAX_WORD);
        unknown = !known;
        b->word[count++].id = known ? known->id : b->unknown;
    }
    count = merge(b, count);
    for (size_t i = 0; i < count && !st; i++)
        st = put(s, b->word[i].id);
    return st;
}

/* -- text without added tokens --------------------------------------------- */

/* \w of the regex crate: Alphabetic, marks, decimal numbers, connectors, and
 * the two joiners. */
static bool is_word(uint32_t code)
{
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        break;
    }
    return cbx_is_letter(code) || cbx_is_mark(code) || code == 0x200C ||
           code == 0x200D || (code >= 0x24B6 && code <= 0x24E9) ||
           (code >= 0x1F130 && code <= 0x1F149) ||
           (code >= 0x1F150 && code <= 0x1F169) ||
           (code >= 0x1F170 && code <= 0x1F189);
}

typedef enum char_class { SPACE, WORD, OTHER } char_class;

static char_class class_of(uint32_t code)
{
    if (cbx_is_space(code))
        return SPACE;
    return is_word(code) ? WORD : OTHER;
}

/* tokenizers: Whitespace: \w+|[^\w\s]+ */
static cbx_status encode_plain(sink *s, const char *text, size_t n)
{
    cbx_status st = CBX_OK;
    if (!s->b->words)
        return encode_word(s, text, n);
    for (size_t at = 0, end = 0; at < n && !st; at = end) {
        const char_class kind =
            class_of(cbx_utf8_first(text + at, n - at).code);
        while (end < n) {
            const cbx_codepoint c = cbx_utf8_first(text + end, n - end);
            if (class_of(c.code) != kind)
                break;
            end += c.bytes;
        }
        if (kind != SPACE)
            st = encode_word(s, text + at, end - at);
    }
    return st;
}

/* -- added tokens ---------------------------------------------------------- */

/* The longest one at text; they are sorted by length. */
static const json_added *added_at(const json_bpe *b, bool normalized,
                                  const char *text, size_t n)
{
    for (size_t i = 0; i < b->n_added; i++) {
        const json_added *a = &b->added[i];
        if (a->normalized == normalized && a->len <= n &&
            a->text[0] == text[0] && memcmp(a->text, text, a->len) == 0)
            return a;
    }
    return NULL;
}

/* tokenizers: AddedVocabulary::extract_and_normalize: those that are not
 * normalised first, the others in what is left. */
static cbx_status split(sink *s, bool normalized, const char *text, size_t n)
{
    size_t from = 0;
    cbx_status st = CBX_OK;
    for (size_t at = 0; at <= n && !st; at++) {
        const json_added *a =
            at < n ? added_at(s->b, normalized, text + at, n - at) : NULL;
        if (!a && at < n)
            continue;
        if (at > from)
            st = normalized ? encode_plain(s, text + from, at - from)
                            : split(s, true, text + from, at - from);
        if (!a)
            break;
        if (!st)
            st = put(s, a->id);
        from = at + a->len;
        at = from - 1;
    }
    return st;
}

cbx_status json_bpe_encode(json_bpe *b, const char *text, size_t n,
                           int32_t *ids, size_t cap, size_t *count,
                           cbx_error *err)
{
    sink s = {b, ids, 0, cap, err};
    const cbx_status st = split(&s, false, text, n);
    if (!st)
        *count = s.n;
    return st;
}
