#ifndef CBX_RT_TRACE_H
#define CBX_RT_TRACE_H

#include "rt/annotate.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What the process did when, for people to look at: spans and counters from any
 * thread, kept in memory and written at the end in Chrome's trace format
 * (docs/TRACE.md). One trace at a time. Off, a span costs one load. */

/* [setup] Takes memory for about a million records (32 MiB); the file is made
 * when the trace is closed. CBX_E_FILE: it cannot be written; CBX_E_NOMEM. */
CBX_CHECK cbx_status cbx_trace_open(const char *path, cbx_error *err);
/* [setup] When no thread records any more: writes the file. *dropped (NULL is
 * allowed): records that had no room. Without a trace it does nothing. */
CBX_CHECK cbx_status cbx_trace_close(uint64_t *dropped, cbx_error *err);

/* [any, also audio] The time, or 0 when there is no trace. */
CBX_RT int64_t cbx_trace_start(void);
/* [any, also audio] A span from `start` (cbx_clock_ns) to now, with a number.
 * `thread` names what this thread does ("decode"), `name` the span; both are
 * constants. start == 0: nothing happens. */
CBX_RT void cbx_trace_span(const char *thread, const char *name, int64_t start,
                           int64_t value);
/* [any, also audio] A counter's new value. */
CBX_RT void cbx_trace_count(const char *thread, const char *name,
                            int64_t value);

#endif
