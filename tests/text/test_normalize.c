#include "models/checkpoint/safetensors.h"
#include "models/text/normalize.h"
#include "tests/check.h"

#include <string.h>

typedef cbx_status norm(const char *, size_t, char *, size_t, size_t *,
                        cbx_error *);

static void expect(norm *f, const char *in, size_t n, const char *want,
                   size_t want_len)
{
    char out[1024];
    size_t len;
    CHECK(CBX_PUNC_NORM_MAX(n) <= sizeof out);
    CHECK(!f(in, n, out, CBX_PUNC_NORM_MAX(n), &len, NULL));
    if (len == want_len && !memcmp(out, want, len))
        return;
    fprintf(stderr, "'%.*s' gave '%.*s', not '%.*s'\n", (int)n, in, (int)len,
            out, (int)want_len, want);
    exit(1);
}

static void turbo_equals_the_goldens(const char *goldens, const char *family)
{
    char path[512], name[32];
    cbx_tensor_file *f;
    int n = 0;
    snprintf(path, sizeof path, "%s/golden_%s.safetensors", goldens, family);
    CHECK(!cbx_safetensors_open(path, &f, NULL));
    for (;; n++) {
        snprintf(name, sizeof name, "text.%d.raw", n);
        const cbx_file_tensor *raw = cbx_tensor_find(f, name);
        snprintf(name, sizeof name, "text.%d.norm", n);
        const cbx_file_tensor *want = cbx_tensor_find(f, name);
        if (!raw)
            break;
        CHECK(want);
        expect(cbx_punc_norm_turbo, (const char *)raw->data, raw->bytes,
               (const char *)want->data, want->bytes);
    }
    CHECK(n >= 5);
    cbx_tensor_file_close(f);
}

typedef struct pair {
    const char *in, *want;
} pair;

static void expect_all(norm *f, const pair *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect(f, p[i].in, strlen(p[i].in), p[i].want, strlen(p[i].want));
}

#define EXPECT_ALL(f, list) expect_all(f, list, sizeof(list) / sizeof *(list))

/* Made with tts.py, mtl_tts.py and tts_turbo.py: punc_norm. */
static void original_and_multilingual_equal_the_reference(void)
{
    static const pair both[] = {
        {"", "You need to add some text for me to talk."},
        {"hello there,  how are you today?", "Hello there, how are you today?"},
        {"The quick brown fox - jumps over... the “lazy” dog",
         "The quick brown fox, jumps over,  the \"lazy\" dog."},
        {"Ünknown chars ~ 3.14: ok; fine—done",
         "Ünknown chars ~ 3.14, ok,  fine-done."},
        {"le petit garçon, l'été", "Le petit garçon, l'été."},
        {"¿Qué tal? ¡Bien!", "¿Qué tal? ¡Bien!"},
        {"你好世界，曰 ok", "你好世界，曰 ok."},
    };
    static const pair original[] = {{"你好。", "你好。."}};
    static const pair multilingual[] = {{"你好。", "你好。"},
                                        {"你好、", "你好、"}};
    EXPECT_ALL(cbx_punc_norm_original, both);
    EXPECT_ALL(cbx_punc_norm_multilingual, both);
    EXPECT_ALL(cbx_punc_norm_original, original);
    EXPECT_ALL(cbx_punc_norm_multilingual, multilingual);
}

static void corners_equal_the_reference(void)
{
    static const pair turbo[] = {
        {" ", "."},
        {" a", "a."},
        {"ßa", "SSa."},
        {"ŉa", "ʼNa."},
        {"\u0390", "\u0399\u0308\u0301."},
        {"ǆ", "Ǆ."},
        {"ⓐ", "Ⓐ."},
        {"a\x1c\u3000\n b", "A b."},
        {"a ... ; - b", "A ... ; - b."},
        {"a ,b", "A,b."},
        {"wait…", "Wait,"},
        {"a:  ", "A,"},
        {"\xff", "\uFFFD."},
    };
    static const pair original[] = {
        {"....", ", ."},
        {"......", ",,"},
        {";;;", ",,,"},
        {"a - - b", "A, - b."},
    };
    EXPECT_ALL(cbx_punc_norm_turbo, turbo);
    EXPECT_ALL(cbx_punc_norm_original, original);
}

static void a_buffer_that_could_be_too_small_is_refused(void)
{
    char out[67];
    size_t len = 9;
    cbx_error err;
    CHECK(cbx_punc_norm_turbo("ab", 2, out, 67, &len, &err) == CBX_E_ARG);
    CHECK(len == 9 && err.text[0]);
}

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    turbo_equals_the_goldens(argv[1], "turbo");
    turbo_equals_the_goldens(argv[1], "nano");
    original_and_multilingual_equal_the_reference();
    corners_equal_the_reference();
    a_buffer_that_could_be_too_small_is_refused();
    return 0;
}
