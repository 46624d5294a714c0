#include "models/text/utf8.h"
#include "tests/check.h"

#include <string.h>

/* Decodes s[0..n) and returns how many code points it gave. */
static int decode(const char *s, size_t n, cbx_codepoint *out,
                  uint64_t *replaced)
{
    cbx_utf8 d;
    int count = 0;
    cbx_utf8_init(&d);
    for (size_t i = 0; i < n; i++)
        count += cbx_utf8_push(&d, (unsigned char)s[i], out + count);
    count += cbx_utf8_finish(&d, out + count);
    *replaced = d.replaced;
    return count;
}

static void every_code_point_survives_a_round_trip(void)
{
    for (uint32_t code = 0; code < 0x110000; code++) {
        char s[4];
        cbx_codepoint c[2];
        uint64_t replaced;
        if (code >= 0xD800 && code < 0xE000)
            continue;
        const int n = cbx_utf8_encode(code, s);
        CHECK(decode(s, (size_t)n, c, &replaced) == 1);
        CHECK(c[0].code == code && c[0].bytes == n && !replaced);
        CHECK(cbx_utf8_first(s, (size_t)n).code == code);
    }
}

static void what_is_no_code_point_is_written_as_replacement(void)
{
    char s[4];
    CHECK(cbx_utf8_encode(0xD800, s) == 3 && !memcmp(s, "\xEF\xBF\xBD", 3));
    CHECK(cbx_utf8_encode(0x110000, s) == 3);
}

/* The Unicode Standard, table 3-8 and 3-11, and others. */
static void bad_bytes_become_one_replacement_for_each_part(void)
{
    static const struct {
        const char *bytes;
        int count, replaced;
    } cases[] = {
        {"\xC0\xAF\x41", 3, 2},
        {"\xE0\x9F\x80\x41", 4, 3},
        {"\xED\xA0\x80\x41", 4, 3},
        {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", 9, 7},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 5, 4},
        {"\xF0\x9F\x98", 1, 1},
        {"\xE2\x82\xE2\x82\xAC", 2, 1},
        {"\x80", 1, 1},
        {"\xF5\x80", 2, 2},
        {"a\xC3", 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t n = strlen(cases[i].bytes);
        cbx_codepoint c[16];
        uint64_t replaced;
        const int count = decode(cases[i].bytes, n, c, &replaced);
        size_t bytes = 0;
        for (int k = 0; k < count; k++)
            bytes += c[k].bytes;
        CHECK(count == cases[i].count);
        CHECK(replaced == (uint64_t)cases[i].replaced);
        CHECK(bytes == n);
        CHECK(cbx_utf8_first(cases[i].bytes, n).code == c[0].code);
        CHECK(cbx_utf8_first(cases[i].bytes, n).bytes == c[0].bytes);
    }
}

static void classes_are_those_of_unicode(void)
{
    CHECK(cbx_is_letter('a') && cbx_is_letter(0x65E5) && !cbx_is_letter('1'));
    CHECK(cbx_is_number(0xBD) && cbx_is_number(0x2167) && !cbx_is_number('.'));
    CHECK(cbx_is_mark(0x301) && cbx_is_punct(0x2026) && !cbx_is_punct('+'));
    CHECK(cbx_is_upper('A') && cbx_is_upper(0x1C5) && !cbx_is_upper('a'));
    CHECK(cbx_is_lower(0x24D0) && cbx_is_lower(0xDF) && !cbx_is_lower('A'));
    CHECK(cbx_is_space(0x3000) && cbx_is_space('\n') && !cbx_is_space(0x200B));
    CHECK(!cbx_is_space(0x1C));
}

int main(void)
{
    every_code_point_survives_a_round_trip();
    what_is_no_code_point_is_written_as_replacement();
    bad_bytes_become_one_replacement_for_each_part();
    classes_are_those_of_unicode();
    return 0;
}
