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
    const cbx_config_limits *limits = &p->config.limits;
    int32_t *out =
        need((size_t)n + (size_t)limits->silence_appended, sizeof *out);
    size_t k = 0;
    for (int j = 0; j < n; j++)
        if (in[j] < p->config.flow.used_codes)
            out[k++] = in[j];
    for (int j = 0; j < limits->silence_appended; j++)
        out[k++] = limits->silence_token;
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
