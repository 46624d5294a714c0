#include "models/text/numbers.h"

#include <string.h>

void words_putn(words *w, const char *text, size_t n)
{
    const size_t room = sizeof w->text - 1 - w->len;
    w->full = w->full || n > room;
    if (n > room)
        n = room;
    memcpy(w->text + w->len, text, n);
    w->len += n;
    w->text[w->len] = 0;
}

void words_put(words *w, const char *text)
{
    words_putn(w, text, strlen(text));
}

static const char *const ones[] = {
    "zero",    "one",     "two",       "three",    "four",
    "five",    "six",     "seven",     "eight",    "nine",
    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[] = {"",       "",      "twenty", "thirty",
                                   "forty",  "fifty", "sixty",  "seventy",
                                   "eighty", "ninety"};

static void put_below_100(words *w, unsigned n)
{
    if (n < 20) {
        words_put(w, ones[n]);
        return;
    }
    words_put(w, tens[n / 10]);
    if (n % 10) {
        words_put(w, "-");
        words_put(w, ones[n % 10]);
    }
}

static void put_below_1000(words *w, unsigned n)
{
    if (n >= 100) {
        words_put(w, ones[n / 100]);
        words_put(w, " hundred");
        if (n % 100)
            words_put(w, " ");
    }
    if (n % 100 || n == 0)
        put_below_100(w, n % 100);
}

/* The digits of text[0..n) without leading zeros; at most `most`, or 0. */
static size_t plain(const char *text, size_t n, char *out, size_t most,
                    bool *long_one)
{
    size_t len = 0;
    *long_one = false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9' || (!len && text[i] == '0'))
            continue;
        if (len == most) {
            *long_one = true;
            break;
        }
        out[len++] = text[i];
    }
    return len;
}

enum { MOST_DIGITS = 21 };

void say_cardinal(words *w, const char *text, size_t n)
{
    static const char *const thousands[] = {
        "",          " thousand",    " million",    " billion",
        " trillion", " quadrillion", " quintillion"};
    char digits[MOST_DIGITS];
    bool long_one, begun = false;
    const size_t len = plain(text, n, digits, MOST_DIGITS, &long_one);
    if (long_one) {
        say_digits(w, text, n);
        return;
    }
    if (!len) {
        words_put(w, "zero");
        return;
    }
    for (size_t at = 0; at < len;) {
        const size_t left = len - at, power = (left - 1) / 3;
        const size_t count = left - 3 * power;
        unsigned group = 0;
        for (size_t i = 0; i < count; i++)
            group = 10 * group + (unsigned)(digits[at++] - '0');
        if (!group)
            continue;
        if (begun)
            words_put(w, " ");
        put_below_1000(w, group);
        words_put(w, thousands[power]);
        begun = true;
    }
}

void say_small(words *w, unsigned n)
{
    char digits[12];
    size_t len = sizeof digits;
    do
        digits[--len] = (char)('0' + n % 10);
    while (n /= 10);
    say_cardinal(w, digits + len, sizeof digits - len);
}

/* Where the last word of w begins. */
static size_t last_word(const words *w)
{
    size_t at = w->len;
    while (at && w->text[at - 1] != ' ' && w->text[at - 1] != '-')
        at--;
    return at;
}

static void make_ordinal(words *w)
{
    static const char *const odd[][2] = {
        {"one", "first"},     {"two", "second"},   {"three", "third"},
        {"five", "fifth"},    {"eight", "eighth"}, {"nine", "ninth"},
        {"twelve", "twelfth"}};
    const size_t at = last_word(w);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (!strcmp(w->text + at, odd[i][0])) {
            w->len = at;
            words_put(w, odd[i][1]);
            return;
        }
    if (w->len && w->text[w->len - 1] == 'y') {
        w->len--;
        words_put(w, "ieth");
        return;
    }
    words_put(w, "th");
}

void say_ordinal(words *w, const char *digits, size_t n)
{
    say_cardinal(w, digits, n);
    make_ordinal(w);
}

void say_small_ordinal(words *w, unsigned n)
{
    say_small(w, n);
    make_ordinal(w);
}

void make_plural(words *w)
{
    const char last = w->len ? w->text[w->len - 1] : 0;
    if (last == 'y') {
        w->len--;
        words_put(w, "ies");
    } else {
        words_put(w, last == 'x' ? "es" : "s");
    }
}

void say_digits(words *w, const char *digits, size_t n)
{
    bool begun = false;
    for (size_t i = 0; i < n; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            continue;
        if (begun)
            words_put(w, " ");
        words_put(w, ones[digits[i] - '0']);
        begun = true;
    }
}

/* "oh five", "eighty-four" */
static void put_two(words *w, unsigned n)
{
    if (n < 10)
        words_put(w, "oh ");
    put_below_100(w, n);
}

void say_year(words *w, const char *digits, size_t n)
{
    if (n != 4) {
        say_cardinal(w, digits, n);
        return;
    }
    const unsigned high =
        10 * (unsigned)(digits[0] - '0') + (unsigned)(digits[1] - '0');
    const unsigned low =
        10 * (unsigned)(digits[2] - '0') + (unsigned)(digits[3] - '0');
    if (high % 10 == 0 && low < 10) { /* 2005, 1000 */
        say_cardinal(w, digits, n);
        return;
    }
    put_below_100(w, high);
    words_put(w, " ");
    if (low == 0)
        words_put(w, "hundred");
    else
        put_two(w, low);
}

void say_code(words *w, const char *digits, size_t n)
{
    if (digits[0] == '0' || n > 4) {
        say_digits(w, digits, n);
    } else if (n == 3 && (digits[1] != '0' || digits[2] != '0')) {
        say_digits(w, digits, 1);
        words_put(w, " ");
        put_two(w,
                10 * (unsigned)(digits[1] - '0') + (unsigned)(digits[2] - '0'));
    } else if (n == 4) {
        say_year(w, digits, n);
    } else {
        say_cardinal(w, digits, n);
    }
}

void say_number(words *w, const char *text, size_t n)
{
    const char *dot = memchr(text, '.', n);
    const size_t whole = dot ? (size_t)(dot - text) : n;
    if (whole)
        say_cardinal(w, text, whole);
    if (!dot)
        return;
    words_put(w, whole ? " point " : "point ");
    say_digits(w, dot + 1, n - whole - 1);
}
