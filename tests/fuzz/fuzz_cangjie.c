#include "models/text/cangjie.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char code[CANGJIE_MAX_CODE + 1];
    cangjie *c;
    cbx_error err;
    if (!cangjie_open(fuzz_file(0, data, size), &c, &err)) {
        for (uint32_t glyph = 0x4e00; glyph < 0x4e40; glyph++)
            (void)cangjie_code(c, glyph, code);
        cangjie_close(c);
    }
    return 0;
}
