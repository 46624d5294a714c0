#include "models/text/utf8.h"

#include <utf8proc.h>

static const cbx_codepoint none = {0, 0};

static cbx_codepoint replacement(cbx_utf8 *d, int bytes)
{
    d->replaced++;
    d->want = 0;
    return (cbx_codepoint){CBX_UTF8_REPLACEMENT, (uint8_t)bytes};
}

void cbx_utf8_init(cbx_utf8 *d)
{
    *d = (cbx_utf8){0};
}

/* First byte of a sequence: 1 when it is one already (Unicode table 3-7). */
static int start(cbx_utf8 *d, unsigned char b, cbx_codepoint *out)
{
    if (b < 0x80) {
        *out = (cbx_codepoint){b, 1};
        return 1;
    }
    if (b < 0xC2 || b > 0xF4) {
        *out = replacement(d, 1);
        return 1;
    }
    d->want = b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    d->have = 1;
    d->code = b & (0x7Fu >> d->want);
    d->low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
    d->high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
    return 0;
}

int cbx_utf8_push(cbx_utf8 *d, unsigned char b, cbx_codepoint out[2])
{
    if (!d->want)
        return start(d, b, out);
    if (b < d->low || b > d->high) {
        out[0] = replacement(d, d->have);
        return 1 + start(d, b, out + 1);
    }
    d->code = d->code << 6 | (b & 0x3F);
    d->low = 0x80;
    d->high = 0xBF;
    if (++d->have < d->want)
        return 0;
    out[0] = (cbx_codepoint){d->code, d->want};
    d->want = 0;
    return 1;
}

int cbx_utf8_finish(cbx_utf8 *d, cbx_codepoint *out)
{
    if (!d->want)
        return 0;
    *out = replacement(d, d->have);
    return 1;
}

cbx_codepoint cbx_utf8_first(const char *s, size_t n)
{
    cbx_utf8 d;
    cbx_codepoint out[2] = {none, none};
    cbx_utf8_init(&d);
    for (size_t i = 0; i < n; i++)
        if (cbx_utf8_push(&d, (unsigned char)s[i], out))
            return out[0];
    cbx_utf8_finish(&d, out);
    return out[0];
}

int cbx_utf8_encode(uint32_t code, char out[4])
{
    utf8proc_uint8_t bytes[4];
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        code = CBX_UTF8_REPLACEMENT;
    const int n = (int)utf8proc_encode_char((utf8proc_int32_t)code, bytes);
    for (int i = 0; i < n; i++)
        out[i] = (char)bytes[i];
    return n;
}

static utf8proc_category_t category(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code);
}

bool cbx_is_letter(uint32_t code)
{
    const utf8proc_category_t c = category(code);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool cbx_is_number(uint32_t code)
{
    const utf8proc_category_t c = category(code);
    return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool cbx_is_mark(uint32_t code)
{
    const utf8proc_category_t c = category(code);
    return c >= UTF8PROC_CATEGORY_MN && c <= UTF8PROC_CATEGORY_ME;
}

bool cbx_is_punct(uint32_t code)
{
    const utf8proc_category_t c = category(code);
    return c >= UTF8PROC_CATEGORY_PC && c <= UTF8PROC_CATEGORY_PO;
}

bool cbx_is_upper(uint32_t code)
{
    const utf8proc_category_t c = category(code);
    return c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LT;
}

/* Ll, and of Other_Lowercase (PropList.txt) those that have an upper case. */
bool cbx_is_lower(uint32_t code)
{
    return category(code) == UTF8PROC_CATEGORY_LL || code == 0x345 ||
           (code >= 0x2170 && code <= 0x217F) ||
           (code >= 0x24D0 && code <= 0x24E9);
}

bool cbx_is_space(uint32_t code)
{
    if (code < 0x80)
        return code == ' ' || (code >= 9 && code <= 13);
    return code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
           code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}
