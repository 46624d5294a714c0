#include "models/t3/drop.h"
#include "tools/parity/parity.h"

#include <stdio.h>
#include <stdlib.h>

/* drop.N: the sampled ids that are handed to S3Gen. */

static void run_case(parity *p, int i)
{
    char from[32], to[32];
    const int32_t *in;
    int n;
    cbx_error err;
    snprintf(from, sizeof from, "drop.%d.in", i);
    snprintf(to, sizeof to, "drop.%d.out", i);
    if (golden_ids(&p->golden, from, &n, &in, &err)) {
        report_not_run(&p->report, to, "%s", err.text);
        return;
    }
    int32_t *out = need((size_t)n + (size_t)p->config.limits.silence_appended,
                        sizeof *out);
    size_t k = 0;
    if (t3_drop_invalid(&p->config, in, (size_t)n, out, &k, &err))
        report_fail(&p->report, to, "%s", err.text);
    else
        report_ids(&p->report, to, out, k);
    free(out);
}

void parity_drop(parity *p)
{
    for (int i = 0;; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "drop.%d.", i);
        if (!golden_has(&p->golden, prefix))
            break;
        run_case(p, i);
    }
}
