#ifndef CBX_MODELS_TEXT_LINE_H
#define CBX_MODELS_TEXT_LINE_H

#include "models/text/split.h"

/* The characters of one segment on their way through dictionary and rules, each
 * with the bytes that it comes from. */
typedef struct text_line {
    uint32_t *code;     /* [room] */
    cbx_source *source; /* [room] */
    bool *fixed;        /* [room] as the dictionary wants it: no rule */
    size_t n, room;
} text_line;

CBX_CHECK cbx_status line_open(text_line *l, size_t room, cbx_error *err);
void line_close(text_line *l);

/* [any] Appends one character; false when the line is full. */
bool line_put(text_line *l, uint32_t code, cbx_source source, bool fixed);

/* [any] Appends in->code[at]. No space at the begin, behind a space, or in
 * front of , . ; : ! ? */
void line_copy(text_line *l, const text_line *in, size_t at);

/* [any] Appends UTF-8 in place of in->code[from..to), from < to, with the same
 * care for spaces; `fixed`: no rule may touch it. Does nothing and says false
 * where there would be no room for the rest of `in`. */
bool line_replace(text_line *l, const text_line *in, size_t from, size_t to,
                  const char *text, size_t len, bool fixed);

#endif
