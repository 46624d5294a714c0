/* What is read digit by digit, dates and times. */
#include "models/text/rules.h"
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

/* -- telephones and other numbers that are read by digits ------------------ */

/* The match, digit by digit, with a comma between groups. */
static bool say_groups(job *j)
{
    size_t run = 0;
    char digits[32];
    bool first = true;
    for (size_t at = j->from; at <= j->to; at++) {
        const uint32_t c = at < j->to ? j->in->code[at] : ' ';
        if (c >= '0' && c <= '9' && run < sizeof digits) {
            digits[run++] = (char)c;
            continue;
        }
        if (run) {
            put(j, first ? "" : ", ");
            first = false;
            if (run == 3 && digits[0] != '0' && !memcmp(digits + 1, "00", 2))
                say_cardinal(&j->w, digits, run);
            else
                say_digits(&j->w, digits, run);
            run = 0;
        }
        if (c == '+')
            put(j, "plus ");
    }
    return true;
}

static bool say_telephone(job *j)
{
    int digits = 0;
    for (size_t at = j->from; at < j->to; at++)
        digits += j->in->code[at] >= '0' && j->in->code[at] <= '9';
    return digits >= 8 && digits <= 15 && say_groups(j);
}

/* 192.168.0.1, 1.2.3, v2.0 */
static bool say_dotted(job *j)
{
    const bool address = job_has(j, 2);
    const char *p = j->group[address ? 2 : 3].text;
    if (job_has(j, 1))
        put(j, j->group[1].text[1] == 'e' && j->group[1].text[0] == 'V'
                   ? "Version "
                   : "version ");
    while (*p) {
        const size_t n = strspn(p, "0123456789");
        say_cardinal(&j->w, p, n);
        p += n;
        if (*p++ != '.')
            break;
        put(j, address ? " dot " : " point ");
    }
    return true;
}

/* -- dates ----------------------------------------------------------------- */

static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

const char *month_name(unsigned month)
{
    return month >= 1 && month <= 12 ? months[month - 1] : NULL;
}

unsigned month_number(const char *text)
{
    for (unsigned i = 0; i < 12; i++)
        if (!strncmp(text, months[i], 3))
            return i + 1;
    return 0;
}

static void say_year_of(job *j, int i)
{
    if (j->group[i].len == 2) {
        const unsigned n = value(j, i);
        if (n < 10)
            put(j, "oh ");
        say_small(&j->w, n);
    } else {
        say_year(&j->w, j->group[i].text, j->group[i].len);
    }
}

static bool say_date(job *j, unsigned month, unsigned day, int year)
{
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    put(j, months[month - 1]);
    put(j, " ");
    say_small_ordinal(&j->w, day);
    if (year) {
        put(j, ", ");
        say_year_of(j, year);
    }
    return true;
}

static void put_clock(job *j, unsigned hour, unsigned minute, bool half)
{
    if (hour % 24 == 0 && minute == 0 && !half) {
        put(j, "midnight");
        return;
    }
    say_small(&j->w, hour);
    if (minute) {
        put(j, minute < 10 ? " oh " : " ");
        say_small(&j->w, minute);
    } else if (!half) {
        put(j, hour > 12 ? " hundred" : " o'clock");
    }
}

static bool say_iso_date(job *j)
{
    if (!say_date(j, value(j, 2), value(j, 3), 1))
        return false;
    if (!job_has(j, 4))
        return true;
    put(j, " at ");
    put_clock(j, value(j, 4), value(j, 5), false);
    return true;
}

/* Month first, as Americans do, unless that cannot be. */
static bool say_slash_date(job *j)
{
    const unsigned a = value(j, 1), b = value(j, 2);
    return a > 12 ? say_date(j, b, a, 3) : say_date(j, a, b, 3);
}

static bool say_dot_date(job *j)
{
    return say_date(j, value(j, 2), value(j, 1), 3);
}

/* July 4, July 4th, 1999, July 4-6 */
static bool say_month_day(job *j)
{
    const unsigned month = month_number(j->group[1].text);
    if (!say_date(j, month, value(j, 2), 0))
        return false;
    if (job_has(j, 3)) {
        if (value(j, 3) < 1 || value(j, 3) > 31)
            return false;
        put(j, " to ");
        say_small_ordinal(&j->w, value(j, 3));
    }
    if (job_has(j, 4)) {
        put(j, ", ");
        say_year_of(j, 4);
    }
    return true;
}

static bool behind_the(const job *j)
{
    static const char the[] = "the ";
    const size_t n = sizeof the - 1;
    for (size_t i = 0; i < n; i++)
        if (j->from < n ||
            (j->in->code[j->from - n + i] | 32) != (uint32_t)(the[i] | 32))
            return false;
    return true;
}

/* 4 July, 4th of July 1999 */
static bool say_day_month(job *j)
{
    const unsigned day = value(j, 1), month = month_number(j->group[2].text);
    if (day < 1 || day > 31)
        return false;
    if (!behind_the(j))
        put(j, "the ");
    say_small_ordinal(&j->w, day);
    put(j, " of ");
    put(j, months[month - 1]);
    if (job_has(j, 3)) {
        put(j, ", ");
        say_year_of(j, 3);
    }
    return true;
}

static bool say_month_year(job *j)
{
    put(j, months[month_number(j->group[1].text) - 1]);
    put(j, " ");
    say_year_of(j, 2);
    return true;
}

/* 1990s, '80s, 2010s */
static bool say_decade(job *j)
{
    if (j->group[1].len == 2)
        say_small(&j->w, value(j, 1));
    else
        say_year(&j->w, j->group[1].text, j->group[1].len);
    make_plural(&j->w);
    return true;
}

static bool say_year_range(job *j)
{
    say_year_of(j, 1);
    put(j, " to ");
    say_year_of(j, 2);
    return true;
}

static bool say_short_year(job *j)
{
    say_year_of(j, 1);
    return true;
}

/* -- times ----------------------------------------------------------------- */

static void put_half_day(job *j, int i)
{
    if (job_has(j, i))
        put(j, j->group[i].text[0] == 'a' || j->group[i].text[0] == 'A'
                   ? " A M"
                   : " P M");
    if (job_has(j, i + 1)) /* a dash, and another time */
        put(j, " to ");
}

/* 7:45, 19:00, 7:05:30 pm */
static bool say_time(job *j)
{
    const unsigned hour = value(j, 1), minute = value(j, 2);
    const bool half = job_has(j, 4), seconds = job_has(j, 3);
    if (hour > 24 || (half && (hour > 12 || hour < 1)))
        return false;
    put_clock(j, hour, minute, half || seconds);
    if (seconds) {
        put(j, minute ? " and " : " hundred and ");
        say_small(&j->w, value(j, 3));
        put(j, value(j, 3) == 1 ? " second" : " seconds");
    }
    put_half_day(j, 4);
    return true;
}

static bool say_hour(job *j)
{
    if (value(j, 1) < 1 || value(j, 1) > 12)
        return false;
    say_small(&j->w, value(j, 1));
    put_half_day(j, 2);
    return true;
}

const rule date_rules[] = {
    {"s", "\\+\\d{1,3}(?:[ .\\-]?\\(?\\d{1,4}\\)?){2,6}(?![\\d])",
     say_telephone, false},
    {"ds",
     "(?<![\\d\\-])(?:1[\\-. ])?\\(?\\d{3}\\)?[\\-. ]\\d{3}[\\-.]\\d{4}"
     "(?![\\d\\-])",
     say_groups, false},
    {"s", "\\(\\d{3}\\) ?\\d{3}[\\-. ]\\d{4}(?![\\d\\-])", say_groups, false},
    {"d", "(?<![\\d\\-])\\d{3}-\\d{4}(?![\\d\\-])", say_groups, false},
    {"d", "(?<![\\d\\-])0\\d{2,4}[ \\-]\\d{3,4}[ \\-]?\\d{3,4}(?![\\d\\-])",
     say_groups, false},
    {"d", "(?<![\\d\\-])\\d{4}([ \\-])\\d{4}\\1\\d{4}\\1\\d{4}(?![\\d\\-])",
     say_groups, false},
    {"d", "(?<![\\d\\-])\\d{3}-\\d{2}-\\d{4}(?![\\d\\-])", say_groups, false},
    {"d", "(?<![\\d\\-])97[89]-\\d{1,5}-\\d{1,7}-\\d{1,7}-\\d(?![\\d\\-])",
     say_groups, false},
    {"d",
     "(\\d{4})[\\-/](\\d{2})[\\-/](\\d{2})(?:T(\\d\\d):(\\d\\d)(?::\\d\\d(?:\\."
     "\\d+)?)?(?:Z|[+\\-]\\d\\d:?\\d\\d)?)?(?![\\d\\-/])",
     say_iso_date, false},
    {"d", "(\\d{1,2})/(\\d{1,2})/(\\d{4}|\\d{2})(?![\\d/])", say_slash_date,
     false},
    {"d", "(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4})(?![\\d]|\\.\\d)", say_dot_date,
     false},
    {"dL",
     "([vV](?:ersion )?)?(?:(\\d{1,3}(?:\\.\\d{1,3}){3})|(\\d+(?:\\.\\d+){2,4})"
     ")(?!\\d|\\.\\d)",
     say_dotted, false},
    {"L", "([vV])(@)?(\\d+\\.\\d+)(?!\\d|\\.\\d)", say_dotted, false},
    {"L",
     MONTH "\\.? (\\d{1,2})(?:st|nd|rd|th)?(?:\\s?[\\-–]\\s?(\\d{1,2})(?:st|nd|"
           "rd|th)?)?(?:,? (\\d{4}))?(?![\\d%\\-]|[:.,]\\d)" END,
     say_month_day, false},
    {"d",
     "(\\d{1,2})(?:st|nd|rd|th)? (?:of )?" MONTH
     "(?:\\b\\.?,? (\\d{4}))?(?!\\d)" END,
     say_day_month, false},
    {"L", MONTH "\\.?,? (\\d{4})(?!\\d|[.,:]\\d)" END, say_month_year, false},
    {"d", "(\\d{3}0)['’]?s" END, say_decade, false},
    {"ds", "['’]?([2-9]0)['’]?s" END, say_decade, false},
    {"d",
     "(1[0-9]\\d\\d|20\\d\\d)\\s?[\\-–]\\s?((?:1[0-9]|20)\\d\\d|\\d\\d)"
     "(?![\\d\\-]|[.,:]\\d)" END,
     say_year_range, false},
    {"s", "(?<![\\p{L}\\p{N}])['’](\\d\\d)(?!\\d)" END, say_short_year, false},
    {"d",
     "(?<![\\d:.])([0-2]?\\d):([0-5]\\d)(?::([0-5]\\d))?(?:\\s?([AaPp])\\.?\\s?"
     "[Mm](?:\\.|\\b))?(?![\\d:])" END "(\\s?[\\-–]\\s?(?=\\d))?",
     say_time, false},
    {"d",
     "(?<![\\d.,])(\\d{1,2})\\s?([AaPp])\\.?[Mm](?:\\.|\\b)" END
     "(\\s?[\\-–]\\s?(?=\\d))?",
     say_hour, false},
    {NULL, NULL, NULL, false},
};
