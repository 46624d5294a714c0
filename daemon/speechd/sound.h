#ifndef CBX_DAEMON_SPEECHD_SOUND_H
#define CBX_DAEMON_SPEECHD_SOUND_H

#include "daemon/buffer.h"

#include <stdint.h>

/* The sound of one piece of text: frames as they come, where its words begin,
 * and how much of it is to be heard. Silence before the first word and behind
 * the last is left out: a screen reader's listener waits for it. */

enum {
    SD_RATE = 24000,        /* what the models make */
    SD_QUIET = 32,          /* 1/1024 of full scale: below it is silence */
    SD_TAIL = SD_RATE / 50, /* silence that stays behind the last sound */
    SD_HOLD = SD_RATE * 10, /* silence that may yet be the last */
};

typedef struct sd_anchor {
    uint64_t frame;
    size_t text; /* the byte that is heard from there on */
} sd_anchor;

typedef struct sd_sound {
    cbx_buffer frames; /* int16_t[] */
    uint64_t base;     /* frames before the first of them, given away */
    cbx_buffer anchors;
    uint64_t loud_from, loud_to; /* first loud frame; behind the last; equal:
                                    none */
    bool whole;                  /* no more frames come */
} sd_sound;

/* [any] Frames of the engine, in [-1, 1]. False: memory ran out. */
bool sd_sound_add(sd_sound *s, const float *frames, size_t n);
bool sd_sound_anchor(sd_sound *s, uint64_t frame, size_t text);

/* [any] All frames before this one have come. */
static inline uint64_t sd_sound_end(const sd_sound *s)
{
    return s->base + s->frames.n / sizeof(int16_t);
}

/* [any] The first frame that is heard, as far as that is known; and behind the
 * last of those that can be heard now. Equal: none yet. */
uint64_t sd_sound_from(const sd_sound *s);
uint64_t sd_sound_to(const sd_sound *s);

/* [any] Frames [from, from + n), which must be there, times gain. */
void sd_sound_copy(const sd_sound *s, uint64_t from, size_t n, float gain,
                   int16_t *out);

/* [any] Forgets the frames before this one. */
void sd_sound_forget(sd_sound *s, uint64_t before);

/* [any] Keeps what is heard, and no spare memory. False: memory ran out. */
bool sd_sound_shrink(sd_sound *s);

void sd_sound_free(sd_sound *s);

#endif
