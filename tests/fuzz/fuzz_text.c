/* Plain text and SSML, cut into segments; the first byte says how. */
#include "models/text/script.h"
#include "tests/fuzz/fuzz.h"

static bool speaks(void *user, const char *language)
{
    (void)user;
    return language[0] == 'd';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t how = size ? data[0] : 0;
    const cbx_script_options options = {.max_chars = how & 1 ? 16 : 300,
                                        .wrapped = how & 2,
                                        .ssml = how & 4,
                                        .normalize = how & 8,
                                        .english = how & 16,
                                        .language = "",
                                        .speaks = speaks};
    cbx_script *s;
    cbx_segment segment;
    cbx_error err;
    if (!size || cbx_script_open(&options, NULL, &s, &err))
        return 0;
    for (size_t at = 1, taken = 1; at < size && taken; at += taken) {
        const size_t n = size - at < 61 ? size - at : 61;
        if (cbx_script_push(s, data + at, n, &taken, &err))
            break;
        while (cbx_script_next(s, &segment)) {
        }
    }
    cbx_script_finish(s);
    while (cbx_script_next(s, &segment)) {
    }
    cbx_script_close(s);
    return 0;
}
