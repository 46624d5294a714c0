#include "models/text/bpe.h"

#include "models/text/bpe_load.h"
#include "models/text/utf8.h"

#include <stdbool.h>
#include <string.h>

int cbx_bpe_size(const cbx_bpe *b)
{
    return b->size;
}

/* tokenization_gpt2.py: the contractions of GPT-2's pattern, longest first. */
static size_t contraction(const char *s, size_t n)
{
    static const char *const tails[] = {"re", "ve", "ll", "s", "t", "m", "d"};
    if (s[0] != '\'')
        return 0;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        const size_t len = strlen(tails[i]);
        if (n > len && memcmp(s + 1, tails[i], len) == 0)
            return 1 + len;
    }
    return 0;
}

typedef enum char_class { SPACE, LETTER, NUMBER, OTHER } char_class;

static char_class class_of(uint32_t code)
{
    if (cbx_is_space(code))
        return SPACE;
    if (cbx_is_letter(code))
        return LETTER;
    return cbx_is_number(code) ? NUMBER : OTHER;
}

/* Bytes of the longest run of `kind` at the start; *last is the length of its
 * last character. */
static size_t run_length(const char *s, size_t n, char_class kind, size_t *last)
{
    size_t at = 0;
    while (at < n) {
        const cbx_codepoint c = cbx_utf8_first(s + at, n - at);
        if (class_of(c.code) != kind)
            break;
        *last = c.bytes;
        at += c.bytes;
    }
    return at;
}

/* One match of GPT-2's pattern:
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t word_length(const char *s, size_t n)
{
    size_t last = 0;
    const size_t tail = contraction(s, n);
    if (tail)
        return tail;
    const size_t lead = s[0] == ' ' && n > 1;
    const char_class kind = class_of(cbx_utf8_first(s + lead, n - lead).code);
    if (kind != SPACE)
        return lead + run_length(s + lead, n - lead, kind, &last);
    const size_t run = run_length(s, n, SPACE, &last);
    /* \s+(?!\S) leaves the last space to the word that follows */
    return run == n || run == last ? run : run - last;
}

/* Merges the n symbols by rank: always the lowest-ranked pair, everywhere. */
static size_t merge_word(const cbx_bpe *b, int32_t *ids, size_t n)
{
    while (n > 1) {
        const bpe_merge *best = NULL;
        for (size_t i = 0; i + 1 < n; i++) {
            const bpe_merge *m = bpe_find_merge(b, ids[i], ids[i + 1]);
            if (m && (!best || m->rank < best->rank))
                best = m;
        }
        if (!best)
            break;
        size_t to = 0;
        for (size_t i = 0; i < n; i++) {
            const bool hit =
                i + 1 < n && ids[i] == best->left && ids[i + 1] == best->right;
            ids[to++] = hit ? best->id : ids[i];
            i += hit;
        }
        n = to;
    }
    return n;
}

/* The ids of text without added tokens; there is room for one per byte. */
static size_t encode_plain(const cbx_bpe *b, const char *s, size_t n,
                           int32_t *ids)
{
    size_t count = 0;
    for (size_t at = 0; at < n;) {
        const size_t len = word_length(s + at, n - at);
        for (size_t i = 0; i < len; i++)
            ids[count + i] = b->byte_id[(unsigned char)s[at + i]];
        count += merge_word(b, ids + count, len);
        at += len;
    }
    return count;
}

/* The longest added token at s; they are sorted by length. */
static const bpe_added *added_at(const cbx_bpe *b, const char *s, size_t n)
{
    for (size_t i = 0; i < b->n_added; i++) {
        const bpe_added *a = &b->added[i];
        if (a->len <= n && a->text[0] == s[0] &&
            memcmp(a->text, s, a->len) == 0)
            return a;
    }
    return NULL;
}

cbx_status cbx_bpe_encode(const cbx_bpe *b, const char *text, size_t n,
                          int32_t *ids, size_t cap, size_t *count,
                          cbx_error *err)
{
    if (n > CBX_BPE_MAX_TEXT)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a text of %zu bytes is too long to tokenise at once",
                        n);
    if (cap < n)
        return cbx_fail(err, CBX_E_ARG,
                        "%zu places are too few for the tokens of %zu bytes",
                        cap, n);
    size_t total = 0, from = 0;
    for (size_t at = 0; at < n;) {
        const bpe_added *a = added_at(b, text + at, n - at);
        if (!a) {
            at++;
            continue;
        }
        total += encode_plain(b, text + from, at - from, ids + total);
        ids[total++] = a->id;
        from = at += a->len;
    }
    total += encode_plain(b, text + from, n - from, ids + total);
    *count = total;
    return CBX_OK;
}
