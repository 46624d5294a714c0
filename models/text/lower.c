#include "models/text/lower.h"

#include "models/text/utf8.h"

#include <utf8proc.h>

enum { CAPITAL_SIGMA = 0x3A3, SIGMA = 0x3C3, FINAL_SIGMA = 0x3C2 };

static bool within(uint32_t code, uint32_t from, uint32_t to)
{
    return code >= from && code <= to;
}

/* Unicode: the property Cased, for characters that are not case-ignorable. */
static bool is_cased(uint32_t code)
{
    return cbx_is_upper(code) || cbx_is_lower(code) || code == 0xAA ||
           code == 0xBA || within(code, 0x2160, 0x216F) ||
           within(code, 0x24B6, 0x24CF) || within(code, 0x1F130, 0x1F149) ||
           within(code, 0x1F150, 0x1F169) || within(code, 0x1F170, 0x1F189);
}

/* Unicode: Case_Ignorable: marks, formats, modifiers, and what Word_Break has
 * as MidLetter, MidNumLet or Single_Quote. */
static bool is_ignorable(uint32_t code)
{
    static const uint32_t inside_words[] = {
        0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,  0x5F4,  0x2018, 0x2019,
        0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
    for (size_t i = 0; i < sizeof inside_words / sizeof *inside_words; i++)
        if (code == inside_words[i])
            return true;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        return false;
    }
}

/* SpecialCasing.txt: Final_Sigma: a letter before, and none behind. */
static bool ends_a_word(const uint32_t *text, size_t n, size_t at)
{
    size_t i = at;
    while (i > 0 && is_ignorable(text[i - 1]))
        i--;
    if (i == 0 || !is_cased(text[i - 1]))
        return false;
    for (i = at + 1; i < n && is_ignorable(text[i]); i++)
        ;
    return i == n || !is_cased(text[i]);
}

size_t text_lower(const uint32_t *text, size_t n, uint32_t *out)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == CAPITAL_SIGMA) {
            out[len++] = ends_a_word(text, n, i) ? FINAL_SIGMA : SIGMA;
        } else if (text[i] == 0x130) {
            out[len++] = 'i';
            out[len++] = 0x307;
        } else {
            out[len++] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)text[i]);
        }
    }
    return len;
}
