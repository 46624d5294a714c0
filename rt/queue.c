#include "rt/queue.h"

#include <stdatomic.h>
#include <string.h>

/* Both counters only grow, modulo 2^32; each has one writer and its own cache
 * line. */
struct cbx_queue {
    unsigned char *slots;
    uint32_t mask; /* slots - 1 */
    uint32_t message_bytes;
    _Alignas(64) _Atomic uint32_t pushed;
    _Alignas(64) _Atomic uint32_t popped;
};

enum { MOST_MESSAGES = 1 << 20, MOST_BYTES = 4096 };

cbx_status cbx_queue_new(cbx_arena *arena, uint32_t min_messages,
                         uint32_t message_bytes, cbx_queue **out,
                         cbx_error *err)
{
    if (min_messages == 0 || min_messages > MOST_MESSAGES ||
        message_bytes == 0 || message_bytes > MOST_BYTES)
        return cbx_fail(err, CBX_E_ARG,
                        "a queue of %u messages of %u bytes: must be 1 to %d "
                        "messages of 1 to %d bytes",
                        min_messages, message_bytes, MOST_MESSAGES, MOST_BYTES);
    uint32_t slots = 1;
    while (slots < min_messages)
        slots <<= 1;

    cbx_queue *q = cbx_arena_zero(arena, 1, sizeof *q);
    unsigned char *memory = cbx_arena_zero(arena, slots, message_bytes);
    if (!q || !memory)
        return cbx_fail(err, CBX_E_NOMEM,
                        "the arena has no room for a queue of %u messages",
                        slots);
    q->slots = memory;
    q->mask = slots - 1;
    q->message_bytes = message_bytes;
    *out = q;
    return CBX_OK;
}

static CBX_RT unsigned char *slot(const cbx_queue *q, uint32_t at)
{
    return q->slots + (size_t)(at & q->mask) * q->message_bytes;
}

CBX_RT bool cbx_queue_push(cbx_queue *q, const void *message)
{
    const uint32_t at = atomic_load_explicit(&q->pushed, memory_order_relaxed);
    /* acquire: the popper is done with the slots it has released */
    const uint32_t out = atomic_load_explicit(&q->popped, memory_order_acquire);
    if (at - out > q->mask)
        return false;
    memcpy(slot(q, at), message, q->message_bytes);
    /* release: the message is visible before the count says so */
    atomic_store_explicit(&q->pushed, at + 1, memory_order_release);
    return true;
}

CBX_RT bool cbx_queue_pop(cbx_queue *q, void *message)
{
    const uint32_t at = atomic_load_explicit(&q->popped, memory_order_relaxed);
    /* acquire: the messages below the count are visible */
    const uint32_t in = atomic_load_explicit(&q->pushed, memory_order_acquire);
    if (at == in)
        return false;
    memcpy(message, slot(q, at), q->message_bytes);
    /* release: the copy is made before the slot is given back */
    atomic_store_explicit(&q->popped, at + 1, memory_order_release);
    return true;
}

CBX_RT uint32_t cbx_queue_count(const cbx_queue *q)
{
    /* popped first: pushed, read later, is never behind it */
    const uint32_t out = atomic_load_explicit(&q->popped, memory_order_acquire);
    const uint32_t in = atomic_load_explicit(&q->pushed, memory_order_acquire);
    const uint32_t count = in - out;
    return count > q->mask ? q->mask + 1 : count;
}
