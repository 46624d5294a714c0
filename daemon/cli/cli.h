#ifndef CBX_DAEMON_CLI_CLI_H
#define CBX_DAEMON_CLI_CLI_H

#include "daemon/cli/options.h"

/* The commands. Each returns the exit code of the program, and reports through
 * cli_complain. */

enum {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_ABSENT = 3, /* detect: no watermark */
    CLI_INTERRUPTED = 130,
};

int cli_speak(const cli_options *o); /* say and render */
int cli_voices(const cli_options *o);
int cli_clone(const cli_options *o);
int cli_voice(const cli_options *o);
int cli_detect(const cli_options *o);
int cli_fetch(const cli_options *o);
int cli_models(const cli_options *o);
int cli_remove(const cli_options *o);
int cli_devices(const cli_options *o);
int cli_inspect(const cli_options *o);

/* Writes "chatterbox: sentence" to standard error. Returns the exit code that
 * fits the status. */
int cli_complain(const cbx_error *err);

/* The same for warnings: no exit code. */
void cli_warn(const char *sentence);

#endif
