#ifndef CBX_MODELS_TEXT_READER_H
#define CBX_MODELS_TEXT_READER_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From bytes to characters and what stands between them: pauses, marks, a
 * change of language or of the voice's speed. Bytes come one at a time, so
 * where they were cut leaves no trace. Everything is bounded; a hostile text
 * costs no more than a good one.
 *
 *     st = reader_push(r, byte, err);
 *     while (reader_next(r, &item))
 *         use(&item);
 *
 * Plain text holds pauses: [pause:0.5s], [pause:300ms]. SSML: ssml.h. */
typedef struct reader reader;

enum {
    READER_NAME = 128,        /* bytes of a name or a notice, 0 included */
    READER_MAX_BREAK = 10000, /* ms */
};

/* How a passage is to be spoken. */
typedef struct cbx_prosody {
    float rate;    /* 1: as the stream; 0.25 to 4 */
    float gain_db; /* 0: as the stream; -96 to 12 */
    float pitch;   /* semitones; 0: as the stream; -12 to 12 */
} cbx_prosody;

typedef enum reader_kind {
    READER_CHAR,      /* code */
    READER_SENTENCE,  /* one begins or ends here */
    READER_PARAGRAPH, /* the same */
    READER_BREAK,     /* ms: silence, in place of any other pause */
    READER_MARK,      /* text: its name */
    READER_LANGUAGE,  /* text: the language from here on; "": the stream's */
    READER_PROSODY,   /* from here on */
    READER_NOTICE,    /* text: what was passed over, and why */
} reader_kind;

typedef struct reader_item {
    reader_kind kind;
    uint64_t begin; /* the bytes it stands for, in all that was pushed */
    uint32_t bytes;
    uint32_t code;
    int ms;
    cbx_prosody prosody;
    char text[READER_NAME];
} reader_item;

typedef struct reader_options {
    bool ssml;
    bool english;   /* what the stream's own language is: for say-as */
    size_t max_run; /* bytes of text without white space or punctuation */
} reader_options;

/* [setup] All memory is taken here. */
CBX_CHECK cbx_status reader_open(const reader_options *options, reader **out,
                                 cbx_error *err);
void reader_close(reader *r);

/* [any] Back to the state after open. */
void reader_reset(reader *r);

/* [any, one thread at a time] One byte. What it gave has to be taken with
 * reader_next before the next one. CBX_E_TEXT: a NUL byte, a run longer than
 * max_run, or markup that is none; it counts as not pushed. */
CBX_CHECK cbx_status reader_push(reader *r, unsigned char byte, cbx_error *err);

/* [any] The text ends here: what was held back comes out. */
void reader_finish(reader *r);

/* [any] */
bool reader_next(reader *r, reader_item *out);

/* [any] Bytes pushed; where a run that is too long began, else the same; and
 * sequences that were not UTF-8. */
uint64_t reader_offset(const reader *r);
uint64_t reader_run_begin(const reader *r);
uint64_t reader_replaced(const reader *r);

#endif
