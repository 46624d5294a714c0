#ifndef CBX_TESTS_TEXT_SPLITTING_H
#define CBX_TESTS_TEXT_SPLITTING_H

#include "models/text/split.h"
#include "tests/check.h"

#include <string.h>

/* What a splitter made of a text, written down as "text<pause>text<pause>":
 * pauses are _ , . / for none, clause, sentence and paragraph. */
typedef struct record {
    char text[1 << 16];
    size_t len;
    int segments, longest;
    uint64_t end; /* of the last segment */
} record;

static inline void drain(cbx_splitter *s, record *r)
{
    cbx_segment g;
    while (cbx_splitter_next(s, &g)) {
        CHECK(g.len > 0 && strlen(g.text) == g.len);
        CHECK(g.begin >= r->end && g.end > g.begin);
        CHECK(r->len + g.len + 64 < sizeof r->text);
        r->end = g.end;
        r->len += (size_t)snprintf(r->text + r->len, sizeof r->text - r->len,
                                   "%s<%c>", g.text, "_,./"[g.pause]);
        r->segments++;
        if (g.chars > r->longest)
            r->longest = g.chars;
    }
}

static inline cbx_status push_all(cbx_splitter *s, const char *p, size_t n,
                                  record *r, cbx_error *err)
{
    while (n) {
        size_t taken;
        const cbx_status st = cbx_splitter_push(s, p, n, &taken, err);
        CHECK(taken <= n);
        drain(s, r);
        if (st)
            return st;
        p += taken;
        n -= taken;
    }
    return CBX_OK;
}

static inline cbx_splitter *new_splitter(int max_chars, bool wrapped)
{
    cbx_splitter *s = NULL;
    CHECK(!cbx_splitter_open(
        &(cbx_split_options){.max_chars = max_chars, .wrapped = wrapped}, &s,
        NULL));
    return s;
}

/* The whole text at once. */
static inline void split_text(const char *text, int max_chars, bool wrapped,
                              record *r)
{
    cbx_splitter *s = new_splitter(max_chars, wrapped);
    *r = (record){.len = 0};
    CHECK(!push_all(s, text, strlen(text), r, NULL));
    cbx_splitter_finish(s);
    drain(s, r);
    cbx_splitter_close(s);
}

static inline void expect_split(const char *text, int max_chars, bool wrapped,
                                const char *want)
{
    static record r;
    split_text(text, max_chars, wrapped, &r);
    if (!strcmp(r.text, want))
        return;
    fprintf(stderr, "text: %s\ngave: %s\nnot:  %s\n", text, r.text, want);
    exit(1);
}

#endif
