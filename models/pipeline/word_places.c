#include "models/pipeline/word_places.h"

#include "models/text/normalize.h"
#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>

cbx_status word_places_open(int max_bytes, word_places **out, cbx_error *err)
{
    word_places *p = calloc(1, sizeof *p);
    if (!p)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's words");
    p->most = max_bytes / 2 + 1;
    p->clean_cap = CBX_PUNC_NORM_MAX((size_t)max_bytes);
    p->ids_cap = 2 * p->clean_cap;
    p->word = malloc((size_t)p->most * sizeof *p->word);
    p->id = malloc((size_t)p->most * sizeof *p->id);
    p->clean = malloc(p->clean_cap);
    p->all = malloc(p->ids_cap * sizeof *p->all);
    p->some = malloc(p->ids_cap * sizeof *p->some);
    if (!p->word || !p->id || !p->clean || !p->all || !p->some) {
        word_places_close(p);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's words");
    }
    *out = p;
    return CBX_OK;
}

void word_places_close(word_places *p)
{
    if (!p)
        return;
    free(p->some);
    free(p->all);
    free(p->clean);
    free(p->id);
    free(p->word);
    free(p);
}

/* -- words of a text ------------------------------------------------------- */

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x3000;
}

static bool is_sign(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || (c >= 0xc0 && c < 0x2000) ||
           (c >= 0x2c00 && c < 0x2e00) || (c >= 0x3040 && c < 0xfe00) ||
           c >= 0x10000;
}

/* Kana and ideographs. */
static bool stands_alone(uint32_t c)
{
    return (c >= 0x3040 && c < 0x3100) || (c >= 0x3400 && c < 0xa000) ||
           (c >= 0xf900 && c < 0xfb00) || (c >= 0x20000 && c < 0x40000);
}

typedef struct {
    const char *text;
    size_t n, byte;
    int at; /* characters before `byte` */
} reader;

static uint32_t peek(const reader *r, size_t *len)
{
    const cbx_codepoint c = cbx_utf8_first(r->text + r->byte, r->n - r->byte);
    *len = c.bytes;
    return c.code;
}

/* The next word: its characters, and its first byte. */
static bool next_word(reader *r, word *out, size_t *byte)
{
    bool found = false, alone = false;
    size_t len;
    *out = (word){.from = r->at, .token = -1};
    *byte = r->byte;
    for (; r->byte < r->n; r->byte += len, r->at++) {
        const uint32_t c = peek(r, &len);
        if (is_space(c) || (stands_alone(c) && found)) {
            if (found)
                break;
            out->from = r->at + 1;
            *byte = r->byte + len;
        } else if (alone && is_sign(c)) {
            break;
        } else {
            found |= is_sign(c);
            alone |= stands_alone(c);
        }
    }
    out->to = r->at;
    return found;
}

static int count_chars(const char *text, size_t n)
{
    reader r = {.text = text, .n = n};
    size_t len;
    for (; r.byte < n; r.byte += len, r.at++)
        (void)peek(&r, &len);
    return r.at;
}

/* -- their ids ------------------------------------------------------------- */

static bool encode(const words_text *t, const char *text, size_t n,
                   int32_t *ids, size_t cap, size_t *count)
{
    cbx_error err;
    return cbx_tokenizer_ids(t->tokenizer, text, n, t->language, ids, cap,
                             count, &err) == CBX_OK;
}

/* The id that the word at `byte` of the clean text begins with. The space
 * before it may be an id of its own or belong to the word's first one. */
static int id_of(word_places *p, const words_text *t, size_t n_all, size_t byte)
{
    size_t n;
    if (!encode(t, p->clean, byte, p->some, p->ids_cap, &n))
        return -1;
    if (n <= n_all && !memcmp(p->some, p->all, n * sizeof *p->some))
        return (int)n;
    while (byte > 0 && p->clean[byte - 1] == ' ')
        byte--;
    return encode(t, p->clean, byte, p->some, p->ids_cap, &n) ? (int)n : -1;
}

/* False where the clean text has other words. */
static bool find_ids(word_places *p, const words_text *t)
{
    cbx_error err;
    word got;
    size_t len, n, byte;
    if (cbx_tokenizer_clean(t->tokenizer, t->text, t->n, p->clean, p->clean_cap,
                            &len, &err) ||
        !encode(t, p->clean, len, p->all, p->ids_cap, &n))
        return false;
    reader r = {.text = p->clean, .n = len};
    const int before = (int)n < t->n_ids && n > 0 && t->ids[0] != p->all[0];
    for (int i = 0; i < p->n; i++) {
        if (!next_word(&r, &got, &byte) ||
            (p->id[i] = id_of(p, t, n, byte)) < 0)
            return false;
        p->id[i] += before;
    }
    if (next_word(&r, &got, &byte))
        return false;
    p->end = before + (int)n - 2 > 0 ? before + (int)n - 2 : 0;
    return true;
}

void word_places_find(word_places *p, const words_text *t)
{
    reader r = {.text = t->text, .n = t->n};
    size_t byte;
    p->chars = count_chars(t->text, t->n);
    p->ids = t->n_ids;
    p->end = t->n_ids - 1;
    for (p->n = 0; p->n < p->most; p->n++)
        if (!next_word(&r, &p->word[p->n], &byte))
            break;
    if (p->n == 0 || find_ids(p, t))
        return;
    for (int i = 0; i < p->n && p->chars; i++)
        p->id[i] = t->n_ids * p->word[i].from / p->chars;
}
