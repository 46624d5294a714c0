#include "rt/clock.h"

#include <errno.h>
#include <time.h>

CBX_RT int64_t cbx_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * CBX_NS_PER_S + t.tv_nsec;
}

void cbx_sleep_until(int64_t ns)
{
    if (ns <= 0)
        return;
    const struct timespec until = {
        .tv_sec = (time_t)(ns / CBX_NS_PER_S),
        .tv_nsec = (long)(ns % CBX_NS_PER_S),
    };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
           EINTR)
        continue;
}
