#include "models/text/json_bpe.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "ab the  [SPACE]abba \xc3\xa9\xe4\xb8\xad!";
    int32_t ids[256];
    size_t n;
    json_bpe *b;
    cbx_error err;
    if (!json_bpe_open(fuzz_file(0, data, size), &b, &err)) {
        if (!json_bpe_encode(b, text, strlen(text), ids, 256, &n, &err))
            ids[0] += ids[n ? n - 1 : 0];
        json_bpe_close(b);
    }
    return 0;
}
