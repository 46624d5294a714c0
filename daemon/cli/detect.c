/* detect: is a recording synthetic speech? */
#include "daemon/cli/cli.h"

#include "rt/status.h"

#include <stdio.h>

int cli_detect(const cli_options *o)
{
    const cbx_engine_options options = {.threads = o->threads,
                                        .kernels = o->kernels};
    cbx_engine *engine = NULL;
    cbx_error err;
    float sure = 0;
    if (o->n_words != 1) {
        fprintf(stderr, "chatterbox: detect needs one recording\n");
        return CLI_USAGE;
    }
    cbx_status st = cbx_engine_open(&options, &engine, &err);
    if (!st)
        st = cbx_watermark_detect(engine, o->words[0], &sure, &err);
    cbx_engine_close(engine);
    if (st)
        return cli_complain(&err);
    const bool found = sure >= 0.5f;
    printf("watermark: %s (%.3f)\n", found ? "yes" : "no", (double)sure);
    return found ? CLI_OK : CLI_ABSENT;
}
