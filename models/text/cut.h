#ifndef CBX_MODELS_TEXT_CUT_H
#define CBX_MODELS_TEXT_CUT_H

#include "models/text/split.h"

/* Where text may be cut: rules for split.c, which moves the bytes. */

/* One character waiting in the splitter. White space is a single ' '. */
typedef struct unit {
    uint64_t begin; /* byte offset in the input */
    uint32_t code;
    uint32_t bytes;
} unit;

/* The sentence's possible end: from the first terminator (index term) up to
 * and with closing quotes and brackets (index end, exclusive). */
typedef struct sentence_end {
    size_t term, end;
    bool direct; /* CJK: no white space is needed */
    bool run;    /* more than one full stop, or an ellipsis */
    bool closed; /* quotes or brackets follow the terminator */
} sentence_end;

/* [any] . ! ? and the full stops of other scripts. */
bool cut_is_terminator(uint32_t code);
bool cut_is_direct(uint32_t code); /* of these, the CJK ones */
bool cut_is_closer(uint32_t code);

/* [any] White space and then `next` followed: does the sentence end there? */
bool cut_ends_sentence(const unit *text, const sentence_end *e, uint32_t next);

/* [any] The best place in text[0..n) for a piece of at most `max` characters
 * (not counting a space at its end). `whole` says that text[0..n) is a whole
 * sentence and should be cut evenly. Returns the length to take, or 0 when
 * only a cut inside a word would do. */
size_t cut_best(const unit *text, size_t n, bool whole, size_t max,
                cbx_pause *pause);

/* [any] A cut between two characters, for when there is no better one. */
size_t cut_anywhere(const unit *text, size_t n, size_t max);

#endif
