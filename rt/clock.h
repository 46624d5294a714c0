#ifndef CBX_RT_CLOCK_H
#define CBX_RT_CLOCK_H

#include "rt/annotate.h"

#include <stdint.h>

/* Time in nanoseconds on the monotonic clock: never set back, no relation to
 * the time of day. */
enum { CBX_NS_PER_US = 1000, CBX_NS_PER_MS = 1000000 };
#define CBX_NS_PER_S INT64_C(1000000000)

/* [any] Reads the clock; on Linux without entering the kernel. */
CBX_RT int64_t cbx_clock_ns(void);

/* [any but audio] Sleeps until that time; returns at once when it is past.
 * Signals do not cut it short. */
void cbx_sleep_until(int64_t ns);

#endif
