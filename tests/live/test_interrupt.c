/* Ctrl-C in mid-sentence: silence within one period and a fade of 5 ms, and the
 * program is gone. */
#include "tests/check.h"
#include "tests/live/hearing.h"
#include "tests/live/program.h"
#include "tests/sinks/jackd.h"

#include <signal.h>
#include <string.h>

enum { RATE = 48000, FADE = RATE / 200 };
/* The signal, the reading of the clock and the period after it are not one
 * moment; a busy machine gets a second and a third chance. */
enum { SLACK = RATE / 200, CHANCES = 3 };

static const char TEXT[] =
    "Good morning, this is a test. The sun is out, and the river is high. "
    "Is there a boat? Nobody knows, but we shall see. Then we go home.";

/* The ends: a fade goes down to nothing, a cut does not. */
static void check_fade(const sound *s)
{
    CHECK(s->end - s->first > FADE);
    CHECK(fabsf(s->all[s->end - 1]) < 1e-3f);
}

/* Frames from the signal to the last sound. */
static int64_t interrupt(uint32_t after, int signal_number)
{
    program p;
    hearing *h = hearing_open(1);
    program_start(&p, (const char *[]){"say", "--no-watermark", "--jack",
                                       "--jack-ports", "ear:in_1", "--seed",
                                       "5", TEXT, NULL});
    hearing_wait_for_sound(h, after);
    const uint32_t asked = hearing_clock(h);
    CHECK(!kill(p.pid, signal_number));
    const double before = seconds();
    CHECK(program_wait(&p, 10) == 130);
    CHECK(seconds() - before < 1.0);
    CHECK(!strstr(p.said, "chatterbox:")); /* no complaint */
    nap(0.05);
    hearing_stop(h);
    const sound s = hearing_of(h, 0);
    check_fade(&s);
    const int64_t frames = (int64_t)s.end - asked;
    hearing_close(h);
    return frames;
}

static void silence_comes_within_a_period_and_a_fade(uint32_t period)
{
    static const uint32_t after[] = {1000, 10000, 30000, 60000};
    jackd_start(RATE, period);
    for (int i = 0; i < 4; i++) {
        /* the clock moves by whole periods, hence one more */
        const int64_t most = 2 * period + FADE + SLACK;
        int64_t took = most + 1;
        for (int chance = 0; chance < CHANCES && took > most; chance++) {
            took = interrupt(after[i], i & 1 ? SIGTERM : SIGINT);
            printf("period %u: silent %lld frames after the signal\n",
                   (unsigned)period, (long long)took);
        }
        CHECK(took <= most);
    }
    jackd_stop();
}

int main(void)
{
    silence_comes_within_a_period_and_a_fade(64);
    silence_comes_within_a_period_and_a_fade(1024);
    return 0;
}
