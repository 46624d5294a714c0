#include "models/text/cangjie.h"
#include "models/text/json_bpe.h"
#include "tests/check.h"

#include <string.h>
#include <unistd.h>

/* Small tokenizers, written by the test. What they should give was made with
 * Hugging Face's tokenizers 0.22 from the same files. */

static char path[] = "json-bpe-XXXXXX";
static cbx_error err;

static void write_file(const char *text)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

#define FRAME "\"[STOP]\":0,\"[UNK]\":1,\"[SPACE]\":2,\"[START]\":3"
#define WORDS "\"pre_tokenizer\":{\"type\":\"Whitespace\"},"
#define SPACE "{\"id\":2,\"content\":\"[SPACE]\"}"

/* vocab, merges, added: what stands between their brackets. */
static void write_bpe(const char *options, const char *vocab,
                      const char *merges, const char *added)
{
    char text[4096];
    snprintf(text, sizeof text,
             "{%s\"added_tokens\":[%s],\"model\":{\"type\":\"BPE\","
             "\"unk_token\":\"[UNK]\",\"vocab\":{" FRAME
             "%s},\"merges\":[%s]}}",
             options, added, vocab, merges);
    write_file(text);
}

static void expect(const char *text, const int32_t *want, size_t n)
{
    json_bpe *b = NULL;
    int32_t ids[64];
    size_t got = 0;
    if (json_bpe_open(path, &b, &err))
        fprintf(stderr, "%s\n", err.text);
    CHECK(b);
    CHECK(!json_bpe_encode(b, text, strlen(text), ids, 64, &got, &err));
    if (got != n || memcmp(ids, want, n * sizeof *ids)) {
        fprintf(stderr, "'%s' gave", text);
        for (size_t i = 0; i < got; i++)
            fprintf(stderr, " %d", (int)ids[i]);
        fprintf(stderr, "\n");
        exit(1);
    }
    json_bpe_close(b);
}

#define EXPECT(text, ...)                               \
    do {                                                \
        const int32_t want[] = {__VA_ARGS__};           \
        expect(text, want, sizeof want / sizeof *want); \
    } while (0)

#define ABC ",\"a\":4,\"b\":5,\"c\":6,\"ab\":7,\"bc\":8,\"abc\":9,\"aab\":10"

static void the_lowest_rank_goes_first_and_of_those_the_leftmost(void)
{
    write_bpe(WORDS, ABC, "\"b c\",\"a b\",[\"ab\",\"c\"]", "");
    EXPECT("abc", 4, 8);
    EXPECT("abab", 7, 7);
    write_bpe(WORDS, ABC, "\"a b\",\"ab c\",\"b c\"", "");
    EXPECT("abcbc", 9, 8);
    write_bpe(WORDS, ",\"a\":4,\"aa\":5", "\"a a\"", "");
    EXPECT("aaa", 5, 4);
    /* "a ab" outranks what made "ab": the second "a b" must wait for it */
    write_bpe(WORDS, ABC, "\"a ab\",\"a b\"", "");
    EXPECT("aabab", 10, 7);
}

static void words_are_cut_at_white_space_and_punctuation(void)
{
    write_bpe(WORDS, ABC ",\"-\":11,\"--\":12,\"a-\":13",
              "\"a b\",\"- -\",\"a -\"", SPACE);
    EXPECT("a b", 4, 5);
    EXPECT("a--b", 4, 12, 5);
    EXPECT("a[SPACE]b\u3000ab", 4, 2, 5, 7);
    /* digits, marks and connectors belong to words; currency signs do not */
    write_bpe(WORDS,
              ",\"a\":4,\"1\":5,\"\u0301\":6,\"_\":7,\"$\":8,\"a1\":9,"
              "\"a\u0301\":10,\"a_\":11,\"a$\":12,\"\u2163\":13,"
              "\"a\u2163\":14",
              "\"a 1\",\"a \u0301\",\"a _\",\"a $\",\"a \u2163\"", "");
    EXPECT("a1 a\u0301 a_ a$ a\u2163", 9, 10, 11, 4, 8, 14);
    write_bpe("", ABC ",\"-\":11,\"--\":12,\"a-\":13",
              "\"a b\",\"- -\",\"a -\"", "");
    EXPECT("a-b", 13, 5);
    EXPECT("a b", 4, 1, 5);
}

static void each_unknown_character_is_one_token(void)
{
    write_bpe(WORDS, ABC, "", "");
    EXPECT("x\u00e9a\U0001F600", 1, 1, 4, 1);
    EXPECT("[SPACE]", 1, 1, 1, 1, 1, 1, 1);
}

static void the_longest_added_token_wins_and_normalized_ones_come_last(void)
{
    write_bpe(WORDS, ABC, "",
              "{\"content\":\"ab\"},{\"content\":\"abc\"},"
              "{\"content\":\"bcc\",\"normalized\":false},"
              "{\"content\":\"ca\",\"normalized\":true}");
    EXPECT("abcc", 9, 6);
    /* "ca" begins further left, but is looked for in what "ab" leaves */
    EXPECT("cab", 6, 7);
    /* not in the vocabulary: the next id, whatever the file says */
    EXPECT("cca", 6, 12);
}

static void every_damaged_file_is_named(void)
{
    static const struct {
        const char *text, *part;
        cbx_status status;
    } cases[] = {
        {"", "empty", CBX_E_FORMAT},
        {"{", "not valid JSON", CBX_E_FORMAT},
        {"[]", "no model.vocab", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":[]}}", "no model.vocab", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":-1}}}", "not an id", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":1e9}}}", "not an id", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":99999999}}}", "not an id", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{}}}", "no model.merges", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":1},\"merges\":[\"a\"]}}",
         "merge 1 is not two", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":1},\"merges\":[\"a a a\"]}}",
         "merge 1 is not two", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":1},\"merges\":[[\"a\"]]}}",
         "merge 1 is not two", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":1},\"merges\":[7]}}",
         "merge 1 is not two", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{\"a\":1},\"merges\":[\"a a\"]}}",
         "merge 1 uses tokens", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{},\"merges\":[]},\"added_tokens\":[{}]}",
         "added token without text", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{},\"merges\":[]},\"added_tokens\":"
         "[{\"content\":\"x\",\"lstrip\":true}]}",
         "strips its surroundings", CBX_E_UNSUPPORTED},
        {"{\"model\":{\"vocab\":{},\"merges\":[],\"unk_token\":\"u\"}}",
         "unknown token without id", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{},\"merges\":[]}}", "[START]", CBX_E_FORMAT},
        {"{\"model\":{\"vocab\":{},\"merges\":[],\"type\":\"Unigram\"}}",
         "not BPE", CBX_E_UNSUPPORTED},
        {"{\"model\":{\"vocab\":{},\"merges\":[],\"dropout\":0.1}}", "dropout",
         CBX_E_UNSUPPORTED},
        {"{\"model\":{\"vocab\":{},\"merges\":[]},\"normalizer\":{}}",
         "a normalizer", CBX_E_UNSUPPORTED},
        {"{\"model\":{\"vocab\":{},\"merges\":[]},\"post_processor\":{}}",
         "a post-processor", CBX_E_UNSUPPORTED},
        {"{\"model\":{\"vocab\":{},\"merges\":[]},\"pre_tokenizer\":"
         "{\"type\":\"ByteLevel\"}}",
         "other than Whitespace", CBX_E_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_bpe *b = NULL;
        write_file(cases[i].text);
        const cbx_status st = json_bpe_open(path, &b, &err);
        if (st != cases[i].status || !strstr(err.text, cases[i].part) || b) {
            fprintf(stderr, "%zu: %s\nexpected: %s\n", i, err.text,
                    cases[i].part);
            exit(1);
        }
        CHECK(strstr(err.text, path));
    }
}

static void long_words_and_many_tokens_are_limits(void)
{
    static char text[JSON_BPE_MAX_WORD + 1];
    static int32_t ids[JSON_BPE_MAX_WORD + 1];
    json_bpe *b;
    size_t n = 7;
    write_bpe(WORDS, ABC, "", "");
    CHECK(!json_bpe_open(path, &b, &err));
    memset(text, 'a', sizeof text);
    CHECK(json_bpe_encode(b, text, sizeof text, ids, sizeof text, &n, &err) ==
          CBX_E_LIMIT);
    CHECK(json_bpe_encode(b, text, 5, ids, 4, &n, &err) == CBX_E_LIMIT);
    CHECK(n == 7);
    CHECK(!json_bpe_encode(b, text, JSON_BPE_MAX_WORD, ids, JSON_BPE_MAX_WORD,
                           &n, &err));
    CHECK(n == JSON_BPE_MAX_WORD);
    json_bpe_close(b);
}

/* -- Cangjie --------------------------------------------------------------- */

static void expect_code(const cangjie *c, uint32_t glyph, const char *want)
{
    char code[CANGJIE_MAX_CODE + 1];
    const size_t n = cangjie_code(c, glyph, code);
    if (strcmp(code, want))
        fprintf(stderr, "U+%04X gave %s\n", (unsigned)glyph, code);
    CHECK(n == strlen(want) && !strcmp(code, want));
}

static void glyphs_of_one_code_are_numbered(void)
{
    static const char *const files[] = {
        "[\"\u65e5\\ta\",\"\u66f0\\ta\",\"\u6c49\u5b57\\ta\",\"\u6708\\tb\","
        "\"\u65e5\\tb\",\"\u6c11\\ta\"]",
        "\u65e5\ta\r\n\u66f0\ta\tx\n\n\u6c49\u5b57\ta\n\u6708\tb\n\u65e5\tb\n"
        "\u6c11\ta"};
    for (int i = 0; i < 2; i++) {
        cangjie *c;
        write_file(files[i]);
        CHECK(!cangjie_open(path, &c, &err));
        expect_code(c, 0x66f0, "a1");
        expect_code(c, 0x6c11, "a3"); /* a word counts, too */
        expect_code(c, 0x6708, "b");
        expect_code(c, 0x65e5, "b1"); /* its last code */
        expect_code(c, 0x6c49, "");
        expect_code(c, 'a', "");
        cangjie_close(c);
    }
}

static void a_damaged_table_is_named(void)
{
    static const char *const bad[] = {
        "[",          "[1]",   "[\"a\"]",      "[\"\\ta\"]",
        "[\"a\\t\"]", "a b\n", "a\tabcdefgh\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cangjie *c = NULL;
        write_file(bad[i]);
        CHECK(cangjie_open(path, &c, &err) == CBX_E_FORMAT && !c);
        CHECK(strstr(err.text, path));
    }
}

int main(void)
{
    const int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
    the_lowest_rank_goes_first_and_of_those_the_leftmost();
    words_are_cut_at_white_space_and_punctuation();
    each_unknown_character_is_one_token();
    the_longest_added_token_wins_and_normalized_ones_come_last();
    every_damaged_file_is_named();
    long_words_and_many_tokens_are_limits();
    glyphs_of_one_code_are_numbered();
    a_damaged_table_is_named();
    CHECK(unlink(path) == 0);
    return 0;
}
