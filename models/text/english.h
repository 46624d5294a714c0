#ifndef CBX_MODELS_TEXT_ENGLISH_H
#define CBX_MODELS_TEXT_ENGLISH_H

#include "models/text/line.h"

/* English as people say it: numbers, dates, times, money, units, abbreviations,
 * addresses, signs, emoji and Markdown become words (docs/TEXT.md). It works on
 * whole segments, which no later byte can change. */
typedef struct english english;

/* [setup] The patterns are shared by all; this holds scratch. */
CBX_CHECK cbx_status english_open(english **out, cbx_error *err);
void english_close(english *e);

/* [any, one thread at a time] Appends to *out. In a language that is not
 * English only Markdown and emoji are taken out. What finds no room stays as it
 * is; out->room must be in->n or more. */
void english_apply(english *e, const text_line *in, bool is_english,
                   text_line *out);

#endif
