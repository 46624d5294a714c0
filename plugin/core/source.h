#ifndef CBX_PLUGIN_SOURCE_H
#define CBX_PLUGIN_SOURCE_H

#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where rendered speech comes from: the daemon, or what a test puts in its
 * place. All calls come from one thread at a time, never from the audio thread,
 * and return at once (a few milliseconds). */

enum { PLUG_NATIVE_RATE = 24000 }; /* of what a source delivers: mono frames */

/* What the sound of a phrase depends on. Strings end in NUL and live for the
 * call. */
typedef struct plug_request {
    const char *text;
    const char *voice; /* "": the daemon's own choice */
    uint64_t seed;
    float speed; /* 0.5 ... 4 */
    float pitch; /* semitones */
} plug_request;

/* A word: it begins at `frame` (24 kHz); text bytes [from, to). */
typedef struct plug_mark {
    uint64_t frame;
    uint32_t from, to;
} plug_mark;

typedef enum plug_progress {
    PLUG_MORE,   /* this is all for now */
    PLUG_ENDED,  /* and this was the last */
    PLUG_LOST,   /* the renderer went away: ask again later */
    PLUG_FAILED, /* it cannot be rendered: the sentence says why */
} plug_progress;

typedef struct plug_source {
    /* CBX_E_DEVICE: nobody answers now, ask again later. Any other fault is
     * final for this request. */
    cbx_status (*open)(void *self, const plug_request *request, void **job,
                       cbx_error *err);
    /* Takes up to cap frames that are there; *got says how many. */
    plug_progress (*read)(void *self, void *job, float *out, uint32_t cap,
                          uint32_t *got, cbx_error *err);
    /* The next word whose place is known. */
    bool (*mark)(void *self, void *job, plug_mark *out);
    /* Stops the job, wherever it is, and forgets it. */
    void (*close)(void *self, void *job);
    /* Names of voices, one a line, written into out[0..size); "" when nobody
     * answers. NULL: none are known. */
    void (*voices)(void *self, char *out, size_t size);
    /* Before the first and after the last instance; NULL: nothing to do. */
    cbx_status (*begin)(void *self, cbx_error *err);
    void (*end)(void *self);
    /* Somebody answers. NULL: always. */
    bool (*up)(void *self);
    void *self;
} plug_source;

/* [setup] The daemon behind its socket; one connection for the process. */
const plug_source *plug_daemon(void);

#endif
