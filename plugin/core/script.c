#include "plugin/core/script.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 48 hours at 192 kHz */
static const int64_t LAST_FRAME = INT64_C(48) * 3600 * 192000;

typedef struct line {
    const char *text;
    size_t bytes;
    int number; /* from 1 */
} line;

typedef struct reader {
    const char *at, *end;
    int lines;
    uint32_t rate;
} reader;

static bool next_line(reader *r, line *out)
{
    if (r->at >= r->end)
        return false;
    const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (!stop)
        stop = r->end;
    *out = (line){r->at, (size_t)(stop - r->at), ++r->lines};
    if (out->bytes && out->text[out->bytes - 1] == '\r')
        out->bytes--;
    r->at = stop < r->end ? stop + 1 : r->end;
    return true;
}

static bool is_header(const line *l)
{
    return l->bytes >= 2 && l->text[0] == '@' &&
           isdigit((unsigned char)l->text[1]);
}

/* The next word of a header into out[0..size); quotes keep spaces in it.
 * False at the end; *fits says whether it had room. */
static bool next_word(const char **at, char *out, size_t size, bool *fits)
{
    const char *p = *at;
    while (*p == ' ' || *p == '\t')
        p++;
    *fits = true;
    if (!*p)
        return false;
    const char quote = *p == '"' ? *p++ : '\0';
    size_t n = 0;
    while (*p && (quote ? *p != quote : !isspace((unsigned char)*p))) {
        if (n + 1 < size)
            out[n++] = *p;
        else
            *fits = false;
        p++;
    }
    if (quote && *p)
        p++;
    out[n] = '\0';
    *at = p;
    return true;
}

static bool read_position(const char *word, uint32_t rate, int64_t *out)
{
    char *end;
    errno = 0;
    double v = strtod(word, &end);
    if (end == word || errno || !isfinite(v))
        return false;
    if (strcmp(end, "s") == 0)
        v = round(v * rate); /* exact for what write_position wrote */
    else if (*end || v != floor(v))
        return false;
    if (!(v >= 0 && v <= (double)LAST_FRAME))
        return false;
    *out = (int64_t)v;
    return true;
}

static bool read_seed(const char *word, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(word, &end, 10);
    return isdigit((unsigned char)*word) && !*end && !errno;
}

static cbx_status read_option(plug_phrase *p, const char *key,
                              const char *value, const reader *r,
                              cbx_error *err)
{
    if (strcmp(key, "at") == 0) {
        p->pinned = read_position(value, r->rate, &p->at);
        if (!p->pinned)
            return cbx_fail(err, CBX_E_TEXT,
                            "script, line %d: 'at %s' is no place; write "
                            "frames (96000) or seconds (2.5s)",
                            r->lines, value);
    } else if (strcmp(key, "seed") == 0) {
        p->seeded = read_seed(value, &p->seed);
        if (!p->seeded)
            return cbx_fail(err, CBX_E_TEXT,
                            "script, line %d: 'seed %s' is no seed; write a "
                            "whole number",
                            r->lines, value);
    } else if (strcmp(key, "voice") == 0) {
        snprintf(p->voice, sizeof p->voice, "%s", value);
    } else {
        return cbx_fail(err, CBX_E_TEXT,
                        "script, line %d: '%s' is not known; a phrase has at, "
                        "seed and voice (start the line with a backslash to "
                        "have it spoken)",
                        r->lines, key);
    }
    return CBX_OK;
}

static cbx_status read_header(const line *l, const reader *r, plug_phrase *out,
                              cbx_error *err)
{
    char copy[1024], key[PLUG_VOICE_MAX], value[PLUG_VOICE_MAX];
    if (l->bytes >= sizeof copy)
        return cbx_fail(err, CBX_E_LIMIT,
                        "script, line %d: too long for the head of a phrase",
                        l->number);
    memcpy(copy, l->text + 1, l->bytes - 1);
    copy[l->bytes - 1] = '\0';
    char *end;
    const long number = strtol(copy, &end, 10);
    if (number >= PLUG_PHRASES || (*end && !isspace((unsigned char)*end)))
        return cbx_fail(err, CBX_E_TEXT,
                        "script, line %d: phrases have numbers from 0 to 127",
                        l->number);
    *out = (plug_phrase){.number = (int)number};
    const char *at = end;
    bool fits, value_fits;
    while (next_word(&at, key, sizeof key, &fits)) {
        if (!next_word(&at, value, sizeof value, &value_fits) || !fits ||
            !value_fits)
            return cbx_fail(err, CBX_E_TEXT,
                            "script, line %d: '%s' needs a value of at most "
                            "%d bytes",
                            l->number, key, PLUG_VOICE_MAX - 1);
        const cbx_status st = read_option(out, key, value, r, err);
        if (st)
            return st;
    }
    return CBX_OK;
}

/* Ends the phrase with the text gathered: outer blank lines go. */
static cbx_status add_phrase(plug_script *s, const plug_phrase *head,
                             const char *text, size_t n, cbx_error *err)
{
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    while (n && isspace((unsigned char)*text)) {
        text++;
        n--;
    }
    int i = 0;
    while (i < s->count && s->phrases[i].number < head->number)
        i++;
    if (i < s->count && s->phrases[i].number == head->number)
        return cbx_fail(err, CBX_E_TEXT,
                        "script: phrase %d is there twice; give one of them "
                        "another number",
                        head->number);
    char *copy = malloc(n + 1);
    if (!copy)
        return cbx_fail(err, CBX_E_NOMEM, "script: out of memory");
    memcpy(copy, text, n);
    copy[n] = '\0';
    memmove(&s->phrases[i + 1], &s->phrases[i],
            (size_t)(s->count - i) * sizeof s->phrases[0]);
    s->phrases[i] = *head;
    s->phrases[i].text = copy;
    s->count++;
    return CBX_OK;
}

static bool all_space(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isspace((unsigned char)text[i]))
            return false;
    return true;
}

cbx_status plug_script_read(const char *text, size_t n, uint32_t rate,
                            plug_script *out, cbx_error *err)
{
    if (n > PLUG_SCRIPT_MAX)
        return cbx_fail(err, CBX_E_LIMIT,
                        "script: %zu bytes, but an instance takes at most %d; "
                        "share the phrases out among several",
                        n, PLUG_SCRIPT_MAX);
    if (memchr(text, '\0', n))
        return cbx_fail(err, CBX_E_TEXT,
                        "script: it has a NUL byte, which is no text");
    plug_script *s = calloc(1, sizeof *s);
    char *body = malloc(n + 1);
    cbx_status st = CBX_OK;
    if (!s || !body) {
        st = cbx_fail(err, CBX_E_NOMEM, "script: out of memory");
        goto done;
    }
    reader r = {text, text + n, 0, rate};
    plug_phrase head = {.number = PLUG_FIRST_PHRASE, .pinned = true};
    bool implied = true;
    size_t length = 0;
    line l;
    while (next_line(&r, &l)) {
        if (is_header(&l)) {
            if (!(implied && all_space(body, length)))
                st = add_phrase(s, &head, body, length, err);
            if (!st)
                st = read_header(&l, &r, &head, err);
            if (st)
                goto done;
            implied = false;
            length = 0;
            continue;
        }
        const size_t skip = l.bytes && l.text[0] == '\\';
        memcpy(body + length, l.text + skip, l.bytes - skip);
        length += l.bytes - skip;
        if (r.at < r.end)
            body[length++] = '\n';
    }
    if (!(implied && all_space(body, length)))
        st = add_phrase(s, &head, body, length, err);
    if (!st) {
        *out = *s;
        s->count = 0;
    }
done:
    if (s)
        plug_script_clear(s);
    free(s);
    free(body);
    return st;
}

void plug_script_clear(plug_script *s)
{
    for (int i = 0; i < s->count; i++)
        free(s->phrases[i].text);
    s->count = 0;
}

static void write_position(FILE *to, int64_t at, uint32_t rate)
{
    if (at && rate && at * 1000 % rate == 0) {
        const int64_t ms = at * 1000 / rate;
        fprintf(to, " at %" PRId64, ms / 1000);
        const int rest = (int)(ms % 1000);
        if (rest % 10)
            fprintf(to, ".%03d", rest);
        else if (rest % 100)
            fprintf(to, ".%02d", rest / 10);
        else if (rest)
            fprintf(to, ".%d", rest / 100);
        fputc('s', to);
    } else {
        fprintf(to, " at %" PRId64, at);
    }
}

static void write_head(FILE *to, const plug_phrase *p, uint32_t rate)
{
    fprintf(to, "@%d", p->number);
    if (p->pinned)
        write_position(to, p->at, rate);
    if (p->seeded)
        fprintf(to, " seed %" PRIu64, p->seed);
    if (*p->voice)
        fprintf(to, " voice \"%s\"", p->voice);
    fputc('\n', to);
}

char *plug_script_text(const plug_script *s, uint32_t rate)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    for (int i = 0; i < s->count; i++) {
        const plug_phrase *p = &s->phrases[i];
        write_head(to, p, rate);
        bool start = true;
        for (const char *c = p->text; *c; c++) {
            if (start && (*c == '@' || *c == '\\'))
                fputc('\\', to);
            fputc(*c, to);
            start = *c == '\n';
        }
        fputc('\n', to);
    }
    if (fclose(to) || !text) {
        free(text);
        return NULL;
    }
    return text;
}

void plug_script_rescale(plug_script *s, uint32_t from, uint32_t to)
{
    for (int i = 0; i < s->count; i++) {
        plug_phrase *p = &s->phrases[i];
        p->at = llround((double)p->at * to / from);
    }
}
