#ifndef CBX_TOOLS_BENCH_PROFILE_H
#define CBX_TOOLS_BENCH_PROFILE_H

#include "tools/bench/bench.h"

/* Between the two every operation of the device is measured by itself, which
 * costs a little; then rows of what cost most. One device at a time. */
void profile_begin(cbx_dev *d);
void profile_end(bench *b, cbx_dev *d, const char *stage);

#endif
