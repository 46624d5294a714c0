#define _GNU_SOURCE /* memmem */
#include "daemon/speechd/ssml.h"

#include <utf8proc.h>

/* What is longer than this is no tag: so that text with many a '<' is not
 * searched to its end for each of them. */
enum { TAG_MOST = 4096 };

typedef struct reader {
    const char *at, *end;
    sd_text *out;
    bool open_comment, open_cdata; /* one has no end: nor have later ones */
} reader;

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool add_code_point(sd_text *t, utf8proc_int32_t c)
{
    utf8proc_uint8_t bytes[4];
    if ((c < ' ' && c != '\n') || c == 0x7f)
        c = ' ';
    const utf8proc_ssize_t n = utf8proc_encode_char(c, bytes);
    return cbx_buffer_add(&t->text, bytes, n > 0 ? (size_t)n : 0);
}

static bool begins_with(const reader *r, const char *what)
{
    const size_t n = strlen(what);
    return (size_t)(r->end - r->at) >= n && !memcmp(r->at, what, n);
}

/* Past the first `what` at or behind from, or NULL. */
static const char *past(const char *from, const char *end, const char *what)
{
    const char *found =
        from < end ? memmem(from, (size_t)(end - from), what, strlen(what))
                   : NULL;
    return found ? found + strlen(what) : NULL;
}

/* Past the '>' that ends the tag at r->at, or NULL: it does not end. A '>' in
 * quotes does not count. */
static const char *tag_end(const reader *r)
{
    char quote = '\0';
    const char *end = r->end;
    if (end - r->at > TAG_MOST)
        end = r->at + TAG_MOST;
    for (const char *p = r->at + 1; p < end; p++) {
        if (quote)
            quote = *p == quote ? '\0' : quote;
        else if (*p == '"' || *p == '\'')
            quote = *p;
        else if (*p == '>')
            return p + 1;
    }
    return past(r->at, end, ">"); /* a quote that is never closed */
}

static const struct {
    const char *name;
    utf8proc_int32_t c;
} entities[] = {
    {"&lt;", '<'},   {"&gt;", '>'},    {"&amp;", '&'},
    {"&quot;", '"'}, {"&apos;", '\''},
};

/* &#65; or &#x41;: how many bytes it has; 0: it is none. */
static size_t numeric(const char *at, const char *end, utf8proc_int32_t *c)
{
    const char *p = at + 2;
    if (end - at < 4 || at[0] != '&' || at[1] != '#')
        return 0;
    const int base = *p == 'x' || *p == 'X' ? 16 : 10;
    p += base == 16;
    utf8proc_int32_t value = 0;
    const char *digits = p;
    for (; p < end && *p != ';'; p++) {
        const char l = (char)(*p | 0x20);
        int d = -1;
        if (*p >= '0' && *p <= '9')
            d = *p - '0';
        else if (base == 16 && l >= 'a' && l <= 'f')
            d = l - 'a' + 10;
        if (d < 0 || value > 0x10ffff)
            return 0;
        value = value * base + d;
    }
    if (p == digits || p == end)
        return 0;
    *c = utf8proc_codepoint_valid(value) && value ? value : 0xfffd;
    return (size_t)(p + 1 - at);
}

/* The character at `at` and how many bytes it has. */
static size_t letter(const char *at, const char *end, utf8proc_int32_t *c)
{
    const utf8proc_ssize_t size =
        utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, c);
    if (size > 0)
        return (size_t)size;
    *c = 0xfffd;
    return 1;
}

/* The same, where entities stand for characters. */
static size_t character(const char *at, const char *end, utf8proc_int32_t *c)
{
    for (size_t i = 0; *at == '&' && i < sizeof entities / sizeof *entities;
         i++) {
        const size_t n = strlen(entities[i].name);
        if ((size_t)(end - at) >= n && !memcmp(at, entities[i].name, n)) {
            *c = entities[i].c;
            return n;
        }
    }
    const size_t n = numeric(at, end, c);
    return n ? n : letter(at, end, c);
}

/* The value of name="...": where it lies in [at, end), or false. */
static bool attribute(const char *at, const char *end, const char *name,
                      const char **from, const char **to)
{
    const size_t n = strlen(name);
    for (const char *p = at; p < end; p++) {
        if (*p == '"' || *p == '\'') { /* over the value of another one */
            p = memchr(p + 1, *p, (size_t)(end - p - 1));
            if (!p)
                return false;
            continue;
        }
        if (!is_space(p[-1]) || (size_t)(end - p) < n || memcmp(p, name, n))
            continue;
        const char *q = p + n;
        while (q < end && is_space(*q))
            q++;
        if (q == end || *q != '=')
            continue;
        for (q++; q < end && is_space(*q);)
            q++;
        if (q == end || (*q != '"' && *q != '\''))
            return false;
        *from = q + 1;
        *to = memchr(q + 1, *q, (size_t)(end - q - 1));
        return *to != NULL;
    }
    return false;
}

bool sd_text_mark(sd_text *t, const char *name, size_t n)
{
    const sd_mark mark = {.at = t->text.n, .name = t->names.n};
    return cbx_buffer_add(&t->names, name, n) &&
           cbx_buffer_add(&t->names, "", 1) &&
           cbx_buffer_add(&t->marks, &mark, sizeof mark);
}

/* A name goes back in one line of the protocol, so it has no control
 * characters. */
static bool add_mark(sd_text *t, const char *from, const char *to)
{
    sd_text name = {0};
    bool good = true;
    while (good && from < to) {
        utf8proc_int32_t c;
        from += character(from, to, &c);
        good = add_code_point(&name, c == '\n' ? ' ' : c);
    }
    good = good &&
           sd_text_mark(t, name.text.data ? name.text.data : "", name.text.n);
    sd_text_free(&name);
    return good;
}

static bool is_named(const char *at, const char *end, const char *name)
{
    const size_t n = strlen(name);
    return (size_t)(end - at) > n && !memcmp(at, name, n) &&
           (is_space(at[n]) || at[n] == '>' || at[n] == '/');
}

/* The tag from r->at to its end. */
static bool tag(reader *r, const char *end)
{
    const char *name = r->at + 1;
    if (is_named(name, end, "mark")) {
        const char *from, *to;
        if (attribute(name + 4, end, "name", &from, &to))
            return add_mark(r->out, from, to);
    } else if (is_letter(*name) && !is_named(name, end, "speak")) {
        r->out->rich = true;
    }
    return true;
}

bool sd_plain_read(const char *text, size_t n, sd_text *out)
{
    const char *at = text, *end = text + n;
    while (at < end) {
        utf8proc_int32_t c;
        at += letter(at, end, &c);
        if (!add_code_point(out, c))
            return false;
    }
    return cbx_buffer_add(&out->text, "", 0);
}

/* The end of what begins with '<' at r->at; NULL: it is only a character. */
static const char *markup_end(reader *r)
{
    const char next = r->end - r->at > 1 ? r->at[1] : ' ';
    const char *end = NULL;
    if (begins_with(r, "<!--") && !r->open_comment) {
        end = past(r->at + 4, r->end, "-->");
        r->open_comment = !end;
    } else if (begins_with(r, "<![CDATA[") && !r->open_cdata) {
        end = past(r->at + 9, r->end, "]]>");
        r->open_cdata = !end;
    } else if (is_letter(next) || next == '/' || next == '!' || next == '?') {
        end = tag_end(r);
    }
    return end;
}

static bool markup(reader *r)
{
    const char *end = markup_end(r);
    if (!end) {
        r->at++;
        return add_code_point(r->out, '<');
    }
    const char *at = r->at;
    const bool cdata = begins_with(r, "<![CDATA[") && !r->open_cdata;
    const bool good =
        cdata ? sd_plain_read(at + 9, (size_t)(end - 3 - at - 9), r->out)
              : tag(r, end);
    r->at = end;
    return good;
}

bool sd_ssml_read(const char *ssml, size_t n, sd_text *out)
{
    reader r = {.at = ssml, .end = ssml + n, .out = out};
    while (r.at < r.end) {
        utf8proc_int32_t c;
        if (*r.at == '<') {
            if (!markup(&r))
                return false;
            continue;
        }
        r.at += character(r.at, r.end, &c);
        if (!add_code_point(out, c))
            return false;
    }
    return cbx_buffer_add(&out->text, "", 0);
}

void sd_text_free(sd_text *t)
{
    cbx_buffer_free(&t->text);
    cbx_buffer_free(&t->names);
    cbx_buffer_free(&t->marks);
    *t = (sd_text){0};
}
