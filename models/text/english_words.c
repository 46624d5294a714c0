/* Words: abbreviations, Roman numerals where they are numbers, addresses of the
 * web, and what joins words. */
#include "models/text/rules.h"
#include "models/text/utf8.h"

#include <ctype.h>
#include <string.h>

static void put(job *j, const char *text)
{
    words_put(&j->w, text);
}

/* -- addresses ------------------------------------------------------------- */

/* Letters as they are, digits as numbers, signs by name. */
static void put_address(job *j, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        const char *name = NULL;
        size_t run = 0;
        while (i + run < n && isdigit((unsigned char)text[i + run]))
            run++;
        if (run) {
            if (j->w.len && j->w.text[j->w.len - 1] != ' ')
                put(j, " ");
            say_code(&j->w, text + i, run);
            i += run;
            if (i < n && isalpha((unsigned char)text[i]))
                put(j, " ");
            continue;
        }
        switch (text[i]) {
        case '.':
            name = " dot ";
            break;
        case '/':
            name = " slash ";
            break;
        case '-':
            name = " dash ";
            break;
        case '_':
            name = " underscore ";
            break;
        case '@':
            name = " at ";
            break;
        case '+':
            name = " plus ";
            break;
        case ':':
            name = " colon ";
            break;
        case '~':
            name = " tilde ";
            break;
        case '%':
            name = " percent ";
            break;
        }
        if (name)
            put(j, name);
        else
            words_putn(&j->w, text + i, 1);
        i++;
    }
}

static bool say_mail(job *j)
{
    put_address(j, j->group[1].text, j->group[1].len);
    return true;
}

/* Host and path; the scheme, and what is behind ? or #, are not said. */
static bool say_address(job *j)
{
    const char *host = j->group[1].text;
    size_t n = strcspn(host, "?#");
    while (n && strchr("/.-_", host[n - 1]))
        n--;
    if (!strncmp(host, "www.", 4)) {
        put(j, "www dot ");
        host += 4;
        n -= n > 4 ? 4 : n;
    }
    put_address(j, host, n);
    return n > 0;
}

const rule link_rules[] = {
    {"ld", "<?(?:mailto:)?([\\w.+%\\-]+@[\\w\\-]+(?:\\.[\\w\\-]+)+)>?",
     say_mail, false},
    {"l",
     "(?:https?|ftp)://([^\\s<>\"'(){}\\[\\],;!]*[^\\s<>\"'(){}\\[\\],;!.:?])",
     say_address, false},
    {"l", "((?i:www)\\.[^\\s<>\"'(){}\\[\\],;!]*[^\\s<>\"'(){}\\[\\],;!.:?])",
     say_address, false},
    {"ld",
     "(?<![\\w@.\\-/"
     "])((?:[a-zA-Z0-9\\-]+\\.)+(?:com|org|net|edu|gov|info|io|ai|"
     "dev|app|co|uk|us|eu|de|fr|nl|es|it|ch|at|ca|au|jp|tv|me|biz|xyz)(?::\\d+)"
     "?(?:/[^\\s<>\"'(){}\\[\\],;!]*[^\\s<>\"'(){}\\[\\],;!.:?]|/)?)(?![\\w@])",
     say_address, false},
    {NULL, NULL, NULL, false},
};

/* -- Roman numerals -------------------------------------------------------- */

static unsigned roman_digit(char c)
{
    switch (c) {
    case 'I':
        return 1;
    case 'V':
        return 5;
    case 'X':
        return 10;
    case 'L':
        return 50;
    case 'C':
        return 100;
    case 'D':
        return 500;
    case 'M':
        return 1000;
    }
    return 0;
}

static void put_roman(char *out, unsigned n)
{
    static const struct {
        unsigned value;
        const char *text;
    } parts[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                 {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                 {5, "V"},    {4, "IV"},   {1, "I"}};
    *out = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (; n >= parts[i].value; n -= parts[i].value)
            strcat(out, parts[i].text);
}

/* 0 for what is no numeral as it is written today ("IIII", "VX"). */
static unsigned roman(const char *text)
{
    unsigned sum = 0;
    char again[32];
    if (strlen(text) > 15)
        return 0;
    for (size_t i = 0; text[i]; i++) {
        const unsigned d = roman_digit(text[i]);
        if (!d)
            return 0;
        sum += d < roman_digit(text[i + 1]) ? 0 - d : d;
    }
    if (sum == 0 || sum >= 4000)
        return 0;
    put_roman(again, sum);
    return strcmp(again, text) ? 0 : sum;
}

static void put_group(job *j, int i)
{
    words_putn(&j->w, j->group[i].text, j->group[i].len);
}

/* Chapter IV, World War II */
static bool say_roman_part(job *j)
{
    const unsigned n = roman(j->group[3].text);
    if (!n)
        return false;
    put_group(j, 1);
    put_group(j, 2);
    say_small(&j->w, n);
    return true;
}

/* Henry VIII, Elizabeth II: rulers and popes are the eighth, Rocky is two. */
static bool say_roman_name(job *j)
{
    static const char *const rulers[] = {
        "Albert",    "Alexander", "Alfonso",  "Benedict",    "Carl",
        "Charles",   "Christian", "Clement",  "Constantine", "Edward",
        "Elizabeth", "Ferdinand", "Francis",  "Frederick",   "George",
        "Gregory",   "Gustav",    "Harald",   "Henry",       "Innocent",
        "James",     "John",      "Joseph",   "Juan",        "Leo",
        "Leopold",   "Louis",     "Margaret", "Mary",        "Napoleon",
        "Nicholas",  "Olaf",      "Otto",     "Paul",        "Pedro",
        "Peter",     "Philip",    "Pius",     "Ptolemy",     "Ramesses",
        "Richard",   "Robert",    "Rudolf",   "Sixtus",      "Umberto",
        "Urban",     "Victor",    "Wilhelm",  "William",     "Catherine",
        "Isabella",  "Edgar",     "Davis"};
    const unsigned n = roman(j->group[3].text);
    if (!n || n > 50)
        return false;
    bool ruler = false;
    for (size_t i = 0; i < sizeof rulers / sizeof *rulers; i++)
        ruler = ruler || !strcmp(j->group[1].text, rulers[i]);
    if (!ruler && (j->group[3].len == 1 || n == 40))
        return false; /* Malcolm X, Plan V, size XL */
    put_group(j, 1);
    put_group(j, 2);
    if (ruler) {
        put(j, "the ");
        say_small_ordinal(&j->w, n);
    } else {
        say_small(&j->w, n);
    }
    return true;
}

/* XIX century */
static bool say_roman_century(job *j)
{
    const unsigned n = roman(j->group[1].text);
    if (!n)
        return false;
    say_small_ordinal(&j->w, n);
    put(j, " ");
    put_group(j, 2);
    return true;
}

/* -- abbreviations --------------------------------------------------------- */

/* Always with a full stop, unless `bare`. Case counts. */
typedef struct abbreviation {
    const char *text, *spoken;
    bool bare;   /* also without its full stop */
    bool number; /* only in front of a number */
    bool name;   /* only in front of a capital letter */
} abbreviation;

static const abbreviation abbreviations[] = {
    {"Mr", "Mister", true, false, true},
    {"Mrs", "Missus", true, false, true},
    {"Ms", "Miz", true, false, true},
    {"Messrs", "Messieurs", false, false, false},
    {"Prof", "Professor", true, false, true},
    {"Gen", "General", false, false, true},
    {"Col", "Colonel", false, false, true},
    {"Lt", "Lieutenant", false, false, true},
    {"Sgt", "Sergeant", false, false, true},
    {"Capt", "Captain", false, false, true},
    {"Cmdr", "Commander", false, false, true},
    {"Adm", "Admiral", false, false, true},
    {"Maj", "Major", false, false, true},
    {"Rev", "Reverend", false, false, true},
    {"Hon", "Honorable", false, false, true},
    {"Gov", "Governor", false, false, true},
    {"Sen", "Senator", false, false, true},
    {"Rep", "Representative", false, false, true},
    {"Pres", "President", false, false, true},
    {"Fr", "Father", false, false, true},
    {"Mt", "Mount", false, false, true},
    {"Ft", "Fort", false, false, true},
    {"Jr", "Junior", true, false, false},
    {"Sr", "Senior", true, false, false},
    {"Inc", "Incorporated", false, false, false},
    {"Ltd", "Limited", false, false, false},
    {"Corp", "Corporation", false, false, false},
    {"Co", "Company", false, false, false},
    {"Bros", "Brothers", false, false, false},
    {"Dept", "Department", false, false, false},
    {"dept", "department", false, false, false},
    {"Ave", "Avenue", false, false, false},
    {"Blvd", "Boulevard", true, false, false},
    {"Rd", "Road", false, false, false},
    {"Ln", "Lane", false, false, false},
    {"Hwy", "Highway", true, false, false},
    {"Apt", "Apartment", false, false, false},
    {"apt", "apartment", false, true, false},
    {"Jan", "January", false, false, false},
    {"Feb", "February", false, false, false},
    {"Mar", "March", false, false, false},
    {"Apr", "April", false, false, false},
    {"Aug", "August", false, false, false},
    {"Sep", "September", false, false, false},
    {"Sept", "September", false, false, false},
    {"Oct", "October", false, false, false},
    {"Nov", "November", false, false, false},
    {"Dec", "December", false, false, false},
    {"Mon", "Monday", false, false, false},
    {"Tue", "Tuesday", false, false, false},
    {"Tues", "Tuesday", false, false, false},
    {"Wed", "Wednesday", false, false, false},
    {"Thu", "Thursday", false, false, false},
    {"Thur", "Thursday", false, false, false},
    {"Thurs", "Thursday", false, false, false},
    {"Fri", "Friday", false, false, false},
    {"Sat", "Saturday", false, false, false},
    {"No", "Number", false, true, false},
    {"no", "number", false, true, false},
    {"Nos", "Numbers", false, true, false},
    {"nos", "numbers", false, true, false},
    {"Nr", "Number", false, true, false},
    {"Fig", "Figure", false, false, false},
    {"fig", "figure", false, true, false},
    {"Figs", "Figures", false, false, false},
    {"Eq", "Equation", false, true, false},
    {"eq", "equation", false, true, false},
    {"Vol", "Volume", false, false, false},
    {"vol", "volume", false, true, false},
    {"Ch", "Chapter", false, true, false},
    {"ch", "chapter", false, true, false},
    {"Sec", "Section", false, true, false},
    {"sec", "section", false, true, false},
    {"Art", "Article", false, true, false},
    {"pp", "pages", false, true, false},
    {"p", "page", false, true, false},
    {"pg", "page", false, true, false},
    {"vs", "versus", true, false, false},
    {"Vs", "Versus", true, false, false},
    {"etc", "et cetera", true, false, false},
    {"cf", "compare", false, false, false},
    {"ca", "circa", false, true, false},
    {"approx", "approximately", true, false, false},
    {"est", "established", false, true, false},
    {"incl", "including", false, false, false},
    {"excl", "excluding", false, false, false},
    {"govt", "government", true, false, false},
    {"Govt", "Government", true, false, false},
    {"misc", "miscellaneous", true, false, false},
    {"tel", "telephone", false, false, false},
    {"Tel", "Telephone", false, false, false},
    {"temp", "temperature", false, false, false},
    {"max", "maximum", false, false, false},
    {"min", "minimum", false, false, false},
    {"avg", "average", true, false, false},
    {"hrs", "hours", true, false, false},
    {"mins", "minutes", true, false, false},
    {"lbs", "pounds", true, false, false},
    {"viz", "namely", false, false, false},
    {"Univ", "University", false, false, false},
    {"Ph.D", "P H D", true, false, false},
    {"PhD", "P H D", true, false, false},
    {"e.g", "for example", true, false, false},
    {"eg", "for example", false, false, false},
    {"i.e", "that is", true, false, false},
    {"ie", "that is", false, false, false},
    {"a.k.a", "also known as", true, false, false},
    {"aka", "also known as", true, false, false},
    {"et al", "and others", false, false, false},
    {"w/o", "without", true, false, false},
    {"w/", "with ", true, false, false},
    {"b/c", "because", true, false, false},
    {"c/o", "care of", true, false, false},
    {"and/or", "and or", true, false, false},
    {"A/C", "A C", true, false, false},
};

/* The character behind the match and one space. */
static uint32_t next_word(const job *j)
{
    const size_t at = j->to + (job_behind(j) == ' ');
    return at < j->in->n ? j->in->code[at] : 0;
}

static bool say_abbreviation(job *j)
{
    const bool stop = job_has(j, 2);
    const uint32_t next = next_word(j);
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++) {
        const abbreviation *a = &abbreviations[i];
        if (strcmp(a->text, j->group[1].text) || !(stop || a->bare))
            continue;
        if ((a->number && !cbx_is_number(next)) ||
            (a->name && !cbx_is_upper(next)))
            return false;
        put(j, a->spoken);
        return true;
    }
    return false;
}

/* Whether the word before the match begins with a capital letter or is a
 * number: "Elm St." */
static bool behind_a_name(const job *j)
{
    size_t at = j->from;
    if (!at || j->in->code[at - 1] != ' ')
        return false;
    for (at--; at && j->in->code[at - 1] != ' ';)
        at--;
    return at + 1 < j->from &&
           (cbx_is_upper(j->in->code[at]) || cbx_is_number(j->in->code[at]));
}

/* Dr. Smith lives at 5 Elm Dr., near St. Mary's St. */
static bool say_doctor_or_saint(job *j)
{
    const bool doctor = j->group[1].text[0] == 'D';
    const bool name = cbx_is_upper(next_word(j)) && job_behind(j) == ' ';
    if (name)
        put(j, doctor ? "Doctor" : "Saint");
    else if (behind_a_name(j))
        put(j, doctor ? "Drive" : "Street");
    return j->w.len > 0;
}

/* -- joints ---------------------------------------------------------------- */

/* he/she, his/her: or; TCP/IP: nothing; else a slash. */
static bool say_slash(job *j)
{
    static const char *const either[] = {"he",  "his",  "him", "yes", "she",
                                         "her", "true", "on",  "s",   "pass"};
    const char *left = j->group[1].text;
    const char *word = "slash";
    put_group(j, 1);
    for (size_t i = 0; i < sizeof either / sizeof *either; i++)
        if (!strcmp(left, either[i]))
            word = "or";
    bool capitals = true;
    for (const char *p = left; *p; p++)
        capitals = capitals && isupper((unsigned char)*p);
    for (const char *p = j->group[2].text; *p; p++)
        capitals = capitals && isupper((unsigned char)*p);
    put(j, " ");
    if (!capitals) {
        put(j, word);
        put(j, " ");
    }
    j->to = j->group[2].from; /* the second word by its own rule */
    return true;
}

static bool say_snake(job *j)
{
    put_group(j, 1);
    put(j, " ");
    return true;
}

/* Flight 815, Room 101 */
static bool say_called(job *j)
{
    put_group(j, 1);
    put(j, " ");
    job_say(j, 2, say_code);
    return true;
}

const rule word_rules[] = {
    {"L",
     "((?i)boeing|airbus|flight|room|route|highway|interstate|area code|bus|"
     "channel|extension|suite) (\\d{3,4})(?![.,:]?\\d)" END,
     say_called, false},
    {"L",
     "((?:(?i)chapter|part|act|scene|volume|book|section|phase|stage|war|bowl|"
     "level|appendix|article|title|episode|season|class|type|figure|table|"
     "lesson|unit|vol\\.|ch\\.|no\\.))( )([IVXLCDM]{1,9})" END,
     say_roman_part, false},
    {"L", "(\\p{Lu}\\p{Ll}+)( )([IVXL]{1,7})" END "(?! [cC]entur)",
     say_roman_name, false},
    {"L", "([IVX]{1,6})(?:th|st|nd|rd)? ((?i)centur(?:y|ies))" END,
     say_roman_century, false},
    {"L", "(Dr|St)(\\.)?" END, say_doctor_or_saint, false},
    {"L", "(et al|[A-Za-z](?:\\.[A-Za-z])+|Ph\\.D|[A-Za-z]+/[a-zA-Z]*)(\\.)?",
     say_abbreviation, false},
    {"L", "(\\p{L}+)(\\.)?" END, say_abbreviation, false},
    {"L", "(\\p{L}+)/(\\p{L}+)" END, say_slash, false},
    {"L", "(\\p{L}+)_(?=[\\p{L}\\p{N}])", say_snake, false},
    {NULL, NULL, NULL, false},
};
