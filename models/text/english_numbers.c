/* Fractions, and the numbers that are left. */
#include "models/text/rules.h"
#include "models/text/units.h"
#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>

static unsigned value(const job *j, int i)
{
    return (unsigned)strtoul(j->group[i].text, NULL, 10);
}

static void put(job *j, const char *text)
{
    words_put(&j->w, text);
}

/* -- fractions ------------------------------------------------------------- */

static void put_fraction(job *j, unsigned above, unsigned below)
{
    say_small(&j->w, above);
    put(j, " ");
    if (below == 2) {
        put(j, above == 1 ? "half" : "halves");
        return;
    }
    if (below == 4)
        put(j, "quarter");
    else
        say_small_ordinal(&j->w, below);
    if (above != 1)
        put(j, "s");
}

static bool is_fraction(unsigned above, unsigned below)
{
    return above && above < below &&
           ((below >= 2 && below <= 9) || above == 1 || below == 16 ||
            below == 32 || below == 64);
}

/* 1/2, 2 3/4, 24/7, 9 out of 10 */
static bool say_fraction(job *j)
{
    const unsigned above = value(j, 2), below = value(j, 3);
    const bool names =
        (above == 24 && below == 7) || (above == 9 && below == 11) ||
        (above == 50 && below == 50) || (above == 7 && below == 11);
    if (job_has(j, 1)) {
        if (!is_fraction(above, below))
            return false;
        job_say(j, 1, say_cardinal);
        put(j, " and ");
        if (above == 1 && (below == 2 || below == 4))
            put(j, below == 2 ? "a half" : "a quarter");
        else
            put_fraction(j, above, below);
        return true;
    }
    if (is_fraction(above, below) && !names) {
        put_fraction(j, above, below);
        return true;
    }
    say_small(&j->w, above);
    put(j, names && above != below ? " "
           : above <= below        ? " out of "
                                   : " slash ");
    say_small(&j->w, below);
    return true;
}

static bool say_vulgar(job *j)
{
    static const struct {
        const char *sign;
        unsigned above, below;
    } list[] = {{"½", 1, 2}, {"⅓", 1, 3}, {"⅔", 2, 3}, {"¼", 1, 4},
                {"¾", 3, 4}, {"⅕", 1, 5}, {"⅖", 2, 5}, {"⅗", 3, 5},
                {"⅘", 4, 5}, {"⅙", 1, 6}, {"⅚", 5, 6}, {"⅛", 1, 8},
                {"⅜", 3, 8}, {"⅝", 5, 8}, {"⅞", 7, 8}};
    const bool mixed = job_has(j, 1);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strcmp(list[i].sign, j->group[2].text)) {
            const unsigned above = list[i].above, below = list[i].below;
            if (mixed) {
                job_say(j, 1, say_cardinal);
                put(j, " and ");
            }
            if (mixed && above == 1 && (below == 2 || below == 4))
                put(j, below == 2 ? "a half" : "a quarter");
            else
                put_fraction(j, above, below);
            const unit_name *u = unit_find(j->group[3].text, true);
            if (u) {
                put(j, " ");
                put(j, u->many);
            } else if (job_has(j, 3)) {
                j->to = j->group[2].to;
            }
            return true;
        }
    return false;
}

/* -- what is left ---------------------------------------------------------- */

static bool say_ordinal_number(job *j)
{
    job_say(j, 1, say_ordinal);
    return true;
}

/* "10 -" of "10 - 20 km": the rest follows by its own rule. */
static bool say_range_begin(job *j)
{
    job_say(j, 1, say_number);
    put(j, " to ");
    return true;
}

/* fifty-fifty */
static bool say_even(job *j)
{
    job_say(j, 1, say_cardinal);
    put(j, " ");
    job_say(j, 1, say_cardinal);
    return true;
}

/* 5 - 3 = 2 */
static bool say_difference(job *j)
{
    job_say(j, 1, say_number);
    put(j, " minus ");
    return true;
}

/* 1080p */
static bool say_lines(job *j)
{
    job_say(j, 1, say_code);
    put(j, " p");
    return true;
}

/* "2) " at the begin of a line */
static bool say_item(job *j)
{
    if (j->from)
        return false;
    job_say(j, 1, say_cardinal);
    put(j, ", ");
    return true;
}

static bool say_ratio(job *j)
{
    job_say(j, 1, say_cardinal);
    put(j, " to ");
    job_say(j, 2, say_cardinal);
    return true;
}

static bool say_by(job *j)
{
    const uint32_t sign = j->in->code[j->group[2].from];
    const bool spaced = j->group[2].from > j->group[1].to;
    if (j->group[1].len == 4 && value(j, 1) > 1000)
        job_say(j, 1, say_year);
    else
        job_say(j, 1, say_number);
    put(j, spaced || sign == '*' ? " times " : " by ");
    return true;
}

static bool say_times(job *j)
{
    job_say(j, 1, say_number);
    put(j, " times");
    return true;
}

static bool say_power(job *j)
{
    job_say(j, 1, say_number);
    put(j, job_has(j, 2) ? " to the power of minus " : " to the power of ");
    job_say(j, 3, say_cardinal);
    return true;
}

static bool say_magnitude(job *j)
{
    job_say(j, 1, say_number);
    put(j, " ");
    put(j, magnitude(j->group[2].text));
    return true;
}

/* The digits of "B2B", "MP3", "A380". */
static bool say_code_number(job *j)
{
    put(j, " ");
    job_say(j, 1, say_code);
    return true;
}

/* A hyphen between a letter and a digit: "COVID-19". */
static bool say_code_hyphen(job *j)
{
    if (!cbx_is_letter(job_before(j)))
        return false;
    put(j, " ");
    return true;
}

/* A noun in the plural follows: "2000 people", not "2000 was". */
static bool counts_things(const job *j)
{
    static const char *const others[] = {
        "is",     "was",    "has",  "as",     "its",    "this", "his",
        "us",     "across", "does", "miss",   "yes",    "less", "plus",
        "versus", "thus",   "gas",  "unless", "brings", "sees", "marks"};
    static const char *const nouns[] = {"people", "men", "women", "children"};
    char word[24];
    size_t n = 0, at = j->to;
    if (job_behind(j) != ' ')
        return false;
    for (at++; at < j->in->n && j->in->code[at] < 128 && n < sizeof word - 1 &&
               cbx_is_letter(j->in->code[at]);
         at++)
        word[n++] = (char)j->in->code[at];
    word[n] = 0;
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++)
        if (!strcmp(word, nouns[i]))
            return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(word, others[i]))
            return false;
    return n > 2 && word[0] >= 'a' && word[n - 1] == 's';
}

static bool say_plain_year(job *j)
{
    if (counts_things(j)) /* "1500 people" is fifteen hundred all the same */
        return j->group[1].text[0] == '1' && value(j, 1) % 100 == 0 &&
               (job_say(j, 1, say_year), true);
    job_say(j, 1, say_year);
    return true;
}

static bool say_plain_number(job *j)
{
    const char *text = j->group[1].text;
    const size_t n = j->group[1].len;
    const bool mark = memchr(text, ',', n) || memchr(text, '.', n);
    if (!mark && ((n > 1 && text[0] == '0') || n >= 10))
        say_digits(&j->w, text, n);
    else
        say_number(&j->w, text, n);
    return true;
}

static bool say_minus(job *j)
{
    const uint32_t before = job_before(j);
    if (cbx_is_letter(before) || cbx_is_number(before) || before == ')' ||
        before == ']' || before == '-')
        return false;
    put(j, "minus ");
    return true;
}

static bool say_plus(job *j)
{
    if (job_before(j) != ' ' && job_before(j) != 0 && job_before(j) != '(')
        return false;
    put(j, "plus ");
    return true;
}

const rule number_rules[] = {
    {"d", "(\\d{1,3}(?:,\\d{3})+|\\d+)(?:st|nd|rd|th)" END, say_ordinal_number,
     false},
    {"d", "(?:(\\d+)\\s+)?(\\d{1,2})[/⁄](\\d{1,3})(?![\\d/])" END, say_fraction,
     false},
    {"ds", "(?:(\\d+)\\s?)?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])(?:\\s?(\\p{L}+))?", say_vulgar,
     false},
    {"d", "(\\d{1,3})\\) +", say_item, false},
    {"d", "(\\d+)-\\1(?![\\d\\-])" END, say_even, false},
    {"d", NUM " [\\-−] (?=" NUM "\\s?=)", say_difference, false},
    {"ds", NUM "\\s?[\\-–]\\s?(?=[$£€]?\\.?\\d)", say_range_begin, false},
    {"d", "(\\d+):(\\d+)(?![\\d:])", say_ratio, false},
    {"d", NUM "\\s?([x×*])\\s?(?=\\d)", say_by, false},
    {"d", NUM "[x×]" END "(?!\\s?[+\\-−=*/)^])", say_times, false},
    {"d", NUM "\\^(-?)(\\d+)", say_power, false},
    {"d", NUM "\\s?(million|billion|trillion|bn|M|B)" END, say_magnitude,
     false},
    {"d", "(\\d{3,4})p" END, say_lines, false},
    {"c", "(\\d+)(?:-(?=\\d))?", say_code_number, false},
    {"s", "[\\-‑](?=\\d)", say_code_hyphen, false},
    {"s", "[\\-−](?=[$£€]?\\.?\\d)", say_minus, false},
    {"s", "\\+(?=\\d)", say_plus, false},
    {"d", "(1[1-9]\\d\\d|20\\d\\d)(?![\\d]|[.,]\\d)" END, say_plain_year,
     false},
    {"ds", NUM, say_plain_number, false},
    {NULL, NULL, NULL, false},
};
