#ifndef CBX_TESTS_LIVE_LISTENER_H
#define CBX_TESTS_LIVE_LISTENER_H

#include "chatterbox/chatterbox.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LISTENER_MOST_PERIOD = 4096 };

/* An audio thread without a device: reads one period of a stream each tick of
 * its clock, and records it. */
typedef struct listener {
    cbx_stream *stream;
    uint32_t period;
    double tick_s; /* less than period / rate: a faster clock */
    /* [audio] called in place of cbx_stream_read, or NULL. Returns what it
     * returns. */
    uint32_t (*read)(struct listener *l, float *out, uint32_t n);
    void *user;

    float *frames; /* [cap] what was heard; later frames are dropped */
    uint32_t cap;
    _Atomic uint32_t started, done; /* frames asked for, and there */
    _Atomic uint32_t speech;        /* frames of speech among them */
    pthread_mutex_t turn;
    pthread_t thread;
    atomic_bool halt;
} listener;

void listener_start(listener *l);
void listener_stop(listener *l);
/* Between these two it reads nothing. */
void listener_hold(listener *l);
void listener_go(listener *l);
/* Forgets what was heard; while it is held. */
void listener_forget(listener *l);

#endif
