/* PortAudio on a clocked device: ALSA's jack plugin on a private JACK server.
 * PortAudio does not take that device from a server with a period below 256. */
#include "tests/check.h"
#include "tests/sinks/alsa.h"
#include "tests/sinks/jackd.h"

#include <string.h>

static const cbx_sink_options to_alsa = {
    .kind = CBX_SINK_PORTAUDIO, .device = "to-the-ear", .rate = 48000};

/* Skips where ALSA has no jack plugin. */
static void need_plugin(void)
{
    cbx_device *list = NULL;
    size_t n = 0, found = 0;
    cbx_error err;
    CHECK(cbx_devices_list(&list, &n, &err) == CBX_OK);
    for (size_t i = 0; i < n; i++)
        found += !strcmp(list[i].name, to_alsa.device);
    free(list);
    if (!found)
        SKIP("ALSA's jack plugin (libasound2-plugins) is not installed");
}

static void start_held(cbx_sink *s, test_source *t, ear *e)
{
    cbx_error err;
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    ear_wait_connected(e);
    atomic_store(&t->released, t->n);
}

static void every_frame_is_heard_once_and_unchanged(uint32_t period)
{
    test_source t;
    ear e;
    cbx_error err;
    cbx_sink_info info;
    test_source_init(&t, 30000, period);
    atomic_store(&t.hold_on_rate, true);
    jackd_start(48000, period);
    ear_start(&e, "");
    need_plugin();
    cbx_sink *s = open_sink(&to_alsa, &t);
    start_held(s, &t, &e);
    CHECK(cbx_sink_wait(s, 30, NULL, &err) == CBX_OK);
    cbx_sink_poll(s, &info);
    CHECK(info.kind == CBX_SINK_PORTAUDIO && info.state == CBX_SINK_ENDED);
    CHECK(info.frames == 30000 && info.starved == 0 && info.reconnects == 0);
    cbx_sink_close(s);
    ear_finish(&e);
    jackd_stop();
    CHECK(e.n == 30000);
    CHECK(!memcmp(e.frames, t.frames, 30000 * sizeof(float)));
    ear_free(&e);
    test_source_free(&t);
}

static void a_device_that_dies_is_waited_for(void)
{
    test_source t;
    ear a, b;
    cbx_error err;
    cbx_sink_info info;
    test_source_init(&t, 60000, 3);
    atomic_store(&t.hold_on_rate, true);
    jackd_start(48000, 256);
    ear_start(&a, "");
    cbx_sink *s = open_sink(&to_alsa, &t);
    start_held(s, &t, &a);
    nap(0.3);
    jackd_kill();
    const double before = seconds();
    do {
        nap(0.01);
        cbx_sink_poll(s, &info);
        CHECK(seconds() - before < 20);
    } while (info.state != CBX_SINK_LOST);
    ear_finish(&a);
    const uint32_t at = atomic_load(&t.at);

    jackd_start(48000, 1024);
    ear_start(&b, "");
    ear_wait_connected(&b);
    atomic_store(&t.released, t.n);
    CHECK(cbx_sink_wait(s, 30, NULL, &err) == CBX_OK);
    cbx_sink_poll(s, &info);
    CHECK(info.state == CBX_SINK_ENDED && info.reconnects == 1);
    CHECK(info.frames == 60000);
    cbx_sink_close(s);
    ear_finish(&b);
    jackd_stop();
    CHECK(a.n > 0 && a.n <= at);
    CHECK(!memcmp(a.frames, t.frames, a.n * sizeof(float)));
    CHECK(b.n == t.n - at); /* all that was not in the dead device's hands */
    CHECK(!memcmp(b.frames, t.frames + at, b.n * sizeof(float)));
    ear_free(&a);
    ear_free(&b);
    test_source_free(&t);
}

int main(void)
{
    alsa_world("pcm.to-the-ear { type jack playback_ports {\n"
               "    0 \"ear:in\" 1 \"system:playback_2\" } }\n");
    every_frame_is_heard_once_and_unchanged(256);
    every_frame_is_heard_once_and_unchanged(1024);
    a_device_that_dies_is_waited_for();
    alsa_world_end();
    return 0;
}
