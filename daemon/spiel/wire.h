#ifndef CBX_DAEMON_SPIEL_WIRE_H
#define CBX_DAEMON_SPIEL_WIRE_H

#include "daemon/buffer.h"

/* Spiel's stream format, version 0.01, as it goes through an utterance's pipe:
 * a header, then chunks of sound and of events. All numbers are little endian
 * and not aligned. https://project-spiel.org, libspeechprovider */

typedef enum wire_event {
    WIRE_WORD = 1, /* from, to: characters of the text */
    WIRE_SENTENCE = 2,
    WIRE_RANGE = 3,
    WIRE_MARK = 4, /* name */
} wire_event;

/* What a voice can do, as bits of its entry in Voices. */
enum {
    WIRE_HAS_WORDS = 0x1,
    WIRE_HAS_SENTENCES = 0x2,
    WIRE_HAS_MARKS = 0x8,
    WIRE_SSML_CHARACTERS = 0x80,
    WIRE_SSML_BREAK = 0x1000,
    WIRE_SSML_SUB = 0x2000,
    WIRE_SSML_PROSODY = 0x10000,
    WIRE_SSML_SENTENCES = 0x20000,
};

#define WIRE_FORMAT "audio/x-spiel,format=S16LE,channels=1,rate=24000"

/* [any] All append to *to. False: memory ran out, nothing was appended. */
bool wire_header(cbx_buffer *to);
/* frames in [-1, 1] */
bool wire_sound(cbx_buffer *to, const float *frames, uint32_t n);
bool wire_says(cbx_buffer *to, wire_event event, uint32_t from, uint32_t end,
               const char *name);

#endif
