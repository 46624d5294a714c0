#ifndef CBX_RT_PRIORITY_H
#define CBX_RT_PRIORITY_H

#include "rt/annotate.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a thread asks of the processor and of the system. None of it is needed
 * for correct sound; where the system refuses, the function returns false and
 * writes a sentence into `warning` (NULL is allowed) that says what would have
 * to change. */

/* [any] Denormals are zero from here on in the calling thread (x86: FTZ and
 * DAZ; ARM64: FZ). Returns what cbx_denormals_restore needs. */
CBX_RT uint64_t cbx_denormals_off(void);
CBX_RT void cbx_denormals_restore(uint64_t before);

/* [setup] Keeps the range in memory. */
bool cbx_memory_lock(const void *start, size_t bytes, cbx_error *warning);
void cbx_memory_unlock(const void *start, size_t bytes);

/* [setup] SCHED_FIFO for the calling thread, with a priority of 1 ... 99 that
 * is lowered to what the user's limit allows. Threads it starts inherit it. */
bool cbx_thread_realtime(int priority, cbx_error *warning);

/* [setup] Nice value -20 (first) ... 19 (last) for the calling thread. */
bool cbx_thread_nice(int nice, cbx_error *warning);

/* [setup] Name of the calling thread in top and debuggers; 15 bytes count. */
void cbx_thread_name(const char *name);

#endif
