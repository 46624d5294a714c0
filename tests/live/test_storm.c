/* Everything at once on one stream: text, cancels, pauses, events, statistics,
 * other sample rates, and an audio thread in between. Then it is quiet, and the
 * stream speaks as if nothing had been. */
#include "tests/engine/spoken.h"
#include "tests/live/listener.h"

#include <time.h>

static const char TEXT[] = "Good morning. This is a test, is it? Yes! Then go.";

static const char LAST[] = "All is well.";

typedef struct storm {
    listener ear;
    cbx_stream *stream;
    atomic_bool over;
    _Atomic uint64_t pushed, cancels, rates, polled;
} storm;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void nap_us(long us)
{
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(*state >> 8) * below >> 24);
}

static void *write_text(void *arg)
{
    storm *s = arg;
    uint32_t random = 1;
    size_t at = 0;
    while (!atomic_load(&s->over)) {
        size_t taken = 0;
        cbx_error err;
        const size_t left = sizeof TEXT - 1 - at;
        const size_t most = 1 + draw(&random, 30);
        /* after a finish, text is refused until a cancel */
        if (cbx_stream_push(s->stream, TEXT + at, left < most ? left : most,
                            &taken, &err))
            nap_us(300);
        atomic_fetch_add(&s->pushed, taken);
        at = (at + taken) % (sizeof TEXT - 1);
        switch (draw(&random, 12)) {
        case 0:
            cbx_stream_flush(s->stream);
            break;
        case 1:
            cbx_stream_finish(s->stream);
            break;
        }
        nap_us(100 + (long)draw(&random, 2000));
    }
    return NULL;
}

/* Half of the cancels come while something is heard, on slow machines too. */
static void wait_for_speech(storm *s)
{
    const uint32_t before = atomic_load(&s->ear.speech);
    for (int ms = 0; ms < 2000 && !atomic_load(&s->over); ms++) {
        if (atomic_load(&s->ear.speech) - before > 1000)
            return;
        nap_us(1000);
    }
}

static void *cancel(void *arg)
{
    storm *s = arg;
    uint32_t random = 2;
    while (!atomic_load(&s->over)) {
        nap_us((long)draw(&random, draw(&random, 4) ? 60000 : 300));
        if (draw(&random, 2))
            wait_for_speech(s);
        cbx_stream_cancel(s->stream);
        atomic_fetch_add(&s->cancels, 1);
        if (!draw(&random, 3)) {
            cbx_stream_pause(s->stream, true);
            nap_us((long)draw(&random, 3000));
            cbx_stream_pause(s->stream, false);
        }
    }
    return NULL;
}

static void *look(void *arg)
{
    storm *s = arg;
    while (!atomic_load(&s->over)) {
        cbx_event e;
        cbx_stream_stats stats;
        while (cbx_stream_poll(s->stream, &e)) {
            CHECK(e.kind != CBX_EVENT_ERROR);
            atomic_fetch_add(&s->polled, 1);
        }
        cbx_stream_get_stats(s->stream, &stats);
        cbx_stream_wait(s->stream, 1);
    }
    return NULL;
}

static void *change_rate(void *arg)
{
    static const uint32_t rates[] = {48000, 44100, 24000, 96000};
    storm *s = arg;
    uint32_t random = 3;
    while (!atomic_load(&s->over)) {
        cbx_error err;
        nap_us((long)draw(&random, 20000));
        listener_hold(&s->ear);
        CHECK_OK(cbx_stream_set_rate(s->stream, rates[draw(&random, 4)], &err),
                 err);
        listener_go(&s->ear);
        atomic_fetch_add(&s->rates, 1);
    }
    return NULL;
}

/* [audio] The audio thread itself may cancel too. */
static uint32_t read_and_cancel(listener *l, float *out, uint32_t n)
{
    uint32_t *random = l->user;
    if (!draw(random, 500))
        cbx_stream_cancel(l->stream);
    const uint32_t got = cbx_stream_read(l->stream, out, n, NULL);
    for (uint32_t i = 0; i < n; i++)
        CHECK(isfinite(out[i]) && fabsf(out[i]) < 8);
    return got;
}

static void let_it_end(storm *s)
{
    const double until = seconds() + 30;
    cbx_stream_pause(s->stream, false);
    cbx_stream_cancel(s->stream);
    while (!cbx_stream_ended(s->stream) && seconds() < until)
        nap_us(1000);
    CHECK(cbx_stream_ended(s->stream));
}

static void after_a_storm_it_speaks_as_if_new(const world *w, double how_long)
{
    void *(*const work[])(void *) = {write_text, cancel, look, change_rate};
    enum { WORKERS = sizeof work / sizeof *work };
    pthread_t threads[WORKERS];
    uint32_t random = 4;
    storm s = {0};
    cbx_error err;
    cbx_params p = params_of(w, 9);
    p.sample_rate = 48000;
    s.stream = open_stream(w, &p);
    s.ear = (listener){.stream = s.stream,
                       .period = 128,
                       .tick_s = 0.0005,
                       .read = read_and_cancel,
                       .user = &random};
    listener_start(&s.ear);
    for (int i = 0; i < WORKERS; i++)
        CHECK(!pthread_create(&threads[i], NULL, work[i], &s));
    for (double until = seconds() + how_long; seconds() < until;)
        nap_us(10000);
    atomic_store(&s.over, true);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    let_it_end(&s);
    listener_stop(&s.ear);
    printf("%llu bytes, %llu cancels, %llu rates, %llu events, %u frames of "
           "speech\n",
           (unsigned long long)s.pushed, (unsigned long long)s.cancels,
           (unsigned long long)s.rates, (unsigned long long)s.polled,
           (unsigned)s.ear.speech);
    CHECK(s.pushed > 100 && s.cancels > 5 && s.rates > 5 && s.polled > 5);
    CHECK(s.ear.speech > 1000);

    CHECK_OK(cbx_stream_set_rate(s.stream, 48000, &err), err);
    pcm want = speak(w, &p, LAST);
    pcm got = speak_pieces(s.stream, LAST, 2, 512);
    CHECK(want.n > 0 && pcm_equal(&got, &want));
    cbx_stream_close(s.stream);
    free(want.x);
    free(got.x);
}

/* Streams that are closed while they speak, next to one that goes on. */
static void closing_in_mid_speech_disturbs_nobody(const world *w)
{
    const cbx_params p = params_of(w, 9);
    pcm want = speak(w, &p, LAST);
    for (int round = 0; round < 4; round++) {
        cbx_stream *other = open_stream(w, &p);
        cbx_stream *s = open_stream(w, &p);
        cbx_error err;
        size_t taken;
        CHECK_OK(cbx_stream_push(other, TEXT, strlen(TEXT), &taken, &err), err);
        CHECK_OK(cbx_stream_push(s, LAST, 5, &taken, &err), err);
        cbx_stream_wait(other, 4 * round);
        if (round & 1)
            cbx_stream_cancel(other);
        cbx_stream_close(other);
        pcm got = speak_pieces(s, LAST + 5, 0, 512);
        CHECK(pcm_equal(&got, &want));
        cbx_stream_close(s);
        free(got.x);
    }
    free(want.x);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3); /* model, seconds */
    world w;
    cbx_error err;
    const cbx_engine_options o = {.threads = 2};
    CHECK_OK(cbx_engine_open(&o, &w.engine, &err), err);
    CHECK_OK(cbx_model_open(w.engine, argv[1], &w.model, &err), err);
    CHECK_OK(cbx_voice_open(w.model, NULL, &w.voice, &err), err);
    after_a_storm_it_speaks_as_if_new(&w, atof(argv[2]));
    if (!strcmp(argv[1], "builtin")) /* others never come to an end */
        closing_in_mid_speech_disturbs_nobody(&w);
    close_world(&w);
    return 0;
}
