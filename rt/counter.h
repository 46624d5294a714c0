#ifndef CBX_RT_COUNTER_H
#define CBX_RT_COUNTER_H

#include "rt/annotate.h"

#include <stdatomic.h>
#include <stdint.h>

/* Numbers that one thread adds to and another prints. They order nothing:
 * each value is right, but two of them may be of different moments. */
typedef _Atomic uint64_t cbx_counter;

/* [any] */
CBX_RT static inline void cbx_counter_add(cbx_counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

/* [any] */
CBX_RT static inline uint64_t cbx_counter_get(const cbx_counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

/* The counters of one audio path, with the names they are printed under. */
#define CBX_COUNTERS(X)                                                  \
    X(callbacks)       /* audio callbacks served */                      \
    X(frames)          /* frames handed to the sink */                   \
    X(underrun_events) /* dry spells of the ring */                      \
    X(underrun_frames) /* frames of silence in their place */            \
    X(xruns)           /* late periods that the audio system reported */ \
    X(reconnects)      /* times that a lost device came back */          \
    X(bytes)           /* bytes written to files or sockets */

typedef struct cbx_counters {
#define CBX_COUNTER_FIELD(name) cbx_counter name;
    CBX_COUNTERS(CBX_COUNTER_FIELD)
#undef CBX_COUNTER_FIELD
} cbx_counters;

#endif
