#include "models/text/bpe_load.h"

#include "models/text/utf8.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_FILE = 64 << 20,
    MAX_ID = 1 << 24,
    MAX_ADDED = 4096,
    MAX_TOKEN = 1024, /* bytes */
};

typedef struct loader {
    const char *folder;
    cbx_bpe *bpe;
    json_t *vocab;
    cbx_error *err;
} loader;

/* A whole file of the folder, with a 0 byte behind it; to be freed. */
static cbx_status read_text(const loader *l, const char *name, char **out,
                            size_t *len)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", l->folder, name) >=
        (int)sizeof path)
        return cbx_fail(l->err, CBX_E_FILE, "the path of %s is too long", name);
    FILE *f = fopen(path, "rbe");
    char *text = NULL;
    long size = -1;
    if (!f)
        return cbx_fail(l->err, CBX_E_FILE, "cannot open %s: %s", path,
                        strerror(errno));
    if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 &&
        size <= MAX_FILE && fseek(f, 0, SEEK_SET) == 0)
        text = malloc((size_t)size + 1);
    const size_t got = text ? fread(text, 1, (size_t)size, f) : 0;
    fclose(f);
    if (!text || got != (size_t)size) {
        free(text);
        return cbx_fail(l->err, CBX_E_FILE,
                        "cannot read %s, or it is too large", path);
    }
    text[size] = 0;
    *out = text;
    *len = (size_t)size;
    return CBX_OK;
}

static cbx_status bad(const loader *l, const char *file, const char *what)
{
    return cbx_fail(l->err, CBX_E_FORMAT, "%s/%s %s", l->folder, file, what);
}

/* A map from token to id. */
static cbx_status read_map(const loader *l, const char *file, json_t **out)
{
    char *text;
    size_t len;
    cbx_status st = read_text(l, file, &text, &len);
    if (st)
        return st;
    json_error_t why;
    json_t *map = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    free(text);
    if (!map)
        return bad(l, file, "is not valid JSON");
    const char *token;
    json_t *id;
    json_object_foreach(map, token, id)
    {
        if (json_is_integer(id) && json_integer_value(id) >= 0 &&
            json_integer_value(id) < MAX_ID)
            continue;
        json_decref(map);
        return bad(l, file, "gives a token something that is not an id");
    }
    if (!json_is_object(map)) {
        json_decref(map);
        return bad(l, file, "is not a map from token to id");
    }
    *out = map;
    return CBX_OK;
}

static void note_size(cbx_bpe *b, int32_t id)
{
    if (id >= b->size)
        b->size = id + 1;
}

/* The id of a token in the vocabulary, -1 when it has none. */
static int32_t vocab_id(const loader *l, const char *token)
{
    const json_t *id = json_object_get(l->vocab, token);
    return id ? (int32_t)json_integer_value(id) : -1;
}

/* tokenization_gpt2.py: bytes_to_unicode. Printable bytes stand for
 * themselves, the others for U+0100 and up, in order. */
static cbx_status read_bytes(loader *l)
{
    uint32_t spare = 0x100;
    for (uint32_t byte = 0; byte < 256; byte++) {
        const int printable = (byte >= 33 && byte <= 126) ||
                              (byte >= 161 && byte <= 172) || byte >= 174;
        char token[5] = {0};
        cbx_utf8_encode(printable ? byte : spare++, token);
        const int32_t id = vocab_id(l, token);
        if (id < 0)
            return cbx_fail(l->err, CBX_E_FORMAT,
                            "%s/vocab.json has no token for byte 0x%02x",
                            l->folder, (unsigned)byte);
        l->bpe->byte_id[byte] = id;
    }
    return CBX_OK;
}

static size_t merge_slot(const cbx_bpe *b, int32_t left, int32_t right)
{
    uint64_t h = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(h >> 32) & (b->n_slots - 1);
    while (b->merges[at].rank >= 0 &&
           (b->merges[at].left != left || b->merges[at].right != right))
        at = (at + 1) & (b->n_slots - 1);
    return at;
}

const bpe_merge *bpe_find_merge(const cbx_bpe *b, int32_t left, int32_t right)
{
    const bpe_merge *m = &b->merges[merge_slot(b, left, right)];
    return m->rank < 0 ? NULL : m;
}

/* One line "left right". */
static cbx_status add_merge(loader *l, char *line, int32_t rank)
{
    char joined[2 * MAX_TOKEN + 1];
    char *right = strchr(line, ' ');
    if (!right || strchr(right + 1, ' ') || strlen(line) > MAX_TOKEN)
        return cbx_fail(l->err, CBX_E_FORMAT,
                        "%s/merges.txt: merge %d is not two tokens", l->folder,
                        (int)rank + 1);
    *right++ = 0;
    snprintf(joined, sizeof joined, "%s%s", line, right);
    const bpe_merge m = {vocab_id(l, line), vocab_id(l, right),
                         vocab_id(l, joined), rank};
    if (m.left < 0 || m.right < 0 || m.id < 0)
        return cbx_fail(l->err, CBX_E_FORMAT,
                        "%s/merges.txt: merge %d uses tokens that vocab.json "
                        "does not have",
                        l->folder, (int)rank + 1);
    l->bpe->merges[merge_slot(l->bpe, m.left, m.right)] = m;
    return CBX_OK;
}

static cbx_status new_slots(loader *l, const char *text)
{
    size_t lines = 1;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    cbx_bpe *b = l->bpe;
    b->n_slots = 64;
    while (b->n_slots < 2 * lines)
        b->n_slots *= 2;
    b->merges = malloc(b->n_slots * sizeof *b->merges);
    if (!b->merges)
        return cbx_fail(l->err, CBX_E_NOMEM, "no memory for the tokenizer");
    for (size_t i = 0; i < b->n_slots; i++)
        b->merges[i].rank = -1;
    return CBX_OK;
}

static cbx_status read_merges(loader *l)
{
    char *text;
    size_t len;
    cbx_status st = read_text(l, "merges.txt", &text, &len);
    if (st)
        return st;
    if (memchr(text, 0, len))
        st = bad(l, "merges.txt", "holds a NUL byte");
    else
        st = new_slots(l, text);
    int32_t rank = 0;
    char *rest = text;
    for (char *line; !st && (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "\r")] = 0;
        if (*line && strncmp(line, "#version", 8))
            st = add_merge(l, line, rank++);
    }
    free(text);
    return st;
}

static cbx_status add_token(loader *l, const char *token, int32_t id)
{
    cbx_bpe *b = l->bpe;
    const size_t len = strlen(token);
    if (len == 0 || len > MAX_TOKEN || b->n_added == MAX_ADDED)
        return bad(l, "added_tokens.json",
                   "has too many tokens, or one that is empty or too long");
    bpe_added *p = realloc(b->added, (b->n_added + 1) * sizeof *p);
    if (!p)
        return cbx_fail(l->err, CBX_E_NOMEM, "no memory for the tokenizer");
    b->added = p;
    p[b->n_added] = (bpe_added){strdup(token), len, id};
    if (!p[b->n_added].text)
        return cbx_fail(l->err, CBX_E_NOMEM, "no memory for the tokenizer");
    b->n_added++;
    note_size(b, id);
    return CBX_OK;
}

static int longest_first(const void *a, const void *b)
{
    const bpe_added *x = a, *y = b;
    return (x->len < y->len) - (x->len > y->len);
}

/* The end-of-text token is one too, whether the file lists it or not:
 * GPT2Tokenizer adds it as a special token. */
static cbx_status read_added(loader *l)
{
    static const char end_of_text[] = "<|endoftext|>";
    char path[4096];
    const char *token;
    json_t *map = NULL, *id;
    cbx_status st = CBX_OK;
    snprintf(path, sizeof path, "%s/added_tokens.json", l->folder);
    if (access(path, F_OK) == 0)
        st = read_map(l, "added_tokens.json", &map);
    if (!st && vocab_id(l, end_of_text) >= 0 &&
        !json_object_get(map, end_of_text))
        st = add_token(l, end_of_text, vocab_id(l, end_of_text));
    json_object_foreach(map, token, id)
    {
        if (!st)
            st = add_token(l, token, (int32_t)json_integer_value(id));
    }
    json_decref(map);
    if (l->bpe->n_added)
        qsort(l->bpe->added, l->bpe->n_added, sizeof *l->bpe->added,
              longest_first);
    return st;
}

static cbx_status read_vocab(loader *l)
{
    const char *token;
    json_t *id;
    const cbx_status st = read_map(l, "vocab.json", &l->vocab);
    if (st)
        return st;
    json_object_foreach(l->vocab, token, id)
        note_size(l->bpe, (int32_t)json_integer_value(id));
    return read_bytes(l);
}

cbx_status cbx_bpe_open(const char *folder, cbx_bpe **out, cbx_error *err)
{
    loader l = {.folder = folder, .err = err};
    l.bpe = calloc(1, sizeof *l.bpe);
    if (!l.bpe)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the tokenizer");
    cbx_status st = read_vocab(&l);
    if (!st)
        st = read_merges(&l);
    if (!st)
        st = read_added(&l);
    json_decref(l.vocab);
    if (st)
        cbx_bpe_close(l.bpe);
    else
        *out = l.bpe;
    return st;
}

void cbx_bpe_close(cbx_bpe *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n_added; i++)
        free(b->added[i].text);
    free(b->added);
    free(b->merges);
    free(b);
}
