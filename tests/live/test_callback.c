/* The whole callback as the program runs it (sink, stream, ring), period after
 * period, while the decode thread works: nothing in it may allocate, lock, wait
 * or call the system. The linker puts __wrap_sink_pull_planar in front of what
 * the null and the JACK backend call. */
#include "daemon/cli/cli.h"
#include "daemon/sinks/internal.h"
#include "tests/engine/spoken.h"
#include "tests/live/listener.h"
#include "tests/rt/rtcheck.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

void __real_sink_pull_planar(cbx_sink *s, float *const *planes,
                             uint32_t channels, uint32_t n);
void __wrap_sink_pull_planar(cbx_sink *s, float *const *planes,
                             uint32_t channels, uint32_t n);

static _Atomic uint32_t periods;
static atomic_bool planted;

void __wrap_sink_pull_planar(cbx_sink *s, float *const *planes,
                             uint32_t channels, uint32_t n)
{
    rtcheck_enter();
    __real_sink_pull_planar(s, planes, channels, n);
    if (atomic_load(&planted)) {
        void *volatile p = malloc(1);
        free(p);
    }
    rtcheck_leave();
    atomic_fetch_add(&periods, 1);
}

static void nap_ms(long ms)
{
    nanosleep(
        &(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
        NULL);
}

static int say(const char *text)
{
    char *argv[] = {"chatterbox", "say", "--null",     "--rate", "48000",
                    "--seed",     "5",   (char *)text, NULL};
    cli_options o;
    cbx_error err;
    CHECK_OK(cli_parse(8, argv, &o, &err), err);
    return cli_speak(&o);
}

static void the_program_breaks_no_rule(void)
{
    rtcheck_reset();
    CHECK(say("Good morning, this is a test.") == 0);
    if (rtcheck_violations())
        rtcheck_report(stderr);
    CHECK(atomic_load(&periods) > 300);
    CHECK(rtcheck_violations() == 0);
}

static void a_planted_violation_is_seen(void)
{
    atomic_store(&planted, true);
    CHECK(say("Good.") == 0);
    atomic_store(&planted, false);
    CHECK(rtcheck_count("malloc") > 10 && rtcheck_count("free") > 10);
    rtcheck_reset();
}

static void *interrupt_soon(void *arg)
{
    (void)arg;
    nap_ms(700);
    kill(getpid(), SIGINT);
    return NULL;
}

/* The last one: the program remembers Ctrl-C. */
static void nor_does_it_at_ctrl_c(void)
{
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, interrupt_soon, NULL));
    CHECK(say("Good morning, this is a test. The sun is out.") == 130);
    pthread_join(thread, NULL);
    if (rtcheck_violations())
        rtcheck_report(stderr);
    CHECK(rtcheck_violations() == 0);
}

/* [audio] What else a callback may do with a stream. */
static uint32_t read_watched(listener *l, float *out, uint32_t n)
{
    uint32_t *k = l->user, owed;
    rtcheck_enter();
    *k += 1;
    if (*k % 20000 == 0)
        cbx_stream_cancel(l->stream);
    if (*k % 3000 == 2500)
        cbx_stream_pause(l->stream, true);
    if (*k % 3000 == 2600)
        cbx_stream_pause(l->stream, false);
    const uint32_t got = cbx_stream_read(l->stream, out, n, &owed);
    cbx_stream_available(l->stream);
    cbx_stream_ended(l->stream);
    rtcheck_leave();
    return got;
}

static void cancels_pauses_and_ends_break_no_rule(void)
{
    static const char text[] = "Good morning, this is a test. The sun is out.";
    world w = open_world(2);
    cbx_params p = params_of(&w, 5);
    uint32_t k = 0;
    p.sample_rate = 48000;
    listener l = {.stream = open_stream(&w, &p),
                  .period = 64,
                  .tick_s = 64.0 / 48000 / 40, /* runs dry */
                  .read = read_watched,
                  .user = &k};
    cbx_stream_stats stats;
    rtcheck_reset();
    listener_start(&l);
    for (int i = 0; i < 25; i++) {
        cbx_error err;
        size_t taken;
        /* refused after a finish, until the next cancel */
        if (!cbx_stream_push(l.stream, text, strlen(text), &taken, &err) &&
            i % 3 == 0)
            cbx_stream_finish(l.stream);
        nap_ms(100);
    }
    cbx_stream_get_stats(l.stream, &stats);
    listener_stop(&l);
    printf("%u periods, %u frames of speech, %u underruns\n", (unsigned)k,
           (unsigned)l.speech, (unsigned)stats.underruns);
    CHECK(k > 3000 && l.speech > 48000 && stats.underruns > 0);
    if (rtcheck_violations())
        rtcheck_report(stderr);
    CHECK(rtcheck_violations() == 0);
    cbx_stream_close(l.stream);
    close_world(&w);
}

int main(void)
{
    cancels_pauses_and_ends_break_no_rule();
    the_program_breaks_no_rule();
    a_planted_violation_is_seen();
    nor_does_it_at_ctrl_c();
    return 0;
}
