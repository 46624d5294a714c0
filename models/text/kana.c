#include "models/text/kana.h"

#include "models/text/utf8.h"

#include <dlfcn.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    bool tried, there;
    int (*options)(int argc, char **argv);
    char *(*convert)(char *text);
    int (*release)(char *text);
    iconv_t to_euc, from_euc; /* its UTF-8 gives nothing through the library */
} kakasi;

/* Without its dictionaries the library would end the whole program. */
static bool has_dictionaries(void)
{
    const char *words = getenv("KANWADICTPATH"),
               *forms = getenv("ITAIJIDICTPATH");
    return access(words ? words : "/usr/share/kakasi/kanwadict", R_OK) == 0 &&
           access(forms ? forms : "/usr/share/kakasi/itaijidict", R_OK) == 0;
}

/* The C standard has no cast from an object's address to a function's. */
static void find(void *library, const char *name, void *function)
{
    void *at = dlsym(library, name);
    memcpy(function, &at, sizeof at);
}

static void load(void)
{
    static char program[] = "kakasi", kanji[] = "-JH", words[] = "-s",
                readings[] = "-f", in[] = "-ieuc", out[] = "-oeuc";
    char *arguments[] = {program, kanji, readings, words, in, out, NULL};
    kakasi.tried = true;
    if (!has_dictionaries())
        return;
    void *library = dlopen("libkakasi.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return;
    find(library, "kakasi_getopt_argv", &kakasi.options);
    find(library, "kakasi_do", &kakasi.convert);
    find(library, "kakasi_free", &kakasi.release);
    if (!kakasi.options || !kakasi.convert || !kakasi.release ||
        kakasi.options(6, arguments) != 0) {
        dlclose(library);
        return;
    }
    kakasi.to_euc = iconv_open("EUC-JP", "UTF-8");
    kakasi.from_euc = iconv_open("UTF-8", "EUC-JP");
    kakasi.there =
        kakasi.to_euc != (iconv_t)-1 && kakasi.from_euc != (iconv_t)-1;
}

bool kana_is_there(void)
{
    pthread_mutex_lock(&lock);
    if (!kakasi.tried)
        load();
    const bool there = kakasi.there;
    pthread_mutex_unlock(&lock);
    return there;
}

/* -- a run of Japanese letters --------------------------------------------- */

enum { RUN = 200 }; /* characters at once */

static bool is_kanji(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || c == 0x3005;
}

static bool is_japanese(uint32_t c)
{
    return is_kanji(c) || (c >= 0x3041 && c <= 0x3096) ||
           (c >= 0x30A1 && c <= 0x30FC && c != 0x30FB);
}

typedef struct output {
    uint32_t *code;
    size_t n, cap;
} output;

static bool put(output *o, uint32_t code)
{
    if (o->n == o->cap)
        return false;
    o->code[o->n++] = code;
    return true;
}

static bool put_text(output *o, const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        const cbx_codepoint c = cbx_utf8_first(text + at, n - at);
        if (!put(o, c.code))
            return false;
        at += c.bytes;
    }
    return true;
}

/* "word[reading]" or "word". */
static bool put_word(output *o, const char *word, size_t n)
{
    const char *open = memchr(word, '[', n);
    if (!open || word[n - 1] != ']')
        return put_text(o, word, n);
    const char *reading = open + 1;
    const size_t len = (size_t)(word + n - 1 - reading);
    const uint32_t first = len ? cbx_utf8_first(reading, len).code : 0;
    if ((first == 0x306F || first == 0x3078) && !put(o, ' '))
        return false;
    return put_text(o, reading, len);
}

static bool put_words(output *o, const char *text)
{
    while (*text) {
        const size_t n = strcspn(text, " ");
        if (n && !put_word(o, text, n))
            return false;
        text += n + (text[n] == ' ');
    }
    return true;
}

/* Terminated. False: a character that the encoding lacks, or no room. */
static bool recode(iconv_t way, char *text, char *out, size_t size)
{
    size_t left = strlen(text), room = size - 1;
    char *to = out;
    iconv(way, NULL, NULL, NULL, NULL);
    const bool good = iconv(way, &text, &left, &to, &room) != (size_t)-1;
    *to = 0;
    return good;
}

/* A run that the library cannot read stays as it is. [lock] */
static bool read_words(char *utf8, char *out, size_t size)
{
    char euc[4 * RUN + 1];
    if (!recode(kakasi.to_euc, utf8, euc, sizeof euc))
        return false;
    char *words = kakasi.convert(euc);
    const bool good = words && recode(kakasi.from_euc, words, out, size);
    if (words)
        kakasi.release(words);
    return good;
}

static bool convert_run(const uint32_t *text, size_t n, output *o)
{
    char utf8[4 * RUN + 1];
    size_t len = 0;
    bool kanji = false;
    for (size_t i = 0; i < n; i++) {
        len += (size_t)cbx_utf8_encode(text[i], utf8 + len);
        kanji = kanji || is_kanji(text[i]);
    }
    utf8[len] = 0;
    if (!kanji)
        return put_text(o, utf8, len);
    char words[64 * RUN];
    pthread_mutex_lock(&lock);
    const bool good = read_words(utf8, words, sizeof words);
    pthread_mutex_unlock(&lock);
    return good ? put_words(o, words) : put_text(o, utf8, len);
}

size_t kana_convert(const uint32_t *text, size_t n, uint32_t *out, size_t cap)
{
    output o = {out, 0, cap};
    if (!kana_is_there())
        return 0;
    for (size_t at = 0; at < n;) {
        size_t run = 0;
        while (at + run < n && run < RUN && is_japanese(text[at + run]))
            run++;
        if (run ? !convert_run(text + at, run, &o) : !put(&o, text[at]))
            return 0;
        at += run ? run : 1;
    }
    return o.n;
}
