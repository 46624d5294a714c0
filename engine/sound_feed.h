#ifndef CBX_ENGINE_SOUND_FEED_H
#define CBX_ENGINE_SOUND_FEED_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Recorded speech from the [text] thread to the decode thread, in pieces that
 * the speech tokenizer takes (docs/CONVERSION.md has the definition). Both
 * threads may call it at any time. What is in it belongs to one `cancels`
 * count, as in text_feed.h.
 *
 * A segment is a stretch of sound that becomes one segment of speech. Whole:
 * the tokenizer sees all of it at once, as the reference's does; segments end
 * at the quietest place in their second half. Live: it sees windows of
 * SOUND_WINDOW tokens, and SOUND_HOP tokens are taken from each, SOUND_AFTER
 * before its end. */
typedef struct sound_feed sound_feed;

enum {
    SOUND_RATE = 16000,
    SOUND_TOKEN = 640, /* samples of a token: 40 ms */
    SOUND_HOP = 12,
    SOUND_AFTER = 8,
    SOUND_WINDOW = 75,
};

typedef struct sound_piece {
    const float *x; /* [n] at 16 kHz; stays until the next call */
    size_t n;
    int skip, take; /* of its tokens: those of the segment that are new; take
                     * < 0: all that are left */
    bool first;     /* a segment begins with it */
    bool last;      /* and ends with it */
} sound_piece;

/* [setup] rate: of what is pushed. max_tokens: of a segment, at least 8. */
CBX_CHECK cbx_status sound_feed_open(uint32_t rate, int max_tokens, bool live,
                                     sound_feed **out, cbx_error *err);
void sound_feed_close(sound_feed *f);

/* [text] Takes what fits: half a minute and more, live some seconds. A sample
 * that is no number is taken as 0. CBX_E_ARG after sound_feed_finish. */
CBX_CHECK cbx_status sound_feed_push(sound_feed *f, uint64_t cancels,
                                     const float *x, size_t n, size_t *taken,
                                     cbx_error *err);
CBX_CHECK cbx_status sound_feed_finish(sound_feed *f, uint64_t cancels,
                                       cbx_error *err);

typedef enum { SOUND_NONE, SOUND_PIECE, SOUND_END } sound_answer;

/* [decode] The next piece, or the end. */
sound_answer sound_feed_next(sound_feed *f, uint64_t cancels, sound_piece *out);

/* [decode] Whether sound_feed_next would give something other than NONE. */
bool sound_feed_ready(sound_feed *f, uint64_t cancels);

#endif
