#include "daemon/http/sse.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 4648; `out` has 4 * ((n + 2) / 3) bytes. */
static size_t base64(const uint8_t *in, size_t n, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    char *o = out;
    for (size_t i = 0; i < n; i += 3) {
        const uint32_t v = (uint32_t)in[i] << 16 |
                           (i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0) |
                           (i + 2 < n ? in[i + 2] : 0);
        *o++ = digits[v >> 18];
        *o++ = digits[v >> 12 & 63];
        *o++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *o++ = i + 2 < n ? digits[v & 63] : '=';
    }
    return (size_t)(o - out);
}

bool sse_delta(byte_pipe *to, const void *bytes, size_t n,
               bool (*abandoned)(void *user), void *user)
{
    enum { PART = 12 << 10 };
    static const char head[] =
        "data: {\"type\":\"speech.audio.delta\",\"audio\":\"";
    static const char tail[] = "\"}\n\n";
    const uint8_t *at = bytes;
    while (n > 0) {
        char text[4 * PART / 3 + 8];
        const size_t part = n < PART ? n : PART;
        const size_t length = base64(at, part, text);
        if (!byte_pipe_put(to, head, sizeof head - 1, abandoned, user) ||
            !byte_pipe_put(to, text, length, abandoned, user) ||
            !byte_pipe_put(to, tail, sizeof tail - 1, abandoned, user))
            return false;
        at += part;
        n -= part;
    }
    return true;
}

bool sse_done(byte_pipe *to, const cbx_error *err, uint64_t frames,
              bool (*abandoned)(void *user), void *user)
{
    json_t *o = err ? json_pack("{s:s, s:{s:s}}", "type", "error", "error",
                                "message", err->text)
                    : json_pack("{s:s, s:{s:I}}", "type", "speech.audio.done",
                                "usage", "frames", (json_int_t)frames);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    const bool ok = text && byte_pipe_put(to, "data: ", 6, abandoned, user) &&
                    byte_pipe_put(to, text, strlen(text), abandoned, user) &&
                    byte_pipe_put(to, "\n\n", 2, abandoned, user);
    free(text);
    json_decref(o);
    return ok;
}
