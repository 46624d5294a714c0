#ifndef CBX_TESTS_SINKS_SOURCE_H
#define CBX_TESTS_SINKS_SOURCE_H

#include "daemon/sinks/sink.h"

#include <stdatomic.h>

/* A source of known frames: noise in which no sample is zero, so that silence
 * in a recording is silence of the sink. */
typedef struct test_source {
    float *frames;
    uint32_t n;
    uint32_t most;             /* frames a read; 0: no limit */
    _Atomic uint32_t at;       /* frames read so far */
    _Atomic uint32_t released; /* frames that may be read; the rest are late */
    _Atomic uint32_t rate;
    _Atomic uint32_t rate_calls;
    /* set_rate takes all releases back: the test listens first */
    atomic_bool hold_on_rate;
} test_source;

/* All frames released. */
void test_source_init(test_source *t, uint32_t n, uint32_t seed);
void test_source_free(test_source *t);
cbx_source test_source_as_source(test_source *t);

/* Opens, or dies with the sentence. */
cbx_sink *open_sink(const cbx_sink_options *o, test_source *t);
/* Starts and waits for the end, or dies with the sentence. */
void play_to_the_end(cbx_sink *s);

double seconds(void);
void nap(double s);

#endif
