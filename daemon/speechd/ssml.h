#ifndef CBX_DAEMON_SPEECHD_SSML_H
#define CBX_DAEMON_SPEECHD_SSML_H

#include "daemon/buffer.h"

/* A thin reader of what speech-dispatcher sends: text in <speak>, entities, and
 * <mark name="..."/>. What the tags say beyond that is the engine's to read
 * (rich); here they are dropped, and never read aloud. Anything is accepted: a
 * '<' that begins no tag is a character, and broken UTF-8 becomes U+FFFD. */

typedef struct sd_mark {
    size_t at;   /* byte of the text that it stands before */
    size_t name; /* byte of `names`; zero-terminated */
} sd_mark;

typedef struct sd_text {
    cbx_buffer text;  /* UTF-8 without control characters but '\n' */
    cbx_buffer names; /* of the marks, each with its zero */
    cbx_buffer marks; /* sd_mark[] in order */
    bool rich;        /* there are other elements than speak and mark */
} sd_text;

/* [any] Fills a zeroed *out. False: memory ran out; free it all the same. */
bool sd_ssml_read(const char *ssml, size_t n, sd_text *out);
/* [any] The same for text without any markup. */
bool sd_plain_read(const char *text, size_t n, sd_text *out);
void sd_text_free(sd_text *t);

/* [any] For whoever builds a text of its own. False: memory ran out. */
bool sd_text_mark(sd_text *t, const char *name, size_t n);

static inline size_t sd_text_marks(const sd_text *t)
{
    return t->marks.n / sizeof(sd_mark);
}

static inline const sd_mark *sd_text_mark_at(const sd_text *t, size_t i)
{
    return (const sd_mark *)(const void *)t->marks.data + i;
}

#endif
