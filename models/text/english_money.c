/* Money and measures. */
#include "models/text/rules.h"
#include "models/text/units.h"
#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>

static void put(job *j, const char *text)
{
    words_put(&j->w, text);
}

/* -- money ----------------------------------------------------------------- */

typedef struct currency {
    const char *sign, *one, *many, *cent, *cents;
} currency;

static const currency currencies[] = {
    {"$", "dollar", "dollars", "cent", "cents"},
    {"US$", "US dollar", "US dollars", "cent", "cents"},
    {"USD", "US dollar", "US dollars", "cent", "cents"},
    {"CA$", "Canadian dollar", "Canadian dollars", "cent", "cents"},
    {"C$", "Canadian dollar", "Canadian dollars", "cent", "cents"},
    {"CAD", "Canadian dollar", "Canadian dollars", "cent", "cents"},
    {"A$", "Australian dollar", "Australian dollars", "cent", "cents"},
    {"AU$", "Australian dollar", "Australian dollars", "cent", "cents"},
    {"AUD", "Australian dollar", "Australian dollars", "cent", "cents"},
    {"NZ$", "New Zealand dollar", "New Zealand dollars", "cent", "cents"},
    {"HK$", "Hong Kong dollar", "Hong Kong dollars", "cent", "cents"},
    {"£", "pound", "pounds", "penny", "pence"},
    {"GBP", "pound", "pounds", "penny", "pence"},
    {"€", "euro", "euros", "cent", "cents"},
    {"EUR", "euro", "euros", "cent", "cents"},
    {"¥", "yen", "yen", NULL, NULL},
    {"JPY", "yen", "yen", NULL, NULL},
    {"₹", "rupee", "rupees", "paisa", "paise"},
    {"INR", "rupee", "rupees", "paisa", "paise"},
    {"₩", "won", "won", NULL, NULL},
    {"₽", "ruble", "rubles", "kopeck", "kopecks"},
    {"₿", "bitcoin", "bitcoins", NULL, NULL},
    {"CHF", "Swiss franc", "Swiss francs", "centime", "centimes"},
    {"CNY", "yuan", "yuan", NULL, NULL},
    {"¢", "cent", "cents", NULL, NULL},
};

static const currency *find_currency(const char *sign)
{
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        if (!strcmp(currencies[i].sign, sign))
            return &currencies[i];
    return NULL;
}

const char *magnitude(const char *text)
{
    static const char *const list[][2] = {
        {"k", "thousand"},        {"K", "thousand"},
        {"thousand", "thousand"}, {"m", "million"},
        {"M", "million"},         {"mn", "million"},
        {"mm", "million"},        {"million", "million"},
        {"b", "billion"},         {"B", "billion"},
        {"bn", "billion"},        {"billion", "billion"},
        {"t", "trillion"},        {"T", "trillion"},
        {"tn", "trillion"},       {"trillion", "trillion"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!strcmp(text, list[i][0]))
            return list[i][1];
    return NULL;
}

static bool is_one(const char *text)
{
    return !strcmp(text, "1");
}

/* An amount in group i: "3.50" is three dollars and fifty cents. */
static void say_amount(job *j, int i, const currency *c)
{
    const char *text = j->group[i].text, *dot = strchr(text, '.');
    const size_t whole = dot ? (size_t)(dot - text) : j->group[i].len;
    const bool cents = dot && strlen(dot) == 3 && c->cent;
    if (!dot || cents) {
        const unsigned part = cents ? (unsigned)atoi(dot + 1) : 0;
        const bool none = whole == 0 || (whole == 1 && text[0] == '0');
        if (!none || !part) {
            say_cardinal(&j->w, text, whole);
            put(j, " ");
            put(j, whole == 1 && text[0] == '1' ? c->one : c->many);
        }
        if (part) {
            put(j, none ? "" : " and ");
            say_small(&j->w, part);
            put(j, " ");
            put(j, part == 1 ? c->cent : c->cents);
        }
        return;
    }
    say_number(&j->w, text, j->group[i].len);
    put(j, " ");
    put(j, c->many);
}

/* $5, $3.50, $5-10, $1.5 million, $2bn */
static bool say_money(job *j)
{
    const currency *c = find_currency(j->group[1].text);
    const char *times = magnitude(j->group[4].text);
    if (!c)
        return false;
    if (job_has(j, 3)) {
        say_number(&j->w, j->group[2].text, j->group[2].len);
        put(j, " to ");
    }
    const int last = job_has(j, 3) ? 3 : 2;
    if (times) {
        say_number(&j->w, j->group[last].text, j->group[last].len);
        put(j, " ");
        put(j, times);
        put(j, " ");
        put(j, c->many);
    } else {
        say_amount(j, last, c);
    }
    return true;
}

static bool say_money_behind(job *j)
{
    const currency *c = find_currency(j->group[3].text);
    if (!c)
        return false;
    if (job_has(j, 2)) {
        say_number(&j->w, j->group[1].text, j->group[1].len);
        put(j, " ");
        put(j, magnitude(j->group[2].text));
        put(j, " ");
        put(j, c->many);
        return true;
    }
    say_amount(j, 1, c);
    return true;
}

/* -- measures -------------------------------------------------------------- */

static bool say_percent(job *j)
{
    job_say(j, 1, say_number);
    put(j, job_has(j, 2) ? " percent to " : " percent");
    return true;
}

/* Whether a quotation mark of this kind is open before the match: then the next
 * one closes it, and is no inch. */
static bool in_quotes(const job *j, uint32_t mark)
{
    bool open = false;
    for (size_t at = 0; at < j->from; at++) {
        const uint32_t c = j->in->code[at];
        const bool apostrophe =
            mark == '\'' && at && cbx_is_letter(j->in->code[at - 1]);
        open ^= c == mark && !apostrophe;
    }
    return open;
}

/* 5 km, 10kg, 60 km/h, 5 lb/in, 20°C */
static bool say_measure(job *j)
{
    const char *name = j->group[3].text;
    const bool apart = job_has(j, 2);
    const unit_name *u = unit_find(name, apart);
    if ((name[0] == '"' || name[0] == '\'') && in_quotes(j, (uint32_t)name[0]))
        return false;
    const char *per = NULL;
    const bool joined = apart && j->in->code[j->group[2].from] == '-';
    char left[GROUP_BYTES];
    if (!u) { /* km/day: two of them */
        const char *slash = strchr(name, '/');
        if (!slash)
            return false;
        memcpy(left, name, (size_t)(slash - name));
        left[slash - name] = 0;
        u = unit_find(left, apart);
        per = unit_find_per(slash + 1);
        if (!u || !per)
            return false;
    }
    job_say(j, 1, say_number);
    put(j, " ");
    put(j, is_one(j->group[1].text) || joined ? u->one : u->many);
    if (per) {
        put(j, " per ");
        put(j, per);
    }
    return true;
}

/* 5'10" */
static bool say_height(job *j)
{
    job_say(j, 1, say_number);
    put(j, " foot ");
    job_say(j, 2, say_number);
    return true;
}

#define CODES "(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|INR|CNY)"

const rule money_rules[] = {
    {"sL",
     "((?:US|CA|AU|NZ|HK|C|A)?[$£€¥₹₩₽₿]|" CODES
     "(?=\\s?\\d))\\s?" NUM "(?:\\s?[\\-–]\\s?[$£€¥]?" NUM
     ")?(?:\\s?(thousand|million|billion|trillion|[kKmMbBtT]n?)" END ")?",
     say_money, false},
    {"d",
     NUM "\\s?(?:(thousand|million|billion|trillion)\\s)?"
         "([$£€¥₹₩₽₿¢]|" CODES END ")",
     say_money_behind, false},
    {"ds", NUM "\\s?%(\\s?[\\-–]\\s?(?=\\d))?", say_percent, false},
    {"d", "(\\d)['′]\\s?(\\d{1,2})(?:[\"″”]|(?!\\d))", say_height, false},
    {"ds",
     NUM "([ \\-\\x{A0}])?([\\p{L}°µμΩ\"″′'²³][\\p{L}°²³]*[23]?(?:/\\p{L}+[²³"
         "23]?)?)" END "(?:\\.(?=\\s[\\p{Ll}\\d]))?",
     say_measure, false},
    {NULL, NULL, NULL, false},
};
