#define _GNU_SOURCE
#include "rt/priority.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#if defined(__SSE__)

enum { FTZ = 1 << 15, DAZ = 1 << 6 };

CBX_RT uint64_t cbx_denormals_off(void)
{
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | FTZ | DAZ);
    return before;
}

CBX_RT void cbx_denormals_restore(uint64_t before)
{
    _mm_setcsr((unsigned)before);
}

#elif defined(__aarch64__)

CBX_RT uint64_t cbx_denormals_off(void)
{
    const uint64_t flush_to_zero = UINT64_C(1) << 24;
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | flush_to_zero));
    return before;
}

CBX_RT void cbx_denormals_restore(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}

#else

/* other processors keep denormals: slower in silence, equally right */
CBX_RT uint64_t cbx_denormals_off(void)
{
    return 0;
}

CBX_RT void cbx_denormals_restore(uint64_t before)
{
    (void)before;
}

#endif

bool cbx_memory_lock(const void *start, size_t bytes, cbx_error *warning)
{
    if (mlock(start, bytes) == 0)
        return true;
    const int why = errno;
    cbx_fail(warning, CBX_E_LIMIT,
             "cannot keep %zu KiB of audio memory from being swapped out "
             "(%s); raise the memlock limit, e.g. 'memlock unlimited' for the "
             "audio group in /etc/security/limits.d",
             bytes / 1024, strerror(why));
    return false;
}

void cbx_memory_unlock(const void *start, size_t bytes)
{
    munlock(start, bytes);
}

/* The highest priority that the limits grant, if there is such a grant;
 * otherwise the wish, which only a privileged process will get. */
static int allowed_priority(int wish)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_RTPRIO, &limit) || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur == 0 || (rlim_t)wish <= limit.rlim_cur)
        return wish;
    return (int)limit.rlim_cur;
}

bool cbx_thread_realtime(int priority, cbx_error *warning)
{
    const int wish = priority < 1 ? 1 : priority > 99 ? 99 : priority;
    const struct sched_param param = {.sched_priority = allowed_priority(wish)};
    const int why = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
    if (why == 0)
        return true;
    cbx_fail(warning, CBX_E_LIMIT,
             "no real-time priority for the sound (%s), so it may stutter on "
             "a busy machine; raise the rtprio limit, e.g. 'rtprio 95' for the "
             "audio group in /etc/security/limits.d",
             strerror(why));
    return false;
}

bool cbx_thread_nice(int nice, cbx_error *warning)
{
    const id_t self = (id_t)syscall(SYS_gettid);
    if (setpriority(PRIO_PROCESS, self, nice) == 0)
        return true;
    const int why = errno;
    cbx_fail(warning, CBX_E_LIMIT,
             "cannot set the thread's nice value to %d (%s); raise the nice "
             "limit in /etc/security/limits.d",
             nice, strerror(why));
    return false;
}

void cbx_thread_name(const char *name)
{
    char cut[16];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(pthread_self(), cut);
}
