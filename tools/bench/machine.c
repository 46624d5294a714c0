/* What the machine can do: its name and features, how fast it reads memory, how
 * fast it multiplies and adds. */
#include "rt/clock.h"
#include "rt/pool.h"
#include "tools/bench/bench.h"
#include "tools/bench/simd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int bench_threads(const bench *b)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return b->threads ? b->threads : cores > 0 ? (int)cores : 1;
}

/* -- names ----------------------------------------------------------------- */

/* The value of the first line of /proc/cpuinfo that has one of these keys. */
static void cpuinfo(const char *key, const char *other, char *out, size_t size)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(out, size, "?");
    while (f && getline(&line, &cap, f) > 0) {
        const char *colon = strchr(line, ':');
        if (!colon || (strncmp(line, key, strlen(key)) &&
                       strncmp(line, other, strlen(other))))
            continue;
        snprintf(out, size, "%s", colon + 1 + (colon[1] == ' '));
        out[strcspn(out, "\n")] = 0;
        break;
    }
    free(line);
    if (f)
        fclose(f);
}

/* Those of the CPU's feature bits that kernels are written for. */
static void features(char *out, size_t size)
{
    static const char *const known[] = {
        "avx2",        "fma",         "f16c",        "avx_vnni", "avx512f",
        "avx512bw",    "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8",
        "avx512_fp16", "amx_bf16",    "asimd",       "asimddp",  "i8mm",
        "bf16",        "sve"};
    char flags[8192];
    size_t used = 0;
    cpuinfo("flags", "Features", flags, sizeof flags);
    out[0] = 0;
    for (char *save, *f = strtok_r(flags, " ", &save); f;
         f = strtok_r(NULL, " ", &save))
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (!strcmp(f, known[i]) && used < size)
                used += (size_t)snprintf(out + used, size - used, "%s%s",
                                         used ? " " : "", f);
}

/* -- threads --------------------------------------------------------------- */

typedef struct read_job {
    const char *at;
    size_t bytes, parts;
    uint64_t sums[CBX_POOL_MAX_THREADS];
} read_job;

static void read_part(void *arg, int task, int worker)
{
    read_job *j = arg;
    const size_t each = j->bytes / j->parts / SIMD_BLOCK * SIMD_BLOCK;
    (void)worker;
    j->sums[task] = simd_read(j->at + each * (size_t)task, each);
}

cbx_status bench_bandwidth(const bench *b, size_t bytes, double *median,
                           double *max, cbx_error *err)
{
    enum { PASSES = 21 };
    double s[PASSES];
    cbx_pool *pool;
    cbx_status st = cbx_pool_open(bench_threads(b), &pool, err);
    if (st)
        return st;
    read_job job = {.bytes = bytes, .parts = (size_t)bench_threads(b)};
    void *p;
    if (posix_memalign(&p, 4096, bytes)) {
        cbx_pool_close(pool);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %zu bytes", bytes);
    }
    memset(p, 1, bytes);
    job.at = p;
    const int n = b->quick ? 2 : PASSES;
    for (int i = 0; i < n; i++) {
        const int64_t t0 = cbx_clock_ns();
        cbx_pool_run(pool, read_part, &job, (int)job.parts);
        s[i] = 1e-9 * (double)(cbx_clock_ns() - t0);
    }
    const timing t = bench_summary(s, n);
    *median = 1e-9 * (double)bytes / t.median;
    *max = 1e-9 * (double)bytes / t.min;
    free(p);
    cbx_pool_close(pool);
    return CBX_OK;
}

typedef struct fma_job {
    float (*run)(long rounds);
    long rounds;
    float sums[CBX_POOL_MAX_THREADS];
} fma_job;

static void fma_part(void *arg, int task, int worker)
{
    fma_job *j = arg;
    (void)worker;
    j->sums[task] = j->run(j->rounds);
}

/* GFLOP/s of one instruction set on all threads. */
static void measure_fma(bench *b, cbx_pool *pool, const simd_fma *set)
{
    enum { PASSES = 25 };
    double s[PASSES];
    fma_job job = {.run = set->run, .rounds = 2000000};
    const int n = b->quick ? 1 : PASSES;
    const int threads = cbx_pool_threads(pool);
    for (int i = 0; i < n; i++) {
        const int64_t t0 = cbx_clock_ns();
        cbx_pool_run(pool, fma_part, &job, threads);
        s[i] = 1e-9 * (double)(cbx_clock_ns() - t0);
    }
    const timing t = bench_summary(s, n);
    const double flops =
        set->flops_a_round * (double)job.rounds * (double)threads;
    const double best = 1e-9 * flops / t.min;
    double *peak = strstr(set->name, "int8") ? &b->peak_gops : &b->peak_gflops;
    if (best > *peak)
        *peak = best;
    bench_row(b, "fma",
              json_pack("{s:s, s:i, s:f, s:f}", "set", set->name, "threads",
                        threads, "gflops", 1e-9 * flops / t.median,
                        "gflops_max", best));
}

static cbx_status measure_all_fma(bench *b, cbx_error *err)
{
    cbx_pool *pool;
    cbx_status st = cbx_pool_open(bench_threads(b), &pool, err);
    if (st)
        return st;
    for (const simd_fma *set = simd_fma_sets(); set->name; set++)
        if (set->runs_here())
            measure_fma(b, pool, set);
    cbx_pool_close(pool);
    return CBX_OK;
}

static cbx_status measure_bandwidths(bench *b, cbx_error *err)
{
    static const int mib[] = {8, 64, 256, 1024};
    for (size_t i = 0; i < sizeof mib / sizeof *mib; i++) {
        double median, max;
        if (b->quick && mib[i] > 8)
            break;
        const cbx_status st =
            bench_bandwidth(b, (size_t)mib[i] << 20, &median, &max, err);
        if (st)
            return st;
        bench_row(b, "read",
                  json_pack("{s:i, s:f, s:f}", "mib", mib[i], "gb_s", median,
                            "gb_s_max", max));
    }
    return CBX_OK;
}

cbx_status bench_machine(bench *b, cbx_error *err)
{
    char name[128], bits[256];
    double load[1] = {0};
    cpuinfo("model name", "CPU part", name, sizeof name);
    features(bits, sizeof bits);
    (void)!getloadavg(load, 1);
    bench_row(b, "machine",
              json_pack("{s:s, s:s, s:i, s:i, s:f, s:s}", "cpu", name,
                        "features", bits, "cores",
                        (int)sysconf(_SC_NPROCESSORS_ONLN), "threads",
                        bench_threads(b), "load", load[0], "kernels",
                        b->kernels ? b->kernels : cbx_cpu_variants()[0]));
    const cbx_status st = measure_all_fma(b, err);
    return st ? st : measure_bandwidths(b, err);
}
