#include "rt/log.h"
#include "tests/check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 3, LINES = 100000 };

static char last[600];
static cbx_log_level last_level;
static int lines, told_drops;

static void keep(void *arg, cbx_log_level level, const char *line)
{
    CHECK(arg == last);
    snprintf(last, sizeof last, "%s", line);
    last_level = level;
    lines++;
    int n;
    if (strstr(line, "were dropped") && sscanf(line, "%d", &n) == 1)
        told_drops += n;
}

static void without_a_sink_nothing_happens(void)
{
    cbx_log(CBX_LOG_ERROR, "lost");
    CBX_LOG_RT(CBX_LOG_ERROR, "lost {}", cbx_log_int(1));
    CHECK(cbx_log_drain() == 0 && cbx_log_dropped() == 0);
}

static void lines_above_the_level_are_left_out(void)
{
    cbx_log_set_sink(keep, last, CBX_LOG_WARNING);
    cbx_log(CBX_LOG_INFO, "not this");
    CBX_LOG_RT(CBX_LOG_DEBUG, "nor {}", cbx_log_int(2));
    CHECK(cbx_log_drain() == 0 && lines == 0);
    cbx_log(CBX_LOG_ERROR, "but %s", "this");
    CHECK(lines == 1 && last_level == CBX_LOG_ERROR &&
          !strcmp(last, "but this"));
}

static void queued_values_are_put_into_the_line(void)
{
    cbx_log_set_sink(keep, last, CBX_LOG_DEBUG);
    CBX_LOG_RT(CBX_LOG_INFO, "{} of {} ({}%) {} {}", cbx_log_int(-3),
               cbx_log_int(INT64_MAX), cbx_log_real(2.5), cbx_log_int(0));
    CHECK(cbx_log_drain() == 1);
    CHECK(!strcmp(last, "-3 of 9223372036854775807 (2.5%) 0 {}"));
}

static void a_line_that_is_too_long_is_cut(void)
{
    static char fmt[2000];
    memset(fmt, 'a', sizeof fmt - 1);
    memcpy(fmt + 505, "{}{}", 4);
    CBX_LOG_RT(CBX_LOG_INFO, fmt, cbx_log_int(INT64_MAX), cbx_log_int(1));
    CHECK(cbx_log_drain() == 1 && strlen(last) == 511);
    cbx_log(CBX_LOG_INFO, "%s", fmt);
    CHECK(strlen(last) == 511);
}

static void queued_lines_come_before_a_later_direct_one(void)
{
    lines = 0;
    CBX_LOG_RT(CBX_LOG_INFO, "first {}", cbx_log_int(1));
    cbx_log(CBX_LOG_INFO, "second");
    CHECK(lines == 2 && !strcmp(last, "second"));
}

static void a_full_queue_drops_and_says_so(void)
{
    const uint64_t before = cbx_log_dropped();
    for (int i = 0; i < 300; i++)
        CBX_LOG_RT(CBX_LOG_INFO, "{}", cbx_log_int(i));
    CHECK(cbx_log_dropped() - before == 300 - 256);
    told_drops = 0;
    CHECK(cbx_log_drain() == 256);
    CHECK(told_drops == 300 - 256);
    CHECK(cbx_log_drain() == 0);
}

static int seen[THREADS]; /* numbers only grow within a thread */
static int counted;

static void check_order(void *arg, cbx_log_level level, const char *line)
{
    (void)arg;
    int thread, i, same;
    if (level != CBX_LOG_INFO)
        return;
    CHECK(sscanf(line, "%d %d %d", &thread, &i, &same) == 3);
    CHECK(thread >= 0 && thread < THREADS && i == same && i >= seen[thread]);
    seen[thread] = i + 1;
    counted++;
}

static atomic_int running;

static void *queue_lines(void *arg)
{
    const int thread = *(int *)arg;
    uint64_t drops = cbx_log_dropped();
    for (int i = 0; i < LINES; i++) {
        /* a queue that is always full would see no race for its cells */
        for (; drops != cbx_log_dropped(); drops = cbx_log_dropped())
            sched_yield();
        CBX_LOG_RT(CBX_LOG_INFO, "{} {} {}", cbx_log_int(thread),
                   cbx_log_int(i), cbx_log_int(i));
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void lines_of_many_threads_arrive_whole_or_are_counted(void)
{
    cbx_log_set_sink(check_order, NULL, CBX_LOG_INFO);
    const uint64_t before = cbx_log_dropped();
    pthread_t t[THREADS];
    int number[THREADS];
    running = THREADS;
    for (int i = 0; i < THREADS; i++) {
        number[i] = i;
        CHECK(pthread_create(&t[i], NULL, queue_lines, &number[i]) == 0);
    }
    while (atomic_load(&running))
        cbx_log_drain();
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
    cbx_log_drain();
    CHECK(counted > 0);
    CHECK((uint64_t)counted + (cbx_log_dropped() - before) == THREADS * LINES);
    cbx_log_set_sink(NULL, NULL, CBX_LOG_INFO);
}

int main(void)
{
    without_a_sink_nothing_happens();
    lines_above_the_level_are_left_out();
    queued_values_are_put_into_the_line();
    a_line_that_is_too_long_is_cut();
    queued_lines_come_before_a_later_direct_one();
    a_full_queue_drops_and_says_so();
    lines_of_many_threads_arrive_whole_or_are_counted();
    return 0;
}
