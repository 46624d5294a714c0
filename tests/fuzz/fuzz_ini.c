#include "engine/presets.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cbx_preset_file preset;
    cbx_error err;
    (void)!cbx_preset_read(fuzz_file(0, data, size), &preset, &err);
    return 0;
}
