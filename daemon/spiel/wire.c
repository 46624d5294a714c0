#include "daemon/spiel/wire.h"

#include <math.h>

enum { CHUNK_SOUND = 1, CHUNK_EVENT = 2, SOUND_HEAD = 5, EVENT_HEAD = 14 };

static char *put8(char *to, uint8_t v)
{
    *to = (char)v;
    return to + 1;
}

static char *put32(char *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to = put8(to, (uint8_t)(v >> (8 * i)));
    return to;
}

/* As the sinks for raw sound do it. */
static uint16_t sample(float x)
{
    const float v = x * 32768.0f;
    if (!(v > -32768.0f)) /* also what is not a number */
        return v <= -32768.0f ? 0x8000 : 0;
    return v < 32767.0f ? (uint16_t)(int16_t)lrintf(v) : 0x7fff;
}

bool wire_header(cbx_buffer *to)
{
    return cbx_buffer_add(to, "0.01", 4);
}

bool wire_sound(cbx_buffer *to, const float *frames, uint32_t n)
{
    if (!cbx_buffer_reserve(to, SOUND_HEAD + 2 * (size_t)n))
        return false;
    char *p = put8(to->data + to->n, CHUNK_SOUND);
    p = put32(p, 2 * n);
    for (uint32_t i = 0; i < n; i++) {
        const uint16_t v = sample(frames[i]);
        p = put8(put8(p, (uint8_t)v), (uint8_t)(v >> 8));
    }
    to->n = (size_t)(p - to->data);
    return true;
}

bool wire_says(cbx_buffer *to, wire_event event, uint32_t from, uint32_t end,
               const char *name)
{
    const size_t n = strlen(name);
    if (!cbx_buffer_reserve(to, EVENT_HEAD + n))
        return false;
    char *p = put8(put8(to->data + to->n, CHUNK_EVENT), (uint8_t)event);
    p = put32(put32(put32(p, from), end), (uint32_t)n);
    memcpy(p, name, n);
    to->n = (size_t)(p + n - to->data);
    return true;
}
