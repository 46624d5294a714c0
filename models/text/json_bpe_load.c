#include "models/text/json_bpe_load.h"

#include "models/checkpoint/map.h"
#include "models/text/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FILE = 64 << 20,
    MAX_ID = 1 << 24,
    MAX_ADDED = 4096,
    MAX_TOKEN = 1024, /* bytes */
};

typedef struct loader {
    json_bpe *bpe;
    json_t *vocab;
    cbx_error *err;
} loader;

static cbx_status bad(const loader *l, const char *what)
{
    return cbx_fail(l->err, CBX_E_FORMAT, "%s %s", l->bpe->path, what);
}

static cbx_status no_memory(const loader *l)
{
    return cbx_fail(l->err, CBX_E_NOMEM, "no memory for the tokenizer %s",
                    l->bpe->path);
}

/* -- tables ---------------------------------------------------------------- */

static pair_slot *slot_of(const pair_table *t, int32_t left, int32_t right)
{
    uint64_t h = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(h >> 32) & (t->n - 1);
    while (t->slots[at].rank >= 0 &&
           (t->slots[at].left != left || t->slots[at].right != right))
        at = (at + 1) & (t->n - 1);
    return &t->slots[at];
}

const pair_slot *pair_find(const pair_table *t, int32_t left, int32_t right)
{
    const pair_slot *s = slot_of(t, left, right);
    return s->rank < 0 ? NULL : s;
}

static bool pair_new(pair_table *t, size_t most)
{
    t->n = 64;
    while (t->n < 2 * most)
        t->n *= 2;
    t->slots = malloc(t->n * sizeof *t->slots);
    for (size_t i = 0; t->slots && i < t->n; i++)
        t->slots[i].rank = -1;
    return t->slots;
}

/* -- vocabulary ------------------------------------------------------------ */

static bool is_id(const json_t *id)
{
    return json_is_integer(id) && json_integer_value(id) >= 0 &&
           json_integer_value(id) < MAX_ID;
}

static void note_size(json_bpe *b, int32_t id)
{
    if (id >= b->size)
        b->size = id + 1;
}

/* -1: it has none. */
static int32_t vocab_id(const loader *l, const char *token)
{
    const json_t *id = json_object_get(l->vocab, token);
    return id ? (int32_t)json_integer_value(id) : -1;
}

/* Ids of tokens that are single characters are what a word starts from. */
static cbx_status read_vocab(loader *l, json_t *model)
{
    json_bpe *b = l->bpe;
    const char *token;
    json_t *id;
    l->vocab = json_object_get(model, "vocab");
    if (!json_is_object(l->vocab))
        return bad(l, "has no model.vocab");
    if (!pair_new(&b->chars, json_object_size(l->vocab)))
        return no_memory(l);
    json_object_foreach(l->vocab, token, id)
    {
        const size_t n = strlen(token);
        if (!is_id(id))
            return bad(l, "gives a token something that is not an id");
        note_size(b, (int32_t)json_integer_value(id));
        const cbx_codepoint c =
            n ? cbx_utf8_first(token, n) : (cbx_codepoint){0, 0};
        if (n && c.bytes == n)
            *slot_of(&b->chars, (int32_t)c.code, 0) = (pair_slot){
                (int32_t)c.code, 0, 0, (int32_t)json_integer_value(id)};
    }
    return CBX_OK;
}

/* "left right", or ["left", "right"] in newer files. */
static bool split_merge(const json_t *merge, char left[MAX_TOKEN],
                        char right[MAX_TOKEN])
{
    const char *a = json_string_value(json_array_get(merge, 0));
    const char *b = json_string_value(json_array_get(merge, 1));
    size_t n = a ? strlen(a) : 0;
    if (json_is_string(merge)) {
        a = json_string_value(merge);
        b = strchr(a, ' ');
        if (!b || strchr(b + 1, ' '))
            return false;
        n = (size_t)(b++ - a);
    } else if (json_array_size(merge) != 2 || !a || !b) {
        return false;
    }
    if (n >= MAX_TOKEN || strlen(b) >= MAX_TOKEN)
        return false;
    memcpy(left, a, n);
    left[n] = 0;
    memcpy(right, b, strlen(b) + 1);
    return true;
}

static cbx_status read_merge(loader *l, const json_t *merge, int32_t rank)
{
    char left[MAX_TOKEN], right[MAX_TOKEN], joined[2 * MAX_TOKEN];
    if (!split_merge(merge, left, right))
        return cbx_fail(l->err, CBX_E_FORMAT, "%s: merge %d is not two tokens",
                        l->bpe->path, (int)rank + 1);
    snprintf(joined, sizeof joined, "%s%s", left, right);
    const pair_slot m = {vocab_id(l, left), vocab_id(l, right), rank,
                         vocab_id(l, joined)};
    if (m.left < 0 || m.right < 0 || m.id < 0)
        return cbx_fail(l->err, CBX_E_FORMAT,
                        "%s: merge %d uses tokens that the vocabulary does not "
                        "have",
                        l->bpe->path, (int)rank + 1);
    *slot_of(&l->bpe->merges, m.left, m.right) = m;
    return CBX_OK;
}

static cbx_status read_merges(loader *l, json_t *model)
{
    const json_t *merges = json_object_get(model, "merges");
    const size_t n = json_array_size(merges);
    cbx_status st = CBX_OK;
    if (!json_is_array(merges) || n > MAX_ID)
        return bad(l, "has no model.merges");
    if (!pair_new(&l->bpe->merges, n))
        return no_memory(l);
    for (size_t i = 0; i < n && !st; i++)
        st = read_merge(l, json_array_get(merges, i), (int32_t)i);
    return st;
}

/* -- what splits the text -------------------------------------------------- */

/* tokenizers: AddedVocabulary::add_tokens: the vocabulary's id counts; a token
 * that it lacks gets the next one, whatever the file says. */
static int32_t added_id(const loader *l, const char *text)
{
    const int32_t own = vocab_id(l, text);
    int32_t next = (int32_t)json_object_size(l->vocab);
    if (own >= 0)
        return own;
    for (size_t i = 0; i < l->bpe->n_added; i++)
        if (l->bpe->added[i].id >= next)
            next = l->bpe->added[i].id + 1;
    return next;
}

static cbx_status add_token(loader *l, const json_t *token)
{
    json_bpe *b = l->bpe;
    const char *text = json_string_value(json_object_get(token, "content"));
    if (!text || !*text || strlen(text) >= MAX_TOKEN)
        return bad(l, "has an added token without text, or a very long one");
    if (json_is_true(json_object_get(token, "single_word")) ||
        json_is_true(json_object_get(token, "lstrip")) ||
        json_is_true(json_object_get(token, "rstrip")))
        return cbx_fail(l->err, CBX_E_UNSUPPORTED,
                        "%s: the added token '%.64s' strips its surroundings, "
                        "which is not supported",
                        b->path, text);
    json_added *a = &b->added[b->n_added];
    *a = (json_added){.text = strdup(text),
                      .len = strlen(text),
                      .id = added_id(l, text),
                      .normalized =
                          json_is_true(json_object_get(token, "normalized"))};
    if (!a->text)
        return no_memory(l);
    b->n_added++;
    note_size(b, a->id);
    return CBX_OK;
}

static int longest_first(const void *a, const void *b)
{
    const json_added *x = a, *y = b;
    return (x->len < y->len) - (x->len > y->len);
}

static cbx_status read_added(loader *l, const json_t *root)
{
    const json_t *list = json_object_get(root, "added_tokens");
    const size_t n = json_array_size(list);
    cbx_status st = CBX_OK;
    if (n > MAX_ADDED)
        return bad(l, "has too many added tokens");
    if (n && !(l->bpe->added = calloc(n, sizeof *l->bpe->added)))
        return no_memory(l);
    for (size_t i = 0; i < n && !st; i++)
        st = add_token(l, json_array_get(list, i));
    if (n && !st)
        qsort(l->bpe->added, n, sizeof *l->bpe->added, longest_first);
    return st;
}

/* -- options --------------------------------------------------------------- */

static bool is_set(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    if (json_is_string(v))
        return json_string_length(v) > 0;
    if (json_is_number(v))
        return json_number_value(v) > 0;
    return v && !json_is_null(v) && !json_is_false(v);
}

static cbx_status unsupported(const loader *l, const char *what)
{
    return cbx_fail(l->err, CBX_E_UNSUPPORTED,
                    "%s asks for %s, which is not supported", l->bpe->path,
                    what);
}

static cbx_status read_options(loader *l, const json_t *root,
                               const json_t *model)
{
    static const char *const others[] = {"dropout", "continuing_subword_prefix",
                                         "end_of_word_suffix", "byte_fallback",
                                         "ignore_merges"};
    const json_t *cut = json_object_get(root, "pre_tokenizer");
    const char *type = json_string_value(json_object_get(cut, "type"));
    const char *kind = json_string_value(json_object_get(model, "type"));
    const char *unknown =
        json_string_value(json_object_get(model, "unk_token"));
    if (kind && strcmp(kind, "BPE"))
        return unsupported(l, "a model that is not BPE");
    if (is_set(root, "normalizer"))
        return unsupported(l, "a normalizer");
    if (is_set(root, "post_processor"))
        return unsupported(l, "a post-processor");
    if (is_set(root, "pre_tokenizer") && (!type || strcmp(type, "Whitespace")))
        return unsupported(l, "a pre-tokenizer other than Whitespace");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is_set(model, others[i]))
            return unsupported(l, others[i]);
    l->bpe->words = type;
    l->bpe->fuse = is_set(model, "fuse_unk");
    l->bpe->unknown = unknown ? vocab_id(l, unknown) : -1;
    if (unknown && l->bpe->unknown < 0)
        return bad(l, "has an unknown token without id");
    return CBX_OK;
}

/* tokenizer.py: check_vocabset_sot_eot */
static cbx_status check_frame(const loader *l)
{
    if (vocab_id(l, "[START]") < 0 || vocab_id(l, "[STOP]") < 0)
        return bad(l, "has no tokens [START] and [STOP]: it is not a "
                      "tokenizer of this family");
    return CBX_OK;
}

static cbx_status read_root(loader *l, json_t *root)
{
    json_t *model = json_object_get(root, "model");
    cbx_status st = read_vocab(l, model);
    if (!st)
        st = read_merges(l, model);
    if (!st)
        st = read_added(l, root);
    if (!st)
        st = read_options(l, root, model);
    return st ? st : check_frame(l);
}

static cbx_status read_file(loader *l)
{
    file_map map;
    json_error_t why;
    cbx_status st = file_map_open(l->bpe->path, &map, l->err);
    if (st)
        return st;
    json_t *root = map.size <= MAX_FILE
                       ? json_loadb((const char *)map.data, map.size, 0, &why)
                       : NULL;
    file_map_close(&map);
    if (!root)
        return bad(l, "is not valid JSON, or too large");
    st = read_root(l, root);
    json_decref(root);
    return st;
}

cbx_status json_bpe_open(const char *path, json_bpe **out, cbx_error *err)
{
    loader l = {.err = err};
    json_bpe *b = calloc(1, sizeof *b);
    if (b) {
        b->path = strdup(path);
        b->word = malloc(JSON_BPE_MAX_WORD * sizeof *b->word);
    }
    if (!b || !b->path || !b->word) {
        json_bpe_close(b);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the tokenizer %s",
                        path);
    }
    l.bpe = b;
    const cbx_status st = read_file(&l);
    if (st)
        json_bpe_close(b);
    else
        *out = b;
    return st;
}

void json_bpe_close(json_bpe *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n_added; i++)
        free(b->added[i].text);
    free(b->added);
    free(b->chars.slots);
    free(b->merges.slots);
    free(b->word);
    free(b->path);
    free(b);
}

int json_bpe_size(const json_bpe *b)
{
    return b->size;
}
