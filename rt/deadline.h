#ifndef CBX_RT_DEADLINE_H
#define CBX_RT_DEADLINE_H

#include "rt/annotate.h"

#include <stdbool.h>
#include <stdint.h>

/* Earliest deadline first, over a handful of streams. */
typedef struct cbx_deadline {
    int64_t ns; /* cbx_clock_ns() when the stream runs dry; now for a new one */
    bool ready; /* it has something to compute */
} cbx_deadline;

/* [decode] The ready entry with the earliest deadline, or -1 if none is ready.
 * Of equals the first one after `last` (the one picked before, or -1), so that
 * they take turns. */
int cbx_deadline_pick(const cbx_deadline *d, int n, int last);

/* [any] When `queued` frames that play from `now` on at `rate` Hz run dry. */
CBX_RT int64_t cbx_deadline_after(int64_t now_ns, uint64_t queued,
                                  uint32_t rate);

#endif
