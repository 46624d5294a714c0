#ifndef CBX_DAEMON_CLI_TABLE_H
#define CBX_DAEMON_CLI_TABLE_H

#include "daemon/cli/options.h"

#include <stdbool.h>
#include <stddef.h>

/* The options and commands of the program: what the parser (options.c), --help
 * (help.c), the man page (manpage.c) and the shell's completion (completion.c)
 * are made from. */

/* Sets of commands. */
enum {
    SAY = 1 << CLI_SAY,
    RENDER = 1 << CLI_RENDER,
    SPEAK = SAY | RENDER,
    CONVERT = 1 << CLI_CONVERT,
    VOICES = 1 << CLI_VOICES,
    CLONE = 1 << CLI_CLONE,
    VOICE = 1 << CLI_VOICE,
    DETECT = 1 << CLI_DETECT,
    FETCH = 1 << CLI_FETCH,
    MODELS = 1 << CLI_MODELS,
};

typedef enum cli_value { FLAG, TEXT, WHOLE, SEED, NUMBER } cli_value;

typedef struct cli_option {
    const char *name;
    char letter; /* 0: none */
    cli_value kind;
    size_t offset;    /* in cli_options */
    double low, high; /* WHOLE */
    unsigned commands;
    const char *value; /* as shown in the help */
    const char *help;
} cli_option;

extern const cli_option cli_table[];
extern const int cli_table_length;

typedef struct cli_command_entry {
    const char *name, *words, *help; /* name NULL: not shown */
    int most;                        /* words; those that speak take any */
} cli_command_entry;
extern const cli_command_entry cli_commands[CLI_COMMANDS];

/* Whether the command has options at all. */
bool cli_has_options(cli_command command);

/* "-s, --seed N" of an option. */
void cli_option_text(const cli_option *o, char *out, size_t size);

#endif
