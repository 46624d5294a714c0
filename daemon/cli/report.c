#include "daemon/cli/cli.h"

#include <stdio.h>

int cli_complain(const cbx_error *err)
{
    fprintf(stderr, "chatterbox: %s\n", err->text);
    return err->status == CBX_E_ARG ? CLI_USAGE : CLI_FAILED;
}

void cli_warn(const char *sentence)
{
    fprintf(stderr, "chatterbox: warning: %s\n", sentence);
}
