#ifndef CBX_MODELS_TEXT_NUMBERS_H
#define CBX_MODELS_TEXT_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>

/* English words for numbers. Digits are ASCII; what is not a digit in them (a
 * comma between thousands) is skipped. */

/* Words that are being written. Too long ones are cut, and `full` says so. */
typedef struct words {
    char text[1024];
    size_t len;
    bool full;
} words;

/* [any] Appends as it stands. */
void words_put(words *w, const char *text);
void words_putn(words *w, const char *text, size_t n);

/* [any] "forty-two", up to 21 digits; more are read one by one. */
void say_cardinal(words *w, const char *digits, size_t n);
/* [any] "forty-second" */
void say_ordinal(words *w, const char *digits, size_t n);
/* [any] "four two" */
void say_digits(words *w, const char *digits, size_t n);
/* [any] "nineteen eighty-four", "two thousand five"; four digits. */
void say_year(words *w, const char *digits, size_t n);
/* [any] As numbers behind a letter are read: "two fifty-six". */
void say_code(words *w, const char *digits, size_t n);
/* [any] "three point one four"; also ".5". */
void say_number(words *w, const char *text, size_t n);
/* [any] The same for a small number. */
void say_small(words *w, unsigned n);
void say_small_ordinal(words *w, unsigned n);
/* [any] The last word becomes its plural: "nineties", "thirds". */
void make_plural(words *w);

#endif
