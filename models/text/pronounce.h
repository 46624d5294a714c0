#ifndef CBX_MODELS_TEXT_PRONOUNCE_H
#define CBX_MODELS_TEXT_PRONOUNCE_H

#include "models/text/line.h"

/* How words are to be spoken: dictionaries of the user's (docs/TEXT.md). A file
 * is UTF-8, one entry a line:
 *
 *     # for everything
 *     Chatterbox = Chatter Box
 *     New York = Noo York
 *     =US = U S             only as written
 *     /(\d+)er/ = $1 er     a pattern (PCRE2)
 *     [de]                  from here on for German
 *     [voice anna]          from here on for this voice
 *     [*]                   for everything again
 *
 * Words and phrases match whole words, in any case. The file that was added
 * last counts first; within it a voice's entries before a language's, those
 * before the rest, longer ones before shorter ones, words before patterns. What
 * an entry says is not changed by any other rule. */
typedef struct pronounce pronounce;

enum {
    PRONOUNCE_FILES = 4,
    PRONOUNCE_MAX_BYTES = 1 << 20, /* of a file */
    PRONOUNCE_ENTRY = 256,         /* bytes of each side of an entry */
};

/* [setup] voice: "" for none. */
CBX_CHECK cbx_status pronounce_open(const char *voice, pronounce **out,
                                    cbx_error *err);
void pronounce_close(pronounce *p);

/* [setup] Adds a file. One that is not there is an error when it is `needed`;
 * otherwise it may come later. */
CBX_CHECK cbx_status pronounce_add(pronounce *p, const char *path, bool needed,
                                   cbx_error *err);

/* [text] Reads files again that have changed. A file that has become faulty or
 * has gone keeps its old entries; *err then says why, once for each change. */
CBX_CHECK cbx_status pronounce_refresh(pronounce *p, cbx_error *err);

/* [any] Number of entries. */
int pronounce_size(const pronounce *p);

/* [any, one thread at a time] Appends to *out with entries in place. language:
 * "en"; "" for none. out->room must be in->n or more. */
void pronounce_apply(pronounce *p, const text_line *in, const char *language,
                     text_line *out);

#endif
