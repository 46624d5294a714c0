#include "daemon/cli/times.h"

#include "rt/status.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct {
    cbx_event_kind kind;
    uint64_t frame, from, to;
    char name[160];
} moment;

struct times {
    const cli_options *options;
    char *text;
    size_t n_text, text_room;
    moment *moments;
    size_t n_moments, moments_room;
    bool lost; /* no memory for all of it */
};

times *times_open(const cli_options *o)
{
    if (!o->srt && !o->vtt && !o->json && !o->chapters)
        return NULL;
    times *t = calloc(1, sizeof *t);
    if (t)
        t->options = o;
    return t;
}

void times_close(times *t)
{
    if (!t)
        return;
    free(t->text);
    free(t->moments);
    free(t);
}

/* Room for n more of `size` bytes in *at. */
static bool grow(void **at, size_t used, size_t n, size_t *room, size_t size)
{
    if (used + n <= *room)
        return true;
    const size_t more = 2 * (used + n) + 64;
    void *p = realloc(*at, more * size);
    if (!p)
        return false;
    *at = p;
    *room = more;
    return true;
}

void times_text(times *t, const char *text, size_t n)
{
    if (!t || !n)
        return;
    if (!grow((void **)&t->text, t->n_text, n, &t->text_room, 1)) {
        t->lost = true;
        return;
    }
    memcpy(t->text + t->n_text, text, n);
    t->n_text += n;
}

void times_event(times *t, const cbx_event *e)
{
    if (!t || (e->kind != CBX_EVENT_SENTENCE && e->kind != CBX_EVENT_MARK &&
               e->kind != CBX_EVENT_WORD))
        return;
    if (!grow((void **)&t->moments, t->n_moments, 1, &t->moments_room,
              sizeof *t->moments)) {
        t->lost = true;
        return;
    }
    moment *m = &t->moments[t->n_moments++];
    *m = (moment){e->kind, e->frame, e->text_from, e->text_to, ""};
    snprintf(m->name, sizeof m->name, "%s", e->text);
}

/* -- what was written ------------------------------------------------------ */

/* The text of bytes from..to on one line, tags of SSML left out. */
static void clean(const times *t, uint64_t from, uint64_t to, char *out,
                  size_t size)
{
    size_t n = 0;
    bool tag = false, space = false;
    for (uint64_t i = from; i < to && i < t->n_text && n + 2 < size; i++) {
        const char c = t->text[i];
        if (t->options->ssml && (c == '<' || c == '>')) {
            tag = c == '<';
            continue;
        }
        if (tag)
            continue;
        if (isspace((unsigned char)c)) {
            space = n > 0;
            continue;
        }
        if (space)
            out[n++] = ' ';
        space = false;
        out[n++] = c;
    }
    out[n] = 0;
}

/* Where the next moment of this kind begins, or everything ends. */
static uint64_t end_of(const times *t, size_t i, uint64_t frames)
{
    for (size_t k = i + 1; k < t->n_moments; k++)
        if (t->moments[k].kind == t->moments[i].kind)
            return t->moments[k].frame;
    return frames;
}

static void put_time(FILE *f, uint64_t frame, uint32_t rate, char comma)
{
    const uint64_t ms = frame * 1000 / rate;
    fprintf(f, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "%c%03" PRIu64,
            ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, comma, ms % 1000);
}

typedef void (*writer)(const times *t, FILE *f, uint32_t rate, uint64_t frames);

static void write_cues(const times *t, FILE *f, uint32_t rate, uint64_t frames,
                       char comma)
{
    char text[1024];
    int number = 0;
    for (size_t i = 0; i < t->n_moments; i++) {
        const moment *m = &t->moments[i];
        if (m->kind != CBX_EVENT_SENTENCE)
            continue;
        clean(t, m->from, m->to, text, sizeof text);
        fprintf(f, "%d\n", ++number);
        put_time(f, m->frame, rate, comma);
        fprintf(f, " --> ");
        put_time(f, end_of(t, i, frames), rate, comma);
        fprintf(f, "\n%s\n\n", text);
    }
}

static void write_srt(const times *t, FILE *f, uint32_t rate, uint64_t frames)
{
    write_cues(t, f, rate, frames, ',');
}

static void write_vtt(const times *t, FILE *f, uint32_t rate, uint64_t frames)
{
    fprintf(f, "WEBVTT\n\n");
    write_cues(t, f, rate, frames, '.');
}

static json_t *json_text(const char *text)
{
    json_t *s = json_string(text);
    return s ? s : json_string(""); /* not UTF-8 */
}

static void write_json(const times *t, FILE *f, uint32_t rate, uint64_t frames)
{
    static const struct {
        cbx_event_kind kind;
        const char *name;
    } kinds[] = {{CBX_EVENT_SENTENCE, "sentences"},
                 {CBX_EVENT_WORD, "words"},
                 {CBX_EVENT_MARK, "marks"}};
    char text[4096];
    json_t *all = json_pack("{s:i, s:I}", "rate", (int)rate, "frames",
                            (json_int_t)frames);
    for (int k = 0; k < 3; k++) {
        json_t *list = json_array();
        for (size_t i = 0; i < t->n_moments; i++) {
            const moment *m = &t->moments[i];
            if (m->kind != kinds[k].kind)
                continue;
            if (m->kind == CBX_EVENT_MARK)
                snprintf(text, sizeof text, "%s", m->name);
            else
                clean(t, m->from, m->to, text, sizeof text);
            json_array_append_new(
                list,
                json_pack(
                    "{s:o, s:f, s:f, s:I, s:I}",
                    m->kind == CBX_EVENT_MARK ? "name" : "text",
                    json_text(text), "start", (double)m->frame / rate, "end",
                    (double)(m->kind == CBX_EVENT_MARK ? m->frame
                                                       : end_of(t, i, frames)) /
                        rate,
                    "from", (json_int_t)m->from, "to", (json_int_t)m->to));
        }
        json_object_set_new(all, kinds[k].name, list);
    }
    json_dumpf(all, f, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', f);
    json_decref(all);
}

bool times_is_heading(const char *line, size_t n)
{
    static const char *const words[] = {"chapter ", "part ", "prologue",
                                        "epilogue"};
    while (n && isspace((unsigned char)line[n - 1]))
        n--;
    if (n > 2 && line[0] == '#' &&
        (line[1] == ' ' || (line[1] == '#' && line[2] == ' ')))
        return true;
    if (n > 80)
        return false;
    for (int i = 0; i < 4; i++) {
        const size_t len = strlen(words[i]);
        if (n >= len && !strncasecmp(line, words[i], len))
            return i > 1 ? n == len
                         : n > len && (isupper((unsigned char)line[len]) ||
                                       isdigit((unsigned char)line[len]));
    }
    return false;
}

/* The frame at which the text from this byte on is said. */
static uint64_t frame_of(const times *t, uint64_t byte, uint64_t frames)
{
    for (size_t i = 0; i < t->n_moments; i++)
        if (t->moments[i].kind == CBX_EVENT_SENTENCE && t->moments[i].to > byte)
            return t->moments[i].frame;
    return frames;
}

static void put_chapter(const times *t, FILE *f, uint32_t rate, uint64_t from,
                        uint64_t to, size_t line, size_t end)
{
    char title[256];
    while (line < end && (t->text[line] == '#' || t->text[line] == ' '))
        line++;
    clean(t, line, end, title, sizeof title);
    fprintf(f,
            "[CHAPTER]\nTIMEBASE=1/%u\nSTART=%" PRIu64 "\nEND=%" PRIu64
            "\ntitle=",
            rate, from, to);
    for (const char *p = title; *p; p++) {
        if (strchr("=;#\\", *p))
            fputc('\\', f);
        fputc(*p, f);
    }
    fputc('\n', f);
}

/* FFMETADATA1, which ffmpeg puts into a file. */
static void write_chapters(const times *t, FILE *f, uint32_t rate,
                           uint64_t frames)
{
    size_t title = 0, title_end = 0;
    uint64_t begin = 0;
    bool any = false;
    fprintf(f, ";FFMETADATA1\n");
    for (size_t at = 0; at < t->n_text;) {
        const char *nl = memchr(t->text + at, '\n', t->n_text - at);
        const size_t end = nl ? (size_t)(nl - t->text) : t->n_text;
        if (times_is_heading(t->text + at, end - at)) {
            const uint64_t here = frame_of(t, at, frames);
            if (any)
                put_chapter(t, f, rate, begin, here, title, title_end);
            any = true;
            begin = here;
            title = at;
            title_end = end;
        }
        at = end + 1;
    }
    if (any)
        put_chapter(t, f, rate, begin, frames, title, title_end);
}

/* -- files ----------------------------------------------------------------- */

/* out.wav and srt: out.srt. Written whole or not at all. */
static cbx_status write_file(const times *t, const char *output,
                             const char *ending, writer write, uint32_t rate,
                             uint64_t frames, cbx_error *err)
{
    char path[1100], part[1120];
    const char *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    const int n = dot && (!slash || dot > slash + 1) ? (int)(dot - output)
                                                     : (int)strlen(output);
    if (snprintf(path, sizeof path, "%.*s.%s", n, output, ending) >=
        (int)sizeof path)
        return cbx_fail(err, CBX_E_ARG, "%.60s...: the path is too long",
                        output);
    snprintf(part, sizeof part, "%s.part", path);
    FILE *f = fopen(part, "we");
    if (!f)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    write(t, f, rate, frames);
    const bool good = !ferror(f);
    if (fclose(f) || !good || rename(part, path)) {
        const cbx_status st =
            cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
        unlink(part);
        return st;
    }
    return CBX_OK;
}

cbx_status times_write(times *t, const char *output, uint32_t rate,
                       uint64_t frames, cbx_error *err)
{
    const cli_options *o = t->options;
    cbx_status st = CBX_OK;
    if (t->lost)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the times of %s",
                        output);
    if (o->srt)
        st = write_file(t, output, "srt", write_srt, rate, frames, err);
    if (!st && o->vtt)
        st = write_file(t, output, "vtt", write_vtt, rate, frames, err);
    if (!st && o->json)
        st = write_file(t, output, "json", write_json, rate, frames, err);
    if (!st && o->chapters)
        st = write_file(t, output, "chapters.txt", write_chapters, rate, frames,
                        err);
    return st;
}
