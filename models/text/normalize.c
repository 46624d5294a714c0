#include "models/text/normalize.h"

#include "models/text/upper.h"
#include "models/text/utf8.h"

#include <string.h>

typedef struct rule {
    const char *from, *to;
} rule;

/* In the reference's order. */
static const rule full_rules[] = {
    {"...", ", "},
    {"\u2026", ", "},
    {":", ","},
    {" - ", ", "},
    {";", ", "},
    {"\u2014", "-"},
    {"\u2013", "-"},
    {" ,", ","},
    {"\u201C", "\""},
    {"\u201D", "\""},
    {"\u2018", "'"},
    {"\u2019", "'"},
    {0},
};
static const rule turbo_rules[] = {
    {"\u2026", ", "}, {":", ","},
    {"\u2014", "-"},  {"\u2013", "-"},
    {" ,", ","},      {"\u201C", "\""},
    {"\u201D", "\""}, {"\u2018", "'"},
    {"\u2019", "'"},  {0},
};

static const char *const enders[] = {".", "!", "?", "-", ",", NULL};
static const char *const wide_enders[] = {
    ".",      "!",      "?",      "-",      ",", "\u3001",
    "\uFF0C", "\u3002", "\uFF1F", "\uFF01", NULL};

typedef struct buffer {
    char *text;
    size_t len, cap;
} buffer;

static void put(buffer *b, uint32_t code)
{
    b->len += (size_t)cbx_utf8_encode(code, b->text + b->len);
}

/* str.isspace() is White_Space and the four separators */
static bool is_space(uint32_t code)
{
    return cbx_is_space(code) || (code >= 0x1C && code <= 0x1F);
}

/* Upper-cases the first character, then splits at white space and joins with
 * single spaces. */
static void copy(const char *text, size_t n, buffer *b)
{
    bool space = false;
    for (size_t at = 0; at < n;) {
        const cbx_codepoint c = cbx_utf8_first(text + at, n - at);
        uint32_t codes[3] = {c.code, 0, 0};
        int count = 1;
        if (at == 0 && cbx_is_lower(c.code))
            count = text_upper(c.code, codes);
        at += c.bytes;
        if (is_space(c.code)) {
            space = b->len > 0;
            continue;
        }
        if (space)
            put(b, ' ');
        space = false;
        for (int i = 0; i < count; i++)
            put(b, codes[i]);
    }
}

/* str.replace, in place. The text is first moved to the buffer's end, so that
 * writing at the front cannot overtake reading. */
static void replace(buffer *b, const rule *r)
{
    const size_t from = strlen(r->from), to = strlen(r->to);
    const char *in = b->text + b->cap - b->len, *const end = b->text + b->cap;
    memmove(b->text + b->cap - b->len, b->text, b->len);
    b->len = 0;
    while (in < end) {
        if ((size_t)(end - in) >= from && memcmp(in, r->from, from) == 0) {
            memcpy(b->text + b->len, r->to, to);
            b->len += to;
            in += from;
        } else {
            b->text[b->len++] = *in++;
        }
    }
}

static bool ends_with(const buffer *b, const char *tail)
{
    const size_t n = strlen(tail);
    return b->len >= n && memcmp(b->text + b->len - n, tail, n) == 0;
}

static void end_sentence(buffer *b, const char *const *allowed)
{
    while (b->len && b->text[b->len - 1] == ' ')
        b->len--;
    for (; *allowed; allowed++)
        if (ends_with(b, *allowed))
            return;
    b->text[b->len++] = '.';
}

static cbx_status normalize(const char *text, size_t n, const rule *rules,
                            const char *const *allowed, buffer *b, size_t *len,
                            cbx_error *err)
{
    static const char nothing[] = "You need to add some text for me to talk.";
    if (n > SIZE_MAX / 4 || b->cap < CBX_PUNC_NORM_MAX(n))
        return cbx_fail(err, CBX_E_ARG,
                        "%zu bytes are too few to normalise a text of %zu",
                        b->cap, n);
    if (n == 0) {
        memcpy(b->text, nothing, sizeof nothing - 1);
        *len = sizeof nothing - 1;
        return CBX_OK;
    }
    copy(text, n, b);
    for (; rules->from; rules++)
        replace(b, rules);
    end_sentence(b, allowed);
    *len = b->len;
    return CBX_OK;
}

cbx_status cbx_punc_norm_turbo(const char *text, size_t n, char *out,
                               size_t cap, size_t *len, cbx_error *err)
{
    buffer b = {out, 0, cap};
    return normalize(text, n, turbo_rules, enders, &b, len, err);
}

cbx_status cbx_punc_norm_original(const char *text, size_t n, char *out,
                                  size_t cap, size_t *len, cbx_error *err)
{
    buffer b = {out, 0, cap};
    return normalize(text, n, full_rules, enders, &b, len, err);
}

cbx_status cbx_punc_norm_multilingual(const char *text, size_t n, char *out,
                                      size_t cap, size_t *len, cbx_error *err)
{
    buffer b = {out, 0, cap};
    return normalize(text, n, full_rules, wide_enders, &b, len, err);
}
