#include "tests/sinks/source.h"

#include "tests/check.h"

#include <string.h>
#include <time.h>

static uint32_t source_read(void *user, float *out, uint32_t n)
{
    test_source *t = user;
    const uint32_t at = atomic_load(&t->at);
    const uint32_t released = atomic_load(&t->released);
    uint32_t k = released > at ? released - at : 0;
    k = k < n ? k : n;
    if (t->most && k > t->most)
        k = t->most;
    memcpy(out, t->frames + at, k * sizeof *out);
    memset(out + k, 0, (n - k) * sizeof *out);
    atomic_store(&t->at, at + k);
    return k;
}

static bool source_ended(void *user)
{
    test_source *t = user;
    return atomic_load(&t->at) == t->n;
}

static void source_set_rate(void *user, uint32_t rate)
{
    test_source *t = user;
    if (atomic_load(&t->hold_on_rate))
        atomic_store(&t->released, 0);
    atomic_store(&t->rate, rate);
    atomic_fetch_add(&t->rate_calls, 1);
}

void test_source_init(test_source *t, uint32_t n, uint32_t seed)
{
    memset(t, 0, sizeof *t);
    t->frames = malloc(n * sizeof *t->frames);
    CHECK(t->frames);
    t->n = n;
    atomic_store(&t->released, n);
    for (uint32_t i = 0, x = seed * 2654435761u + 1; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        t->frames[i] = ((float)(x >> 9) + 0.5f) / 8388608.0f - 0.5f;
        CHECK(t->frames[i] != 0.0f);
    }
}

void test_source_free(test_source *t)
{
    free(t->frames);
}

cbx_source test_source_as_source(test_source *t)
{
    return (cbx_source){.read = source_read,
                        .ended = source_ended,
                        .set_rate = source_set_rate,
                        .user = t};
}

cbx_sink *open_sink(const cbx_sink_options *o, test_source *t)
{
    const cbx_source source = test_source_as_source(t);
    cbx_error err = {0};
    cbx_sink *s = NULL;
    if (cbx_sink_open(o, &source, &s, &err)) {
        fprintf(stderr, "open: %s\n", err.text);
        exit(1);
    }
    return s;
}

void play_to_the_end(cbx_sink *s)
{
    cbx_error err = {0};
    cbx_sink_state state = CBX_SINK_READY;
    if (cbx_sink_start(s, &err) || cbx_sink_wait(s, 60, &state, &err)) {
        fprintf(stderr, "play: %s\n", err.text);
        exit(1);
    }
    CHECK(state == CBX_SINK_ENDED);
}

double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void nap(double s)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)s,
                                 .tv_nsec = (long)((s - (time_t)s) * 1e9)},
              NULL);
}
