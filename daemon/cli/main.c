#include "daemon/cli/cli.h"

#include "daemon/cli/batch.h"
#include "daemon/cli/remote.h"

#include "rt/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A standard stream that the caller closed would become whatever is opened
 * next: samples could land in another file. What is put in its place fails
 * when it is used, since it is open the wrong way round. */
static void occupy_standard_streams(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static int say(const cli_options *o)
{
    const int code = cli_remote(o);
    return code < 0 ? cli_speak(o) : code;
}

static int run(const cli_options *o)
{
    switch (o->command) {
    case CLI_SAY:
        return say(o);
    case CLI_RENDER:
    case CLI_CONVERT:
        return o->into ? cli_batch(o) : cli_speak(o);
    case CLI_VOICES:
        return cli_voices(o);
    case CLI_CLONE:
        return cli_clone(o);
    case CLI_VOICE:
        return cli_voice(o);
    case CLI_DETECT:
        return cli_detect(o);
    case CLI_FETCH:
        return cli_fetch(o);
    case CLI_MODELS:
        return cli_models(o);
    case CLI_REMOVE:
        return cli_remove(o);
    case CLI_DEVICES:
        return cli_devices(o);
    case CLI_DAEMON:
        return cli_daemon(o);
    case CLI_INSPECT:
        return cli_inspect(o);
    case CLI_VERSION:
        printf("chatterbox %s\n", cbx_version());
        break;
    case CLI_COMPLETION:
        cli_print_completion(stdout);
        break;
    case CLI_MAN:
        cli_print_man(stdout);
        break;
    case CLI_HELP:
    case CLI_COMMANDS:
        cli_print_help(stdout, o->about);
        break;
    }
    return CLI_OK;
}

int main(int argc, char **argv)
{
    cli_options o;
    cbx_error err;
    occupy_standard_streams();
    if (cli_parse(argc, argv, &o, &err)) {
        cli_complain(&err);
        return CLI_USAGE;
    }
    const int code = run(&o);
    if (fflush(stdout) || ferror(stdout)) {
        cbx_fail(&err, CBX_E_FILE, "standard output: %s", strerror(errno));
        return code ? code : cli_complain(&err);
    }
    return code;
}
