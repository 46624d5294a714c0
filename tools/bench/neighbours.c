/* How much of the machine others took meanwhile: figures of a busy machine are
 * to be thrown away. */
#include "rt/clock.h"
#include "tools/bench/bench.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Seconds of all cores that were not idle, with what the host took away. */
static double busy_seconds(void)
{
    unsigned long long v[8] = {0};
    FILE *f = fopen("/proc/stat", "r");
    if (f) {
        (void)!fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0],
                      &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
        fclose(f);
    }
    /* user, nice, system; irq, softirq, steal: idle and iowait left out */
    const unsigned long long sum = v[0] + v[1] + v[2] + v[5] + v[6] + v[7];
    return (double)sum / (double)sysconf(_SC_CLK_TCK);
}

static double own_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

neighbours bench_neighbours_begin(void)
{
    return (neighbours){1e-9 * (double)cbx_clock_ns(), busy_seconds(),
                        own_seconds()};
}

void bench_neighbours_end(bench *b, const neighbours *n, const char *part)
{
    const double wall = 1e-9 * (double)cbx_clock_ns() - n->clock;
    const double others = busy_seconds() - n->busy - (own_seconds() - n->own);
    const double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
    bench_row(b, "neighbours",
              json_pack("{s:s, s:f, s:f}", "during", part, "seconds", wall,
                        "share_of_machine",
                        others > 0 ? others / (wall * cores) : 0.0));
}
