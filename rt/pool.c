#define _GNU_SOURCE
#include "rt/pool.h"

#include "rt/clock.h"
#include "rt/priority.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How long a thread watches before it sleeps: longer than the gaps between the
 * kernels of one layer, shorter than a scheduler's tick. */
enum { SPIN_NS = 60 * CBX_NS_PER_US, SPINS_PER_LOOK = 64 };

typedef struct worker {
    pthread_t thread;
    cbx_pool *pool;
    int index;
} worker;

/* A run is published in one number, `ticket`: run number << 32 | tasks left to
 * claim. A thread claims by lowering it with compare-exchange, so it can only
 * claim from the run it saw; and as the run cannot end before a claimed task
 * is done, fn, arg and tasks stand still while they are needed. A thread that
 * wakes late finds nothing to claim and touches nothing. */
struct cbx_pool {
    int threads; /* the caller included */
    int started; /* workers that exist */
    cbx_pool_task *fn;
    void *arg;
    uint32_t tasks;
    worker *workers;

    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic uint32_t done; /* tasks done in this run */

    /* Sleep. The flags are written under the lock and read without it; see
     * wake_workers. */
    _Alignas(64) _Atomic int sleepers;
    _Atomic bool caller_sleeps;
    _Atomic bool stop;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t finished;
};

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t tasks_left(uint64_t ticket)
{
    return (uint32_t)ticket;
}

/* The next task of the current run, or false. */
static bool claim(cbx_pool *p, uint32_t *task)
{
    /* acquire, also below: fn, arg and tasks of the run are visible, and all
     * that the caller wrote before it */
    uint64_t t = atomic_load_explicit(&p->ticket, memory_order_acquire);
    do {
        if (tasks_left(t) == 0)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &p->ticket, &t, t - 1, memory_order_acquire, memory_order_acquire));
    *task = p->tasks - tasks_left(t);
    return true;
}

/* Runs tasks until none is left to claim; returns how many. */
static uint32_t take_part(cbx_pool *p, int index)
{
    uint32_t task, n = 0;
    while (claim(p, &task)) {
        p->fn(p->arg, (int)task, index);
        n++;
    }
    return n;
}

static bool has_work(cbx_pool *p)
{
    return tasks_left(atomic_load(&p->ticket)) > 0 || atomic_load(&p->stop);
}

static bool is_done(cbx_pool *p)
{
    /* acquire: what the tasks wrote is visible to the caller */
    return atomic_load(&p->done) == p->tasks;
}

/* Watches for a while; false when that was in vain. */
static bool spin(cbx_pool *p, bool (*ready)(cbx_pool *))
{
    const int64_t until = cbx_clock_ns() + SPIN_NS;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (ready(p))
                return true;
            pause_cpu();
        }
    } while (cbx_clock_ns() < until);
    return ready(p);
}

/* Why no wake-up is lost: a sleeper announces itself, then looks for work; the
 * caller publishes work, then looks for sleepers. All four are sequentially
 * consistent, so at least one of the two sees the other. If the caller sees
 * the sleeper, the lock makes it wait until the sleeper really sleeps. */
static void wake_workers(cbx_pool *p)
{
    if (atomic_load(&p->sleepers) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

static void sleep_for_work(cbx_pool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (!has_work(p))
        pthread_cond_wait(&p->work, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

/* The same hand-shake the other way round, with `done`. `total` is read before
 * the count goes up: afterwards the caller may already be in its next run. */
static void report_done(cbx_pool *p, uint32_t n, uint32_t total)
{
    /* release: what the tasks wrote comes before the count */
    if (atomic_fetch_add(&p->done, n) + n != total ||
        !atomic_load(&p->caller_sleeps))
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->finished);
    pthread_mutex_unlock(&p->lock);
}

static void wait_for_done(cbx_pool *p)
{
    if (spin(p, is_done))
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->caller_sleeps, true);
    while (!is_done(p))
        pthread_cond_wait(&p->finished, &p->lock);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    cbx_pool *p = w->pool;
    cbx_thread_name("cbx-worker");
    cbx_denormals_off();
    while (!atomic_load(&p->stop)) {
        if (!spin(p, has_work))
            sleep_for_work(p);
        uint32_t task;
        if (!claim(p, &task))
            continue;
        const uint32_t total = p->tasks;
        p->fn(p->arg, (int)task, w->index);
        report_done(p, 1 + take_part(p, w->index), total);
    }
    return NULL;
}

static void run_inline(cbx_pool_task *fn, void *arg, int tasks)
{
    for (int i = 0; i < tasks; i++)
        fn(arg, i, 0);
}

static void run_shared(cbx_pool *p, cbx_pool_task *fn, void *arg, int tasks)
{
    p->fn = fn;
    p->arg = arg;
    p->tasks = (uint32_t)tasks;
    atomic_store(&p->done, 0);
    /* release: fn, arg, tasks and done come before the ticket */
    const uint64_t run = (atomic_load(&p->ticket) >> 32) + 1;
    atomic_store(&p->ticket, run << 32 | (uint32_t)tasks);
    wake_workers(p);
    atomic_fetch_add(&p->done, take_part(p, 0));
    wait_for_done(p);
}

void cbx_pool_run(cbx_pool *p, cbx_pool_task *fn, void *arg, int tasks)
{
    const uint64_t before = cbx_denormals_off();
    if (p->threads == 1 || tasks <= 1)
        run_inline(fn, arg, tasks);
    else
        run_shared(p, fn, arg, tasks);
    cbx_denormals_restore(before);
}

int cbx_pool_threads(const cbx_pool *p)
{
    return p->threads;
}

static cbx_status start_workers(cbx_pool *p, cbx_error *err)
{
    for (int i = 1; i < p->threads; i++) {
        worker *w = &p->workers[i];
        *w = (worker){.pool = p, .index = i};
        const int why = pthread_create(&w->thread, NULL, worker_main, w);
        if (why)
            return cbx_fail(err, CBX_E_LIMIT,
                            "cannot start worker thread %d of %d (%s); use "
                            "fewer threads",
                            i, p->threads - 1, strerror(why));
        p->started++;
    }
    return CBX_OK;
}

cbx_status cbx_pool_open(int threads, cbx_pool **out, cbx_error *err)
{
    if (threads < 1 || threads > CBX_POOL_MAX_THREADS)
        return cbx_fail(err, CBX_E_ARG, "%d threads asked for; choose 1 to %d",
                        threads, CBX_POOL_MAX_THREADS);
    void *memory = NULL;
    if (posix_memalign(&memory, 64, sizeof(cbx_pool)))
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a worker pool");
    cbx_pool *p = memory;
    memset(p, 0, sizeof *p);
    p->threads = threads;
    p->workers = calloc((size_t)threads, sizeof *p->workers);
    if (!p->workers) {
        free(p);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %d threads", threads);
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->finished, NULL);

    const cbx_status st = start_workers(p, err);
    if (st) {
        cbx_pool_close(p);
        return st;
    }
    *out = p;
    return CBX_OK;
}

void cbx_pool_close(cbx_pool *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, true);
    wake_workers(p);
    for (int i = 1; i <= p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->finished);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
}
