/* Speed, pitch and gain of a stream, from the start and in mid-speech. */
#include "tests/engine/spoken.h"

#include <unistd.h>

static const char TEXT[] =
    "Good morning, this is a test. The sun is out, and the river is high. "
    "We walk along it until noon.";

static const uint64_t SEED = 7;

static double seconds_of(const world *w, float speed, float pitch)
{
    cbx_params p = params_of(w, SEED);
    p.speed = speed;
    p.pitch = pitch;
    pcm a = speak(w, &p, TEXT);
    for (size_t i = 0; i < a.n; i++)
        CHECK(isfinite(a.x[i]));
    free(a.x);
    return (double)a.n / 24000;
}

static void speed_changes_the_length_and_pitch_does_not(const world *w)
{
    const double plain = seconds_of(w, 1, 0);
    CHECK_NEAR(seconds_of(w, 2, 0), plain / 2, 0.02 * plain);
    CHECK_NEAR(seconds_of(w, 0.5, 0), plain * 2, 0.02 * plain);
    CHECK_NEAR(seconds_of(w, 4, 0), plain / 4, 0.02 * plain);
    CHECK_NEAR(seconds_of(w, 1, 7), plain, 0.02 * plain);
    CHECK_NEAR(seconds_of(w, 1.3f, -5), plain / 1.3, 0.02 * plain);
}

static void cuts_of_text_and_reads_change_no_bit(const world *w)
{
    cbx_params p = params_of(w, SEED);
    p.speed = 1.7f;
    p.pitch = -2;
    p.gain_db = 3;
    pcm whole = speak(w, &p, TEXT);
    cbx_stream *s = open_stream(w, &p);
    pcm cut = speak_pieces(s, TEXT, 3, 77);
    CHECK(whole.n > 12000 && pcm_equal(&whole, &cut));
    cbx_stream_cancel(s);
    while (!cbx_stream_ended(s)) {
        float x[64];
        cbx_stream_read(s, x, 64, NULL);
        usleep(100);
    }
    pcm again = speak_pieces(s, TEXT, 0, 512);
    CHECK(pcm_equal(&whole, &again));
    cbx_stream_close(s);
    free(whole.x);
    free(cut.x);
    free(again.x);
}

static void gain_is_a_factor(const world *w)
{
    cbx_params p = params_of(w, SEED);
    pcm plain = speak(w, &p, TEXT);
    p.gain_db = -20;
    pcm quiet = speak(w, &p, TEXT);
    CHECK(plain.n == quiet.n);
    for (size_t i = 0; i < plain.n; i++)
        CHECK_NEAR(quiet.x[i], 0.1 * (double)plain.x[i], 1e-6);
    free(plain.x);
    free(quiet.x);
}

typedef struct heard {
    pcm sound;
    uint64_t sentence[8]; /* frames */
    int sentences, changes, ended;
    uint64_t last;
} heard;

static void poll(cbx_stream *s, heard *h)
{
    cbx_event e;
    while (cbx_stream_poll(s, &e)) {
        CHECK(e.kind != CBX_EVENT_ERROR && e.kind != CBX_EVENT_UNDERRUN);
        CHECK(!h->ended);
        CHECK(e.frame <= h->sound.n + 512);
        if (e.kind == CBX_EVENT_SENTENCE) {
            CHECK(e.frame >= h->last && h->sentences < 8);
            h->last = e.frame;
            h->sentence[h->sentences++] = e.frame;
        }
        h->changes += e.kind == CBX_EVENT_CHANGED;
        h->ended += e.kind == CBX_EVENT_ENDED;
    }
}

/* Hears TEXT in periods; `act` is called before each of them. */
static heard hear(const world *w, void (*act)(cbx_stream *s, uint64_t frame))
{
    enum { PERIOD = 256 };
    const cbx_params p = params_of(w, SEED);
    cbx_stream *s = open_stream(w, &p);
    cbx_error err;
    size_t taken;
    heard h = {0};
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    cbx_stream_finish(s);
    for (int i = 0; !cbx_stream_ended(s); i++) {
        float x[PERIOD];
        CHECK(i < 100000);
        cbx_stream_wait(s, 100);
        if (act)
            act(s, h.sound.n);
        pcm_add(&h.sound, x, read_ready(s, x, PERIOD));
        poll(s, &h);
        usleep(500); /* some twenty times as fast as it is spoken */
    }
    poll(s, &h);
    CHECK(h.ended == 1 && h.sentences == 3);
    cbx_stream_close(s);
    return h;
}

static double steepest(const pcm *p)
{
    double most = 0;
    for (size_t i = 1; i < p->n; i++)
        most = fmax(most, fabs((double)p->x[i] - (double)p->x[i - 1]));
    return most;
}

/* To 2 after the first half second. */
static void double_it(cbx_stream *s, uint64_t frame)
{
    if (frame >= 12000)
        cbx_stream_set_speed(s, 2);
}

static void a_change_is_heard_soon_and_nothing_is_lost(const world *w)
{
    heard plain = hear(w, NULL), fast = hear(w, double_it);
    const double before = 12000, rest = (double)plain.sound.n - before;
    /* what was heard stays as it was */
    CHECK(memcmp(plain.sound.x, fast.sound.x, 12000 * sizeof(float)) == 0);
    /* and the rest takes half the time: within 0.2 s */
    CHECK_NEAR(fast.sound.n, before + rest / 2, 4800);
    for (int i = 1; i < 3; i++)
        CHECK_NEAR(fast.sentence[i],
                   before + ((double)plain.sentence[i] - before) / 2, 4800);
    CHECK(fast.changes == 1 && plain.changes == 0);
    CHECK(steepest(&fast.sound) <= 1.5 * steepest(&plain.sound));
    free(plain.sound.x);
    free(fast.sound.x);
}

static uint32_t dice = 1;

static void at_random(cbx_stream *s, uint64_t frame)
{
    (void)frame;
    dice = dice * 1664525 + 1013904223;
    const float x = (float)(dice >> 8) / (1 << 24);
    switch (dice >> 27) {
    case 0:
        cbx_stream_set_speed(s, 0.7f + 2 * x);
        break;
    case 1:
        cbx_stream_set_pitch(s, 6 * x - 3);
        break;
    case 2:
        cbx_stream_set_gain(s, -6 * x);
        break;
    case 3: /* in one go */
        cbx_stream_set_speed(s, 1);
        cbx_stream_set_pitch(s, 0);
        break;
    default:
        break;
    }
}

static void changes_at_random_times_do_not_click(const world *w)
{
    heard plain = hear(w, NULL);
    const double bound = 1.5 * steepest(&plain.sound);
    for (uint32_t seed = 1; seed <= 3; seed++) {
        dice = seed;
        heard h = hear(w, at_random);
        CHECK(h.changes > 5);
        CHECK(h.sound.n > plain.sound.n / 4 && h.sound.n < 2 * plain.sound.n);
        CHECK(steepest(&h.sound) <= bound);
        free(h.sound.x);
    }
    free(plain.sound.x);
}

static void a_rate_change_keeps_the_speed(const world *w)
{
    cbx_params p = params_of(w, SEED);
    p.speed = 2;
    pcm whole = speak(w, &p, TEXT), out = {0};
    cbx_stream *s = open_stream(w, &p);
    cbx_error err;
    size_t taken;
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    cbx_stream_finish(s);
    while (out.n < whole.n / 3) {
        float x[480];
        cbx_stream_wait(s, 100);
        pcm_add(&out, x, read_ready(s, x, 480));
    }
    const size_t before = out.n;
    CHECK_OK(cbx_stream_set_rate(s, 48000, &err), err);
    while (!cbx_stream_ended(s)) {
        cbx_stream_wait(s, 100);
        read_some(s, &out, 512);
    }
    CHECK_NEAR(out.n - before, 2 * (whole.n - before), 4800);
    cbx_stream_close(s);
    free(whole.x);
    free(out.x);
}

static void values_out_of_range_are_named(const world *w)
{
    cbx_params p = params_of(w, SEED);
    cbx_stream *s;
    cbx_error err;
    p.speed = 0.1f;
    CHECK(cbx_stream_open(w->voice, &p, &s, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "speed"));
    p.speed = 1;
    p.pitch = NAN;
    CHECK(cbx_stream_open(w->voice, &p, &s, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "pitch"));
}

int main(void)
{
    world w = open_world(2);
    speed_changes_the_length_and_pitch_does_not(&w);
    cuts_of_text_and_reads_change_no_bit(&w);
    gain_is_a_factor(&w);
    a_change_is_heard_soon_and_nothing_is_lost(&w);
    changes_at_random_times_do_not_click(&w);
    a_rate_change_keeps_the_speed(&w);
    values_out_of_range_are_named(&w);
    close_world(&w);
    return 0;
}
