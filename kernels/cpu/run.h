#ifndef CBX_KERNELS_CPU_RUN_H
#define CBX_KERNELS_CPU_RUN_H

#include "kernels/cpu/cpu.h"

/* [decode] Runs fn(arg, task, worker) for every task: on the pool, or here and
 * now when `work` (some 8 elements or FMAs each count one) does not pay the
 * wake-up. */
void cpu_run(cbx_dev *d, cbx_pool_task *fn, void *arg, int tasks, double work);

#endif
