#ifndef CBX_PLUGIN_SCRIPT_H
#define CBX_PLUGIN_SCRIPT_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All phrases of an instance as one text, for people and for hosts that know a
 * single text parameter:
 *
 *     @60 at 0
 *     Good morning.
 *     @61 at 96000 seed 5 voice "Anna B"
 *     It is seven o'clock.
 *
 * A line that starts with @ and a digit begins a phrase: its number, which is
 * the MIDI note that speaks it, and options. `at` pins it to the timeline, in
 * frames, or in seconds (`at 2.5s`); without it only a note speaks it. `seed`
 * and `voice` replace those of the instance. Text in front of the first such
 * line is phrase 60 at frame 0, so a plain text is a script. A line that starts
 * with a backslash is text: the backslash is taken away. */

enum {
    PLUG_PHRASES = 128,
    PLUG_SCRIPT_MAX = 65536, /* bytes of the whole script */
    PLUG_VOICE_MAX = 128,    /* bytes of a voice's name, with the NUL */
    PLUG_FIRST_PHRASE = 60,
};

typedef struct plug_phrase {
    int number;  /* 0 ... 127 */
    bool pinned; /* to frame `at` of the session, at the script's rate */
    int64_t at;
    bool seeded; /* with `seed`, else the instance's seed counts */
    uint64_t seed;
    char voice[PLUG_VOICE_MAX]; /* "": that of the instance */
    char *text;                 /* owned; ends in NUL */
} plug_phrase;

typedef struct plug_script {
    int count;
    plug_phrase phrases[PLUG_PHRASES]; /* by number */
} plug_script;

/* [setup] Reads text[0..n). rate turns seconds into frames. CBX_E_TEXT,
 * CBX_E_LIMIT, CBX_E_NOMEM; the sentence names the line. */
CBX_CHECK cbx_status plug_script_read(const char *text, size_t n, uint32_t rate,
                                      plug_script *out, cbx_error *err);
void plug_script_clear(plug_script *s);

/* [setup] The text that reads as this script; the caller frees it. Positions
 * that are whole milliseconds are written as seconds. NULL: out of memory. */
char *plug_script_text(const plug_script *s, uint32_t rate);

/* [setup] Moves the pinned phrases from one sample rate to another. */
void plug_script_rescale(plug_script *s, uint32_t from, uint32_t to);

#endif
