/* What the tags of SSML 1.1 mean, as far as this program knows them. */
#include "models/text/reader_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t ssml_entity(const char *name)
{
    static const struct {
        const char *name;
        uint32_t code;
    } known[] = {{"amp", '&'},  {"lt", '<'},    {"gt", '>'},
                 {"quot", '"'}, {"apos", '\''}, {"nbsp", 0xA0}};
    if (name[0] == '#') {
        const bool hex = name[1] == 'x' || name[1] == 'X';
        char *end;
        const char *digits = name + 1 + hex;
        const unsigned long code = strtoul(digits, &end, hex ? 16 : 10);
        const bool is_text =
            code >= 0x20 || code == '\t' || code == '\n' || code == '\r';
        return *digits && !*end && is_text && code <= 0x10FFFF &&
                       !(code >= 0xD800 && code <= 0xDFFF)
                   ? (uint32_t)code
                   : 0;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name))
            return known[i].code;
    return 0;
}

/* -- a tag and its attributes ---------------------------------------------- */

enum { ATTRIBUTES = 16 };

typedef struct tag {
    char name[32]; /* without a prefix such as ssml: */
    bool end, empty;
    uint64_t from, to;
    int n;
    struct {
        const char *name; /* into the reader's tag, which is cut up */
        char *value;
    } attributes[ATTRIBUTES];
} tag;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* In place: &lt; and the like. */
static void unescape(char *value)
{
    char *to = value;
    for (const char *p = value; *p;) {
        char name[READER_ENTITY + 1];
        size_t n = 0;
        if (*p == '&') {
            while (n < READER_ENTITY && p[1 + n] && p[1 + n] != ';') {
                name[n] = p[1 + n];
                n++;
            }
            name[n] = 0;
            const uint32_t code = p[1 + n] == ';' ? ssml_entity(name) : 0;
            if (code) { /* never longer than its name */
                to += cbx_utf8_encode(code, to);
                p += n + 2;
                continue;
            }
        }
        *to++ = *p++;
    }
    *to = 0;
}

static cbx_status bad_tag(const reader *r, const char *why, cbx_error *err)
{
    return cbx_fail(err, CBX_E_TEXT, "SSML, byte %llu: <%.40s>: %s",
                    (unsigned long long)r->tag_begin, r->tag, why);
}

static cbx_status take_attributes(reader *r, char *p, tag *t, cbx_error *err)
{
    for (;;) {
        while (is_blank(*p))
            p++;
        if (*p == '/' && !p[1]) {
            t->empty = true;
            return CBX_OK;
        }
        if (!*p)
            return CBX_OK;
        if (t->n == ATTRIBUTES)
            return bad_tag(r, "more than 16 attributes", err);
        char *const name = p;
        while (*p && !is_blank(*p) && *p != '=' && *p != '/')
            p++;
        char *const name_end = p;
        while (is_blank(*p))
            p++;
        if (*p != '=' || name == name_end)
            return bad_tag(r, "an attribute is name=\"value\"", err);
        p++;
        while (is_blank(*p))
            p++;
        const char quote = *p;
        char *const close =
            quote == '"' || quote == '\'' ? strchr(p + 1, quote) : NULL;
        if (!close)
            return bad_tag(r, "the value of an attribute needs quotes", err);
        *name_end = *close = 0;
        unescape(p + 1);
        t->attributes[t->n].name = name;
        t->attributes[t->n++].value = p + 1;
        p = close + 1;
    }
}

static cbx_status parse(reader *r, tag *t, cbx_error *err)
{
    char *p = r->tag;
    t->end = *p == '/';
    p += t->end;
    char *const begin = p;
    while (*p && !is_blank(*p) && !(*p == '/' && !p[1]))
        p++;
    size_t n = (size_t)(p - begin);
    const char *name = begin;
    const char *colon = memchr(begin, ':', n);
    if (colon) {
        name = colon + 1;
        n -= (size_t)(name - begin);
    }
    if (!n)
        return bad_tag(r, "a tag without a name", err);
    snprintf(t->name, sizeof t->name, "%.*s", (int)n, name);
    return take_attributes(r, p, t, err);
}

static const char *value_of(const tag *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->attributes[i].name, name))
            return t->attributes[i].value;
    return NULL;
}

static void bad_value(reader *r, const tag *t, const char *value)
{
    char sentence[96];
    snprintf(sentence, sizeof sentence, "<%.16s>: '%%.40s' is no known value",
             t->name);
    reader_notice(r, 4, t->from, t->to, sentence, value);
}

/* -- break ----------------------------------------------------------------- */

static void put_break(reader *r, const tag *t)
{
    static const struct {
        const char *name;
        int ms;
    } strengths[] = {{"none", -1},    {"x-weak", 100}, {"weak", 200},
                     {"medium", 400}, {"strong", 700}, {"x-strong", 1200}};
    const char *time = value_of(t, "time"), *strength = value_of(t, "strength");
    double ms = 400;
    if (time) {
        ms = reader_time(time + strspn(time, " +"),
                         strlen(time + strspn(time, " +")));
        if (ms < 0) {
            bad_value(r, t, time);
            ms = 400;
        }
    } else if (strength) {
        size_t i = 0;
        while (i < 6 && strcmp(strength, strengths[i].name))
            i++;
        if (i == 6)
            bad_value(r, t, strength);
        else
            ms = strengths[i].ms;
    }
    if (ms >= 0)
        reader_put_break(r, ms, t->from, t->to);
}

/* -- prosody --------------------------------------------------------------- */

typedef struct named_value {
    const char *name;
    float value;
} named_value;

static bool look_up(const named_value *list, const char *text, float *out)
{
    for (; list->name; list++)
        if (!strcmp(list->name, text)) {
            *out = list->value;
            return true;
        }
    return false;
}

/* A number and what is behind it; false: no number. */
static bool split_number(const char *text, double *number, const char **unit)
{
    char *end;
    const char *digits = text + strspn(text, "+-");
    if (digits - text > 1 || !strchr("0123456789.", *digits) || !*digits)
        return false;
    *number = strtod(text, &end); /* no "inf", "nan", and no 0x */
    *unit = end;
    return end > digits && isfinite(*number) && !strpbrk(text, "xX");
}

static float clamp(double x, double low, double high)
{
    return (float)(x < low ? low : x > high ? high : x);
}

/* SSML 1.1: a number or a percentage of the default, +n% and -n% of what is
 * around it, or a word. */
static bool take_rate(const char *text, float *rate)
{
    static const named_value words[] = {
        {"x-slow", 0.5f}, {"slow", 0.75f},  {"medium", 1}, {"default", 1},
        {"fast", 1.3f},   {"x-fast", 1.7f}, {NULL, 0}};
    double x;
    const char *unit;
    if (look_up(words, text, rate))
        return true;
    if (!split_number(text, &x, &unit))
        return false;
    const bool relative = text[0] == '+' || text[0] == '-';
    if (!strcmp(unit, "%"))
        x = relative ? *rate * (1 + x / 100) : x / 100;
    else if (*unit || relative)
        return false;
    *rate = clamp(x, 0.25, 4);
    return true;
}

/* +n dB and -n dB on top of what is around it, a word, or 0 to 100. */
static bool take_volume(const char *text, float *db)
{
    static const named_value words[] = {
        {"silent", -96}, {"x-soft", -12}, {"soft", -6},   {"medium", 0},
        {"default", 0},  {"loud", 6},     {"x-loud", 10}, {NULL, 0}};
    double x;
    const char *unit;
    if (look_up(words, text, db))
        return true;
    if (!split_number(text, &x, &unit))
        return false;
    if (!strcmp(unit, "dB") || !strcmp(unit, "db"))
        x += *db;
    else if (!*unit && x >= 0 && x <= 100 && text[0] != '+')
        x = x > 0 ? 20 * log10(x / 100) : -96;
    else
        return false;
    *db = clamp(x, -96, 12);
    return true;
}

static bool take_pitch(const char *text, float *semitones)
{
    static const named_value words[] = {
        {"x-low", -6}, {"low", -3},   {"medium", 0}, {"default", 0},
        {"high", 3},   {"x-high", 6}, {NULL, 0}};
    double x;
    const char *unit;
    if (look_up(words, text, semitones))
        return true;
    if (!split_number(text, &x, &unit) || (text[0] != '+' && text[0] != '-'))
        return false;
    if (!strcmp(unit, "%") && x > -100)
        x = 12 * log2(1 + x / 100);
    else if (strcmp(unit, "st"))
        return false;
    *semitones = clamp(*semitones + x, -12, 12);
    return true;
}

static void put_prosody(reader *r, uint64_t from, uint64_t to)
{
    reader_item *i = reader_put(r, READER_PROSODY, from, to);
    if (i)
        i->prosody = r->state.prosody;
}

static void begin_prosody(reader *r, const tag *t)
{
    cbx_prosody *p = &r->state.prosody;
    for (int i = 0; i < t->n; i++) {
        const char *name = t->attributes[i].name;
        const char *value = t->attributes[i].value;
        bool good = true;
        if (!strcmp(name, "rate"))
            good = take_rate(value, &p->rate);
        else if (!strcmp(name, "volume"))
            good = take_volume(value, &p->gain_db);
        else if (!strcmp(name, "pitch"))
            good = take_pitch(value, &p->pitch);
        else
            reader_notice(r, 5, t->from, t->to,
                          "<prosody>: %.40s is not followed", name);
        if (!good)
            bad_value(r, t, value);
    }
    put_prosody(r, t->from, t->to);
}

/* -- elements -------------------------------------------------------------- */

static ssml_element element_of(const char *name)
{
    static const struct {
        const char *name;
        ssml_element element;
    } known[] = {
        {"speak", SSML_SPEAK},    {"p", SSML_P},
        {"paragraph", SSML_P},    {"s", SSML_S},
        {"sentence", SSML_S},     {"break", SSML_BREAK},
        {"mark", SSML_MARK},      {"sub", SSML_SUB},
        {"say-as", SSML_SAY_AS},  {"prosody", SSML_PROSODY},
        {"lang", SSML_LANG},      {"metadata", SSML_SILENT},
        {"desc", SSML_SILENT},    {"meta", SSML_SILENT},
        {"lexicon", SSML_SILENT},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name))
            return known[i].element;
    return SSML_OTHER;
}

static void put_language(reader *r, uint64_t from, uint64_t to)
{
    reader_item *i = reader_put(r, READER_LANGUAGE, from, to);
    if (i)
        snprintf(i->text, sizeof i->text, "%s", r->state.language);
}

/* "de-AT" is "de". */
static void begin_language(reader *r, const tag *t, const char *language)
{
    char *to = r->state.language;
    size_t n = 0;
    for (; language[n] && language[n] != '-' && language[n] != '_' && n < 15;
         n++)
        to[n] =
            (char)(language[n] >= 'A' && language[n] <= 'Z' ? language[n] + 32
                                                            : language[n]);
    to[n] = 0;
    put_language(r, t->from, t->to);
}

static void begin_say_as(reader *r, const tag *t)
{
    static const char *const spelling[] = {"characters", "spell-out",
                                           "verbatim", "digits"};
    const char *as = value_of(t, "interpret-as");
    r->spelled = false;
    for (size_t i = 0; as && i < 4; i++)
        if (!strcmp(as, spelling[i]))
            r->state.spelled = true;
}

static void begin_element(reader *r, const tag *t, ssml_element e)
{
    const char *language = value_of(t, "xml:lang"), *text;
    switch (e) {
    case SSML_P:
        reader_put(r, READER_PARAGRAPH, t->from, t->to);
        break;
    case SSML_S:
        reader_put(r, READER_SENTENCE, t->from, t->to);
        break;
    case SSML_BREAK:
        if (!r->state.silent)
            put_break(r, t);
        break;
    case SSML_MARK:
        if ((text = value_of(t, "name"))) {
            reader_item *i = reader_put(r, READER_MARK, t->from, t->to);
            if (i)
                snprintf(i->text, sizeof i->text, "%s", text);
        }
        break;
    case SSML_SUB:
        if ((text = value_of(t, "alias")) && !r->state.silent) {
            reader_put_alias(r, text, t->from, t->to);
            r->state.silent = true;
        }
        break;
    case SSML_SAY_AS:
        begin_say_as(r, t);
        break;
    case SSML_PROSODY:
        begin_prosody(r, t);
        break;
    case SSML_SILENT:
        r->state.silent = true;
        break;
    case SSML_OTHER:
        reader_notice(r, 6, t->from, t->to,
                      "<%.30s> is not followed; its text is spoken", t->name);
        break;
    case SSML_SPEAK:
    case SSML_LANG:
        break;
    }
    if (language)
        begin_language(r, t, language);
}

static void end_element(reader *r, const tag *t, ssml_element e,
                        const ssml_state *outer)
{
    const bool language = strcmp(r->state.language, outer->language) != 0;
    r->state = *outer;
    if (language)
        put_language(r, t->from, t->to);
    if (e == SSML_PROSODY)
        put_prosody(r, t->from, t->to);
    if (e == SSML_P)
        reader_put(r, READER_PARAGRAPH, t->from, t->to);
    if (e == SSML_S)
        reader_put(r, READER_SENTENCE, t->from, t->to);
}

static cbx_status begin_tag(reader *r, const tag *t, cbx_error *err)
{
    const ssml_element e = element_of(t->name);
    const ssml_state outer = r->state;
    if (!t->empty && r->depth == READER_DEPTH)
        return cbx_fail(err, CBX_E_TEXT,
                        "SSML, byte %llu: more than %d elements inside each "
                        "other",
                        (unsigned long long)t->from, READER_DEPTH);
    if (t->empty && (e == SSML_SUB || e == SSML_SILENT || e == SSML_LANG))
        return CBX_OK;
    begin_element(r, t, e);
    if (t->empty) {
        end_element(r, t, e, &outer);
        return CBX_OK;
    }
    ssml_level *l = &r->levels[r->depth++];
    l->element = e;
    l->outer = outer;
    snprintf(l->name, sizeof l->name, "%.15s", t->name);
    return CBX_OK;
}

static cbx_status end_tag(reader *r, const tag *t, cbx_error *err)
{
    if (!r->depth)
        return cbx_fail(err, CBX_E_TEXT,
                        "SSML, byte %llu: </%.30s> ends nothing",
                        (unsigned long long)t->from, t->name);
    const ssml_level l = r->levels[r->depth - 1];
    if (strncmp(l.name, t->name, sizeof l.name - 1))
        return cbx_fail(err, CBX_E_TEXT,
                        "SSML, byte %llu: </%.30s> where </%s> should be",
                        (unsigned long long)t->from, t->name, l.name);
    r->depth--;
    end_element(r, t, l.element, &l.outer);
    return CBX_OK;
}

cbx_status ssml_tag(reader *r, uint64_t end, cbx_error *err)
{
    tag t = {.from = r->tag_begin, .to = end};
    if (r->tag[0] == '!')
        return CBX_OK; /* <!DOCTYPE speak ...> */
    if (!r->n_tag)
        return bad_tag(r, "an empty tag", err);
    const cbx_status st = parse(r, &t, err);
    if (st)
        return st;
    return t.end ? end_tag(r, &t, err) : begin_tag(r, &t, err);
}
