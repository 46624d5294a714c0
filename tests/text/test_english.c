/* english.tsv: what is written, a tab, what is said. */
#include "models/text/script.h"

#include "tests/check.h"

#include <string.h>

static cbx_script *open_script(bool english)
{
    const cbx_script_options options = {.max_chars = 300,
                                        .normalize = true,
                                        .english = english,
                                        .language = english ? "" : "de"};
    cbx_script *s = NULL;
    CHECK(!cbx_script_open(&options, NULL, &s, NULL));
    return s;
}

static void drain(cbx_script *s, char *out, size_t size)
{
    cbx_segment g;
    while (cbx_script_next(s, &g)) {
        const size_t n = strlen(out);
        CHECK(g.chars <= 300 && n + g.len + 2 < size);
        for (int i = 0; i < g.chars; i++)
            CHECK(g.source[i].from < g.source[i].to &&
                  g.source[i].from >= g.begin && g.source[i].to <= g.end);
        snprintf(out + n, size - n, "%s%s", n ? " " : "", g.text);
    }
}

/* In steps of `step` bytes, 0 for at once. */
static void say(cbx_script *s, const char *text, size_t step, char *out,
                size_t size)
{
    const size_t n = strlen(text);
    out[0] = 0;
    cbx_script_reset(s);
    for (size_t at = 0, taken; at < n; at += taken) {
        const size_t most = step && step < n - at ? step : n - at;
        CHECK(!cbx_script_push(s, text + at, most, &taken, NULL));
        drain(s, out, size);
    }
    cbx_script_finish(s);
    drain(s, out, size);
}

static void each_line_is_said_as_written_down(const char *folder)
{
    char path[1024], line[4096], got[4096], again[4096];
    int cases = 0, wrong = 0;
    snprintf(path, sizeof path, "%s/tests/text/english.tsv", folder);
    FILE *f = fopen(path, "r");
    CHECK(f);
    cbx_script *s = open_script(true);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *want = strchr(line, '\t');
        CHECK(want);
        *want++ = 0;
        say(s, line, 0, got, sizeof got);
        say(s, line, 1, again, sizeof again);
        CHECK(!strcmp(got, again)); /* however it arrives */
        cases++;
        if (strcmp(got, want)) {
            wrong++;
            fprintf(stderr, "text: %s\ngave: %s\nnot:  %s\n", line, got, want);
        }
    }
    fclose(f);
    cbx_script_close(s);
    CHECK(cases > 250 && !wrong);
}

/* Words that come from one number share its bytes. */
static void words_know_their_bytes(void)
{
    cbx_script *s = open_script(true);
    cbx_segment g;
    size_t taken;
    const char text[] = "A $3.50 tea";
    CHECK(!cbx_script_push(s, text, sizeof text - 1, &taken, NULL));
    cbx_script_finish(s);
    CHECK(cbx_script_next(s, &g));
    CHECK(!strcmp(g.text, "A three dollars and fifty cents tea"));
    CHECK(g.source[0].from == 0 && g.source[0].to == 1);
    CHECK(g.source[2].from == 2 && g.source[2].to == 7);
    CHECK(g.source[30].from == 2 && g.source[30].to == 7);
    CHECK(g.source[32].from == 8 && g.source[32].to == 9);
    cbx_script_close(s);
}

static void other_languages_lose_markdown_and_emoji_only(void)
{
    char got[4096];
    cbx_script *s = open_script(false);
    say(s,
        "# Titel\n**Am** 3.5. um 5 Uhr \xF0\x9F\x98\x82 Dr. X, 5 % "
        "[da](http://x.y/z).",
        0, got, sizeof got);
    CHECK(!strcmp(got, "Titel Am 3.5. um 5 Uhr Dr. X, 5 % da."));
    cbx_script_close(s);
}

static void what_grows_too_long_is_cut_again(void)
{
    char text[1200] = "", got[1 << 15];
    cbx_script *s = open_script(true);
    for (int i = 0; i < 40; i++)
        strcat(text, "999,999 ");
    say(s, text, 0, got, sizeof got);
    int words = 0;
    for (const char *p = got; (p = strstr(p, "hundred ninety-nine thousand"));
         p++)
        words++;
    CHECK(words == 40);
    cbx_script_close(s);
}

/* Any characters, and rules on all of them: bounds hold (sanitizers look). */
static void random_text_does_no_harm(void)
{
    static const char *const pool[] = {"1",
                                       "23",
                                       "456",
                                       "0",
                                       ".",
                                       ",",
                                       "-",
                                       "$",
                                       "%",
                                       "/",
                                       ":",
                                       " ",
                                       "am",
                                       "Jan",
                                       "km",
                                       "XIV",
                                       "st",
                                       "(",
                                       ")",
                                       "[",
                                       "]",
                                       "*",
                                       "_",
                                       "#",
                                       "@",
                                       "x",
                                       "http://",
                                       "www.",
                                       "\xE2\x82\xAC",
                                       "\xC2\xBD",
                                       "\xF0\x9F\x98\x82",
                                       "\xE2\x80\x93",
                                       "'",
                                       "\"",
                                       "Dr.",
                                       "No.",
                                       "\xFF",
                                       "^",
                                       "=",
                                       "+",
                                       "\n"};
    static char text[600], got[1 << 16];
    unsigned seed = 11;
    cbx_script *s = open_script(true);
    for (int round = 0; round < 1500; round++) {
        text[0] = 0;
        for (int i = 0; i < 60; i++) {
            seed = seed * 1664525 + 1013904223;
            strcat(text, pool[(seed >> 12) % (sizeof pool / sizeof *pool)]);
        }
        say(s, text, 0, got, sizeof got);
    }
    cbx_script_close(s);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    each_line_is_said_as_written_down(argv[2]);
    words_know_their_bytes();
    other_languages_lose_markdown_and_emoji_only();
    what_grows_too_long_is_cut_again();
    random_text_does_no_harm();
    return 0;
}
