#ifndef CBX_TESTS_SINKS_JACKD_H
#define CBX_TESTS_SINKS_JACKD_H

#include "tests/sinks/source.h"

#include <sys/types.h>

/* A JACK server of this test's own, with the dummy driver. Its name is this
 * program's, and JACK_DEFAULT_SERVER says so. One at a time. */
void jackd_start(uint32_t rate, uint32_t period); /* skips without jackd */
void jackd_stop(void);
/* -9, and it is gone. Start another one afterwards and stop that, or the name
 * stays taken. */
void jackd_kill(void);

/* An ear: another process, a JACK client "ear" with the input port "in", that
 * records from when it is connected until the server dies or it is told. */
typedef struct {
    pid_t pid;
    int out;
    char path[600];
    float *frames; /* after ear_finish: silence before and after is cut off */
    uint32_t n;
} ear;

/* `port`: an output port to connect to as soon as it is there; "": others do
 * the connecting. Returns when the client runs. */
void ear_start(ear *e, const char *port);
/* Returns when somebody is connected to the ear. */
void ear_wait_connected(ear *e);
/* Ends it and reads what it heard. */
void ear_finish(ear *e);
void ear_free(ear *e);

#endif
