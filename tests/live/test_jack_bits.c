/* What is heard under JACK is what render writes: every frame, bit for bit. */
#include "tests/check.h"
#include "tests/live/hearing.h"
#include "tests/live/program.h"
#include "tests/sinks/jackd.h"

#include <string.h>

static const char SHORT[] = "Good morning, this is a test.";
static const char LONG[] =
    "Good morning, this is a test. The sun is out, and the river is high. "
    "Is there a boat? Nobody knows, but we shall see. Then we go home.";

static void speech_under_jack_is_what_render_writes(uint32_t period,
                                                    const char *text)
{
    program p;
    rendering want = program_render(48000, "5", text);
    jackd_start(48000, period);
    hearing *h = hearing_open(1);
    program_start(&p,
                  (const char *[]){"say", "--jack", "--jack-ports", "ear:in_1",
                                   "--seed", "5", "--stats", text, NULL});
    const int code = program_wait(&p, 60);
    nap(0.1);
    hearing_stop(h);
    jackd_stop();
    if (code)
        fprintf(stderr, "%s", p.said);
    CHECK(code == 0);
    CHECK(program_number(&p, "underruns: ") == 0);
    CHECK(strstr(p.said, "48000 Hz"));
    CHECK(program_number(&p, "period ") == period);

    const sound s = hearing_of(h, 0);
    CHECK(s.first > 0 && s.end < s.n); /* silence before and after */
    CHECK(s.end - s.first == want.n);
    CHECK(!memcmp(s.all + s.first, want.x, want.n * sizeof *want.x));
    printf("period %u: %u frames equal, %u before, %u after\n",
           (unsigned)period, (unsigned)want.n, (unsigned)s.first,
           (unsigned)(s.n - s.end));
    hearing_close(h);
    free(want.x);
}

int main(void)
{
    speech_under_jack_is_what_render_writes(64, SHORT);
    speech_under_jack_is_what_render_writes(128, SHORT);
    speech_under_jack_is_what_render_writes(1024, SHORT);
    speech_under_jack_is_what_render_writes(64, LONG);
    return 0;
}
