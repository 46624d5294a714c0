/* Cancels at random moments, from another thread than the one that listens. */
#include "tests/engine/spoken.h"
#include "tests/live/listener.h"

#include <time.h>

enum { RATE = 48000, FADE = RATE / 200, ROUNDS = 100, SPEED = 4 };

static const char TEXT[] =
    "Good morning, this is a test. The sun is out, and the river is high. "
    "Is there a boat? Nobody knows, but we shall see. Then we go home.";

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void nap(double s)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)(s * 1e9)}, NULL);
}

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(*state >> 8) * below >> 24);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_spread(const char *what, double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    printf("%s: least %.2f, half %.2f, 9 of 10 %.2f, most %.2f\n", what, x[0],
           x[n / 2], x[n * 9 / 10], x[n - 1]);
}

static uint32_t first_sound(const float *x, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && x[i] == 0.0f)
        i++;
    return i;
}

static uint32_t last_sound(const float *x, uint32_t n)
{
    while (n > 0 && x[n - 1] == 0.0f)
        n--;
    return n;
}

static void begin_speech(listener *l)
{
    cbx_error err;
    size_t taken;
    listener_hold(l);
    listener_forget(l);
    listener_go(l);
    CHECK_OK(cbx_stream_push(l->stream, TEXT, strlen(TEXT), &taken, &err), err);
    CHECK(taken == strlen(TEXT));
    cbx_stream_finish(l->stream);
    const double until = seconds() + 20;
    while (!atomic_load(&l->speech) && seconds() < until)
        nap(0.0005);
    CHECK(atomic_load(&l->speech));
}

static void wait_for_cancelled(cbx_stream *s)
{
    cbx_event e;
    const double until = seconds() + 10;
    while (seconds() < until) {
        while (cbx_stream_poll(s, &e))
            if (e.kind == CBX_EVENT_CANCELLED)
                return;
        nap(0.0002);
    }
    CHECK(!"the cancel was told");
}

/* Frames heard from the cancel to silence, and the time (ms) until the decode
 * thread has dropped the work. */
static void one_cancel(listener *l, const pcm *twin, double random_s,
                       double *frames, double *ms)
{
    cbx_stream_stats before, soon, later;
    cbx_stream_get_stats(l->stream, &before);
    begin_speech(l);
    nap(random_s);
    const bool full = cbx_stream_available(l->stream) > 2 * FADE;
    const double asked = seconds();
    const uint32_t heard = atomic_load(&l->done);
    cbx_stream_cancel(l->stream);
    /* the read that runs now may have begun before */
    const uint32_t running = atomic_load(&l->started);
    wait_for_cancelled(l->stream);
    *ms = 1e3 * (seconds() - asked);
    cbx_stream_get_stats(l->stream, &soon);
    while (atomic_load(&l->done) < running + FADE + 2 * l->period)
        nap(0.0005);
    cbx_stream_get_stats(l->stream, &later);
    for (int i = 0; i < 1000 && !cbx_stream_ended(l->stream); i++)
        nap(0.0005); /* the next period sees it */
    CHECK(cbx_stream_ended(l->stream));

    listener_hold(l);
    CHECK(atomic_load(&l->done) <= l->cap);
    const uint32_t end = last_sound(l->frames, atomic_load(&l->done));
    *frames = end > heard ? end - heard : 0;
    if (end > running + FADE)
        fprintf(stderr, "sound until %u, asked at %u, running until %u\n",
                (unsigned)end, (unsigned)heard, (unsigned)running);
    CHECK(end <= running + FADE);
    if (full)
        CHECK(end == 0 || fabsf(l->frames[end - 1]) < 1e-3f);
    CHECK(soon.tokens == later.tokens && soon.cells == later.cells &&
          soon.audio_seconds == later.audio_seconds);
    if (later.underruns == before.underruns) { /* no hole in it */
        const uint32_t a = first_sound(l->frames, heard);
        const uint32_t b = first_sound(twin->x, (uint32_t)twin->n);
        CHECK(heard - a <= twin->n - b);
        CHECK(
            !memcmp(l->frames + a, twin->x + b, (heard - a) * sizeof *twin->x));
    }
    listener_go(l);
}

static void silence_comes_within_a_period_and_a_fade(const world *w,
                                                     uint32_t period)
{
    static double frames[ROUNDS], ms[ROUNDS];
    uint32_t random = period;
    cbx_params p = params_of(w, 5);
    p.sample_rate = RATE;
    pcm twin = speak(w, &p, TEXT);
    listener l = {.stream = open_stream(w, &p),
                  .period = period,
                  .tick_s = (double)period / RATE / SPEED,
                  .cap = 20 * RATE};
    listener_start(&l);
    for (int i = 0; i < ROUNDS; i++) {
        /* some of them with whole sentences made before */
        one_cancel(&l, &twin, 1e-6 * draw(&random, i % 10 ? 50000 : 500000),
                   &frames[i], &ms[i]);
    }
    printf("period %u\n", (unsigned)period);
    print_spread("  frames to silence", frames, ROUNDS);
    print_spread("  ms until decoding stopped", ms, ROUNDS);
    CHECK(frames[ROUNDS - 1] <= period + FADE);
    CHECK(ms[ROUNDS / 2] < 100);
    listener_stop(&l);

    /* it speaks again as if it were new */
    pcm again = speak_pieces(l.stream, TEXT, 0, 1024);
    CHECK(pcm_equal(&again, &twin));
    cbx_stream_close(l.stream);
    free(again.x);
    free(twin.x);
}

int main(void)
{
    world w = open_world(2);
    silence_comes_within_a_period_and_a_fade(&w, 64);
    silence_comes_within_a_period_and_a_fade(&w, 128);
    close_world(&w);
    return 0;
}
