#ifndef CBX_DAEMON_CLI_REMOTE_H
#define CBX_DAEMON_CLI_REMOTE_H

#include "daemon/cli/options.h"

/* say by a daemon that runs. The exit code; -1: this program is to do it
 * itself, which was said where it is not what was expected. */
int cli_remote(const cli_options *o);

/* The command `daemon`. */
int cli_daemon(const cli_options *o);

#endif
