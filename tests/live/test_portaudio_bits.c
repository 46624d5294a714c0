/* PortAudio on top of JACK: ALSA's jack plugin is the device. Two channels, and
 * each is what render writes, bit for bit. PortAudio does not take this device
 * with a period below 256 frames. */
#include "tests/check.h"
#include "tests/live/hearing.h"
#include "tests/live/program.h"
#include "tests/sinks/alsa.h"
#include "tests/sinks/jackd.h"

#include <string.h>

static const char TEXT[] = "Good morning, this is a test.";
static const char DEVICE[] = "to-the-ear";

/* Skips where ALSA has no jack plugin. */
static void need_plugin(void)
{
    cbx_device *list = NULL;
    size_t n = 0, found = 0;
    cbx_error err;
    CHECK(cbx_devices_list(&list, &n, &err) == CBX_OK);
    for (size_t i = 0; i < n; i++)
        found += !strcmp(list[i].name, DEVICE);
    free(list);
    if (!found)
        SKIP("ALSA's jack plugin (libasound2-plugins) is not installed");
}

static void both_channels_are_what_render_writes(uint32_t period)
{
    program p;
    rendering want = program_render(48000, "5", TEXT);
    jackd_start(48000, period);
    hearing *h = hearing_open(2);
    need_plugin();
    program_start(&p,
                  (const char *[]){"say", "--device", DEVICE, "--rate", "48000",
                                   "--seed", "5", "--stats", TEXT, NULL});
    const int code = program_wait(&p, 60);
    nap(0.1);
    hearing_stop(h);
    jackd_stop();
    if (code)
        fprintf(stderr, "%s", p.said);
    CHECK(code == 0);
    CHECK(program_number(&p, "underruns: ") == 0);
    for (uint32_t port = 0; port < 2; port++) {
        const sound s = hearing_of(h, port);
        CHECK(s.first > 0 && s.end < s.n);
        CHECK(s.end - s.first == want.n);
        CHECK(!memcmp(s.all + s.first, want.x, want.n * sizeof *want.x));
    }
    hearing_close(h);
    free(want.x);
}

int main(void)
{
    alsa_world("pcm.to-the-ear { type jack playback_ports {\n"
               "    0 \"ear:in_1\" 1 \"ear:in_2\" } }\n");
    both_channels_are_what_render_writes(256);
    both_channels_are_what_render_writes(1024);
    alsa_world_end();
    return 0;
}
