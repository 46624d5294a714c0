#include "daemon/cli/cli.h"

#include <stdio.h>

static int help(const cli_options *o)
{
    cli_options about = {0};
    cbx_error ignored;
    char *argv[] = {"chatterbox", o->n_words ? o->words[0] : "help"};
    if (cli_parse(2, argv, &about, &ignored))
        about.command = CLI_HELP;
    cli_print_help(stdout, about.command);
    return CLI_OK;
}

int main(int argc, char **argv)
{
    cli_options o;
    cbx_error err;
    if (cli_parse(argc, argv, &o, &err)) {
        cli_complain(&err);
        return CLI_USAGE;
    }
    switch (o.command) {
    case CLI_SAY:
    case CLI_RENDER:
        return cli_speak(&o);
    case CLI_VOICES:
        return cli_voices(&o);
    case CLI_DEVICES:
        return cli_devices(&o);
    case CLI_INSPECT:
        return cli_inspect(&o);
    case CLI_VERSION:
        printf("chatterbox %s\n", cbx_version());
        return CLI_OK;
    case CLI_MAN:
        cli_print_man(stdout);
        return CLI_OK;
    case CLI_HELP:
    case CLI_COMMANDS:
        break;
    }
    return help(&o);
}
