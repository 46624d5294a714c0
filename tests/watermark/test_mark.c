/* The watermark in a signal: pieces, look-ahead, edges. */
#include "tests/watermark/tiny.h"

#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 4800, N = 30011 };

static cbx_dev *dev;
static perth *p;
static float x[N], whole[N];

static perth_mark *open_mark(int ahead)
{
    cbx_error err;
    perth_mark *m;
    CHECK(perth_mark_open(p, ahead, MOST, &m, &err) == CBX_OK);
    return m;
}

/* All of `in` in pieces of `piece` samples (0: of changing lengths), each
 * within the room that was promised. */
static size_t mark(perth_mark *m, const float *in, size_t n, size_t piece,
                   float *out)
{
    float *got = malloc(perth_mark_room(m) * sizeof *got);
    size_t at = 0, made = 0, turn = 0;
    CHECK(got);
    perth_mark_begin(m);
    while (at < n) {
        static const size_t lengths[] = {1, 960, 37, 4800, 959, 320, 2049};
        size_t k = piece ? piece : lengths[turn++ % 7];
        k = k < n - at ? k : n - at;
        const size_t g = perth_mark_run(m, in + at, k, at + k == n, NULL, got);
        at += k;
        CHECK(g <= perth_mark_room(m) && made + g <= n);
        memcpy(out + made, got, g * sizeof *got);
        made += g;
    }
    free(got);
    return made;
}

static void as_many_samples_come_out_as_went_in(void)
{
    float out[N];
    for (int ahead = 0; ahead <= 15; ahead += 5) {
        perth_mark *m = open_mark(ahead);
        for (size_t n = 1; n < 6000; n += 487)
            CHECK(mark(m, x, n, 0, out) == n);
        CHECK(mark(m, x, N, 0, out) == N);
        perth_mark_close(m);
    }
}

static void the_pieces_do_not_matter(void)
{
    static const size_t pieces[] = {1, 100, 960, 4800};
    float out[N];
    for (int ahead = 0; ahead <= 15; ahead += 5) {
        perth_mark *m = open_mark(ahead);
        CHECK(mark(m, x, N, 0, whole) == N);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            CHECK(mark(m, x, N, pieces[i], out) == N);
            CHECK(memcmp(out, whole, sizeof out) == 0);
        }
        perth_mark_close(m);
    }
}

static double power(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)a[i] - (b ? (double)b[i] : 0);
        sum += d * d;
    }
    return sum;
}

/* With all of the look-ahead the network has what it has for the whole signal;
 * with less, what it guesses is near, and not the same. */
static void less_look_ahead_is_near_to_the_whole(void)
{
    float exact[N], part[N];
    perth_mark *m = open_mark(15);
    mark(m, x, N, 0, exact);
    perth_mark_close(m);
    const double change = power(exact, x, N);
    CHECK(change > 1e-4 * power(x, NULL, N));
    double before = change;
    for (int ahead = 0; ahead < 15; ahead += 7) {
        m = open_mark(ahead);
        mark(m, x, N, 0, part);
        const double apart = power(part, exact, N);
        CHECK(apart > 1e-9 * change && apart < 0.1 * before);
        before = apart;
        perth_mark_close(m);
    }
}

/* What is heard after so many samples does not wait for more. */
static void the_delay_is_what_is_said(void)
{
    float *out = malloc((N + 16384) * sizeof *out);
    CHECK(out);
    for (int ahead = 0; ahead <= 15; ahead += 3) {
        perth_mark *m = open_mark(ahead);
        size_t made = 0;
        perth_mark_begin(m);
        for (size_t at = 960; at <= 24 * 960; at += 960) {
            made += perth_mark_run(m, x + at - 960, 960, false, NULL, out);
            if (at > perth_mark_delay(m) + 960)
                CHECK(made + perth_mark_delay(m) >= at);
            if (at > 8 * 960)
                CHECK(made + perth_mark_delay(m) < at + 8);
        }
        CHECK(perth_mark_delay(m) <= (size_t)(66.1 * 24) + 240 * (size_t)ahead);
        perth_mark_close(m);
    }
    free(out);
}

static void silence_stays_silence(void)
{
    float zeros[N] = {0}, out[N];
    perth_mark *m = open_mark(0);
    CHECK(mark(m, zeros, N, 0, out) == N);
    CHECK(memcmp(out, zeros, sizeof out) == 0);
    perth_mark_close(m);
}

/* Below a frame there is only the way to 32 kHz and back. */
static void a_short_signal_is_not_marked(void)
{
    enum { SHORT = 700 };
    float tone[SHORT], out[SHORT];
    perth_mark *m = open_mark(0);
    for (int i = 0; i < SHORT; i++)
        tone[i] =
            0.5f * sinf(0.1f * (float)i) * sinf((float)M_PI * (float)i / SHORT);
    CHECK(mark(m, tone, SHORT, 0, out) == SHORT);
    CHECK(power(tone, out, SHORT) < 1e-6 * power(tone, NULL, SHORT));
    perth_mark_close(m);
}

static void one_signal_after_another_is_marked_alike(void)
{
    float a[9000], b[9000];
    perth_mark *m = open_mark(0);
    mark(m, x, 9000, 960, a);
    perth_mark_run(m, x, 3000, false, NULL, whole); /* and given up */
    mark(m, x, 9000, 960, b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    perth_mark_close(m);
}

static void a_look_ahead_that_the_network_lacks_is_refused(void)
{
    cbx_error err;
    perth_mark *m;
    CHECK(perth_mark_open(p, 16, MOST, &m, &err) == CBX_E_ARG);
    CHECK(perth_mark_open(p, -1, MOST, &m, &err) == CBX_E_ARG);
}

int main(int argc, char **argv)
{
    char path[4096];
    cbx_error err;
    CHECK(argc == 2);
    snprintf(path, sizeof path, "%s/mark_perth.safetensors", argv[1]);
    CHECK(cbx_cpu_open(1, NULL, &dev, &err) == CBX_OK);
    tiny_perth_write(path);
    p = tiny_perth_open(dev, path);
    tiny_speech(x, N);
    as_many_samples_come_out_as_went_in();
    the_pieces_do_not_matter();
    less_look_ahead_is_near_to_the_whole();
    the_delay_is_what_is_said();
    silence_stays_silence();
    a_short_signal_is_not_marked();
    one_signal_after_another_is_marked_alike();
    a_look_ahead_that_the_network_lacks_is_refused();
    perth_close(p);
    cbx_dev_close(dev);
    remove(path);
    return 0;
}
