#ifndef CBX_RT_QUEUE_H
#define CBX_RT_QUEUE_H

#include "rt/annotate.h"
#include "rt/arena.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A bounded queue of messages of one size. One thread pushes, one thread
 * pops, no locks; either may be the audio thread. */
typedef struct cbx_queue cbx_queue;

/* [setup] Room for at least min_messages (1 ... 2^20) of message_bytes
 * (1 ... 4096) each. Memory comes from `arena`. CBX_E_ARG, CBX_E_NOMEM. */
CBX_CHECK cbx_status cbx_queue_new(cbx_arena *arena, uint32_t min_messages,
                                   uint32_t message_bytes, cbx_queue **out,
                                   cbx_error *err);

/* [any, one pusher] Copies the message in. False when full. */
CBX_RT bool cbx_queue_push(cbx_queue *q, const void *message);

/* [any, one popper] Copies the oldest message out. False when empty. */
CBX_RT bool cbx_queue_pop(cbx_queue *q, void *message);

/* [any] Messages that wait. */
CBX_RT uint32_t cbx_queue_count(const cbx_queue *q);

#endif
