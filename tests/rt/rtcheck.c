#define _GNU_SOURCE
#include "tests/rt/rtcheck.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

enum function {
#define X(name) F_##name,
#include "tests/rt/rtcheck_list.def"
#undef X
    FUNCTIONS
};

static const char *const names[FUNCTIONS] = {
#define X(name) #name,
#include "tests/rt/rtcheck_list.def"
#undef X
};

static _Thread_local int depth;
static _Atomic int counts[FUNCTIONS];

void rtcheck_enter(void)
{
    depth++;
}

void rtcheck_leave(void)
{
    depth--;
}

int rtcheck_violations(void)
{
    int n = 0;
    for (int f = 0; f < FUNCTIONS; f++)
        n += atomic_load(&counts[f]);
    return n;
}

int rtcheck_count(const char *name)
{
    for (int f = 0; f < FUNCTIONS; f++)
        if (strcmp(names[f], name) == 0)
            return atomic_load(&counts[f]);
    return -1;
}

void rtcheck_report(FILE *to)
{
    for (int f = 0; f < FUNCTIONS; f++)
        if (atomic_load(&counts[f]))
            fprintf(to, "in a real-time section: %s, %d times\n", names[f],
                    atomic_load(&counts[f]));
}

void rtcheck_reset(void)
{
    for (int f = 0; f < FUNCTIONS; f++)
        atomic_store(&counts[f], 0);
}

static void note(enum function f)
{
    if (depth > 0)
        atomic_fetch_add(&counts[f], 1);
}

/* Functions with a fixed list of arguments pass it on as it is. */
#define WRAP(type, name, params, args) \
    type __real_##name params;         \
    type __wrap_##name params;         \
    type __wrap_##name params          \
    {                                  \
        note(F_##name);                \
        return __real_##name args;     \
    }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void, free, (void *p), (p))
WRAP(int, posix_memalign, (void **p, size_t align, size_t n), (p, align, n))
WRAP(void *, aligned_alloc, (size_t align, size_t n), (align, n))
WRAP(char *, strdup, (const char *s), (s))
WRAP(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
     (p, n, prot, flags, fd, at))
WRAP(int, munmap, (void *p, size_t n), (p, n))

WRAP(int, pthread_create,
     (pthread_t * t, const pthread_attr_t *a, void *(*fn)(void *), void *arg),
     (t, a, fn, arg))
WRAP(int, pthread_join, (pthread_t t, void **out), (t, out))
WRAP(int, pthread_mutex_lock, (pthread_mutex_t * m), (m))
WRAP(int, pthread_mutex_trylock, (pthread_mutex_t * m), (m))
WRAP(int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
WRAP(int, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))
WRAP(int, pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t *m), (c, m))
WRAP(int, pthread_cond_timedwait,
     (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *t),
     (c, m, t))
WRAP(int, pthread_cond_signal, (pthread_cond_t * c), (c))
WRAP(int, pthread_cond_broadcast, (pthread_cond_t * c), (c))
WRAP(int, sem_wait, (sem_t * s), (s))
WRAP(int, sem_timedwait, (sem_t * s, const struct timespec *t), (s, t))
WRAP(int, sem_post, (sem_t * s), (s))

WRAP(int, sched_yield, (void), ())
WRAP(unsigned, sleep, (unsigned s), (s))
WRAP(int, usleep, (useconds_t us), (us))
WRAP(int, nanosleep, (const struct timespec *t, struct timespec *left),
     (t, left))
WRAP(int, clock_nanosleep,
     (clockid_t c, int flags, const struct timespec *t, struct timespec *left),
     (c, flags, t, left))

WRAP(int, close, (int fd), (fd))
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))
WRAP(int, socket, (int domain, int type, int protocol),
     (domain, type, protocol))
WRAP(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(ssize_t, send, (int fd, const void *p, size_t n, int flags),
     (fd, p, n, flags))
WRAP(ssize_t, sendto,
     (int fd, const void *p, size_t n, int flags, const struct sockaddr *a,
      socklen_t na),
     (fd, p, n, flags, a, na))
WRAP(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(ssize_t, recvfrom,
     (int fd, void *p, size_t n, int flags, struct sockaddr *a, socklen_t *na),
     (fd, p, n, flags, a, na))

WRAP(FILE *, fopen, (const char *path, const char *mode), (path, mode))
WRAP(int, fclose, (FILE * f), (f))
WRAP(int, fflush, (FILE * f), (f))
WRAP(size_t, fread, (void *p, size_t size, size_t n, FILE *f), (p, size, n, f))
WRAP(size_t, fwrite, (const void *p, size_t size, size_t n, FILE *f),
     (p, size, n, f))
WRAP(int, fputs, (const char *s, FILE *f), (s, f))
WRAP(int, puts, (const char *s), (s))
WRAP(int, fputc, (int c, FILE *f), (c, f))
WRAP(int, putc, (int c, FILE *f), (c, f))
WRAP(int, putchar, (int c), (c))
WRAP(int, vprintf, (const char *fmt, va_list args), (fmt, args))
WRAP(int, vfprintf, (FILE * f, const char *fmt, va_list args), (f, fmt, args))
WRAP(int, vsnprintf, (char *to, size_t n, const char *fmt, va_list args),
     (to, n, fmt, args))
WRAP(int, __vprintf_chk, (int flag, const char *fmt, va_list args),
     (flag, fmt, args))
WRAP(int, __vfprintf_chk, (FILE * f, int flag, const char *fmt, va_list args),
     (f, flag, fmt, args))
WRAP(int, __vsnprintf_chk,
     (char *to, size_t n, int flag, size_t room, const char *fmt, va_list args),
     (to, n, flag, room, fmt, args))

/* The printf family passes its arguments on as a va_list. */
#define WRAP_PRINTF(name, params, last, call) \
    int __wrap_##name params;                 \
    int __wrap_##name params                  \
    {                                         \
        note(F_##name);                       \
        va_list args;                         \
        va_start(args, last);                 \
        const int n = call;                   \
        va_end(args);                         \
        return n;                             \
    }

WRAP_PRINTF(printf, (const char *fmt, ...), fmt, __real_vprintf(fmt, args))
WRAP_PRINTF(fprintf, (FILE * f, const char *fmt, ...), fmt,
            __real_vfprintf(f, fmt, args))
WRAP_PRINTF(snprintf, (char *to, size_t n_max, const char *fmt, ...), fmt,
            __real_vsnprintf(to, n_max, fmt, args))
WRAP_PRINTF(__printf_chk, (int flag, const char *fmt, ...), fmt,
            __real___vprintf_chk(flag, fmt, args))
WRAP_PRINTF(__fprintf_chk, (FILE * f, int flag, const char *fmt, ...), fmt,
            __real___vfprintf_chk(f, flag, fmt, args))
WRAP_PRINTF(__snprintf_chk,
            (char *to, size_t n_max, int flag, size_t room, const char *fmt,
             ...),
            fmt, __real___vsnprintf_chk(to, n_max, flag, room, fmt, args))

/* open has a mode only when it creates a file. */
static bool has_mode(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define WRAP_OPEN(name, params, call)    \
    int __real_##name params;            \
    int __wrap_##name params;            \
    int __wrap_##name params             \
    {                                    \
        note(F_##name);                  \
        mode_t mode = 0;                 \
        if (has_mode(flags)) {           \
            va_list args;                \
            va_start(args, flags);       \
            mode = va_arg(args, mode_t); \
            va_end(args);                \
        }                                \
        return __real_##name call;       \
    }

WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, (int dir, const char *path, int flags, ...),
          (dir, path, flags, mode))
WRAP_OPEN(openat64, (int dir, const char *path, int flags, ...),
          (dir, path, flags, mode))

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
    note(F_ioctl);
    return __real_ioctl(fd, request, arg);
}

/* Reading six longs is what the C library's own syscall() does. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    note(F_syscall);
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
