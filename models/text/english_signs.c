/* Markdown, emoji, and signs that have a name. */
#include "models/text/emoji.h"
#include "models/text/rules.h"
#include "models/text/utf8.h"

#include <string.h>

static void put(job *j, const char *text)
{
    words_put(&j->w, text);
}

/* -- Markdown -------------------------------------------------------------- */

/* The text of a link is spoken, its address is not. */
static bool take_link(job *j)
{
    j->link_text = j->group[1].to;
    j->link_end = j->to;
    j->to = j->group[1].from;
    return j->link_text > j->to;
}

static bool at_begin(job *j)
{
    return j->from == 0;
}

/* A cell of a table ends. */
static bool take_bar(job *j)
{
    if (j->from && j->to < j->in->n)
        put(j, ", ");
    return true;
}

/* -- emoji ----------------------------------------------------------------- */

static bool is_part(uint32_t c)
{
    return c == 0xFE0F || c == 0xFE0E || c == 0x200D || c == 0x20E3 ||
           (c >= 0x1F3FB && c <= 0x1F3FF) || (c >= 0xE0020 && c <= 0xE007F);
}

/* The name of the first of a sequence, once for any number of them; nothing for
 * those without a name. What is joined to it is part of it. */
static bool name_emoji(job *j, bool spoken)
{
    const text_line *in = j->in;
    const uint32_t code = in->code[j->from];
    const char *name = emoji_name(code);
    const bool flag = code >= 0x1F1E6 && code <= 0x1F1FF;
    size_t at = j->from + 1;
    if (!name && !flag && !emoji_is_picture(code) && !is_part(code))
        return false;
    while (at < in->n) {
        const uint32_t c = in->code[at];
        const bool joined = in->code[at - 1] == 0x200D;
        const bool pair = flag && c >= 0x1F1E6 && c <= 0x1F1FF;
        if (!is_part(c) && !joined && !pair && c != code)
            break;
        at++;
    }
    j->to = at;
    if (!spoken || (!name && !flag) || is_part(code)) {
        put(j, " ");
        return true;
    }
    const uint32_t before = job_before(j);
    if (before && before != ' ')
        put(j, cbx_is_punct(before) ? " " : ", ");
    put(j, flag ? "flag" : name);
    const uint32_t behind = job_behind(j);
    if (behind && !cbx_is_punct(behind))
        put(j, ", ");
    return true;
}

static bool say_emoji(job *j)
{
    return name_emoji(j, true);
}

static bool drop_emoji(job *j)
{
    return name_emoji(j, false);
}

const rule markdown_rules[] = {
    {"s", "#{1,6} +", at_begin, true},
    {"s", "(?:[\\-*+•◦▪‣·–] +)(?:\\[[ xX]\\] +)?", at_begin, true},
    {"s", "(?:> ?)+", at_begin, true},
    {"s",
     "!?\\[([^\\[\\]]{1,300})\\]\\([^()\\s]{0,500}(?: +\"[^\"]{0,200}\")?\\)",
     take_link, true},
    {"s", "!?\\[([^\\[\\]]{1,300})\\]\\[[^\\[\\]]{0,80}\\]", take_link, true},
    {"s", "\\[\\^?\\d{1,3}\\]", NULL, true}, /* a footnote */
    {"s", "`{1,3}", NULL, true},
    {"s", "~~", NULL, true},
    {"s", "(?<![\\p{L}\\p{N}*])\\*{1,3}(?=[^\\s*])", NULL, true},
    {"s", "(?<=[^\\s*])\\*{1,3}(?![\\p{L}\\p{N}*])", NULL, true},
    {"s", "(?<![\\p{L}\\p{N}_])_{1,3}(?=[^\\s_])", NULL, true},
    {"s", "(?<=[^\\s_])_{1,3}(?![\\p{L}\\p{N}_])", NULL, true},
    {"s", "(?: ?\\|[ \\-:|]*)", take_bar, true},
    {"s", "[\\-=*_]{3,} ?", NULL, true},
    {"s", "(?<![^\\s(])[:;=8][\\-']?[)(DPpOo/|\\]](?=[\\s.,!?]|$)", NULL, true},
    {NULL, NULL, NULL, false},
};

/* -- signs ----------------------------------------------------------------- */

/* With a space on both sides, whatever is there. */
static bool say_sign(job *j)
{
    static const struct {
        const char *sign, *name;
    } list[] = {
        {"&", "and"},
        {"@", "at"},
        {"+", "plus"},
        {"=", "equals"},
        {"<", "is less than"},
        {">", "is greater than"},
        {"≤", "is at most"},
        {"≥", "is at least"},
        {"<=", "is at most"},
        {">=", "is at least"},
        {"!=", "is not"},
        {"==", "equals"},
        {"≠", "is not"},
        {"≈", "is about"},
        {"±", "plus or minus"},
        {"×", "times"},
        {"*", "times"},
        {"÷", "divided by"},
        {"−", "minus"},
        {"√", "the square root of"},
        {"∞", "infinity"},
        {"π", "pi"},
        {"°", "degrees"},
        {"→", "to"},
        {"->", "to"},
        {"=>", "to"},
        {"⇒", "to"},
        {"§", "section"},
        {"©", "copyright"},
        {"№", "number"},
        {"%", "percent"},
        {"‰", "per mille"},
        {"²", "squared"},
        {"³", "cubed"},
        {"™", ""},
        {"®", ""},
        {"¶", ""},
        {"†", ""},
        {"‡", ""},
        {"•", ","},
        {"^", ""},
        {"~", "about"},
        {"\\", "backslash"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (strcmp(j->group[1].text, list[i].sign))
            continue;
        if (!list[i].name[0])
            return true;
        put(j, " ");
        put(j, list[i].name);
        if (job_behind(j) && !cbx_is_punct(job_behind(j)))
            put(j, " ");
        return true;
    }
    return false;
}

/* #1 is number one, #word is hashtag word. */
static bool say_hash(job *j)
{
    const uint32_t before = job_before(j);
    if (cbx_is_letter(before) || cbx_is_number(before))
        return false;
    put(j, cbx_is_number(job_behind(j)) ? "number " : "hashtag ");
    return true;
}

static bool say_per(job *j)
{
    if (!cbx_is_letter(job_before(j)) && !cbx_is_number(job_before(j)))
        return false;
    put(j, " per ");
    return true;
}

const rule sign_rules[] = {
    {"s", "#(?=[\\p{L}\\p{N}])", say_hash, false},
    {"s",
     "(?<=\\p{N})\\s?/\\s?(?=(?:second|minute|hour|hr|day|week|month|year|"
     "night|person|share|unit|gallon|mile|pound)" END ")",
     say_per, false},
    {"s", "(<=|>=|!=|==|->|=>)(?=[\\s\\p{L}\\p{N}])", say_sign, false},
    {"s", "(~)(?=\\d)", say_sign, false},
    {"s", "(?<= )([+<>*])(?= )", say_sign, false},
    {"s", "(?<=\\d)([<>+])(?=\\d)", say_sign, false},
    {"s", "([&@=≤≥≠≈±×÷−√∞°→⇒§©№%‰²³™®¶†‡•^\\\\])", say_sign, false},
    {"s", "[^\\p{L}\\p{N}\\p{P}\\s]", say_emoji, false},
    {"s", "[^\\p{L}\\p{N}\\p{P}\\s]", drop_emoji, true},
    {NULL, NULL, NULL, false},
};
