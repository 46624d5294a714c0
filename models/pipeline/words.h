#ifndef CBX_MODELS_PIPELINE_WORDS_H
#define CBX_MODELS_PIPELINE_WORDS_H

#include "models/text/tokenizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When each word of a segment begins, found while its speech tokens are drawn:
 * the likeliest way through the text, never backwards, by where T3 looked at
 * each token (t3_read_look). A word counts as begun with the first token whose
 * place on that way is at the word's first id or behind it.
 *
 * Where T3 does not say where it looks, or looks everywhere: in proportion to
 * characters, at the rate of the segments before, and what is left at the end
 * of a segment is spread over what is left of it.
 *
 * What has been settled stays. It depends on the tokens, and on where
 * words_settle was called, not on when. [decode], but for open and close. */
typedef struct words words;

typedef struct word {
    int from, to; /* characters (code points) of the segment's text */
    int token;    /* where it begins; may be behind the last one */
} word;

/* [setup] For texts of max_bytes and segments of that many tokens. */
CBX_CHECK cbx_status words_open(int max_bytes, int max_tokens, words **out,
                                cbx_error *err);
void words_close(words *w);

/* The rate that was learned is forgotten. */
void words_reset(words *w);

/* What a segment's words are found in. */
typedef struct words_text {
    cbx_tokenizer *tokenizer;
    const char *language, *text; /* as they were encoded */
    size_t n;
    const int32_t *ids; /* what came of it */
    int n_ids;
} words_text;

/* Starts a segment: finds the words, and which of the ids each begins with. */
void words_begin(words *w, const words_text *text);

/* The next token, and where T3 looked for it: [n_ids]; or NULL. */
void words_token(words *w, const float *look);

/* Settles the words that begin before token `end`; all that are left with
 * `final`: then `end` is the number of tokens that are spoken. */
void words_settle(words *w, int end, bool final);

/* Back to behind n tokens, but not to before the last words_settle. */
void words_back(words *w, int n);

/* The next word that is settled and was not given out. */
bool words_next(words *w, word *out);

/* How far through the text the newest token is, 0 to 1; below 0: not known. */
double words_progress(const words *w);
/* Tokens since the way reached the last id, 0 before. */
int words_behind_end(const words *w);

/* The token at which character `at` begins to be spoken: that of its word, or
 * of the next one. -1: not settled yet; the number of tokens behind the last
 * word, once all are. */
int words_token_of(const words *w, int at);

#endif
