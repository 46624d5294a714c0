#ifndef CBX_PLUGIN_INSTANCE_H
#define CBX_PLUGIN_INSTANCE_H

/* Inside of core/: what an instance is made of. */

#include "plugin/core/plug.h"
#include "rt/arena.h"
#include "rt/queue.h"

#include <pthread.h>

enum {
    PLUG_CACHE = 128, /* finished takes that no phrase needs now */
    PLUG_TAKES = PLUG_PHRASES + PLUG_CACHE,
    EDIT_BYTES = 4000,
    EDIT_PIECES = 32, /* more than PLUG_SCRIPT_MAX / EDIT_BYTES */
};

typedef struct edit_piece {
    uint16_t what; /* plug_edit */
    uint16_t bytes;
    uint8_t last;
    char text[EDIT_BYTES];
} edit_piece;

typedef struct plug_service plug_service;

struct plug {
    plug_player player;
    _Atomic float params[PLUG_PARAMS];
    _Atomic bool offline;
    _Atomic uint32_t refused; /* edits that did not fit */
    _Atomic bool serve;       /* something waits for the worker */
    bool shell_serves;
    cbx_arena *arena;
    cbx_queue *edits; /* audio -> worker */

    plug_service *service;
    plug *next; /* in the service's list; its lock */

    pthread_mutex_t lock; /* for all that follows */
    uint32_t rate;        /* 0: not known */
    uint32_t script_rate; /* of the script's positions */
    plug_script script;
    char voice[PLUG_VOICE_MAX];
    float used[PLUG_PARAMS]; /* values that the takes were made for */
    float seen[PLUG_PARAMS]; /* values that changed last ... */
    bool settled;            /* the host has played: it has told its values */
    int64_t seen_at;         /* ... and when */
    plug_take *takes[PLUG_TAKES];
    int take_count;
    /* One reference each, by index in the script. NULL: memory ran out. */
    plug_take *of_phrase[PLUG_PHRASES];
    uint64_t clock; /* for forgetting takes */
    plug_scene *replaced;
    uint64_t serial, text_serial;
    int64_t published_at;
    char *status;    /* as published */
    char *edit_text; /* pieces gathered so far */
    size_t edit_size;
    char complaint[256]; /* about the last edit; "": none */
    void (*log)(void *arg, const char *sentence);
    void *log_arg;
};

/* -- instance.c; under the lock -------------------------------------------- */

/* Takes for all phrases as script, voice and parameters are now; publishes. */
CBX_CHECK cbx_status plug_rebuild(plug *p, cbx_error *err);
/* Applies what the audio thread handed over. now: do not wait for a parameter
 * to come to rest. */
void plug_absorb(plug *p, bool now);
void plug_log(plug *p, const char *sentence);
void plug_drop_job(plug *p, plug_take *t);

/* -- scene.c; under the lock ----------------------------------------------- */

CBX_CHECK cbx_status plug_publish(plug *p, cbx_error *err);
/* Publishes when the status changed; not more often than needed. */
void plug_publish_status(plug *p);
/* Frees the replaced scenes that are not in use any more. */
void plug_reap(plug *p);

/* -- service.c ------------------------------------------------------------- */

/* [setup] The process's worker for this source; it knows p from here on. */
CBX_CHECK cbx_status service_join(const plug_source *source, plug *p,
                                  cbx_error *err);
void service_leave(plug *p);
void service_wake(plug_service *s);
/* [main] p->lock may be held. */
bool service_is_up(const plug_service *s);
/* Names of voices, one a line; into out[0..size). */
void service_voices(plug_service *s, char *out, size_t size);
/* [main] Ends a job that runs. */
void service_close_job(plug_service *s, void *job);

#endif
