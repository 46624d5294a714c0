#include "tests/check.h"
#include "tests/sinks/alsa.h"
#include "tests/sinks/jackd.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char raw[600];

/* One device, "tape", which writes what it plays to a file as fast as it
 * comes. */
static void tape_world(void)
{
    char here[400], devices[900];
    CHECK(getcwd(here, sizeof here));
    snprintf(raw, sizeof raw, "%s/alsa-%ld.raw", here, (long)getpid());
    snprintf(devices, sizeof devices,
             "pcm.nothing { type null }\n"
             "pcm.tape { type file format raw file \"%s\"\n"
             "    slave.pcm nothing }\n",
             raw);
    alsa_world(devices);
}

static void no_device_is_said_at_once(void)
{
    test_source t;
    cbx_error err = {0};
    cbx_sink *s;
    test_source_init(&t, 1, 1);
    const cbx_source source = test_source_as_source(&t);
    alsa_world("");
    setenv("JACK_DEFAULT_SERVER", "cbxtest-none", 1);
    cbx_sink_options o = {.kind = CBX_SINK_PORTAUDIO};
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_DEVICE);
    CHECK(strstr(err.text, "no output device"));
    o.device = "no such device";
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_DEVICE);
    CHECK(strstr(err.text, "no such device"));
    o.device = "99";
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_DEVICE);
    test_source_free(&t);
}

/* What the tape holds: interleaved stereo floats. */
static float *read_tape(size_t *frames)
{
    struct stat st;
    FILE *f = fopen(raw, "rb");
    CHECK(f && !fstat(fileno(f), &st));
    const size_t n = (size_t)st.st_size / 8;
    float *x = malloc(n * 8 + 1);
    CHECK(x && fread(x, 8, n, f) == n);
    fclose(f);
    unlink(raw);
    *frames = n;
    return x;
}

static void every_frame_reaches_the_device_unchanged(void)
{
    enum { N = 30000 };
    test_source t;
    cbx_sink_info info;
    test_source_init(&t, N, 2);
    tape_world();
    const cbx_sink_options o = {
        .kind = CBX_SINK_PORTAUDIO, .device = "TAPE", .rate = 48000};
    cbx_sink *s = open_sink(&o, &t);
    CHECK(atomic_load(&t.rate) == 48000);
    play_to_the_end(s);
    cbx_sink_poll(s, &info);
    CHECK(info.kind == CBX_SINK_PORTAUDIO && info.frames == N);
    CHECK(info.starved == 0 && info.period == 256 && info.latency > 0);
    cbx_sink_close(s);

    size_t n, at = 0;
    float *x = read_tape(&n);
    while (at < n && x[2 * at] == 0.0f)
        at++;
    CHECK(n - at >= N + info.latency); /* the tail was played out */
    for (size_t i = 0; i < n - at; i++) {
        const float want = i < N ? t.frames[i] : 0.0f;
        CHECK(x[2 * (at + i)] == want && x[2 * (at + i) + 1] == want);
    }
    free(x);
    test_source_free(&t);
}

static void devices_are_listed(void)
{
    cbx_device *list = NULL;
    size_t n = 0, tapes = 0, ports = 0;
    cbx_error err;
    ear e;
    tape_world();
    jackd_start(48000, 256);
    ear_start(&e, ""); /* the server is up */
    CHECK(cbx_devices_list(&list, &n, &err) == CBX_OK);
    for (size_t i = 0; i < n; i++) {
        tapes += list[i].kind == CBX_SINK_PORTAUDIO &&
                 !strcmp(list[i].name, "tape") && list[i].channels >= 2;
        ports += list[i].kind == CBX_SINK_JACK && list[i].is_default;
    }
    CHECK(tapes == 1 && ports == 2);
    free(list);
    ear_finish(&e);
    ear_free(&e);
    jackd_stop();
}

/* pa_jack.c would end the process here. */
static void a_jack_server_that_dies_is_no_concern(void)
{
    test_source t;
    cbx_error err;
    ear e;
    test_source_init(&t, 1000, 2);
    atomic_store(&t.released, 0);
    tape_world();
    jackd_start(48000, 256);
    ear_start(&e, "");
    const cbx_sink_options o = {.kind = CBX_SINK_PORTAUDIO, .device = "tape"};
    cbx_sink *s = open_sink(&o, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    jackd_kill();
    ear_finish(&e);
    ear_free(&e);
    atomic_store(&t.released, 1000);
    CHECK(cbx_sink_wait(s, 10, NULL, &err) == CBX_OK);
    cbx_sink_close(s);
    unlink(raw);
    jackd_start(48000, 256);
    ear_start(&e, "");
    ear_finish(&e);
    ear_free(&e);
    jackd_stop();
    test_source_free(&t);
}

/* Without an ALSA device, the default one and a JACK client's name are JACK's.
 */
static void a_device_of_jack_is_played_by_the_jack_sink(const char *device)
{
    test_source t;
    cbx_sink_info info;
    ear e;
    test_source_init(&t, 20000, 4);
    alsa_world("");
    jackd_start(48000, 256);
    ear_start(&e, "chatterbox:out");
    const cbx_sink_options o = {.kind = CBX_SINK_PORTAUDIO, .device = device};
    atomic_store(&t.hold_on_rate, true);
    cbx_error err;
    cbx_sink *s = open_sink(&o, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    ear_wait_connected(&e);
    atomic_store(&t.released, t.n);
    CHECK(cbx_sink_wait(s, 30, NULL, &err) == CBX_OK);
    cbx_sink_poll(s, &info);
    CHECK(info.kind == CBX_SINK_JACK && info.frames == 20000);
    cbx_sink_close(s);
    ear_finish(&e);
    CHECK(e.n == 20000 && !memcmp(e.frames, t.frames, 20000 * sizeof(float)));
    ear_free(&e);
    jackd_stop();
    test_source_free(&t);
}

int main(void)
{
    no_device_is_said_at_once();
    every_frame_reaches_the_device_unchanged();
    devices_are_listed();
    a_jack_server_that_dies_is_no_concern();
    a_device_of_jack_is_played_by_the_jack_sink(NULL);
    a_device_of_jack_is_played_by_the_jack_sink("system");
    alsa_world_end();
    return 0;
}
