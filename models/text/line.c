#include "models/text/line.h"

#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>

cbx_status line_open(text_line *l, size_t room, cbx_error *err)
{
    *l = (text_line){.code = calloc(room, sizeof *l->code),
                     .source = calloc(room, sizeof *l->source),
                     .fixed = calloc(room, sizeof *l->fixed),
                     .room = room};
    if (l->code && l->source && l->fixed)
        return CBX_OK;
    line_close(l);
    return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
}

void line_close(text_line *l)
{
    free(l->code);
    free(l->source);
    free(l->fixed);
    *l = (text_line){0};
}

bool line_put(text_line *l, uint32_t code, cbx_source source, bool fixed)
{
    if (l->n == l->room)
        return false;
    l->code[l->n] = code;
    l->source[l->n] = source;
    l->fixed[l->n] = fixed;
    l->n++;
    return true;
}

static void put_spaced(text_line *l, uint32_t code, cbx_source source,
                       bool fixed)
{
    const bool behind_space = !l->n || l->code[l->n - 1] == ' ';
    if (code == ' ' && behind_space)
        return;
    if (code < 128 && strchr(",.;:!?", (int)code) && l->n && behind_space)
        l->n--;
    line_put(l, code, source, fixed);
}

void line_copy(text_line *l, const text_line *in, size_t at)
{
    put_spaced(l, in->code[at], in->source[at], in->fixed[at]);
}

bool line_replace(text_line *l, const text_line *in, size_t from, size_t to,
                  const char *text, size_t len, bool fixed)
{
    const cbx_source source = {in->source[from].from, in->source[to - 1].to};
    if (l->n + len + (in->n - to) > l->room)
        return false;
    for (size_t at = 0; at < len;) {
        const cbx_codepoint c = cbx_utf8_first(text + at, len - at);
        put_spaced(l, c.code, source, fixed);
        at += c.bytes;
    }
    return true;
}
