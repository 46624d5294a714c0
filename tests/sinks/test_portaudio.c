#include "tests/check.h"
#include "tests/sinks/jackd.h"

#include <string.h>

/* PortAudio's JACK client connects itself to the dummy's outputs; the ear
 * taps its port, and the source is held until the ear is there. */
static const cbx_sink_options to_jack = {.kind = CBX_SINK_PORTAUDIO,
                                         .device = "system"};
static const char port[] = "chatterbox:out_0";

static void no_device_is_said_at_once(void)
{
    test_source t;
    cbx_error err = {0};
    cbx_sink *s;
    test_source_init(&t, 1, 1);
    const cbx_source source = test_source_as_source(&t);
    setenv("JACK_DEFAULT_SERVER", "cbxtest-none", 1);
    setenv("JACK_NO_START_SERVER", "1", 1);
    cbx_sink_options o = to_jack;
    o.device = "no such device";
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_DEVICE);
    CHECK(strstr(err.text, "no such device"));
    o.device = "99";
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_DEVICE);
    test_source_free(&t);
}

static void release_when_connected(test_source *t, ear *e)
{
    ear_wait_connected(e);
    atomic_store(&t->released, t->n);
}

static void every_frame_is_heard_once_and_unchanged(uint32_t period)
{
    test_source t;
    ear e;
    cbx_error err;
    cbx_sink_state state;
    cbx_sink_info info;
    test_source_init(&t, 30000, period);
    atomic_store(&t.hold_on_rate, true);
    jackd_start(48000, period);
    ear_start(&e, port);
    cbx_sink *s = open_sink(&to_jack, &t);
    CHECK(atomic_load(&t.rate) == 48000);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    release_when_connected(&t, &e);
    CHECK(cbx_sink_wait(s, 30, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_ENDED);
    cbx_sink_poll(s, &info);
    CHECK(info.frames == 30000 && info.starved == 0);
    CHECK(info.reconnects == 0);
    cbx_sink_close(s);
    ear_finish(&e);
    jackd_stop();
    CHECK(e.n == 30000);
    CHECK(!memcmp(e.frames, t.frames, 30000 * sizeof(float)));
    ear_free(&e);
    test_source_free(&t);
}

static void a_killed_server_is_survived(void)
{
    test_source t;
    ear a, b;
    cbx_error err;
    cbx_sink_state state;
    cbx_sink_info info;
    test_source_init(&t, 60000, 3);
    atomic_store(&t.hold_on_rate, true);
    jackd_start(48000, 256);
    ear_start(&a, port);
    cbx_sink *s = open_sink(&to_jack, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    release_when_connected(&t, &a);
    nap(0.3);
    jackd_kill();
    const double before = seconds();
    do {
        nap(0.002);
        cbx_sink_poll(s, &info);
        CHECK(seconds() - before < 20);
    } while (info.state != CBX_SINK_LOST);
    ear_finish(&a);

    jackd_start(44100, 128);
    ear_start(&b, port);
    release_when_connected(&t, &b);
    CHECK(cbx_sink_wait(s, 30, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_ENDED);
    cbx_sink_poll(s, &info);
    CHECK(info.frames == 60000 && info.reconnects == 1);
    CHECK(info.rate == 44100 && atomic_load(&t.rate) == 44100);
    cbx_sink_close(s);
    ear_finish(&b);
    jackd_stop();
    CHECK(a.n > 0 && !memcmp(a.frames, t.frames, a.n * sizeof(float)));
    const uint32_t at = t.n - b.n;
    CHECK(b.n > 0 && b.n < t.n);
    CHECK(!memcmp(b.frames, t.frames + at, b.n * sizeof(float)));
    CHECK(at >= a.n && at - a.n <= 4 * 256);
    ear_free(&a);
    ear_free(&b);
    test_source_free(&t);
}

static void devices_are_listed(void)
{
    cbx_device *list = NULL;
    size_t n = 0, ours = 0;
    cbx_error err;
    ear e;
    jackd_start(48000, 256);
    ear_start(&e, ""); /* the server is up */
    CHECK(cbx_devices_list(&list, &n, &err) == CBX_OK);
    for (size_t i = 0; i < n; i++)
        ours += list[i].kind == CBX_SINK_PORTAUDIO &&
                !strcmp(list[i].name, "system") && list[i].rate == 48000 &&
                list[i].channels == 2;
    CHECK(ours == 1);
    free(list);
    ear_finish(&e);
    ear_free(&e);
    jackd_stop();
}

int main(void)
{
    no_device_is_said_at_once();
    devices_are_listed();
    every_frame_is_heard_once_and_unchanged(64);
    every_frame_is_heard_once_and_unchanged(128);
    every_frame_is_heard_once_and_unchanged(1024);
    a_killed_server_is_survived();
    return 0;
}
