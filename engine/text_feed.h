#ifndef CBX_ENGINE_TEXT_FEED_H
#define CBX_ENGINE_TEXT_FEED_H

#include "models/text/script.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Text from the [text] thread to the decode thread, cut into segments. Both
 * may call it at any time; each call is short. What is in it belongs to one
 * `cancels` count: a call with a newer one empties it first, a call with an
 * older one does nothing. */
typedef struct text_feed text_feed;

/* [setup] dictionary: NULL for none; the feed owns it, also on failure. warn is
 * told of a dictionary that has changed and cannot be read. */
CBX_CHECK cbx_status
text_feed_open(const cbx_script_options *options, pronounce *dictionary,
               void (*warn)(void *user, const char *sentence), void *warn_user,
               text_feed **out, cbx_error *err);
void text_feed_close(text_feed *f);

/* [text] Takes what fits. CBX_E_TEXT as cbx_splitter_push; CBX_E_ARG after
 * text_feed_finish. */
CBX_CHECK cbx_status text_feed_push(text_feed *f, uint64_t cancels,
                                    const char *text, size_t n, size_t *taken,
                                    cbx_error *err);
void text_feed_flush(text_feed *f, uint64_t cancels);
void text_feed_finish(text_feed *f, uint64_t cancels);

typedef enum { FEED_NONE, FEED_SEGMENT, FEED_END } feed_answer;

/* [decode] The next segment, or the end of the text. The segment's text and
 * source stay until the next call. */
feed_answer text_feed_next(text_feed *f, uint64_t cancels, cbx_segment *out);

/* [decode] Whether text_feed_next would give something other than FEED_NONE. */
bool text_feed_ready(text_feed *f, uint64_t cancels);

/* [any] Bytes that were not UTF-8, since open. */
uint64_t text_feed_replaced(text_feed *f);

#endif
