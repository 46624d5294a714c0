#include "models/checkpoint/safetensors.h"
#include "models/text/bpe.h"
#include "tests/check.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cbx_bpe *open_folder(const char *base, const char *folder)
{
    char path[512];
    cbx_bpe *b = NULL;
    cbx_error err = {.text = ""};
    snprintf(path, sizeof path, "%s/%s", base, folder);
    if (cbx_bpe_open(path, &b, &err))
        fprintf(stderr, "%s\n", err.text);
    CHECK(b);
    return b;
}

static void expect(const cbx_bpe *b, const char *text, size_t n,
                   const int32_t *want, size_t count)
{
    int32_t ids[1024];
    size_t got = 0;
    CHECK(!cbx_bpe_encode(b, text, n, ids, n, &got, NULL));
    if (got == count && (!got || !memcmp(ids, want, got * sizeof *ids)))
        return;
    fprintf(stderr, "'%.*s' gave", (int)n, text);
    for (size_t i = 0; i < got; i++)
        fprintf(stderr, " %d", (int)ids[i]);
    fprintf(stderr, "\n");
    exit(1);
}

static void ids_equal_the_goldens(const char *goldens, const char *family)
{
    char path[512], name[32];
    cbx_tensor_file *f;
    int n = 0;
    snprintf(path, sizeof path, "checkpoints/%s", family);
    cbx_bpe *b = open_folder(goldens, path);
    snprintf(path, sizeof path, "%s/golden_%s.safetensors", goldens, family);
    CHECK(!cbx_safetensors_open(path, &f, NULL));
    for (;; n++) {
        snprintf(name, sizeof name, "text.%d.norm", n);
        const cbx_file_tensor *text = cbx_tensor_find(f, name);
        snprintf(name, sizeof name, "text.%d.ids", n);
        const cbx_file_tensor *ids = cbx_tensor_find(f, name);
        int32_t want[1024];
        if (!text)
            break;
        CHECK(ids && ids->numel <= 1024 && !cbx_tensor_i32(ids, want, NULL));
        expect(b, (const char *)text->data, text->bytes, want, ids->numel);
    }
    CHECK(n >= 5);
    CHECK(cbx_bpe_size(b) == 565);
    cbx_tensor_file_close(f);
    cbx_bpe_close(b);
}

/* Made with Hugging Face's tokenizers 0.23 from the same files. */
static void spaces_digits_and_tags_are_cut_as_gpt2_does(const char *goldens)
{
    static const struct {
        const char *text;
        size_t n;
        int32_t ids[24];
    } cases[] = {
        {"", 0, {0}},
        {" ", 1, {220}},
        {"  a", 2, {220, 259}},
        {"a  \n b ", 6, {64, 220, 220, 198, 266, 220}},
        {"I'll we've 'tis don'T",
         15,
         {40, 6, 280, 264, 68, 6, 309, 220, 6, 83, 279, 285, 267, 6, 51}},
        {"x1234 ½Ⅷ² 5th",
         16,
         {87, 16, 17, 18, 19, 220, 126, 121, 158, 227, 100, 126, 110, 220, 20,
          256}},
        {"a\u3000b\u00a0 c", 8, {64, 159, 222, 222, 65, 126, 254, 269}},
        {"[laugh [laugh]<|endoftext|>[sigh]  ",
         10,
         {58, 75, 299, 282, 220, 564, 545, 557, 220, 220}},
        {"über 日本 😀!!",
         17,
         {127, 120, 357, 220, 162, 245, 98, 162, 250, 105, 220, 172, 253, 246,
          222, 0, 0}},
        {"the the\tthe", 4, {320, 275, 197, 320}},
    };
    cbx_bpe *b = open_folder(goldens, "checkpoints/turbo");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(b, cases[i].text, strlen(cases[i].text), cases[i].ids,
               cases[i].n);
    cbx_bpe_close(b);
}

static void without_merges_every_byte_is_a_token(const char *source)
{
    cbx_bpe *b = open_folder(source, "presets/models/builtin");
    const int32_t abc[] = {32, 65, 220, 127, 102}, end[] = {256};
    expect(b, "Ab é", 5, abc, 5);
    expect(b, "<|endoftext|>", 13, end, 1);
    CHECK(cbx_bpe_size(b) == 257);
    cbx_bpe_close(b);
}

static void too_much_text_and_too_few_places_are_refused(const char *source)
{
    static char text[CBX_BPE_MAX_TEXT + 1];
    static int32_t ids[CBX_BPE_MAX_TEXT + 1];
    cbx_bpe *b = open_folder(source, "presets/models/builtin");
    size_t count = 7;
    memset(text, 'a', sizeof text);
    CHECK(cbx_bpe_encode(b, text, 9, ids, 8, &count, NULL) == CBX_E_ARG);
    CHECK(cbx_bpe_encode(b, text, sizeof text, ids, sizeof text, &count,
                         NULL) == CBX_E_LIMIT);
    CHECK(count == 7);
    CHECK(!cbx_bpe_encode(b, text, CBX_BPE_MAX_TEXT, ids, CBX_BPE_MAX_TEXT,
                          &count, NULL));
    CHECK(count == CBX_BPE_MAX_TEXT);
    cbx_bpe_close(b);
}

static char folder[] = "text-test-XXXXXX";

static void write_text(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!text) {
        unlink(path);
        return;
    }
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* The built-in vocabulary, with `more` entries. */
static const char *vocab_with(const char *source, const char *more)
{
    static char text[8192];
    char path[512];
    snprintf(path, sizeof path, "%s/presets/models/builtin/vocab.json", source);
    FILE *f = fopen(path, "rb");
    CHECK(f);
    const size_t n = fread(text, 1, sizeof text - 256, f);
    CHECK(fclose(f) == 0 && n > 1000);
    text[n] = 0;
    char *brace = strrchr(text, '}');
    CHECK(brace);
    snprintf(brace, 256, "%s}", more);
    return text;
}

static void every_damaged_file_is_named(const char *source)
{
    static const struct {
        const char *more, *merges, *added, *part;
    } cases[] = {
        {NULL, "#version: 0.2\n", NULL, "vocab.json: No such file"},
        {"", NULL, NULL, "merges.txt: No such file"},
        {",", "", NULL, "vocab.json is not valid JSON"},
        {",\"!\":3", "", NULL, "vocab.json is not valid JSON"},
        {",\"ab\":-1", "", NULL, "not an id"},
        {",\"ab\":1.5", "", NULL, "not an id"},
        {",\"ab\":99999999", "", NULL, "not an id"},
        {"", "a b\n", NULL, "merge 1 uses tokens"},
        {"", "ab c\n", NULL, "merge 1 uses tokens"},
        {",\"ab\":257", "#version\na b\na\n", NULL, "merge 2 is not two"},
        {",\"ab\":257", "a b c\n", NULL, "merge 1 is not two"},
        {"", "", "[]", "added_tokens.json is not a map"},
        {"", "", "{\"[x]\":\"1\"}", "not an id"},
        {"", "", "{\"\":1}", "empty or too long"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cbx_bpe *b = NULL;
        cbx_error err;
        write_text("vocab.json",
                   cases[i].more ? vocab_with(source, cases[i].more) : NULL);
        write_text("merges.txt", cases[i].merges);
        write_text("added_tokens.json", cases[i].added);
        CHECK(cbx_bpe_open(folder, &b, &err) != CBX_OK && !b);
        if (!strstr(err.text, cases[i].part)) {
            fprintf(stderr, "%s\nexpected: %s\n", err.text, cases[i].part);
            exit(1);
        }
    }
    write_text("vocab.json", "{\"a\":0}");
    cbx_bpe *b = NULL;
    cbx_error err;
    CHECK(cbx_bpe_open(folder, &b, &err) == CBX_E_FORMAT);
    CHECK(strstr(err.text, "no token for byte 0x00"));
    write_text("vocab.json", NULL);
    write_text("merges.txt", NULL);
    write_text("added_tokens.json", NULL);
}

static void the_longest_added_token_wins(const char *source)
{
    static const int32_t want[] = {301, 65, 300, 66};
    write_text("vocab.json", vocab_with(source, ""));
    write_text("merges.txt", "");
    write_text("added_tokens.json", "{\"[x\":300,\"[x]\":301}");
    cbx_bpe *b = open_folder(".", folder);
    expect(b, "[x]b[xc", 7, want, 4);
    cbx_bpe_close(b);
    write_text("vocab.json", NULL);
    write_text("merges.txt", NULL);
    write_text("added_tokens.json", NULL);
}

int main(int argc, char **argv)
{
    CHECK(argc > 2);
    ids_equal_the_goldens(argv[1], "turbo");
    ids_equal_the_goldens(argv[1], "nano");
    spaces_digits_and_tags_are_cut_as_gpt2_does(argv[1]);
    without_merges_every_byte_is_a_token(argv[2]);
    too_much_text_and_too_few_places_are_refused(argv[2]);
    CHECK(mkdtemp(folder));
    every_damaged_file_is_named(argv[2]);
    the_longest_added_token_wins(argv[2]);
    CHECK(rmdir(folder) == 0);
    return 0;
}
