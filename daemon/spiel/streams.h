#ifndef CBX_DAEMON_SPIEL_STREAMS_H
#define CBX_DAEMON_SPIEL_STREAMS_H

#include "chatterbox/client.h"

#include <poll.h>

/* The utterances that are on their way from the daemon into pipes. */
typedef struct streams streams;

/* What Synthesize asks for. Strings are copied. */
typedef struct stream_request {
    int fd; /* the pipe; the caller's, and duplicated */
    const char *text, *voice, *language; /* voice, language: "" is none */
    double pitch;                        /* 0 ... 2; 1 is the voice's own */
    double rate;                         /* 0.1 ... 10; 1 is normal */
    bool ssml;
} stream_request;

/* At the same time; more are refused. */
enum { STREAMS_MOST = 16 };

/* [setup] Does not wait for the daemon, which is started where none runs. */
cbx_status streams_open(streams **out, cbx_error *err);
/* [setup] Accepts NULL. */
void streams_close(streams *s);

/* [main] Begins an utterance. Never waits. CBX_E_LIMIT, CBX_E_DEVICE: there is
 * no daemon, CBX_E_ARG. */
cbx_status streams_begin(streams *s, const stream_request *r, cbx_error *err);

/* [main] Fills fds, which has room for STREAMS_MOST + 1, with what streams_turn
 * waits for; returns their number. */
int streams_fds(const streams *s, struct pollfd *fds);
/* [main] Moves what can be moved. An utterance ends with its sound, when its
 * pipe is closed, or when the daemon cannot speak it. */
void streams_turn(streams *s);

/* [main] Utterances that are not over. */
int streams_count(const streams *s);

#endif
