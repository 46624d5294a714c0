#include "models/text/tokenizer.h"

#include "models/text/bpe.h"
#include "models/text/json_bpe.h"
#include "models/text/mtl.h"
#include "models/text/normalize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLEAN_BYTES = CBX_PUNC_NORM_MAX(CBX_TOKENIZER_MAX_TEXT) };

/* A space becomes "[SPACE]". */
enum { SPACED_BYTES = 7 * CLEAN_BYTES };

struct cbx_tokenizer {
    cbx_family family;
    int start, stop; /* around the ids; -1: none */
    /* turbo, nano */
    cbx_bpe *bpe;
    int32_t *ids; /* [CLEAN_BYTES] */
    /* original, multilingual */
    json_bpe *json;
    mtl *mtl;     /* multilingual */
    char *spaced; /* original, [SPACED_BYTES] */
    char *clean;  /* [CLEAN_BYTES] */
};

/* -- opening --------------------------------------------------------------- */

static cbx_status path_in(const char *folder, const char *name, char out[4096],
                          cbx_error *err)
{
    if (snprintf(out, 4096, "%s/%s", folder, name) >= 4096)
        return cbx_fail(err, CBX_E_FILE, "the path of %s is too long", name);
    return CBX_OK;
}

static cbx_status open_json(cbx_tokenizer *t, const char *folder,
                            const char *name, cbx_error *err)
{
    char path[4096];
    const cbx_status st = path_in(folder, name, path, err);
    return st ? st : json_bpe_open(path, &t->json, err);
}

/* Without the table Chinese is spoken as the reference then speaks it, and
 * cbx_tokenizer_notice says so. */
static cbx_status open_mtl(cbx_tokenizer *t, const char *folder, cbx_error *err)
{
    static const char *const names[] = {"Cangjie5_TC.json", "Cangjie5_TC.tsv"};
    cangjie *table = NULL;
    cbx_status st =
        open_json(t, folder, "grapheme_mtl_merged_expanded_v1.json", err);
    for (int i = 0; i < 2 && !st && !table; i++) {
        char path[4096];
        st = path_in(folder, names[i], path, err);
        if (!st && access(path, F_OK) == 0)
            st = cangjie_open(path, &table, err);
    }
    return st ? st : mtl_open(table, &t->mtl, err);
}

static cbx_status open_parts(cbx_tokenizer *t, const char *folder,
                             cbx_error *err)
{
    t->clean = malloc(CLEAN_BYTES);
    if (!t->clean)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the tokenizer");
    switch (t->family) {
    case CBX_FAMILY_MULTILINGUAL:
        return open_mtl(t, folder, err);
    case CBX_FAMILY_ORIGINAL:
        t->spaced = malloc(SPACED_BYTES);
        if (!t->spaced)
            return cbx_fail(err, CBX_E_NOMEM, "no memory for the tokenizer");
        return open_json(t, folder, "tokenizer.json", err);
    default:
        t->ids = malloc(CLEAN_BYTES * sizeof *t->ids);
        if (!t->ids)
            return cbx_fail(err, CBX_E_NOMEM, "no memory for the tokenizer");
        return cbx_bpe_open(folder, &t->bpe, err);
    }
}

cbx_status cbx_tokenizer_open(const char *folder, const cbx_config *config,
                              cbx_tokenizer **out, cbx_error *err)
{
    cbx_tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the tokenizer");
    t->family = config->family;
    t->start = config->t3.start_text;
    t->stop = config->t3.stop_text;
    const cbx_status st = open_parts(t, folder, err);
    if (st)
        cbx_tokenizer_close(t);
    else
        *out = t;
    return st;
}

void cbx_tokenizer_close(cbx_tokenizer *t)
{
    if (!t)
        return;
    cbx_bpe_close(t->bpe);
    json_bpe_close(t->json);
    mtl_close(t->mtl);
    free(t->ids);
    free(t->spaced);
    free(t->clean);
    free(t);
}

int cbx_tokenizer_size(const cbx_tokenizer *t)
{
    int size = t->bpe ? cbx_bpe_size(t->bpe) : json_bpe_size(t->json);
    if (t->start >= size)
        size = t->start + 1;
    return t->stop >= size ? t->stop + 1 : size;
}

/* -- languages ------------------------------------------------------------- */

/* ASCII lower case; "" for NULL, and for what is too long to be one. */
static void lower(const char *language, char out[4])
{
    size_t n = language ? strlen(language) : 0;
    if (n > 3)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = language[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[n] = 0;
}

cbx_status cbx_tokenizer_check(const cbx_tokenizer *t, const char *language,
                               cbx_error *err)
{
    char code[4];
    if (!language || !language[0])
        return CBX_OK;
    lower(language, code);
    if (t->mtl ? mtl_speaks(code) : !strcmp(code, "en"))
        return CBX_OK;
    return cbx_fail(
        err, CBX_E_ARG, "the language '%.16s' is not one of the %s model's: %s",
        language, cbx_family_name(t->family), t->mtl ? mtl_languages() : "en");
}

const char *cbx_tokenizer_notice(const cbx_tokenizer *t, const char *language)
{
    char code[4];
    lower(language, code);
    return t->mtl ? mtl_notice(t->mtl, code) : NULL;
}

/* -- encoding -------------------------------------------------------------- */

cbx_status cbx_tokenizer_clean(const cbx_tokenizer *t, const char *text,
                               size_t n, char *out, size_t cap, size_t *len,
                               cbx_error *err)
{
    switch (t->family) {
    case CBX_FAMILY_ORIGINAL:
        return cbx_punc_norm_original(text, n, out, cap, len, err);
    case CBX_FAMILY_MULTILINGUAL:
        return cbx_punc_norm_multilingual(text, n, out, cap, len, err);
    default:
        return cbx_punc_norm_turbo(text, n, out, cap, len, err);
    }
}

/* tokenizer.py: EnTokenizer.encode */
static cbx_status ids_original(cbx_tokenizer *t, const char *text, size_t n,
                               int32_t *ids, size_t cap, size_t *count,
                               cbx_error *err)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ' ') {
            memcpy(t->spaced + len, "[SPACE]", 7);
            len += 7;
        } else {
            t->spaced[len++] = text[i];
        }
    }
    return json_bpe_encode(t->json, t->spaced, len, ids, cap, count, err);
}

/* There may be fewer places than bytes, which the tokenizer would ask for. */
static cbx_status ids_turbo(cbx_tokenizer *t, const char *text, size_t n,
                            int32_t *ids, size_t cap, size_t *count,
                            cbx_error *err)
{
    size_t got;
    const cbx_status st =
        cbx_bpe_encode(t->bpe, text, n, t->ids, CLEAN_BYTES, &got, err);
    if (st)
        return st;
    if (got > cap)
        return cbx_fail(err, CBX_E_LIMIT,
                        "the text has more than %zu tokens: split it", cap);
    memcpy(ids, t->ids, got * sizeof *ids);
    *count = got;
    return CBX_OK;
}

cbx_status cbx_tokenizer_ids(cbx_tokenizer *t, const char *text, size_t n,
                             const char *language, int32_t *ids, size_t cap,
                             size_t *count, cbx_error *err)
{
    char code[4];
    cbx_status st = cbx_tokenizer_check(t, language, err);
    if (st)
        return st;
    if (n > CLEAN_BYTES)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a text of %zu bytes is too long to tokenise at once",
                        n);
    if (t->bpe)
        return ids_turbo(t, text, n, ids, cap, count, err);
    if (!t->mtl)
        return ids_original(t, text, n, ids, cap, count, err);
    lower(language, code);
    if ((st = mtl_prepare(t->mtl, text, n, code, &text, &n, err)))
        return st;
    return json_bpe_encode(t->json, text, n, ids, cap, count, err);
}

cbx_status cbx_tokenizer_encode(cbx_tokenizer *t, const char *text, size_t n,
                                const char *language, int32_t *ids, size_t cap,
                                size_t *count, cbx_error *err)
{
    const size_t before = t->start >= 0, behind = t->stop >= 0;
    size_t len, got;
    cbx_status st;
    if (n > CBX_TOKENIZER_MAX_TEXT)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a text of %zu bytes is too long to tokenise at once: "
                        "at most %d",
                        n, CBX_TOKENIZER_MAX_TEXT);
    if (cap < before + behind)
        return cbx_fail(err, CBX_E_ARG, "%zu places are too few for any text",
                        cap);
    if ((st =
             cbx_tokenizer_clean(t, text, n, t->clean, CLEAN_BYTES, &len, err)))
        return st;
    if ((st = cbx_tokenizer_ids(t, t->clean, len, language, ids + before,
                                cap - before - behind, &got, err)))
        return st;
    if (before)
        ids[0] = t->start;
    if (behind)
        ids[before + got] = t->stop;
    *count = before + got + behind;
    return CBX_OK;
}
