/* Sound on its way to the tokenizer: where segments and windows lie. */
#include "engine/sound_feed.h"

#include "tests/check.h"

#include <stdbool.h>
#include <string.h>

enum { RATE = SOUND_RATE, LONG = 70 * RATE };

static float x[LONG];

static sound_feed *open_feed(int tokens, bool live)
{
    cbx_error err;
    sound_feed *f;
    CHECK(sound_feed_open(RATE, tokens, live, &f, &err) == CBX_OK);
    return f;
}

/* A tone with a pause of 0.2 s every `pause` seconds. */
static void fill(double pause)
{
    for (int i = 0; i < LONG; i++) {
        const double t = (double)i / RATE;
        const bool quiet = fmod(t, pause) > pause - 0.2;
        x[i] = quiet ? 0 : (float)(0.3 * sin(2 * M_PI * 200 * t));
    }
}

/* Everything that was pushed comes out once, in order, whatever the pieces
 * were. Returns the number of segments; ends[]: where they end. */
static int run(sound_feed *f, size_t n, size_t piece, bool live, size_t *ends)
{
    size_t at = 0, heard = 0, taken;
    int segments = 0, tokens = 0;
    bool inside = false, finished = false;
    cbx_error err;
    sound_piece p;
    for (;;) {
        const size_t k = piece < n - at ? piece : n - at;
        if (k) {
            CHECK(sound_feed_push(f, 0, x + at, k, &taken, &err) == CBX_OK);
            at += taken;
        }
        if (at == n && !finished) {
            CHECK(sound_feed_finish(f, 0, &err) == CBX_OK);
            finished = true;
        }
        const bool ready = sound_feed_ready(f, 0);
        const sound_answer a = sound_feed_next(f, 0, &p);
        CHECK(ready == (a != SOUND_NONE));
        if (a == SOUND_END)
            break;
        if (a == SOUND_NONE)
            continue;
        CHECK(p.first == !inside);
        if (p.first)
            tokens = 0;
        inside = !p.last;
        const size_t all = (p.n + SOUND_TOKEN - 1) / SOUND_TOKEN;
        const size_t take = p.take < 0 ? all - (size_t)p.skip : (size_t)p.take;
        CHECK((size_t)p.skip + take <= all);
        tokens += (int)take;
        CHECK(tokens <= 750);
        if (live && p.take >= 0) {
            CHECK(p.n <= SOUND_WINDOW * SOUND_TOKEN);
            CHECK(all - (size_t)p.skip == SOUND_HOP + SOUND_AFTER);
        }
        /* the window's new part is where the last one ended */
        const size_t from = heard;
        const float *new = p.x + (size_t)p.skip *SOUND_TOKEN;
        const size_t samples = p.take < 0 ? p.n - (size_t)p.skip * SOUND_TOKEN
                                          : take * SOUND_TOKEN;
        CHECK(memcmp(new, x + from, samples * sizeof *x) == 0);
        heard += samples;
        if (p.last)
            ends[segments++] = heard;
    }
    CHECK(heard == n && !inside);
    return segments;
}

static void a_recording_of_thirty_seconds_is_one_segment(void)
{
    size_t ends[64];
    sound_feed *f = open_feed(1000, false);
    CHECK(run(f, 30 * RATE, LONG, false, ends) == 1);
    sound_feed_close(f);
    f = open_feed(1000, false);
    CHECK(run(f, 12345, 100, false, ends) == 1);
    sound_feed_close(f);
}

static void a_longer_one_is_cut_in_its_pauses(void)
{
    size_t ends[64], again[64];
    fill(7);
    sound_feed *f = open_feed(1000, false);
    const int n = run(f, LONG, 50000, false, ends);
    sound_feed_close(f);
    CHECK(n == 3);
    for (int i = 0; i < n - 1; i++) {
        const double t = fmod((double)ends[i] / RATE, 7);
        CHECK(t > 6.8 && t < 7);
    }
    f = open_feed(1000, false);
    CHECK(run(f, LONG, 777, false, again) == n);
    CHECK(memcmp(ends, again, (size_t)n * sizeof *ends) == 0);
    sound_feed_close(f);
}

static void live_segments_end_in_pauses_or_at_the_limit(void)
{
    size_t ends[64], again[64];
    fill(5);
    sound_feed *f = open_feed(1000, true);
    const int n = run(f, LONG, 1000, true, ends);
    sound_feed_close(f);
    CHECK(n == 7);
    for (int i = 0; i < n - 1; i++)
        CHECK_NEAR(fmod((double)ends[i] / RATE, 5), 4.9, 0.15);
    f = open_feed(1000, true);
    CHECK(run(f, LONG, 160, true, again) == n);
    CHECK(memcmp(ends, again, (size_t)n * sizeof *ends) == 0);
    sound_feed_close(f);
    fill(1000);
    f = open_feed(1000, true);
    CHECK(run(f, LONG, 1000, true, ends) == 3);
    sound_feed_close(f);
}

static void after_a_cancel_it_is_empty(void)
{
    cbx_error err;
    size_t taken;
    sound_piece p;
    sound_feed *f = open_feed(1000, true);
    CHECK(sound_feed_push(f, 0, x, 2 * RATE, &taken, &err) == CBX_OK);
    CHECK(sound_feed_next(f, 0, &p) == SOUND_PIECE);
    CHECK(sound_feed_next(f, 1, &p) == SOUND_NONE);
    CHECK(sound_feed_push(f, 0, x, 100, &taken, &err) == CBX_OK);
    CHECK(taken == 0);
    CHECK(sound_feed_finish(f, 1, &err) == CBX_OK);
    CHECK(sound_feed_next(f, 1, &p) == SOUND_END);
    CHECK(sound_feed_push(f, 1, x, 100, &taken, &err) == CBX_E_ARG);
    sound_feed_close(f);
}

static void what_is_no_number_is_silence(void)
{
    cbx_error err;
    size_t taken;
    sound_piece p;
    float odd[RATE];
    for (int i = 0; i < RATE; i++)
        odd[i] = i % 2 ? NAN : INFINITY;
    sound_feed *f = open_feed(1000, false);
    CHECK(sound_feed_push(f, 0, odd, RATE, &taken, &err) == CBX_OK);
    CHECK(sound_feed_finish(f, 0, &err) == CBX_OK);
    CHECK(sound_feed_next(f, 0, &p) == SOUND_PIECE && p.n == RATE);
    for (size_t i = 0; i < p.n; i++)
        CHECK(p.x[i] == 0);
    sound_feed_close(f);
}

int main(void)
{
    fill(1000);
    a_recording_of_thirty_seconds_is_one_segment();
    a_longer_one_is_cut_in_its_pauses();
    live_segments_end_in_pauses_or_at_the_limit();
    after_a_cancel_it_is_empty();
    what_is_no_number_is_silence();
    return 0;
}
