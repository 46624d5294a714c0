/* Names of pictures: Unicode's, shortened, and common ones for a few. */
#include "models/text/emoji.h"

#include <stddef.h>
#include <stdlib.h>

typedef struct picture {
    uint32_t code;
    const char *name;
} picture;

/* In order. */
static const picture pictures[] = {
#include "models/text/emoji_names.inc"
};

static int compare(const void *key, const void *entry)
{
    const uint32_t a = *(const uint32_t *)key;
    const uint32_t b = ((const picture *)entry)->code;
    return a < b ? -1 : a > b;
}

const char *emoji_name(uint32_t code)
{
    const picture *p =
        bsearch(&code, pictures, sizeof pictures / sizeof *pictures,
                sizeof *pictures, compare);
    return p ? p->name : NULL;
}

bool emoji_is_picture(uint32_t code)
{
    return (code >= 0x1F000 && code <= 0x1FAFF) ||
           (code >= 0x2600 && code <= 0x27BF) ||
           (code >= 0x2300 && code <= 0x23FF) ||
           (code >= 0x25A0 && code <= 0x25FF) ||
           (code >= 0x2500 && code <= 0x259F) ||
           (code >= 0x2B00 && code <= 0x2BFF) ||
           (code >= 0x2190 && code <= 0x21FF) ||
           (code >= 0x2900 && code <= 0x297F) || code == 0x3030 ||
           code == 0x303D || code == 0x3297 || code == 0x3299;
}
