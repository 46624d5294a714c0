#include "kernels/cpu/avx2/avx2.h"

#include "rt/priority.h"
#include <cpuid.h>

/* clang 14 has no name for this one. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

bool cpu_avx2_runs_here(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           has_f16c();
}

void cpu_avx2_fill(cbx_kernels *table)
{
    table->weight_new = avx2_weight_new;
    table->linear = avx2_linear;
    table->normalize = avx2_normalize;
    table->activate = avx2_activate;
    table->attention = avx2_attention;
    table->attention_kv = avx2_attention_kv;
    table->normal = avx2_normal;
    table->sine_source = avx2_sine_source;
    table->istft = avx2_istft;
}

/* Waking a thread costs some 0.4 us while it spins: the time of 25000 floating
 * point operations. */
static const double least_work = 8192;

void avx2_run(cbx_dev *d, cbx_pool_task *fn, void *arg, int tasks, double work)
{
    if (tasks > 1 && work >= least_work) {
        cbx_pool_run(cpu_of(d)->pool, fn, arg, tasks);
        return;
    }
    /* as the pool has it: where work runs must not decide about denormals */
    const uint64_t before = cbx_denormals_off();
    for (int i = 0; i < tasks; i++)
        fn(arg, i, 0);
    cbx_denormals_restore(before);
}
