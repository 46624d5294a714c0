#include "tests/check.h"
#include "tests/sinks/alsa.h"
#include "tests/sinks/jackd.h"

#include <jack/jack.h>
#include <string.h>

static const cbx_sink_options to_the_ear = {.kind = CBX_SINK_JACK,
                                            .ports = "ear:in"};

static void no_server_is_said_at_once(void)
{
    test_source t;
    cbx_error err = {0};
    cbx_sink *s;
    test_source_init(&t, 1, 1);
    const cbx_source source = test_source_as_source(&t);
    setenv("JACK_DEFAULT_SERVER", "cbxtest-none", 1);
    const double before = seconds();
    CHECK(cbx_sink_open(&to_the_ear, &source, &s, &err) == CBX_E_DEVICE);
    CHECK(seconds() - before < 1.0);
    CHECK(strstr(err.text, "cbxtest-none") && strstr(err.text, "running"));
    test_source_free(&t);
}

static void every_frame_is_heard_once_and_unchanged(uint32_t period)
{
    test_source t;
    ear e;
    cbx_sink_info info;
    test_source_init(&t, 30000, period);
    jackd_start(48000, period);
    ear_start(&e, "");
    cbx_sink *s = open_sink(&to_the_ear, &t);
    CHECK(atomic_load(&t.rate) == 48000);
    play_to_the_end(s);
    cbx_sink_poll(s, &info);
    CHECK(info.frames == 30000 && info.starved == 0);
    CHECK(info.reconnects == 0);
    CHECK(info.period == period && info.rate == 48000);
    cbx_sink_close(s);
    ear_finish(&e);
    jackd_stop();
    CHECK(e.n == 30000);
    CHECK(!memcmp(e.frames, t.frames, 30000 * sizeof(float)));
    ear_free(&e);
    test_source_free(&t);
}

static void wait_for_state(cbx_sink *s, cbx_sink_state state)
{
    cbx_sink_info info;
    const double before = seconds();
    do {
        nap(0.002);
        cbx_sink_poll(s, &info);
        CHECK(seconds() - before < 20);
    } while (info.state != state);
}

/* The first ear hears the start, the second the rest. Between them at most
 * what was in the dead server's hands is missing, and nothing comes twice. */
static void check_halves(const test_source *t, const ear *a, const ear *b,
                         uint32_t in_flight)
{
    CHECK(a->n > 0 && a->n < t->n);
    CHECK(!memcmp(a->frames, t->frames, a->n * sizeof(float)));
    CHECK(b->n > 0 && b->n < t->n);
    const uint32_t at = t->n - b->n;
    CHECK(!memcmp(b->frames, t->frames + at, b->n * sizeof(float)));
    CHECK(at >= a->n && at - a->n <= in_flight);
}

static void a_killed_server_is_survived(uint32_t rate, uint32_t period)
{
    test_source t;
    ear a, b;
    cbx_error err;
    cbx_sink_state state;
    cbx_sink_info info;
    test_source_init(&t, 60000, period);
    jackd_start(48000, 256);
    ear_start(&a, "");
    cbx_sink *s = open_sink(&to_the_ear, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    ear_wait_connected(&a);
    nap(0.3);
    jackd_kill();
    const double before = seconds();
    wait_for_state(s, CBX_SINK_LOST);
    CHECK(seconds() - before < 1.5); /* told, not found out */
    const uint32_t at = atomic_load(&t.at);
    CHECK(at > 0 && at < 60000);
    ear_finish(&a);
    nap(0.3);
    CHECK(atomic_load(&t.at) == at);

    jackd_start(rate, period);
    ear_start(&b, "");
    CHECK(cbx_sink_wait(s, 30, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_ENDED);
    cbx_sink_poll(s, &info);
    CHECK(info.frames == 60000 && info.reconnects == 1);
    CHECK(info.rate == rate && info.period == period);
    CHECK(atomic_load(&t.rate) == rate && atomic_load(&t.rate_calls) == 2);
    cbx_sink_close(s);
    ear_finish(&b);
    jackd_stop();
    check_halves(&t, &a, &b, 2 * 256);
    ear_free(&a);
    ear_free(&b);
    test_source_free(&t);
}

static void stop_works_while_playing_and_while_lost(void)
{
    test_source t;
    cbx_error err;
    ear e;
    test_source_init(&t, 480000, 9);
    jackd_start(48000, 128);
    ear_start(&e, "");
    cbx_sink *s = open_sink(&to_the_ear, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    ear_wait_connected(&e);
    nap(0.1);
    const double before = seconds();
    cbx_sink_stop(s);
    CHECK(seconds() - before < 1.0);
    cbx_sink_close(s);
    ear_finish(&e);
    /* the heard frames are the source's, but for a fade of 240 frames */
    const uint32_t at = atomic_load(&t.at);
    CHECK(e.n > 240 && e.n <= at && at - e.n < 128);
    CHECK(!memcmp(e.frames, t.frames, (e.n - 240) * sizeof(float)));
    for (uint32_t i = e.n - 20; i < e.n; i++)
        CHECK(fabsf(e.frames[i]) < 0.02f);
    ear_free(&e);

    cbx_sink_options alone = {.kind = CBX_SINK_JACK, .ports = "none"};
    s = open_sink(&alone, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    jackd_kill();
    wait_for_state(s, CBX_SINK_LOST);
    cbx_sink_stop(s);
    cbx_sink_close(s);
    jackd_start(48000, 128);
    ear_start(&e, "");
    ear_finish(&e);
    ear_free(&e);
    jackd_stop();
    test_source_free(&t);
}

static void ports_and_names_are_checked(void)
{
    test_source t;
    cbx_error err = {0};
    cbx_sink *s;
    cbx_device *list = NULL;
    size_t n = 0, ours = 0;
    ear e;
    test_source_init(&t, 4800, 1);
    const cbx_source source = test_source_as_source(&t);
    jackd_start(44100, 256);
    ear_start(&e, "");
    cbx_sink_options o = {.kind = CBX_SINK_JACK, .ports = "nobody:in"};
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_DEVICE);
    CHECK(strstr(err.text, "nobody:in"));
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[199] = 0;
    o = (cbx_sink_options){.kind = CBX_SINK_JACK, .name = longer};
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_ARG);

    CHECK(cbx_devices_list(&list, &n, &err) == CBX_OK);
    for (size_t i = 0; i < n; i++)
        ours += list[i].kind == CBX_SINK_JACK && list[i].rate == 44100 &&
                (!strcmp(list[i].name, "ear:in") || list[i].is_default);
    CHECK(ours == 3); /* the ear and the dummy's two */
    free(list);

    /* two channels, to the physical ports and, by name, to the ear */
    o = (cbx_sink_options){.kind = CBX_SINK_JACK, .channels = 2};
    s = open_sink(&o, &t);
    play_to_the_end(s);
    cbx_sink_close(s);
    ear_finish(&e);
    jackd_stop();
    ear_free(&e);
    test_source_free(&t);
}

/* A client of this program's own, to change the server's ways. */
static jack_client_t *open_hand(void)
{
    jack_client_t *c = jack_client_open("hand", JackNoStartServer, NULL);
    CHECK(c && !jack_activate(c));
    return c;
}

static void the_period_may_change_while_playing(void)
{
    test_source t;
    ear e;
    cbx_error err;
    cbx_sink_info info;
    test_source_init(&t, 60000, 1);
    jackd_start(48000, 256);
    ear_start(&e, "");
    jack_client_t *hand = open_hand();
    cbx_sink *s = open_sink(&to_the_ear, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    nap(0.2);
    CHECK(!jack_set_buffer_size(hand, 64));
    nap(0.2);
    CHECK(!jack_set_buffer_size(hand, 1024));
    CHECK(cbx_sink_wait(s, 30, NULL, &err) == CBX_OK);
    cbx_sink_poll(s, &info);
    CHECK(info.frames == 60000 && info.period == 1024);
    CHECK(info.starved == 0 && info.reconnects == 0);
    cbx_sink_close(s);
    jack_client_close(hand);
    ear_finish(&e);
    jackd_stop();
    /* the server drops its cycles' silence in between, not our frames */
    uint32_t k = 0;
    for (uint32_t i = 0; i < e.n; i++)
        if (e.frames[i] != 0.0f)
            CHECK(e.frames[i] == t.frames[k++]);
    CHECK(k == 60000);
    ear_free(&e);
    test_source_free(&t);
}

/* Freewheeling, a bounce: quicker than the clock, and without a gap though the
 * source is slower than the graph. */
static void freewheeling_waits_for_the_source(void)
{
    test_source t;
    ear e;
    cbx_error err;
    cbx_sink_info info;
    test_source_init(&t, 96000, 1);
    atomic_store(&t.released, 0);
    jackd_start(48000, 256);
    ear_start(&e, "");
    jack_client_t *hand = open_hand();
    cbx_sink *s = open_sink(&to_the_ear, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    CHECK(!jack_set_freewheel(hand, 1));
    const double before = seconds();
    for (uint32_t n = 4800; n <= 96000; n += 4800) {
        nap(0.02);
        atomic_store(&t.released, n);
    }
    CHECK(cbx_sink_wait(s, 30, NULL, &err) == CBX_OK);
    CHECK(seconds() - before < 1.9);
    CHECK(!jack_set_freewheel(hand, 0));
    cbx_sink_poll(s, &info);
    CHECK(info.frames == 96000 && info.starved == 0);
    cbx_sink_close(s);
    jack_client_close(hand);
    ear_finish(&e);
    jackd_stop();
    CHECK(e.n == 96000);
    CHECK(!memcmp(e.frames, t.frames, e.n * sizeof(float)));
    ear_free(&e);
    test_source_free(&t);
}

int main(void)
{
    alsa_world("");
    no_server_is_said_at_once();
    every_frame_is_heard_once_and_unchanged(64);
    every_frame_is_heard_once_and_unchanged(128);
    every_frame_is_heard_once_and_unchanged(1024);
    a_killed_server_is_survived(48000, 1024);
    a_killed_server_is_survived(44100, 64);
    stop_works_while_playing_and_while_lost();
    ports_and_names_are_checked();
    the_period_may_change_while_playing();
    freewheeling_waits_for_the_source();
    alsa_world_end();
    return 0;
}
