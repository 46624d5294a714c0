/* The files of a dictionary. */
#include "models/text/pronounce_parts.h"

#include "models/text/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_entry(entry *e)
{
    if (!e)
        return;
    pcre2_code_free(e->pattern);
    free(e->key);
    free(e->spoken);
    free(e);
}

static void free_list(entry *e)
{
    while (e) {
        entry *next = e->next;
        free_entry(e);
        e = next;
    }
}

static void free_set(entry_set *s)
{
    for (int i = 0; i < PRONOUNCE_BUCKETS; i++)
        free_list(s->buckets[i]);
    free_list(s->patterns);
    *s = (entry_set){.count = 0};
}

cbx_status pronounce_open(const char *voice, pronounce **out, cbx_error *err)
{
    pronounce *p = calloc(1, sizeof *p);
    if (p) {
        snprintf(p->voice, sizeof p->voice, "%s", voice);
        p->match = pcre2_match_data_create(10, NULL);
        p->limits = pcre2_match_context_create(NULL);
    }
    if (!p || !p->match || !p->limits) {
        pronounce_close(p);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a dictionary");
    }
    /* a pattern that needs more than this does not match */
    pcre2_set_match_limit(p->limits, 20000);
    pcre2_set_depth_limit(p->limits, 2000);
    *out = p;
    return CBX_OK;
}

void pronounce_close(pronounce *p)
{
    if (!p)
        return;
    free_set(&p->set);
    pcre2_match_data_free(p->match);
    pcre2_match_context_free(p->limits);
    free(p);
}

/* -- one line -------------------------------------------------------------- */

typedef struct loading {
    entry_set *set;
    int file;
    entry_scope scope;
    char scope_name[64];
} loading;

/* Cuts off white space at both ends. */
static char *trim(char *s)
{
    s += strspn(s, " \t\r\n");
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1]))
        s[--n] = 0;
    return s;
}

/* Code points of s; single spaces. NULL: no memory. */
static uint32_t *decode(const char *s, bool fold, bool squeeze, size_t *n)
{
    const size_t len = strlen(s);
    uint32_t *code = malloc((len + 1) * sizeof *code);
    *n = 0;
    for (size_t at = 0; code && at < len;) {
        const cbx_codepoint c = cbx_utf8_first(s + at, len - at);
        at += c.bytes;
        if (squeeze && cbx_is_space(c.code) && *n && code[*n - 1] == ' ')
            continue;
        code[(*n)++] = squeeze && cbx_is_space(c.code) ? ' '
                       : fold                          ? pronounce_fold(c.code)
                                                       : c.code;
    }
    return code;
}

static cbx_status compile(entry *e, const char *text, cbx_error *err)
{
    size_t n;
    int error;
    PCRE2_SIZE at;
    uint32_t message[128], *code = decode(text, false, false, &n);
    if (!code)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a dictionary");
    e->pattern = pcre2_compile(code, n,
                               PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS |
                                   PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C,
                               &error, &at, NULL);
    free(code);
    if (e->pattern)
        return CBX_OK;
    char why[128] = "";
    const int len = pcre2_get_error_message(error, message, 128);
    for (int i = 0; i < len && i < 127; i++)
        why[i] = (char)(message[i] < 128 ? message[i] : '?');
    return cbx_fail(err, CBX_E_FORMAT, "the pattern is none: %s", why);
}

static void add(loading *l, entry *e)
{
    entry **at = &l->set->patterns;
    if (!e->pattern)
        at = &l->set->buckets[pronounce_hash(e->key, e->n)];
    else /* in the order of the file, behind nothing but later files */
        while (*at && ((*at)->file > e->file ||
                       ((*at)->file == e->file && (*at)->scope >= e->scope)))
            at = &(*at)->next;
    e->next = *at;
    *at = e;
    l->set->count++;
    l->set->n_patterns += e->pattern != NULL;
}

static cbx_status take_entry(loading *l, char *key, char *spoken,
                             cbx_error *err)
{
    const bool pattern = key[0] == '/', exact = key[0] == '=';
    cbx_status st = CBX_OK;
    key += pattern || exact;
    if (!*key)
        return cbx_fail(err, CBX_E_FORMAT, "no word before the =");
    if (strlen(key) > PRONOUNCE_ENTRY || strlen(spoken) > PRONOUNCE_ENTRY)
        return cbx_fail(err, CBX_E_LIMIT, "longer than %d bytes",
                        PRONOUNCE_ENTRY);
    if (l->set->count == PRONOUNCE_MOST ||
        (pattern && l->set->n_patterns == MOST_PATTERNS))
        return cbx_fail(err, CBX_E_LIMIT,
                        "more than %d entries, or %d patterns", PRONOUNCE_MOST,
                        MOST_PATTERNS);
    entry *e = calloc(1, sizeof *e);
    if (!e || !(e->spoken = strdup(spoken))) {
        free_entry(e);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a dictionary");
    }
    e->file = l->file;
    e->exact = exact;
    e->scope = l->scope;
    memcpy(e->scope_name, l->scope_name, sizeof e->scope_name);
    if (pattern) {
        st = compile(e, key, err);
    } else if (!(e->key = decode(key, !e->exact, true, &e->n))) {
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for a dictionary");
    }
    if (st) {
        free_entry(e);
        return st;
    }
    add(l, e);
    return CBX_OK;
}

static cbx_status take_section(loading *l, char *line, cbx_error *err)
{
    const size_t n = strlen(line);
    char *name = line + 1;
    if (line[n - 1] != ']')
        return cbx_fail(err, CBX_E_FORMAT,
                        "a section is [*], [LANGUAGE] or "
                        "[voice NAME]");
    line[n - 1] = 0;
    name = trim(name);
    l->scope = SCOPE_LANGUAGE;
    if (!strcmp(name, "*"))
        l->scope = SCOPE_ALL;
    if (!strncmp(name, "voice ", 6)) {
        l->scope = SCOPE_VOICE;
        name = trim(name + 6);
    } else if (strlen(name) > 3) {
        return cbx_fail(err, CBX_E_FORMAT,
                        "[%.40s]: a section is [*], [LANGUAGE] or [voice NAME]",
                        name);
    }
    if (!*name || strlen(name) >= sizeof l->scope_name)
        return cbx_fail(err, CBX_E_FORMAT, "a section with no good name");
    snprintf(l->scope_name, sizeof l->scope_name, "%s", name);
    return CBX_OK;
}

static cbx_status take_line(loading *l, char *text, cbx_error *err)
{
    char *line = trim(text), *sign;
    if (!*line || *line == '#')
        return CBX_OK;
    if (*line == '[' && line[strlen(line) - 1] == ']')
        return take_section(l, line, err);
    if (*line == '/') { /* up to the first / in front of a = */
        sign = NULL;
        for (char *p = line + 1; *p; p++)
            if (*p == '/' && p[1 + strspn(p + 1, " \t")] == '=')
                sign = sign ? sign : p;
        if (!sign)
            return cbx_fail(err, CBX_E_FORMAT,
                            "a pattern is /.../ = what is spoken");
        *sign = 0;
        sign += 1 + strspn(sign + 1, " \t");
        return take_entry(l, line, trim(sign + 1), err);
    }
    sign = strchr(line + 1, '=');
    if (!sign)
        return cbx_fail(err, CBX_E_FORMAT, "an entry is WORD = what is spoken");
    *sign = 0;
    return take_entry(l, trim(line), trim(sign + 1), err);
}

/* -- one file -------------------------------------------------------------- */

static cbx_status read_lines(loading *l, const char *path, FILE *f,
                             cbx_error *err)
{
    char line[2048];
    cbx_error why;
    size_t total = 0;
    for (int number = 1; fgets(line, sizeof line, f); number++) {
        const size_t n = strlen(line);
        char *begin = line;
        if (number == 1 && !strncmp(line, "\xEF\xBB\xBF", 3))
            begin += 3;
        if ((total += n) > PRONOUNCE_MAX_BYTES)
            return cbx_fail(err, CBX_E_LIMIT,
                            "%s: a dictionary is at most %d bytes long", path,
                            PRONOUNCE_MAX_BYTES);
        if (n + 1 == sizeof line && line[n - 1] != '\n')
            return cbx_fail(err, CBX_E_FORMAT, "%s:%d: the line is too long",
                            path, number);
        const cbx_status st = take_line(l, begin, &why);
        if (st)
            return cbx_fail(err, st, "%s:%d: %s", path, number, why.text);
    }
    return ferror(f)
               ? cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno))
               : CBX_OK;
}

static bool note_change(dictionary_file *f)
{
    struct stat st;
    const bool there = stat(f->path, &st) == 0 && S_ISREG(st.st_mode);
    const dictionary_file old = *f;
    f->there = there;
    f->changed = there ? st.st_mtim : (struct timespec){0};
    f->size = there ? st.st_size : 0;
    f->inode = there ? st.st_ino : 0;
    return f->there != old.there || f->size != old.size ||
           f->inode != old.inode || f->changed.tv_sec != old.changed.tv_sec ||
           f->changed.tv_nsec != old.changed.tv_nsec;
}

static cbx_status read_file(const dictionary_file *file, int index,
                            entry_set *set, cbx_error *err)
{
    loading l = {.set = set, .file = index, .scope = SCOPE_ALL};
    FILE *f = fopen(file->path, "re");
    if (!f && !file->needed)
        return CBX_OK;
    if (!f)
        return cbx_fail(err, CBX_E_FILE, "the dictionary %s: %s", file->path,
                        strerror(errno));
    const cbx_status st = read_lines(&l, file->path, f, err);
    fclose(f);
    return st;
}

static cbx_status read_all(pronounce *p, cbx_error *err)
{
    entry_set *set = calloc(1, sizeof *set);
    cbx_status st = CBX_OK;
    if (!set)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a dictionary");
    for (int i = 0; i < p->n_files && !st; i++)
        st = read_file(&p->files[i], i, set, err);
    if (st) {
        free_set(set);
    } else {
        free_set(&p->set);
        p->set = *set;
    }
    free(set);
    return st;
}

cbx_status pronounce_add(pronounce *p, const char *path, bool needed,
                         cbx_error *err)
{
    if (p->n_files == PRONOUNCE_FILES)
        return cbx_fail(err, CBX_E_LIMIT, "more than %d dictionaries",
                        PRONOUNCE_FILES);
    dictionary_file *f = &p->files[p->n_files];
    *f = (dictionary_file){.needed = needed};
    if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path)
        return cbx_fail(err, CBX_E_ARG, "%.60s...: the path is too long", path);
    note_change(f);
    p->n_files++;
    return read_all(p, err);
}

cbx_status pronounce_refresh(pronounce *p, cbx_error *err)
{
    bool changed = false;
    for (int i = 0; i < p->n_files; i++)
        changed |= note_change(&p->files[i]);
    return changed ? read_all(p, err) : CBX_OK;
}
