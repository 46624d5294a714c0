#ifndef CBX_MODELS_TEXT_SPLIT_H
#define CBX_MODELS_TEXT_SPLIT_H

#include "models/text/reader.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cuts text that is still arriving into segments for T3. Bytes are pushed in
 * any pieces; a segment comes out as soon as no later byte could undo its end.
 * The segments do not depend on how the bytes were cut into pushes.
 *
 * Cut after: . ! ? and their like with closing quotes or brackets, when white
 * space and one more character followed (not after "Mr.", "e.g.", initials);
 * 。！？ directly; a line break. A sentence longer than max_chars is cut at the
 * best place: clause punctuation, else before a conjunction, else a space,
 * else between two characters. Nothing is dropped but white space and pieces
 * without any letter or number, which count as pauses.
 *
 *     while (n) {
 *         st = cbx_splitter_push(s, bytes, n, &taken, err);
 *         bytes += taken, n -= taken;
 *         while (cbx_splitter_next(s, &segment))
 *             speak(&segment);
 *         if (st)
 *             return st;
 *     }
 */
typedef struct cbx_splitter cbx_splitter;

/* The pause after a segment, from short to long. */
typedef enum cbx_pause {
    CBX_PAUSE_NONE,   /* cut for length, in the middle of a phrase */
    CBX_PAUSE_CLAUSE, /* cut for length at , ; : or a dash; or flushed */
    CBX_PAUSE_SENTENCE,
    CBX_PAUSE_PARAGRAPH, /* line break */
} cbx_pause;

/* Where a character comes from: bytes in all that was pushed. One character can
 * stand for many bytes (an alias for its tag), and several characters for the
 * same ones. */
typedef struct cbx_source {
    uint64_t from, to;
} cbx_source;

typedef enum cbx_cue_kind {
    CBX_CUE_MARK,   /* text: its name */
    CBX_CUE_NOTICE, /* text: what of the markup was passed over */
} cbx_cue_kind;

/* What the markup says at a place in a segment. */
typedef struct cbx_cue {
    cbx_cue_kind kind;
    int at;        /* before this character, 0..chars */
    uint64_t from; /* byte in all that was pushed */
    char text[READER_NAME];
} cbx_cue;

enum { CBX_SEGMENT_CUES = 16 };

/* A segment without characters (len 0) carries what came behind the last text:
 * a break, and marks. */
typedef struct cbx_segment {
    const char *text; /* valid UTF-8, white space as single spaces, ends with a
                         0 byte; until the next call on the splitter */
    const cbx_source *source; /* [chars] */
    size_t len;               /* bytes */
    int chars;                /* code points, 0..max_chars */
    uint64_t begin, end;      /* byte range in all that was pushed */
    cbx_pause pause;          /* what follows it */
    unsigned silent_before;   /* pieces without letter or number since the
                                 previous segment */
    int break_before;  /* ms of silence, in place of any pause; -1: none asked
                          for */
    char language[16]; /* "": the stream's */
    cbx_prosody prosody;
    int n_cues;
    cbx_cue cues[CBX_SEGMENT_CUES]; /* in order */
} cbx_segment;

typedef struct cbx_split_options {
    int max_chars; /* code points, 16..2000 */
    bool wrapped;  /* single line breaks are spaces; blank lines still cut */
    bool ssml;     /* else plain text: reader.h */
    bool english;  /* the stream's language */
} cbx_split_options;

/* Longest run of bytes without white space or punctuation. */
enum { CBX_SPLIT_MAX_RUN = 4096 };

/* [setup] All memory is taken here. */
CBX_CHECK cbx_status cbx_splitter_open(const cbx_split_options *options,
                                       cbx_splitter **out, cbx_error *err);
void cbx_splitter_close(cbx_splitter *s);

/* [any, one thread at a time] Takes bytes until a segment is ready or all are
 * taken; `*taken` says how many, also on failure. Takes none while a segment
 * waits in cbx_splitter_next. CBX_E_TEXT: a NUL byte, markup that is none, or a
 * run longer than CBX_SPLIT_MAX_RUN; all stay failures, and segments before
 * them can still be had. The run itself is dropped. */
CBX_CHECK cbx_status cbx_splitter_push(cbx_splitter *s, const void *bytes,
                                       size_t n, size_t *taken, cbx_error *err);

/* [any] The next segment, or false when more text is needed. */
bool cbx_splitter_next(cbx_splitter *s, cbx_segment *out);

/* [any] Speak what is there: what was pushed so far ends a segment. Drain with
 * cbx_splitter_next, then go on pushing. An unfinished UTF-8 sequence waits
 * for its rest. */
void cbx_splitter_flush(cbx_splitter *s);

/* [any] The text ends here. Drain with cbx_splitter_next. */
void cbx_splitter_finish(cbx_splitter *s);

/* [any] Back to the state after open. */
void cbx_splitter_reset(cbx_splitter *s);

/* [any] Sequences that were not UTF-8 and became U+FFFD. */
uint64_t cbx_splitter_replaced(const cbx_splitter *s);

/* [any] Segments given out, and pieces without letter or number, so far. */
uint64_t cbx_splitter_spoken(const cbx_splitter *s);
uint64_t cbx_splitter_silent(const cbx_splitter *s);

#endif
