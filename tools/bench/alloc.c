/* Counts allocations: the linker sends the calls of every library that is
 * linked in through here (--wrap). */
#include "tools/bench/bench.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic uint64_t count;

uint64_t bench_allocations(void)
{
    return atomic_load_explicit(&count, memory_order_relaxed);
}

static void note(void)
{
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    note();
    return __real_malloc(n);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    note();
    return __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n)
{
    note();
    return __real_realloc(p, n);
}

void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    note();
    return __real_aligned_alloc(align, n);
}

int __real_posix_memalign(void **p, size_t align, size_t n);
int __wrap_posix_memalign(void **p, size_t align, size_t n);
int __wrap_posix_memalign(void **p, size_t align, size_t n)
{
    note();
    return __real_posix_memalign(p, align, n);
}

/* dsp and rt map their blocks */
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, long offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, long offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, long offset)
{
    note();
    return __real_mmap(at, n, prot, flags, fd, offset);
}
