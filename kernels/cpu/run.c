#include "kernels/cpu/run.h"

#include "rt/priority.h"

/* Waking a thread costs some 0.4 us while it spins: the time of 25000 floating
 * point operations. */
static const double least_work = 8192;

void cpu_run(cbx_dev *d, cbx_pool_task *fn, void *arg, int tasks, double work)
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
