#ifndef CBX_RT_POOL_H
#define CBX_RT_POOL_H

#include "rt/status.h"

/* Threads that share the tasks of one piece of work after another. Between
 * pieces they watch for the next one for some 60 us, then sleep. They inherit
 * the priority of the thread that opened the pool. */
typedef struct cbx_pool cbx_pool;

/* One task: 0 <= task < tasks, 0 <= worker < cbx_pool_threads(). A worker runs
 * one task at a time, so per-worker scratch needs no lock. */
typedef void cbx_pool_task(void *arg, int task, int worker);

enum { CBX_POOL_MAX_THREADS = 256 };

/* [setup] `threads` (1 ... CBX_POOL_MAX_THREADS) counts the caller: 1 starts
 * none. CBX_E_ARG, CBX_E_NOMEM, CBX_E_LIMIT. */
CBX_CHECK cbx_status cbx_pool_open(int threads, cbx_pool **out, cbx_error *err);

/* [setup] Ends the threads. NULL is fine. No run may be going on. */
void cbx_pool_close(cbx_pool *p);

/* [decode] Runs fn for every task and returns when all are done. One caller
 * at a time, which works too, as worker 0. Tasks start in order, denormals are
 * off in all of them, and what the caller wrote before is visible in them, as
 * is what they wrote after the run. fn may not call cbx_pool_run. */
void cbx_pool_run(cbx_pool *p, cbx_pool_task *fn, void *arg, int tasks);

/* [any] Threads of the pool, the caller included. */
int cbx_pool_threads(const cbx_pool *p);

#endif
