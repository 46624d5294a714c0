#include "rt/clock.h"
#include "rt/pool.h"
#include "rt/priority.h"
#include "tests/check.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

enum { RUNS = 100000, TASKS = 300 };

typedef struct job {
    int done[TASKS]; /* plain: each task has its own place */
    int threads;
    atomic_int inside[8]; /* tasks a worker is in at the moment */
} job;

static void count(void *arg, int task, int worker)
{
    job *j = arg;
    CHECK(worker >= 0 && worker < j->threads);
    CHECK(atomic_fetch_add(&j->inside[worker], 1) == 0);
    j->done[task]++;
    atomic_fetch_sub(&j->inside[worker], 1);
}

static void every_task_runs_once(int threads)
{
    cbx_pool *p;
    CHECK(cbx_pool_open(threads, &p, NULL) == CBX_OK);
    CHECK(cbx_pool_threads(p) == threads);
    static job j;
    memset(&j, 0, sizeof j);
    j.threads = threads;
    const int sizes[] = {0, 1, 2, 3, 7, TASKS};
    int want[TASKS] = {0};
    for (int round = 0; round < 50; round++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            cbx_pool_run(p, count, &j, sizes[s]);
            for (int i = 0; i < sizes[s]; i++)
                want[i]++;
            CHECK(memcmp(j.done, want, sizeof want) == 0);
        }
    cbx_pool_close(p);
}

static void add(void *arg, int task, int worker)
{
    (void)worker;
    ((uint32_t *)arg)[16 * task]++;
}

/* Each run needs the results of the one before: a lost wake-up hangs, a run
 * that returns early gives a wrong sum. */
static void many_small_runs_lose_nothing(int threads)
{
    cbx_pool *p;
    CHECK(cbx_pool_open(threads, &p, NULL) == CBX_OK);
    uint32_t cells[16 * 3] = {0};
    for (uint32_t i = 0; i < RUNS; i++) {
        const int tasks = 2 + (int)(i & 1);
        cbx_pool_run(p, add, cells, tasks);
        CHECK(cells[0] == i + 1 && cells[16] == i + 1);
        CHECK(cells[32] == (i + 1) / 2);
    }
    cbx_pool_close(p);
}

/* Pauses about as long as the spinning catch workers falling asleep. */
static void runs_after_pauses_lose_nothing(int threads)
{
    cbx_pool *p;
    CHECK(cbx_pool_open(threads, &p, NULL) == CBX_OK);
    uint32_t cells[16 * 3] = {0};
    for (uint32_t i = 0; i < 2000; i++) {
        cbx_pool_run(p, add, cells, 3);
        CHECK(cells[0] == i + 1 && cells[16] == i + 1 && cells[32] == i + 1);
        const int64_t until = cbx_clock_ns() + (i % 60) * 2 * CBX_NS_PER_US;
        while (cbx_clock_ns() < until)
            continue;
    }
    cbx_pool_close(p);
}

typedef struct meeting {
    atomic_int inside, workers;
} meeting;

/* Waits for the other task; the worker then stays longer than the caller
 * watches for it. */
static void meet(void *arg, int task, int worker)
{
    (void)task;
    meeting *m = arg;
    atomic_fetch_add(&m->inside, 1);
    const int64_t give_up = cbx_clock_ns() + 10 * CBX_NS_PER_S;
    while (atomic_load(&m->inside) < 2 && cbx_clock_ns() < give_up)
        continue;
    if (worker > 0) {
        cbx_sleep_until(cbx_clock_ns() + CBX_NS_PER_MS);
        atomic_fetch_add(&m->workers, 1);
    }
}

static void sleepers_wake_up_on_both_sides(void)
{
    cbx_pool *p;
    CHECK(cbx_pool_open(2, &p, NULL) == CBX_OK);
    for (int i = 0; i < 50; i++) {
        meeting m = {0, 0};
        cbx_sleep_until(cbx_clock_ns() + CBX_NS_PER_MS);
        cbx_pool_run(p, meet, &m, 2);
        CHECK(atomic_load(&m.inside) == 2 && atomic_load(&m.workers) == 1);
    }
    cbx_pool_close(p);
}

static void note_task(void *arg, int task, int worker)
{
    (void)worker;
    int **next = arg;
    *(*next)++ = task;
}

static void one_thread_runs_in_order_as_worker_0(void)
{
    cbx_pool *p;
    CHECK(cbx_pool_open(1, &p, NULL) == CBX_OK);
    int order[5], *next = order;
    cbx_pool_run(p, note_task, &next, 5);
    for (int i = 0; i < 5; i++)
        CHECK(order[i] == i);
    cbx_pool_close(p);
}

static void halve(void *arg, int task, int worker)
{
    (void)worker;
    const volatile float small = 1.2e-38f;
    ((float *)arg)[task] = small * 0.5f;
    const int64_t until = cbx_clock_ns() + 20 * CBX_NS_PER_US;
    while (cbx_clock_ns() < until)
        continue;
}

static void denormals_are_zero_in_every_task_and_not_after(void)
{
    cbx_pool *p;
    CHECK(cbx_pool_open(3, &p, NULL) == CBX_OK);
    float out[64];
    memset(out, 1, sizeof out);
    cbx_pool_run(p, halve, out, 64);
    const volatile float small = 1.2e-38f;
    CHECK(small * 0.5f > 0);
#if defined(__SSE__) || defined(__aarch64__)
    for (int i = 0; i < 64; i++)
        CHECK(memcmp(&out[i], &(float){0}, sizeof *out) == 0);
#endif
    cbx_pool_close(p);
}

static void bad_numbers_of_threads_are_errors(void)
{
    cbx_pool *p;
    cbx_error e;
    CHECK(cbx_pool_open(0, &p, &e) == CBX_E_ARG);
    CHECK(cbx_pool_open(CBX_POOL_MAX_THREADS + 1, &p, &e) == CBX_E_ARG);
    cbx_pool_close(NULL);
}

int main(void)
{
    for (int threads = 1; threads <= 4; threads++) {
        every_task_runs_once(threads);
        many_small_runs_lose_nothing(threads);
        runs_after_pauses_lose_nothing(threads);
    }
    sleepers_wake_up_on_both_sides();
    one_thread_runs_in_order_as_worker_0();
    denormals_are_zero_in_every_task_and_not_after();
    bad_numbers_of_threads_are_errors();
    return 0;
}
