#include "models/checkpoint/config_read.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cbx_config c;
    cbx_error err;
    cbx_config_init(&c, size % 2 ? CBX_FAMILY_ORIGINAL : CBX_FAMILY_TURBO);
    (void)!config_read(fuzz_file(0, data, size), &c, &err);
    return 0;
}
