#ifndef CBX_MODELS_PIPELINE_GUARD_H
#define CBX_MODELS_PIPELINE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Watches the speech tokens of a segment for what a language model does wrong:
 * it stops too early or not at all, says the same over and over, is silent for
 * long, or goes on behind the last word. It only judges; tokens.c acts.
 *
 * How long a text can take is counted from its characters, so generously that
 * speech which is merely slow or fast is left alone (docs/STREAMING.md). */
typedef enum guard_kind {
    GUARD_EARLY,
    GUARD_ENDLESS,
    GUARD_LOOP,
    GUARD_SILENCE,
    GUARD_TAIL,
    GUARD_NONE,
} guard_kind;

enum { GUARD_PERIOD = 32 }; /* tokens: the longest loop that is seen */

typedef struct guard {
    const uint8_t *silent;      /* [codes] 1: sounds like nothing */
    int least, most;            /* tokens that the text can take */
    int silence;                /* silent tokens at the end */
    int same[GUARD_PERIOD + 1]; /* [p] tokens at the end that equal the one p
                                 * before */
} guard;

/* [any] text: UTF-8. silent: stays with the caller. */
void guard_begin(guard *g, const uint8_t *silent, const char *text, size_t n);

/* [any] The newest of n tokens. *good: how many of them are worth keeping.
 * `progress` and `behind`: words_progress, words_behind_end. */
guard_kind guard_token(guard *g, const int32_t *tokens, int n, double progress,
                       int behind, int *good);

/* [any] Whether the model may stop behind n tokens: GUARD_NONE or GUARD_EARLY.
 */
guard_kind guard_stop(const guard *g, int n, double progress);

/* [any] The tokens behind the first n are gone. */
void guard_back(guard *g, const int32_t *tokens, int n);

/* [any] "a long silence" */
const char *guard_what(guard_kind kind);

#endif
