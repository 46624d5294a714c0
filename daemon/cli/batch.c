/* render --into FOLDER: many texts, a file for each. A manifest in the folder
 * says what was made of what, so that a run that was interrupted goes on where
 * it stopped, and a text that has changed is spoken anew. */
#include "daemon/cli/batch.h"

#include "daemon/cli/cli.h"
#include "daemon/cli/speak.h"
#include "daemon/cli/times.h"
#include "rt/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 30 };

typedef struct item {
    char name[256]; /* of the output, without ending */
    const char *text;
    size_t n;
    uint64_t key; /* of all that its sound depends on */
    bool done;
} item;

typedef struct batch {
    const cli_options *options;
    const char *ending;
    char **texts; /* of the files; items point into them */
    int n_texts;
    item *items;
    size_t n, room;
    FILE *manifest; /* open, locked, at its end */
    uint64_t base;  /* key of the parameters */
} batch;

/* -- keys ------------------------------------------------------------------ */

/* FNV-1a */
static uint64_t add(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t add_text(uint64_t h, const char *text)
{
    return text ? add(h, text, strlen(text) + 1) : add(h, "\1", 1);
}

static uint64_t add_file(uint64_t h, const char *path)
{
    char block[4096];
    FILE *f = path && path[0] ? fopen(path, "re") : NULL;
    for (size_t n; f && (n = fread(block, 1, sizeof block, f)) > 0;)
        h = add(h, block, n);
    if (f)
        fclose(f);
    return h;
}

/* Whatever the command line says about the sound, and the model's folder. */
static uint64_t key_of_options(const speech *s)
{
    const cli_options *o = s->options;
    cbx_model_info info;
    uint64_t h = UINT64_C(14695981039346656037);
    cbx_model_get_info(s->model, &info);
    h = add_text(h, cbx_version());
    h = add_text(h, info.folder);
    h = add_text(h, o->voice);
    h = add_text(h, o->format);
    h = add_text(h, o->subtype);
    h = add_file(h, s->params.dictionary);
    const cbx_params *p = &s->params;
    char text[1024];
    snprintf(text, sizeof text,
             "%" PRIu64 " %.9g %d %.9g %.9g %.9g %.9g %.9g %d %d %u %d %s %d "
             "%d %d %d %d %d %d",
             p->seed, (double)p->temperature, p->top_k, (double)p->top_p,
             (double)p->min_p, (double)p->repetition_penalty,
             (double)p->cfg_weight, (double)p->exaggeration, (int)p->latency,
             (int)p->flow, p->sample_rate, p->wrapped, p->language,
             (int)p->markup, p->normalize, p->flow_history, p->look_ahead,
             p->guards, p->watermark, p->watermark_ahead);
    h = add_text(h, text);
    const bool files[] = {o->srt, o->vtt, o->json, o->chapters};
    return add(h, files, sizeof files);
}

/* -- the texts ------------------------------------------------------------- */

static cbx_status read_all(const char *path, char **text, size_t *n,
                           cbx_error *err)
{
    const bool standard = !strcmp(path, "-");
    FILE *f = standard ? stdin : fopen(path, "re");
    size_t room = 0;
    *text = NULL;
    *n = 0;
    if (!f)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    for (;;) {
        if (*n + 65536 > room) {
            room = 2 * room + 131072;
            char *more = realloc(*text, room);
            if (!more)
                break;
            *text = more;
        }
        const size_t got = fread(*text + *n, 1, 65536, f);
        *n += got;
        if (!got || *n > MOST_BYTES)
            break;
    }
    const bool bad = ferror(f) || !*text;
    const int why = errno;
    if (!standard)
        fclose(f);
    if (*n > MOST_BYTES)
        return cbx_fail(err, CBX_E_LIMIT, "%s: more than 1 GiB of text", path);
    return bad ? cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(why))
               : CBX_OK;
}

static cbx_status add_item(batch *b, const char *name, const char *text,
                           size_t n, cbx_error *err)
{
    if (b->n == b->room) {
        const size_t room = 2 * b->room + 16;
        item *more = realloc(b->items, room * sizeof *more);
        if (!more)
            return cbx_fail(err, CBX_E_NOMEM, "no memory for %zu texts", room);
        b->items = more;
        b->room = room;
    }
    item *i = &b->items[b->n++];
    *i = (item){.text = text, .n = n};
    snprintf(i->name, sizeof i->name, "%s", name);
    i->key = add(b->base, text, n);
    return CBX_OK;
}

static bool is_blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r\n\f", text[i]) || !text[i])
            return false;
    return true;
}

/* Lines and chapters are numbered by their place, so that their names stay. */
static cbx_status split(batch *b, const char *base, const char *text, size_t n,
                        cbx_error *err)
{
    const char *how = b->options->split;
    const bool lines = how && !strcmp(how, "lines");
    cbx_status st = CBX_OK;
    size_t begin = 0;
    int number = 0;
    if (!how)
        return add_item(b, base, text, n, err);
    for (size_t at = 0; at <= n && !st;) {
        const char *nl = at < n ? memchr(text + at, '\n', n - at) : NULL;
        const size_t end = nl ? (size_t)(nl - text) + 1 : n;
        const bool next =
            at == n || lines || times_is_heading(text + at, end - at);
        if (next && at > begin) {
            char name[300];
            number++;
            snprintf(name, sizeof name, lines ? "%s-%04d" : "%s-%02d", base,
                     number);
            if (!is_blank(text + begin, at - begin))
                st = add_item(b, name, text + begin, at - begin, err);
            begin = at;
        }
        if (at == n)
            break;
        at = end;
    }
    return st;
}

static cbx_status take_file(batch *b, const char *path, cbx_error *err)
{
    char base[200];
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n;
    if (!strcmp(path, "-"))
        name = "speech", dot = NULL;
    snprintf(base, sizeof base, "%.*s",
             dot && dot > name ? (int)(dot - name) : (int)strlen(name), name);
    const cbx_status st = read_all(path, &b->texts[b->n_texts++], &n, err);
    return st ? st : split(b, base, b->texts[b->n_texts - 1], n, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const item *const *)a)->name,
                  (*(const item *const *)b)->name);
}

/* Two files with one name would write over each other. */
static cbx_status check_names(const batch *b, cbx_error *err)
{
    const item **sorted = malloc((b->n + 1) * sizeof *sorted);
    cbx_status st = CBX_OK;
    if (!sorted)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %zu texts", b->n);
    for (size_t i = 0; i < b->n; i++)
        sorted[i] = &b->items[i];
    qsort(sorted, b->n, sizeof *sorted, by_name);
    for (size_t i = 1; i < b->n && !st; i++)
        if (!strcmp(sorted[i]->name, sorted[i - 1]->name))
            st = cbx_fail(err, CBX_E_ARG,
                          "two texts would both become %s.%s: rename one",
                          sorted[i]->name, b->ending);
    free(sorted);
    return st;
}

static cbx_status take_texts(batch *b, cbx_error *err)
{
    static char *standard[] = {"-"};
    const cli_options *o = b->options;
    char **words = o->n_words ? o->words : standard;
    const int n = o->n_words ? o->n_words : 1;
    cbx_status st = CBX_OK;
    b->texts = calloc((size_t)n, sizeof *b->texts);
    if (!b->texts)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %d texts", n);
    for (int i = 0; i < n && !st; i++)
        st = take_file(b, words[i], err);
    return st ? st : check_names(b, err);
}

/* -- the manifest ---------------------------------------------------------- */

static void path_of(const batch *b, const char *name, char out[1024])
{
    snprintf(out, 1024, "%s/%s.%s", b->options->into, name, b->ending);
}

static int item_by_name(const void *key, const void *entry)
{
    return strcmp(key, (*(item *const *)entry)->name);
}

/* Lines are KEY BYTES NAME; the last one with a name counts. A torn line, from
 * a run that was killed, says nothing. */
static void read_manifest(batch *b, item **sorted)
{
    char line[512], path[1024];
    while (fgets(line, sizeof line, b->manifest)) {
        uint64_t key, bytes;
        int at = 0;
        struct stat st;
        if (!strchr(line, '\n') ||
            sscanf(line, "%16" SCNx64 " %" SCNu64 " %n", &key, &bytes, &at) <
                2 ||
            !at)
            continue;
        line[strcspn(line, "\n")] = 0;
        item **found =
            bsearch(line + at, sorted, b->n, sizeof *sorted, item_by_name);
        if (!found)
            continue;
        path_of(b, (*found)->name, path);
        (*found)->done = key == (*found)->key && stat(path, &st) == 0 &&
                         (uint64_t)st.st_size == bytes;
    }
}

static cbx_status open_manifest(batch *b, cbx_error *err)
{
    char path[1024];
    const char *into = b->options->into;
    if (mkdir(into, 0777) && errno != EEXIST)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", into, strerror(errno));
    if (snprintf(path, sizeof path, "%s/chatterbox-manifest.txt", into) > 700)
        return cbx_fail(err, CBX_E_ARG, "%.60s...: the path is too long", into);
    b->manifest = fopen(path, "a+e");
    if (!b->manifest)
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    if (flock(fileno(b->manifest), LOCK_EX | LOCK_NB))
        return cbx_fail(err, CBX_E_FILE,
                        "another run writes into %s: wait for its end", into);
    item **sorted = malloc((b->n + 1) * sizeof *sorted);
    if (!sorted)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %zu texts", b->n);
    for (size_t i = 0; i < b->n; i++)
        sorted[i] = &b->items[i];
    qsort(sorted, b->n, sizeof *sorted, by_name);
    rewind(b->manifest);
    read_manifest(b, sorted);
    free(sorted);
    /* whatever the last run left without an end */
    if (fseek(b->manifest, -1, SEEK_END) == 0 && fgetc(b->manifest) != '\n') {
        fseek(b->manifest, 0, SEEK_END);
        fputc('\n', b->manifest);
    }
    return CBX_OK;
}

static cbx_status note_done(batch *b, const item *i, cbx_error *err)
{
    char path[1024];
    struct stat st;
    path_of(b, i->name, path);
    if (stat(path, &st))
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    fseek(b->manifest, 0, SEEK_END);
    fprintf(b->manifest, "%016" PRIx64 " %" PRIu64 " %s\n", i->key,
            (uint64_t)st.st_size, i->name);
    return fflush(b->manifest)
               ? cbx_fail(err, CBX_E_FILE, "the manifest in %s: %s",
                          b->options->into, strerror(errno))
               : CBX_OK;
}

/* -- the run --------------------------------------------------------------- */

static int speak_item(speech *s, batch *b, const item *i)
{
    char path[1024];
    cbx_error err;
    path_of(b, i->name, path);
    s->output = path;
    s->text = i->text;
    s->text_len = i->n;
    cbx_status st = speech_open_stream(s, &err);
    if (!st)
        st = speech_connect(s, &err);
    int code = st ? cli_complain(&err) : speech_run(s);
    speech_close_stream(s);
    s->output = NULL;
    if (code == CLI_OK && note_done(b, i, &err))
        code = cli_complain(&err);
    return code;
}

static int speak_all(speech *s, batch *b)
{
    size_t there = 0, made = 0, failed = 0;
    const bool show = !b->options->quiet && isatty(STDERR_FILENO);
    int code = CLI_OK;
    for (size_t k = 0; k < b->n && code != CLI_INTERRUPTED; k++) {
        if (b->items[k].done) {
            there++;
            continue;
        }
        if (show)
            fprintf(stderr, "%zu of %zu: %s.%s\n", k + 1, b->n,
                    b->items[k].name, b->ending);
        code = speak_item(s, b, &b->items[k]);
        if (code == CLI_OK) {
            made++;
        } else if (code != CLI_INTERRUPTED) {
            failed++;
            fprintf(stderr, "chatterbox: %s.%s was not written\n",
                    b->items[k].name, b->ending);
        }
    }
    if (!b->options->quiet)
        fprintf(stderr, "%zu written, %zu there already, %zu failed\n", made,
                there, failed);
    if (code == CLI_INTERRUPTED)
        return code;
    return failed ? CLI_FAILED : CLI_OK;
}

static cbx_status check(const cli_options *o, cbx_error *err)
{
    if (o->output || o->raw)
        return cbx_fail(err, CBX_E_ARG,
                        "--into writes many files: it goes without -o and "
                        "--raw");
    if (o->split && strcmp(o->split, "lines") && strcmp(o->split, "chapters"))
        return cbx_fail(err, CBX_E_ARG,
                        "--split is lines or chapters, not "
                        "'%.40s'",
                        o->split);
    return CBX_OK;
}

int cli_batch(const cli_options *o)
{
    batch b = {.options = o, .ending = o->format ? o->format : "wav"};
    speech s = {0};
    cbx_error err;
    int code = CLI_FAILED;
    cbx_status st = check(o, &err);
    if (!st)
        st = speech_open(&s, o, &err);
    if (!st) {
        b.base = key_of_options(&s);
        st = take_texts(&b, &err);
    }
    if (!st)
        st = open_manifest(&b, &err);
    if (st) {
        code = cli_complain(&err);
    } else {
        speech_catch_signals();
        code = speak_all(&s, &b);
    }
    if (b.manifest)
        fclose(b.manifest);
    for (int i = 0; i < b.n_texts; i++)
        free(b.texts[i]);
    free(b.texts);
    free(b.items);
    speech_close(&s);
    return code;
}
