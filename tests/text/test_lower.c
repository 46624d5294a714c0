#include "models/text/lower.h"
#include "tests/check.h"

#include <string.h>

/* Expected: Python's str.lower(). */
static void expect(const uint32_t *text, size_t n, const uint32_t *want,
                   size_t n_want)
{
    uint32_t got[32];
    CHECK(n <= 16 && text_lower(text, n, got) == n_want);
    CHECK(!memcmp(got, want, n_want * sizeof *got));
}

#define LOWER(in, out) \
    expect(in, sizeof(in) / sizeof *(in)-1, out, sizeof(out) / sizeof *(out)-1)

static void letters_become_small(void)
{
    static const uint32_t in[] = {'A', 0xC4, 0x416, 0x1E9E, 'z', '1', 0};
    static const uint32_t out[] = {'a', 0xE4, 0x436, 0xDF, 'z', '1', 0};
    LOWER(in, out);
}

static void a_dotted_capital_i_becomes_two(void)
{
    static const uint32_t in[] = {0x130, 'I', 0};
    static const uint32_t out[] = {'i', 0x307, 'i', 0};
    LOWER(in, out);
}

static void a_sigma_at_the_end_of_a_word_is_final(void)
{
    static const uint32_t end[] = {0x39F, 0x3A3, 0};
    static const uint32_t end_small[] = {0x3BF, 0x3C2, 0};
    static const uint32_t inside[] = {0x39F, 0x3A3, 0x39F, 0};
    static const uint32_t inside_small[] = {0x3BF, 0x3C3, 0x3BF, 0};
    static const uint32_t alone[] = {' ', 0x3A3, '1', 0};
    static const uint32_t alone_small[] = {' ', 0x3C3, '1', 0};
    /* an accent before it, an apostrophe and a letter behind it */
    static const uint32_t across[] = {0x39F, 0x301, 0x3A3, '\'', 'A', 0};
    static const uint32_t across_small[] = {0x3BF, 0x301, 0x3C3, '\'', 'a', 0};
    static const uint32_t point[] = {0x39F, 0x301, 0x3A3, '.', ' ', 'A', 0};
    static const uint32_t point_small[] = {0x3BF, 0x301, 0x3C2, '.',
                                           ' ',   'a',   0};
    LOWER(end, end_small);
    LOWER(inside, inside_small);
    LOWER(alone, alone_small);
    LOWER(across, across_small);
    LOWER(point, point_small);
}

int main(void)
{
    letters_become_small();
    a_dotted_capital_i_becomes_two();
    a_sigma_at_the_end_of_a_word_is_final();
    return 0;
}
