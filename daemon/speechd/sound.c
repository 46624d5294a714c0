#include "daemon/speechd/sound.h"

#include <math.h>

static int16_t sample(float x)
{
    const float v = x * 32768.0f;
    if (!(v > -32768.0f)) /* also what is not a number */
        return v <= -32768.0f ? -32768 : 0;
    return v < 32767.0f ? (int16_t)lrintf(v) : 32767;
}

static int16_t *frames_of(const sd_sound *s)
{
    return (int16_t *)(void *)s->frames.data;
}

bool sd_sound_add(sd_sound *s, const float *frames, size_t n)
{
    const uint64_t end = sd_sound_end(s);
    if (!cbx_buffer_reserve(&s->frames, n * sizeof(int16_t)))
        return false;
    int16_t *to = frames_of(s) + s->frames.n / sizeof(int16_t);
    for (size_t i = 0; i < n; i++) {
        to[i] = sample(frames[i]);
        if (to[i] > -SD_QUIET && to[i] < SD_QUIET)
            continue;
        if (s->loud_from == s->loud_to)
            s->loud_from = end + i;
        s->loud_to = end + i + 1;
    }
    s->frames.n += n * sizeof(int16_t);
    return true;
}

bool sd_sound_anchor(sd_sound *s, uint64_t frame, size_t text)
{
    const sd_anchor a = {.frame = frame, .text = text};
    return cbx_buffer_add(&s->anchors, &a, sizeof a);
}

/* One quiet frame stays, so that the sound begins at rest. */
uint64_t sd_sound_from(const sd_sound *s)
{
    if (s->loud_from == s->loud_to)
        return sd_sound_end(s);
    return s->loud_from > s->base ? s->loud_from - 1 : s->base;
}

uint64_t sd_sound_to(const sd_sound *s)
{
    const uint64_t end = sd_sound_end(s);
    if (s->loud_from == s->loud_to)
        return end;
    if (s->whole)
        return end - s->loud_to > SD_TAIL ? s->loud_to + SD_TAIL : end;
    return end - s->loud_to > SD_HOLD ? end : s->loud_to;
}

void sd_sound_copy(const sd_sound *s, uint64_t from, size_t n, float gain,
                   int16_t *out)
{
    const int16_t *in = frames_of(s) + (from - s->base);
    for (size_t i = 0; i < n; i++)
        out[i] = gain == 1.0f ? in[i] : (int16_t)lrintf((float)in[i] * gain);
}

void sd_sound_forget(sd_sound *s, uint64_t before)
{
    if (before <= s->base)
        return;
    cbx_buffer_drop(&s->frames, (size_t)(before - s->base) * sizeof(int16_t));
    s->base = before;
}

bool sd_sound_shrink(sd_sound *s)
{
    const uint64_t to = sd_sound_to(s);
    sd_sound_forget(s, sd_sound_from(s));
    s->frames.n = (size_t)(to - s->base) * sizeof(int16_t);
    s->whole = true;
    char *data = realloc(s->frames.data, s->frames.n + 1);
    if (!data)
        return false;
    s->frames.data = data;
    s->frames.room = s->frames.n + 1;
    s->frames.data[s->frames.n] = '\0';
    return true;
}

void sd_sound_free(sd_sound *s)
{
    cbx_buffer_free(&s->frames);
    cbx_buffer_free(&s->anchors);
    *s = (sd_sound){0};
}
