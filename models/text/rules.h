#ifndef CBX_MODELS_TEXT_RULES_H
#define CBX_MODELS_TEXT_RULES_H

#include "models/text/line.h"
#include "models/text/numbers.h"

/* What is behind english.h: a list of rules, each a pattern and what is said in
 * place of what it matches. At each place of a line the first rule that matches
 * and agrees counts. Patterns are PCRE2 over code points, anchored, and bounded
 * in what they may try. */

enum { RULE_GROUPS = 12, GROUP_BYTES = 256 };

/* One match. */
typedef struct job {
    const text_line *in;
    size_t from, to; /* of the line; a rule may set `to`, from < to */
    int groups;
    struct {
        size_t from, to;
        char text[GROUP_BYTES]; /* UTF-8, cut; "" where it did not match */
        size_t len;
    } group[RULE_GROUPS];
    words w; /* what is said */
    /* a link of Markdown: where its text ends, and the link */
    size_t link_text, link_end;
} job;

typedef struct rule {
    /* Characters that it can begin with: d digits, c digits right behind a
     * letter, L the first letter of a word, l any letter, s anything else. */
    const char *first;
    const char *pattern;
    /* False: not so after all. NULL: nothing is said. */
    bool (*say)(job *j);
    bool every; /* in every language */
} rule;

/* [any] The character before the match and the one behind it; 0 at the ends. */
uint32_t job_before(const job *j);
uint32_t job_behind(const job *j);
/* [any] Whether group i matched something. */
bool job_has(const job *j, int i);
/* [any] say_... with a group. */
void job_say(job *j, int i, void (*say)(words *, const char *, size_t));

/* In this order. */
extern const rule markdown_rules[], link_rules[], date_rules[], money_rules[],
    number_rules[], word_rules[], sign_rules[];

/* A number: 5, 1,234, 3.14, .5 */
#define NUM                                                                  \
    "((?:\\d{1,3}(?:,\\d{3})+(?!\\d)|\\d+)(?:\\.\\d+)?|(?<![.\\p{L}\\p{N}])" \
    "\\.\\d+)"
/* No word goes on here. */
#define END "(?![\\p{L}\\p{N}])"
#define MONTH                                                                \
    "(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(" \
    "?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"

/* [any] "bn": "billion"; NULL for what is none. */
const char *magnitude(const char *text);

/* [any] "Jan", "January.": 1 to 12, else 0; and its name. */
unsigned month_number(const char *text);
const char *month_name(unsigned month);

#endif
