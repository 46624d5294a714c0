#include "models/checkpoint/safetensors.h"
#include "models/text/kana.h"
#include "models/text/normalize.h"
#include "models/text/tokenizer.h"
#include "models/text/utf8.h"
#include "tests/check.h"

#include <string.h>

/* Usage: test_tokenizer GOLDENS SOURCE */

enum { MAX_IDS = 4096 };

static cbx_error err;

static cbx_tokenizer *open_family(const char *goldens, const char *family)
{
    char path[512];
    cbx_config config;
    cbx_tokenizer *t = NULL;
    snprintf(path, sizeof path, "%s/checkpoints/%s", goldens, family);
    CHECK(!cbx_config_open(path, &config, &err));
    if (cbx_tokenizer_open(path, &config, &t, &err))
        fprintf(stderr, "%s\n", err.text);
    CHECK(t);
    return t;
}

static void equal(const char *text, size_t n, const int32_t *got, size_t n_got,
                  const int32_t *want, size_t n_want)
{
    if (n_got == n_want && !memcmp(got, want, n_got * sizeof *got))
        return;
    fprintf(stderr, "'%.*s' gave", (int)n, text);
    for (size_t i = 0; i < n_got; i++)
        fprintf(stderr, " %d", (int)got[i]);
    fprintf(stderr, "\n");
    exit(1);
}

static size_t encode(cbx_tokenizer *t, const char *text, const char *language,
                     int32_t ids[MAX_IDS])
{
    size_t n = 0;
    if (cbx_tokenizer_encode(t, text, strlen(text), language, ids, MAX_IDS, &n,
                             &err))
        fprintf(stderr, "%s\n", err.text);
    CHECK(n > 0);
    return n;
}

/* The tensor text.N.what, or NULL. */
static const cbx_file_tensor *part(const cbx_tensor_file *f, int i,
                                   const char *what)
{
    char name[32];
    snprintf(name, sizeof name, "text.%d.%s", i, what);
    return cbx_tensor_find(f, name);
}

static void texts_give_the_ids_of_the_goldens(const char *goldens,
                                              const char *family, bool framed)
{
    static int32_t want[MAX_IDS], ids[MAX_IDS];
    char path[512], clean[512], language[8];
    cbx_tensor_file *f;
    cbx_tokenizer *t = open_family(goldens, family);
    int n = 0;
    snprintf(path, sizeof path, "%s/golden_%s.safetensors", goldens, family);
    CHECK(!cbx_safetensors_open(path, &f, NULL));
    for (; part(f, n, "raw"); n++) {
        const cbx_file_tensor *raw = part(f, n, "raw");
        const cbx_file_tensor *norm = part(f, n, "norm");
        const cbx_file_tensor *tag = part(f, n, "lang");
        const cbx_file_tensor *tensor = part(f, n, "ids");
        const char *text = (const char *)raw->data;
        size_t len = 0, count = 0;
        snprintf(language, sizeof language, "%.*s", tag ? (int)tag->bytes : 0,
                 tag ? (const char *)tag->data : "");
        CHECK(norm && tensor && tensor->numel + 2 <= MAX_IDS);
        CHECK(CBX_PUNC_NORM_MAX(raw->bytes) <= sizeof clean);
        CHECK(!cbx_tokenizer_clean(t, text, raw->bytes, clean, sizeof clean,
                                   &len, &err));
        CHECK(len == norm->bytes && !memcmp(clean, norm->data, len));
        CHECK(!cbx_tensor_i32(tensor, want + framed, &err));
        CHECK(!cbx_tokenizer_ids(t, clean, len, language, ids, MAX_IDS, &count,
                                 &err));
        equal(text, raw->bytes, ids, count, want + framed, tensor->numel);
        want[0] = framed ? 255 : want[0];
        want[tensor->numel + 1] = 0;
        CHECK(!cbx_tokenizer_encode(t, text, raw->bytes, language, ids, MAX_IDS,
                                    &count, &err));
        equal(text, raw->bytes, ids, count, want, tensor->numel + 2 * framed);
    }
    CHECK(n >= 5);
    cbx_tensor_file_close(f);
    cbx_tokenizer_close(t);
}

static bool has_kanji(const char *text)
{
    for (size_t at = 0, n = strlen(text); at < n;) {
        const cbx_codepoint c = cbx_utf8_first(text + at, n - at);
        if (c.code >= 0x4E00 && c.code <= 0x9FFF)
            return true;
        at += c.bytes;
    }
    return false;
}

/* languages.tsv: language, text, ids (make_languages.py). */
static void
twenty_sentences_of_each_language_give_the_reference_s_ids(const char *goldens,
                                                           const char *source)
{
    static char line[1 << 16];
    static int32_t want[MAX_IDS], ids[MAX_IDS];
    char path[512], languages[512] = "";
    int sentences = 0;
    cbx_tokenizer *t = open_family(goldens, "multilingual");
    snprintf(path, sizeof path, "%s/tests/text/languages.tsv", source);
    FILE *f = fopen(path, "r");
    CHECK(f);
    for (; fgets(line, sizeof line, f); sentences++) {
        char *rest = line;
        const char *language = strsep(&rest, "\t");
        const char *text = strsep(&rest, "\t");
        size_t n = 0;
        CHECK(rest);
        for (char *number; (number = strsep(&rest, " "));)
            want[n++] = (int32_t)strtol(number, NULL, 10);
        /* made without a library that reads kanji */
        if (!strcmp(language, "ja") && has_kanji(text) && kana_is_there())
            continue;
        equal(text, strlen(text), ids, encode(t, text, language, ids), want, n);
        if (!strstr(languages, language))
            strcat(strcat(languages, language), " ");
    }
    CHECK(sentences >= 23 * 20 && strlen(languages) == 23 * 3);
    fclose(f);
    cbx_tokenizer_close(t);
}

/* kanji.tsv: as languages.tsv, but made with pykakasi. Dictionaries differ, so
 * not every sentence is equal: how many is in docs/TEXT.md. */
static void kanji_are_read_as_the_reference_reads_them(const char *goldens,
                                                       const char *source)
{
    static char line[1 << 16];
    static int32_t want[MAX_IDS], ids[MAX_IDS];
    char path[512];
    int sentences = 0, same = 0;
    if (!kana_is_there()) {
        fprintf(stderr, "libkakasi is not installed: kanji were not read\n");
        return;
    }
    cbx_tokenizer *t = open_family(goldens, "multilingual");
    snprintf(path, sizeof path, "%s/tests/text/kanji.tsv", source);
    FILE *f = fopen(path, "r");
    CHECK(f);
    for (; fgets(line, sizeof line, f); sentences++) {
        char *rest = line;
        const char *language = strsep(&rest, "\t");
        const char *text = strsep(&rest, "\t");
        size_t n = 0;
        CHECK(rest);
        for (char *number; (number = strsep(&rest, " "));)
            want[n++] = (int32_t)strtol(number, NULL, 10);
        const bool equals = encode(t, text, language, ids) == n &&
                            !memcmp(ids, want, n * sizeof *ids);
        same += equals;
        if (!equals)
            fprintf(stderr, "read in another way: %s\n", text);
    }
    fclose(f);
    cbx_tokenizer_close(t);
    fprintf(stderr, "%d of %d sentences with kanji are equal\n", same,
            sentences);
    CHECK(sentences == 30 && same >= 24);
}

/* tokenizer.py: korean_normalize; punc_norm does not strip every kind. */
static void korean_is_stripped_and_other_text_is_not(const char *goldens)
{
    int32_t bare[16], wide[16];
    size_t n, m;
    cbx_tokenizer *t = open_family(goldens, "multilingual");
    CHECK(!cbx_tokenizer_ids(t, "ab", 2, "ko", bare, 16, &n, &err));
    CHECK(!cbx_tokenizer_ids(t, "  ab\x1F ", 6, "ko", wide, 16, &m, &err));
    CHECK(n == m && !memcmp(bare, wide, n * sizeof *bare));
    CHECK(!cbx_tokenizer_ids(t, " ab", 3, "de", wide, 16, &m, &err));
    CHECK(m == n + 1);
    cbx_tokenizer_close(t);
}

static void a_language_may_be_written_in_capitals(const char *goldens)
{
    int32_t small[MAX_IDS], large[MAX_IDS];
    cbx_tokenizer *t = open_family(goldens, "multilingual");
    const size_t n = encode(t, "Guten Tag", "de", small);
    CHECK(n == encode(t, "Guten Tag", "De", large));
    CHECK(!memcmp(small, large, n * sizeof *small));
    /* none: no tag in front */
    CHECK(n == encode(t, "Guten Tag", NULL, large) + 1);
    cbx_tokenizer_close(t);
}

static void a_language_that_the_model_lacks_is_an_error(const char *goldens)
{
    static const char *const wrong[] = {"xx",  "e",  "a d",   " d",
                                        "deu", "d ", "en-US", "r d"};
    int32_t ids[8];
    size_t n = 9;
    cbx_tokenizer *t = open_family(goldens, "multilingual");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(cbx_tokenizer_encode(t, "Hi", 2, wrong[i], ids, 8, &n, &err) ==
              CBX_E_ARG);
        CHECK(strstr(err.text, "multilingual") && strstr(err.text, "sv sw"));
    }
    CHECK(!cbx_tokenizer_check(t, "zh", &err));
    CHECK(!cbx_tokenizer_check(t, "ar", &err));
    cbx_tokenizer_close(t);
    t = open_family(goldens, "original");
    CHECK(cbx_tokenizer_check(t, "de", &err) == CBX_E_ARG);
    CHECK(!cbx_tokenizer_check(t, "EN", &err));
    CHECK(!cbx_tokenizer_check(t, NULL, &err));
    cbx_tokenizer_close(t);
    CHECK(n == 9);
}

static void what_is_not_done_for_a_language_is_said(const char *goldens)
{
    cbx_tokenizer *t = open_family(goldens, "multilingual");
    CHECK(kana_is_there() || strstr(cbx_tokenizer_notice(t, "ja"), "kanji"));
    CHECK(strstr(cbx_tokenizer_notice(t, "ZH"), "words"));
    CHECK(strstr(cbx_tokenizer_notice(t, "he"), "vowel"));
    CHECK(strstr(cbx_tokenizer_notice(t, "ru"), "stress"));
    CHECK(!cbx_tokenizer_notice(t, "de") && !cbx_tokenizer_notice(t, NULL));
    cbx_tokenizer_close(t);
}

static void too_few_places_are_a_limit(const char *goldens, const char *family)
{
    static int32_t ids[MAX_IDS];
    static const char text[] = "Well, I have never seen that.";
    cbx_tokenizer *t = open_family(goldens, family);
    const size_t n = encode(t, text, NULL, ids);
    size_t count = 0;
    ids[n - 1] = ids[n] = -5;
    CHECK(cbx_tokenizer_encode(t, text, strlen(text), NULL, ids, n - 1, &count,
                               &err) == CBX_E_LIMIT);
    CHECK(ids[n - 1] == -5 && !count);
    CHECK(!cbx_tokenizer_encode(t, text, strlen(text), NULL, ids, n, &count,
                                &err));
    CHECK(count == n && ids[n] == -5 && ids[n - 1] != -5);
    for (size_t i = 0; i < n; i++)
        CHECK(ids[i] >= 0 && ids[i] < cbx_tokenizer_size(t));
    CHECK(cbx_tokenizer_encode(t, text, strlen(text), NULL, ids, 0, &count,
                               &err) != CBX_OK);
    cbx_tokenizer_close(t);
}

/* The longest of all at every step: what it becomes must fit, or be refused.
 */
static void text_of_any_length_is_encoded_or_refused(const char *goldens,
                                                     const char *family)
{
    static const char *const pieces[] = {";",      " ",      "a",
                                         "\u0130", "\uFDFA", "\u65E5",
                                         "\u337F", "\xFF",   "\u1F82"};
    static char text[CBX_TOKENIZER_MAX_TEXT + 1];
    static int32_t ids[1 << 19];
    cbx_tokenizer *t = open_family(goldens, family);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const size_t len = strlen(pieces[i]);
        size_t n = 0, count = 0;
        for (; n + len <= CBX_TOKENIZER_MAX_TEXT; n += len)
            memcpy(text + n, pieces[i], len);
        const bool zh = !strcmp(family, "multilingual");
        const cbx_status st =
            cbx_tokenizer_encode(t, text, n, zh ? "zh" : NULL, ids,
                                 sizeof ids / sizeof *ids, &count, &err);
        CHECK(!st || st == CBX_E_LIMIT);
        CHECK(st ? !count : count > 0);
    }
    size_t count = 0;
    memset(text, 'a', sizeof text);
    CHECK(cbx_tokenizer_encode(t, text, sizeof text, NULL, ids, 1 << 19, &count,
                               &err) == CBX_E_LIMIT);
    cbx_tokenizer_close(t);
}

static void a_folder_without_tokenizer_is_named(const char *goldens)
{
    cbx_config config;
    cbx_tokenizer *t = NULL;
    cbx_config_init(&config, CBX_FAMILY_ORIGINAL);
    CHECK(cbx_tokenizer_open(goldens, &config, &t, &err) == CBX_E_FILE);
    CHECK(!t && strstr(err.text, "tokenizer.json"));
    cbx_config_init(&config, CBX_FAMILY_MULTILINGUAL);
    CHECK(cbx_tokenizer_open(goldens, &config, &t, &err) == CBX_E_FILE);
    CHECK(!t && strstr(err.text, "grapheme_mtl"));
}

int main(int argc, char **argv)
{
    static const char *const families[] = {"original", "multilingual", "turbo",
                                           "nano"};
    CHECK(argc > 2);
    for (int i = 0; i < 4; i++) {
        texts_give_the_ids_of_the_goldens(argv[1], families[i], i < 2);
        too_few_places_are_a_limit(argv[1], families[i]);
        text_of_any_length_is_encoded_or_refused(argv[1], families[i]);
    }
    twenty_sentences_of_each_language_give_the_reference_s_ids(argv[1],
                                                               argv[2]);
    korean_is_stripped_and_other_text_is_not(argv[1]);
    kanji_are_read_as_the_reference_reads_them(argv[1], argv[2]);
    a_language_may_be_written_in_capitals(argv[1]);
    a_language_that_the_model_lacks_is_an_error(argv[1]);
    what_is_not_done_for_a_language_is_said(argv[1]);
    a_folder_without_tokenizer_is_named(argv[1]);
    return 0;
}
