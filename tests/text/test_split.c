#include "models/text/split.h"

#include "tests/check.h"
#include "tests/text/splitting.h"

#include <string.h>

static const char sample[] =
    "\xEF\xBB\xBFHello there.  How are you, Mr. Smith? \"Fine!\" he said...\n"
    "The U.S. Army costs 3.14 dollars, e.g. at www.example.org/a.b?c=d. No. 5\n"
    "\n  --- ... ---\n\nis 'great.' Caf\xC3\xA9 "
    "\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80"
    "\x82\xE4\xB8\x96\xE7\x95\x8C\xEF\xBC\x81ok \xFF\xE2\x82 bad \xF0\x9F\x98"
    "\x80 bytes; The quick brown fox jumps over the lazy dog because it wanted "
    "to see the river, and then it went home again where the others were "
    "waiting for it with a nice cup of tea: nobody had ordered it, which was a "
    "pity \xE2\x80\x94 or so it seemed. "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!!!!!!!! x. y \xE3\x80\x8C\xE4\xBD\xA0\xE3"
    "\x80\x82\xE3\x80\x8D\xE5\xA5\xBD the end \xF0\x9F";

static void the_cuts_of_the_pushes_leave_no_trace(void)
{
    static record whole, r;
    const size_t n = sizeof sample - 1;
    unsigned seed = 7;
    for (int max = 16; max <= 300; max += 71) {
        for (int wrapped = 0; wrapped < 2; wrapped++) {
            split_text(sample, max, wrapped, &whole);
            CHECK(whole.segments > 8 && whole.longest <= max);
            for (int round = 0; round < 60; round++) {
                cbx_splitter *s = new_splitter(max, wrapped);
                r = (record){.len = 0};
                for (size_t at = 0; at < n;) {
                    seed = seed * 1664525 + 1013904223;
                    size_t step =
                        round ? 1 + (seed >> 16) % (2u * (unsigned)round) : 1;
                    step = step > n - at ? n - at : step;
                    CHECK(!push_all(s, sample + at, step, &r, NULL));
                    at += step;
                }
                cbx_splitter_finish(s);
                drain(s, &r);
                CHECK(!strcmp(r.text, whole.text));
                CHECK(cbx_splitter_replaced(s) == 3);
                cbx_splitter_close(s);
            }
        }
    }
}

/* Letters and numbers of the text, without anything else. */
static size_t ascii_letters(const char *text, char *out)
{
    size_t n = 0;
    for (; *text; text++)
        if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
            (*text >= '0' && *text <= '9'))
            out[n++] = *text;
    out[n] = 0;
    return n;
}

static void no_letter_is_dropped(void)
{
    static record r;
    static char want[4096], got[1 << 16];
    CHECK(ascii_letters(sample, want) > 400);
    for (int max = 16; max <= 400; max += 13) {
        split_text(sample, max, false, &r);
        ascii_letters(r.text, got);
        CHECK(!strcmp(want, got));
    }
}

static void a_segment_comes_as_soon_as_it_is_certain(void)
{
    static record r;
    cbx_splitter *s = new_splitter(92, false);
    r = (record){.len = 0};
    CHECK(!push_all(s, "Hello there. ", 13, &r, NULL));
    CHECK(r.segments == 0);
    CHECK(!push_all(s, "H", 1, &r, NULL));
    CHECK(!strcmp(r.text, "Hello there.<.>"));
    CHECK(!push_all(s, "i\n", 2, &r, NULL));
    CHECK(r.segments == 2);
    cbx_splitter_close(s);
}

static void flush_speaks_what_is_there(void)
{
    static record r;
    cbx_splitter *s = new_splitter(92, false);
    r = (record){.len = 0};
    cbx_splitter_flush(s);
    drain(s, &r);
    CHECK(!push_all(s, "one tw", 6, &r, NULL));
    cbx_splitter_flush(s);
    drain(s, &r);
    CHECK(!push_all(s, "o. \xE2\x82", 5, &r, NULL));
    cbx_splitter_flush(s); /* the unfinished character waits */
    drain(s, &r);
    CHECK(!push_all(s, "\xAC", 1, &r, NULL));
    CHECK(!push_all(s, "5", 1, &r, NULL));
    cbx_splitter_finish(s);
    drain(s, &r);
    CHECK(!strcmp(r.text, "one tw<,>o.<.>\xE2\x82\xAC"
                          "5<.>"));
    CHECK(cbx_splitter_replaced(s) == 0 && cbx_splitter_spoken(s) == 3);
    cbx_splitter_close(s);
}

static void byte_ranges_are_those_of_the_input(void)
{
    static const char text[] =
        "  Caf\xC3\xA9.   \xFFok  x.\n b \n\xE2\x82\xC3\xA9";
    cbx_splitter *s = new_splitter(92, false);
    cbx_segment g;
    size_t taken, at = 0;
    uint64_t range[16];
    int n = 0;
    while (at < sizeof text - 1) {
        CHECK(!cbx_splitter_push(s, text + at, sizeof text - 1 - at, &taken,
                                 NULL));
        at += taken;
        while (cbx_splitter_next(s, &g)) {
            range[n++] = g.begin;
            range[n++] = g.end;
        }
    }
    cbx_splitter_finish(s);
    while (cbx_splitter_next(s, &g)) {
        range[n++] = g.begin;
        range[n++] = g.end;
    }
    const uint64_t want[] = {2, 8, 11, 18, 20, 21, 23, 27};
    CHECK(n == 8 && !memcmp(range, want, sizeof want));
    cbx_splitter_close(s);
}

static void pieces_without_letters_only_count(void)
{
    cbx_splitter *s = new_splitter(92, false);
    cbx_segment g;
    size_t taken;
    const char text[] = "...\n!!!\n*\nok\n--\n";
    for (size_t at = 0; at < sizeof text - 1; at += taken) {
        CHECK(!cbx_splitter_push(s, text + at, sizeof text - 1 - at, &taken,
                                 NULL));
        if (cbx_splitter_next(s, &g)) {
            CHECK(!strcmp(g.text, "ok") && g.silent_before == 3);
            CHECK(g.pause == CBX_PAUSE_PARAGRAPH && g.chars == 2);
        }
    }
    cbx_splitter_finish(s);
    CHECK(!cbx_splitter_next(s, &g));
    CHECK(cbx_splitter_spoken(s) == 1 && cbx_splitter_silent(s) == 4);
    cbx_splitter_close(s);
}

static void a_nul_byte_is_refused_and_stays_so(void)
{
    static record r;
    cbx_error err;
    cbx_splitter *s = new_splitter(92, false);
    r = (record){.len = 0};
    CHECK(push_all(s, "Well. So\0me", 11, &r, &err) == CBX_E_TEXT);
    CHECK(strstr(err.text, "byte 8 of the text is NUL"));
    CHECK(!strcmp(r.text, "Well.<.>"));
    CHECK(push_all(s, "more", 4, &r, &err) == CBX_E_TEXT);
    cbx_splitter_reset(s);
    r = (record){.len = 0};
    CHECK(!push_all(s, "more\n", 5, &r, &err));
    CHECK(!strcmp(r.text, "more</>"));
    cbx_splitter_close(s);
}

static void a_run_that_is_no_language_is_refused_before_it_is_spoken(void)
{
    static char text[CBX_SPLIT_MAX_RUN + 1];
    static record r;
    cbx_error err;
    memset(text, 'a', sizeof text);
    for (int max = 16; max <= 2000; max += 496) {
        cbx_splitter *s = new_splitter(max, false);
        r = (record){.len = 0};
        CHECK(!push_all(s, "Well. ", 6, &r, &err));
        CHECK(push_all(s, text, sizeof text, &r, &err) == CBX_E_TEXT);
        CHECK(strstr(err.text, "more than 4096 bytes without white space"));
        CHECK(!strcmp(r.text, "Well.<.>"));
        cbx_segment segment; /* nor is it spoken at the end */
        cbx_splitter_finish(s);
        CHECK(!cbx_splitter_next(s, &segment));
        cbx_splitter_close(s);
    }
}

static void the_longest_run_is_spoken_in_pieces(void)
{
    static char text[CBX_SPLIT_MAX_RUN + 2];
    static record r;
    memset(text, 'a', CBX_SPLIT_MAX_RUN);
    text[CBX_SPLIT_MAX_RUN] = '.';
    split_text(text, 92, false, &r);
    CHECK(r.segments == 45 && r.longest <= 92);
    CHECK(r.end == CBX_SPLIT_MAX_RUN + 1);
}

static void a_megabyte_of_anything_fits_in_fixed_memory(void)
{
    static const char *const units[] = {
        " ",     "\n",           ".",  "(",  "-",  ". ", "a ", "'", ",", "a.",
        "\xFF ", "\xE3\x80\x82", "a'", "a-", "((a"};
    static char text[3000];
    static record r;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        const size_t len = strlen(units[u]);
        const size_t n = sizeof text / len * len;
        cbx_splitter *s = new_splitter(92, false);
        for (size_t at = 0; at < n; at += len)
            memcpy(text + at, units[u], len);
        r = (record){.len = 0};
        for (size_t sent = 0; sent < 1 << 20; sent += n) {
            r.len = 0;
            CHECK(!push_all(s, text, n, &r, NULL));
            CHECK(r.longest <= 92);
        }
        cbx_splitter_close(s);
    }
}

static void random_bytes_are_split_without_harm(void)
{
    static const char pool[] = "abcAB.!?,;:-'\"()[] \n\t\xE3\x80\x82\xC3\xA9"
                               "\xE2\x80\x94\xCC\x81\xFF\xF0\x9F\x98\x80...";
    static record r;
    unsigned seed = 3;
    for (int round = 0; round < 300; round++) {
        char text[1500];
        for (size_t i = 0; i < sizeof text; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = pool[(seed >> 12) % (sizeof pool - 1)];
        }
        cbx_splitter *s = new_splitter(16 + round % 100, round & 1);
        r = (record){.len = 0};
        CHECK(!push_all(s, text, sizeof text, &r, NULL));
        cbx_splitter_finish(s);
        drain(s, &r);
        CHECK(r.segments > 0 && r.longest <= 16 + round % 100);
        cbx_splitter_close(s);
    }
}

static void limits_out_of_range_are_refused(void)
{
    cbx_splitter *s = NULL;
    CHECK(cbx_splitter_open(&(cbx_split_options){.max_chars = 15}, &s, NULL) ==
          CBX_E_ARG);
    CHECK(cbx_splitter_open(&(cbx_split_options){.max_chars = 2001}, &s,
                            NULL) == CBX_E_ARG);
    CHECK(!s);
}

int main(void)
{
    the_cuts_of_the_pushes_leave_no_trace();
    no_letter_is_dropped();
    a_segment_comes_as_soon_as_it_is_certain();
    flush_speaks_what_is_there();
    byte_ranges_are_those_of_the_input();
    pieces_without_letters_only_count();
    a_nul_byte_is_refused_and_stays_so();
    a_run_that_is_no_language_is_refused_before_it_is_spoken();
    the_longest_run_is_spoken_in_pieces();
    a_megabyte_of_anything_fits_in_fixed_memory();
    random_bytes_are_split_without_harm();
    limits_out_of_range_are_refused();
    return 0;
}
