#ifndef CBX_DAEMON_CLI_BATCH_H
#define CBX_DAEMON_CLI_BATCH_H

#include "daemon/cli/options.h"

/* render --into: the exit code of the program. */
int cli_batch(const cli_options *o);

#endif
