#define _GNU_SOURCE
#include "rt/arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64 };

cbx_status cbx_arena_open(size_t bytes, cbx_arena *out, cbx_error *err)
{
    if (bytes == 0)
        return cbx_fail(err, CBX_E_ARG, "an arena needs at least one byte");
    /* a mapping starts on a page, which is 64-byte aligned, and is zero */
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return cbx_fail(err, CBX_E_NOMEM,
                        "no memory for a block of %zu bytes; close other "
                        "programs or choose a smaller model",
                        bytes);
    *out = (cbx_arena){base, bytes, 0};
    return CBX_OK;
}

void cbx_arena_close(cbx_arena *a)
{
    if (!a || !a->base)
        return;
    munmap(a->base, a->size);
    *a = (cbx_arena){NULL, 0, 0};
}

void *cbx_arena_take(cbx_arena *a, size_t n, size_t elem_size)
{
    if (!a->base || (elem_size && n > SIZE_MAX / elem_size))
        return NULL;
    const size_t bytes = n * elem_size;
    const uintptr_t at = (uintptr_t)a->base + a->used;
    const size_t pad = (size_t)(-at & (ALIGN - 1));
    const size_t left = a->size - a->used;
    if (pad > left || bytes > left - pad)
        return NULL;

    void *p = a->base + a->used + pad;
    a->used += pad + bytes;
    return p;
}

void *cbx_arena_zero(cbx_arena *a, size_t n, size_t elem_size)
{
    void *p = cbx_arena_take(a, n, elem_size);
    if (p)
        memset(p, 0, n * elem_size);
    return p;
}

size_t cbx_arena_mark(const cbx_arena *a)
{
    return a->used;
}

void cbx_arena_rewind(cbx_arena *a, size_t mark)
{
    if (mark < a->used)
        a->used = mark;
}
