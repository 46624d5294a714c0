#ifndef CBX_RT_ARENA_H
#define CBX_RT_ARENA_H

#include "rt/status.h"

#include <stddef.h>

/* A fixed block handed out from the bottom up. Whoever owns the block owns
 * every object in it; nothing in it is freed one by one. The block may be the
 * caller's own: cbx_arena a = {block, sizeof block, 0}. An arena belongs to
 * one thread at a time. */
typedef struct cbx_arena {
    unsigned char *base;
    size_t size; /* bytes */
    size_t used; /* bytes, padding included */
} cbx_arena;

/* [setup] Maps a block of at least `bytes` (> 0) for the arena, 64-byte
 * aligned, zero. CBX_E_ARG, CBX_E_NOMEM. */
CBX_CHECK cbx_status cbx_arena_open(size_t bytes, cbx_arena *out,
                                    cbx_error *err);

/* [setup] Unmaps a block that cbx_arena_open made. NULL and an arena of all
 * zeros are fine. */
void cbx_arena_close(cbx_arena *a);

/* [setup] n * elem_size zeroed bytes, 64-byte aligned, or NULL when full. */
void *cbx_arena_zero(cbx_arena *a, size_t n, size_t elem_size);

/* [decode] The same without the zeros, for scratch that is written before it
 * is read. */
void *cbx_arena_take(cbx_arena *a, size_t n, size_t elem_size);

/* [decode] Everything taken after the mark goes back at the rewind. */
size_t cbx_arena_mark(const cbx_arena *a);
void cbx_arena_rewind(cbx_arena *a, size_t mark);

#endif
