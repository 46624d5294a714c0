#ifndef CBX_TESTS_LIVE_HEARING_H
#define CBX_TESTS_LIVE_HEARING_H

#include <stdbool.h>
#include <stdint.h>

/* A JACK client "ear" in the test's own process, which records everything that
 * arrives at its ports "in_1", "in_2", ... from its opening to its closing: the
 * silence before and after too. One at a time. */
typedef struct hearing hearing;

/* Waits for the server. */
hearing *hearing_open(uint32_t ports);

/* Frames recorded so far: the server's clock. [any thread] */
uint32_t hearing_clock(const hearing *h);
bool hearing_connected(const hearing *h);
/* The server is gone. */
bool hearing_lost(const hearing *h);

/* Waits until a sound has come (that many frames since the first one that is
 * not zero), for at most ten seconds. */
void hearing_wait_for_sound(const hearing *h, uint32_t frames);

/* Ends the recording. Then: the frames of one port, and where its sound (the
 * first and behind the last frame that is not zero) is in it. */
void hearing_stop(hearing *h);
typedef struct sound {
    const float *all;    /* the recording */
    uint32_t n;          /* its frames */
    uint32_t first, end; /* equal: nothing but silence */
} sound;
sound hearing_of(const hearing *h, uint32_t port);

void hearing_close(hearing *h);

#endif
