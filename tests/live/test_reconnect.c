/* The JACK server dies in mid-sentence and comes back, or does not. */
#include "tests/check.h"
#include "tests/live/hearing.h"
#include "tests/live/program.h"
#include "tests/sinks/jackd.h"

#include <signal.h>
#include <string.h>

static const char TEXT[] = "Good morning, this is a test. The sun is out.";

static void start(program *p)
{
    program_start(p,
                  (const char *[]){"say", "--jack", "--jack-ports", "ear:in_1",
                                   "--seed", "5", "--stats", TEXT, NULL});
}

/* What was heard before the end of the server. */
static void hear_a_third_and_kill(hearing *h, const rendering *want)
{
    hearing_wait_for_sound(h, want->n / 3);
    jackd_kill();
    const double until = seconds() + 5;
    while (!hearing_lost(h) && seconds() < until)
        nap(0.002);
    CHECK(hearing_lost(h));
    hearing_stop(h);
    const sound s = hearing_of(h, 0);
    CHECK(s.end - s.first > want->n / 4 && s.end - s.first < want->n);
    CHECK(
        !memcmp(s.all + s.first, want->x, (s.end - s.first) * sizeof *want->x));
}

/* Nothing is said twice; what the dead server had and did not pass on is all
 * that is missing. */
static void check_rest(const sound *a, const sound *b, const rendering *want,
                       uint32_t in_flight)
{
    const uint32_t heard = a->end - a->first, rest = b->end - b->first;
    CHECK(rest > 0 && rest < want->n);
    const uint32_t at = want->n - rest;
    printf("%u of %u frames fell into the gap\n",
           (unsigned)(at > heard ? at - heard : 0), (unsigned)want->n);
    CHECK(!memcmp(b->all + b->first, want->x + at, rest * sizeof *want->x));
    CHECK(at >= heard && at - heard <= in_flight);
}

static void speech_goes_on_where_it_was(uint32_t period, uint32_t next_period)
{
    program p;
    rendering want = program_render(48000, "5", TEXT);
    jackd_start(48000, period);
    hearing *a = hearing_open(1);
    start(&p);
    hear_a_third_and_kill(a, &want);
    nap(0.2);
    jackd_start(48000, next_period);
    hearing *b = hearing_open(1);
    CHECK(program_wait(&p, 30) == 0);
    CHECK(program_number(&p, "underruns: ") == 0);
    CHECK(strstr(p.said, " 1 reconnects"));
    nap(0.05);
    hearing_stop(b);
    jackd_stop();
    const sound first = hearing_of(a, 0), second = hearing_of(b, 0);
    check_rest(&first, &second, &want, 2 * period);
    hearing_close(a);
    hearing_close(b);
    free(want.x);
}

/* The rest comes at the new rate: as long as it should be, and alike. */
static void speech_goes_on_at_another_rate(void)
{
    program p;
    rendering want = program_render(48000, "5", TEXT);
    rendering other = program_render(44100, "5", TEXT);
    jackd_start(48000, 256);
    hearing *a = hearing_open(1);
    start(&p);
    hear_a_third_and_kill(a, &want);
    jackd_start(44100, 256);
    hearing *b = hearing_open(1);
    CHECK(program_wait(&p, 30) == 0);
    CHECK(program_number(&p, "underruns: ") == 0);
    nap(0.05);
    hearing_stop(b);
    jackd_stop();
    const sound first = hearing_of(a, 0), second = hearing_of(b, 0);
    const uint32_t rest = second.end - second.first;
    const double heard = (first.end - first.first) / 48000.0;
    const double whole = want.n / 48000.0;
    const double gap = whole - heard - rest / 44100.0;
    printf("another rate: a gap of %.1f ms\n", 1e3 * gap);
    CHECK(gap > -0.002 && gap < 0.002 + 2 * 256 / 48000.0);
    /* against the same speech at that rate from its start: the ends are alike,
     * but for where between two frames they are */
    double error = 1e9, power = 0;
    for (int shift = -3; shift <= 3; shift++) {
        double e = 0;
        power = 0;
        for (uint32_t i = 1000; i + 1000 < rest; i++) {
            const int64_t k = (int64_t)other.n - rest + i + shift;
            const double d = (double)second.all[second.first + i] - other.x[k];
            e += d * d;
            power += (double)other.x[k] * other.x[k];
        }
        error = e < error ? e : error;
    }
    printf("another rate: relative error %.3f\n", sqrt(error / power));
    CHECK(power > 0 && error < 0.05 * power);
    hearing_close(a);
    hearing_close(b);
    free(want.x);
    free(other.x);
}

static void a_server_that_stays_away_can_be_interrupted(void)
{
    program p;
    rendering want = program_render(48000, "5", TEXT);
    jackd_start(48000, 128);
    hearing *a = hearing_open(1);
    start(&p);
    hear_a_third_and_kill(a, &want);
    nap(1.0);
    CHECK(!kill(p.pid, 0)); /* it waits */
    CHECK(!kill(p.pid, SIGINT));
    const double before = seconds();
    CHECK(program_wait(&p, 10) == 130);
    printf("no server: gone %.0f ms after the signal\n",
           1e3 * (seconds() - before));
    CHECK(seconds() - before < 2.0);
    hearing_close(a);
    jackd_start(48000, 128); /* takes the dead one's place, and gives it back */
    hearing_close(hearing_open(1));
    jackd_stop();
    free(want.x);
}

static void no_server_at_all_is_one_clear_sentence(void)
{
    program p;
    setenv("JACK_DEFAULT_SERVER", "cbx-nobody", 1);
    setenv("JACK_NO_START_SERVER", "1", 1);
    start(&p);
    CHECK(program_wait(&p, 10) == 1);
    const char *said = strstr(p.said, "chatterbox: ");
    CHECK(said && strstr(said, "JACK") && strstr(said, "running"));
}

int main(void)
{
    no_server_at_all_is_one_clear_sentence();
    speech_goes_on_where_it_was(64, 64);
    speech_goes_on_where_it_was(128, 1024);
    speech_goes_on_at_another_rate();
    a_server_that_stays_away_can_be_interrupted();
    return 0;
}
