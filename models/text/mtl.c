#include "models/text/mtl.h"

#include "models/text/kana.h"
#include "models/text/lower.h"
#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Lower case may double them. */
enum { MAX_CODES = MTL_MAX_BYTES / 4 };

struct mtl {
    cangjie *table;
    uint32_t *codes;      /* [MAX_CODES] */
    uint32_t *lower;      /* [2 * MAX_CODES] */
    utf8proc_int32_t *kd; /* [MAX_CODES] decomposed */
    char *text;           /* [MTL_MAX_BYTES] */
    size_t len;
};

/* mtl_tts.py: SUPPORTED_LANGUAGES */
static const char languages[] =
    "ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh";

const char *mtl_languages(void)
{
    return languages;
}

bool mtl_speaks(const char *language)
{
    /* two letters without a space between them: a whole word */
    return strlen(language) == 2 && !strchr(language, ' ') &&
           strstr(languages, language);
}

const char *mtl_notice(const mtl *m, const char *language)
{
    if (!strcmp(language, "zh"))
        return m->table ? "Chinese is not cut into words before it is spoken"
                        : "Chinese characters cannot be spoken without the "
                          "model's Cangjie5_TC.json";
    if (!strcmp(language, "ja"))
        return kana_is_there()
                   ? NULL
                   : "Japanese kanji are not turned into kana: install "
                     "libkakasi2 and kakasi-dic, or write kana";
    if (!strcmp(language, "he"))
        return "Hebrew is spoken without added vowel points";
    if (!strcmp(language, "ru"))
        return "Russian is spoken without added stress marks";
    return NULL;
}

cbx_status mtl_open(cangjie *table, mtl **out, cbx_error *err)
{
    mtl *m = calloc(1, sizeof *m);
    if (m) {
        m->table = table;
        m->codes = malloc(MAX_CODES * sizeof *m->codes);
        m->lower = malloc(2 * MAX_CODES * sizeof *m->lower);
        m->kd = malloc(MAX_CODES * sizeof *m->kd);
        m->text = malloc(MTL_MAX_BYTES);
    } else {
        cangjie_close(table);
    }
    if (!m || !m->codes || !m->lower || !m->kd || !m->text) {
        mtl_close(m);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the tokenizer");
    }
    *out = m;
    return CBX_OK;
}

void mtl_close(mtl *m)
{
    if (!m)
        return;
    cangjie_close(m->table);
    free(m->codes);
    free(m->lower);
    free(m->kd);
    free(m->text);
    free(m);
}

static cbx_status too_long(cbx_error *err)
{
    return cbx_fail(err, CBX_E_LIMIT,
                    "the text is too long to tokenise at once: split it");
}

static bool put(mtl *m, const char *text, size_t n)
{
    if (n > MTL_MAX_BYTES - m->len)
        return false;
    memcpy(m->text + m->len, text, n);
    m->len += n;
    return true;
}

static bool put_code(mtl *m, uint32_t code)
{
    char bytes[4];
    return put(m, bytes, (size_t)cbx_utf8_encode(code, bytes));
}

/* NFKD of m->text: *n code points to m->kd. */
static cbx_status decompose_text(mtl *m, size_t *n, cbx_error *err)
{
    const utf8proc_ssize_t got = utf8proc_decompose(
        (const utf8proc_uint8_t *)m->text, (utf8proc_ssize_t)m->len, m->kd,
        MAX_CODES, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    if (got > MAX_CODES)
        return too_long(err);
    if (got < 0)
        return cbx_fail(err, CBX_E_TEXT, "the text cannot be decomposed: %s",
                        utf8proc_errmsg(got));
    *n = (size_t)got;
    return CBX_OK;
}

/* tokenizer.py: preprocess_text: lower(), then NFKD. *n code points to m->kd.
 */
static cbx_status decompose(mtl *m, const char *text, size_t bytes, size_t *n,
                            cbx_error *err)
{
    size_t count = 0;
    for (size_t at = 0; at < bytes; count++) {
        const cbx_codepoint c = cbx_utf8_first(text + at, bytes - at);
        if (count == MAX_CODES)
            return too_long(err);
        m->codes[count] = c.code;
        at += c.bytes;
    }
    count = text_lower(m->codes, count, m->lower);
    m->len = 0;
    for (size_t i = 0; i < count; i++)
        if (!put_code(m, m->lower[i]))
            return too_long(err);
    return decompose_text(m, n, err);
}

/* tokenizer.py: korean_normalize. NFKD has taken every syllable apart already;
 * what is left in the block is taken apart by the same rule, and the text
 * stripped. */
static bool put_korean(mtl *m, uint32_t code)
{
    if (code < 0xAC00 || code > 0xD7AF)
        return put_code(m, code);
    const uint32_t i = code - 0xAC00;
    return put_code(m, 0x1100 + i / (21 * 28)) &&
           put_code(m, 0x1161 + i % (21 * 28) / 28) &&
           (i % 28 == 0 || put_code(m, 0x11A7 + i % 28));
}

/* tokenizer.py: ChineseCangjieConverter.__call__ */
static bool put_chinese(mtl *m, uint32_t code)
{
    char letters[CANGJIE_MAX_CODE + 1];
    const bool other =
        utf8proc_category((utf8proc_int32_t)code) != UTF8PROC_CATEGORY_LO;
    const size_t n =
        other || !m->table ? 0 : cangjie_code(m->table, code, letters);
    if (!n)
        return put_code(m, code);
    for (size_t i = 0; i < n; i++) {
        char token[] = "[cj_x]";
        token[4] = letters[i];
        if (!put(m, token, sizeof token - 1))
            return false;
    }
    return put(m, "[cj_.]", 6);
}

static bool put_plain(mtl *m, uint32_t code)
{
    return put_code(m, code);
}

/* tokenizer.py: hiragana_normalize, on n code points in m->kd: composed,
 * through the dictionary, decomposed again. Without the library they stay. */
static cbx_status read_kanji(mtl *m, size_t *n, cbx_error *err)
{
    if (!kana_is_there())
        return CBX_OK;
    for (size_t i = 0; i < *n; i++)
        m->lower[i] = (uint32_t)m->kd[i];
    const utf8proc_ssize_t composed = utf8proc_normalize_utf32(
        (utf8proc_int32_t *)m->lower, (utf8proc_ssize_t)*n,
        UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (composed < 0)
        return cbx_fail(err, CBX_E_TEXT, "the text cannot be composed: %s",
                        utf8proc_errmsg(composed));
    const size_t got =
        kana_convert(m->lower, (size_t)composed, m->codes, MAX_CODES);
    if (!got && composed)
        return too_long(err);
    m->len = 0;
    for (size_t i = 0; i < got; i++)
        if (!put_code(m, m->codes[i]))
            return too_long(err);
    return decompose_text(m, n, err);
}

/* str.strip(): white space and the four separators. */
static bool is_space(utf8proc_int32_t code)
{
    return cbx_is_space((uint32_t)code) || (code >= 0x1C && code <= 0x1F);
}

cbx_status mtl_prepare(mtl *m, const char *text, size_t n, const char *language,
                       const char **out, size_t *len, cbx_error *err)
{
    bool (*step)(mtl *, uint32_t) = put_plain;
    size_t from = 0, to = 0;
    const cbx_status st = decompose(m, text, n, &to, err);
    if (st)
        return st;
    if (!strcmp(language, "zh"))
        step = put_chinese;
    if (!strcmp(language, "ja")) {
        const cbx_status kana = read_kanji(m, &to, err);
        if (kana)
            return kana;
    }
    if (!strcmp(language, "ko")) {
        step = put_korean;
        while (from < to && is_space(m->kd[from]))
            from++;
        while (to > from && is_space(m->kd[to - 1]))
            to--;
    }
    m->len = 0;
    bool fits =
        !language[0] || (put(m, "[", 1) && put(m, language, strlen(language)) &&
                         put(m, "]", 1));
    for (size_t i = from; i < to && fits; i++)
        fits = m->kd[i] == ' ' ? put(m, "[SPACE]", 7)
                               : step(m, (uint32_t)m->kd[i]);
    if (!fits)
        return too_long(err);
    *out = m->text;
    *len = m->len;
    return CBX_OK;
}
