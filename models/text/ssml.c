/* The markup reader: which characters are text, which belong to a tag. What a
 * tag means is in ssml_tags.c. A document type that declares anything is
 * refused, so there are no entities but the five of XML and numbers. */
#include "models/text/reader_parts.h"

#include <stdio.h>
#include <string.h>

/* -- text ------------------------------------------------------------------ */

typedef struct char_name {
    uint32_t code;
    const char *name;
} char_name;

static const char_name names[] = {
    {'0', "zero"},
    {'1', "one"},
    {'2', "two"},
    {'3', "three"},
    {'4', "four"},
    {'5', "five"},
    {'6', "six"},
    {'7', "seven"},
    {'8', "eight"},
    {'9', "nine"},
    {'.', "dot"},
    {',', "comma"},
    {'-', "dash"},
    {'_', "underscore"},
    {'@', "at"},
    {'/', "slash"},
    {'\\', "backslash"},
    {':', "colon"},
    {';', "semicolon"},
    {'!', "exclamation mark"},
    {'?', "question mark"},
    {'#', "hash"},
    {'$', "dollar"},
    {'%', "percent"},
    {'&', "ampersand"},
    {'*', "star"},
    {'+', "plus"},
    {'=', "equals"},
    {'<', "less than"},
    {'>', "greater than"},
    {'(', "left parenthesis"},
    {')', "right parenthesis"},
    {'[', "left bracket"},
    {']', "right bracket"},
    {'{', "left brace"},
    {'}', "right brace"},
    {'"', "quote"},
    {'\'', "apostrophe"},
    {'|', "vertical bar"},
    {'~', "tilde"},
    {'^', "caret"},
    {'`', "backtick"},
};

static bool is_english(const reader *r)
{
    const char *l = r->state.language;
    return l[0] ? !strcmp(l, "en") : r->options.english;
}

/* "A, B, one": commas keep the names apart. */
static void spell(reader *r, const reader_char *c)
{
    char text[40], bytes[8] = {0};
    uint32_t code = c->code;
    const char *name = NULL;
    if (cbx_is_space(code))
        return;
    for (size_t i = 0; is_english(r) && i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            name = names[i].name;
    if (code >= 'a' && code <= 'z')
        code -= 32;
    cbx_utf8_encode(code, bytes);
    snprintf(text, sizeof text, "%s%s", r->spelled ? ", " : "",
             name ? name : bytes);
    r->spelled = true;
    reader_put_alias(r, text, c->begin, c->begin + c->bytes);
}

static void put_text(reader *r, const reader_char *c)
{
    reader_char out = *c;
    if (r->state.silent)
        return;
    if (r->state.spelled) {
        spell(r, c);
        return;
    }
    if (cbx_is_space(out.code))
        out.code = ' '; /* a line break is no more than that */
    reader_put_char(r, &out);
}

/* -- &name; ---------------------------------------------------------------- */

static void release_entity(reader *r)
{
    const int n = r->n_entity;
    r->n_entity = 0;
    r->place = SSML_TEXT;
    if (n)
        reader_notice(r, 1, r->entity[0].begin, r->entity[0].begin + 1,
                      "an & that begins no known name is spoken as it stands%s",
                      "");
    for (int i = 0; i < n; i++)
        put_text(r, &r->entity[i]);
}

static void end_entity(reader *r, const reader_char *c)
{
    char name[READER_ENTITY + 1];
    int n = 0;
    for (int i = 1; i < r->n_entity; i++)
        name[n++] = r->entity[i].code < 128 ? (char)r->entity[i].code : (char)1;
    name[n] = 0;
    const uint32_t code = ssml_entity(name);
    const uint64_t begin = r->entity[0].begin;
    if (!code) {
        r->entity[r->n_entity++] = *c;
        release_entity(r);
        return;
    }
    r->n_entity = 0;
    r->place = SSML_TEXT;
    put_text(r, &(reader_char){begin, code,
                               (uint32_t)(c->begin + c->bytes - begin)});
}

/* True: the character was used up. */
static bool take_entity(reader *r, const reader_char *c)
{
    if (c->code == ';' && r->n_entity > 1) {
        end_entity(r, c);
        return true;
    }
    const bool part = (c->code >= '0' && c->code <= '9') ||
                      (c->code >= 'a' && c->code <= 'z') ||
                      (c->code >= 'A' && c->code <= 'Z') || c->code == '#';
    if (part && r->n_entity < READER_ENTITY - 1) {
        r->entity[r->n_entity++] = *c;
        return true;
    }
    release_entity(r);
    return false;
}

/* -- tags ------------------------------------------------------------------ */

static cbx_status too_long(const reader *r, cbx_error *err)
{
    return cbx_fail(err, CBX_E_TEXT,
                    "SSML, byte %llu: a tag longer than %d bytes; is a < meant "
                    "as text? then write &lt;",
                    (unsigned long long)r->tag_begin, READER_TAG - 1);
}

static bool tag_is(const reader *r, const char *text)
{
    return r->n_tag == strlen(text) && !memcmp(r->tag, text, r->n_tag);
}

static cbx_status take_tag(reader *r, const reader_char *c, cbx_error *err)
{
    char bytes[4];
    const uint32_t code = c->code;
    if (code == '>' && !r->quote) {
        r->place = SSML_TEXT;
        r->tag[r->n_tag] = 0;
        return ssml_tag(r, c->begin + c->bytes, err);
    }
    if (r->n_tag == 0 && code != '/' && code != '!' && code != '?' &&
        code != '_' && !cbx_is_letter(code))
        return cbx_fail(err, CBX_E_TEXT,
                        "SSML, byte %llu: a < that begins no tag; write &lt;",
                        (unsigned long long)r->tag_begin);
    if (r->quote ? code == (uint32_t)r->quote : code == '"' || code == '\'')
        r->quote = r->quote ? 0 : (char)code;
    const size_t n = (size_t)cbx_utf8_encode(code, bytes);
    if (r->n_tag + n >= READER_TAG)
        return too_long(r, err);
    memcpy(r->tag + r->n_tag, bytes, n);
    r->n_tag += n;
    r->last[0] = r->last[1] = 0;
    if (tag_is(r, "!--"))
        r->place = SSML_IN_COMMENT;
    else if (tag_is(r, "![CDATA["))
        r->place = SSML_IN_CDATA;
    else if (tag_is(r, "?"))
        r->place = SSML_IN_PI;
    else if (r->tag[0] == '!' && code == '[' && r->n_tag > 8)
        return cbx_fail(err, CBX_E_TEXT,
                        "SSML, byte %llu: a document type that declares "
                        "something is not read",
                        (unsigned long long)r->tag_begin);
    return CBX_OK;
}

/* CDATA ends with ]]>, of which two characters are held back. */
static void take_cdata(reader *r, const reader_char *c)
{
    if (c->code == '>' && r->n_entity == 2) {
        r->n_entity = 0;
        r->place = SSML_TEXT;
        return;
    }
    if (c->code == ']' && r->n_entity < 2) {
        r->entity[r->n_entity++] = *c;
        return;
    }
    if (c->code == ']') { /* a third one: the first is text */
        put_text(r, &r->entity[0]);
        r->entity[0] = r->entity[1];
        r->entity[1] = *c;
        return;
    }
    for (int i = 0; i < r->n_entity; i++)
        put_text(r, &r->entity[i]);
    r->n_entity = 0;
    put_text(r, c);
}

static void take_until(reader *r, uint32_t a, uint32_t b, uint32_t code)
{
    if (code == '>' && r->last[1] == b && (!a || r->last[0] == a))
        r->place = SSML_TEXT;
    r->last[0] = r->last[1];
    r->last[1] = code;
}

cbx_status ssml_push(reader *r, const reader_char *c, cbx_error *err)
{
    switch (r->place) {
    case SSML_IN_TAG:
        return take_tag(r, c, err);
    case SSML_IN_COMMENT:
        take_until(r, '-', '-', c->code);
        return CBX_OK;
    case SSML_IN_PI:
        take_until(r, 0, '?', c->code);
        return CBX_OK;
    case SSML_IN_CDATA:
        take_cdata(r, c);
        return CBX_OK;
    case SSML_IN_ENTITY:
        if (take_entity(r, c))
            return CBX_OK;
        break;
    case SSML_TEXT:
        break;
    }
    if (c->code == '<') {
        r->place = SSML_IN_TAG;
        r->tag_begin = c->begin;
        r->n_tag = 0;
        r->quote = 0;
    } else if (c->code == '&') {
        r->place = SSML_IN_ENTITY;
        r->n_entity = 0;
        r->entity[r->n_entity++] = *c;
    } else {
        put_text(r, c);
    }
    return CBX_OK;
}

void ssml_finish(reader *r)
{
    if (r->place == SSML_IN_ENTITY || r->place == SSML_IN_CDATA) {
        const int n = r->n_entity;
        r->n_entity = 0;
        for (int i = 0; i < n; i++)
            put_text(r, &r->entity[i]);
    }
    if (r->place != SSML_TEXT && r->place != SSML_IN_ENTITY)
        reader_notice(r, 2, r->tag_begin, r->offset,
                      "the text ends inside of a tag, which is left out%s", "");
    else if (r->depth)
        reader_notice(r, 3, r->offset, r->offset,
                      "the text ends before </%s>, which is taken as there",
                      r->levels[r->depth - 1].name);
    r->place = SSML_TEXT;
}
