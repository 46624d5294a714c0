#ifndef CBX_DAEMON_CLI_OPTIONS_H
#define CBX_DAEMON_CLI_OPTIONS_H

#include "chatterbox/chatterbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The command line. One table (table.c) is the source of the parser, of --help,
 * of the man page and of the shell's completion. */

enum { CLI_MOST_OPTIONS = 128 };

typedef enum cli_command {
    CLI_SAY,
    CLI_RENDER,
    CLI_CONVERT,
    CLI_VOICES,
    CLI_CLONE,
    CLI_VOICE,
    CLI_DETECT,
    CLI_FETCH,
    CLI_MODELS,
    CLI_REMOVE,
    CLI_DEVICES,
    CLI_DAEMON,
    CLI_INSPECT,
    CLI_HELP,
    CLI_VERSION,
    /* Not shown: what the build installs. */
    CLI_MAN,
    CLI_COMPLETION,
    CLI_COMMANDS,
} cli_command;

/* Strings point into argv; NULL where an option was not given. */
typedef struct cli_options {
    cli_command command;
    cli_command about; /* CLI_HELP: on this command, or CLI_HELP itself */
    char **words;      /* what is left of argv: text, or a checkpoint */
    int n_words;

    const char *model, *voice, *sampling, *kernels, *weights, *compute,
        *latency, *language, *flow;
    int threads;

    /* Numbers that override the voice's own; `given` says which. */
    uint64_t seed;
    double temperature, top_p, min_p, repetition_penalty, cfg_weight,
        exaggeration, speed, pitch, gain;
    int top_k;
    bool given[CLI_MOST_OPTIONS]; /* by place in the table */

    const char *trace;
    const char *output, *format, *subtype, *fallback;
    const char *daemon, *sink, *priority; /* of a daemon */
    const char *device, *jack_name, *jack_ports;
    bool jack, raw, null;
    int rate;
    int flow_history, look_ahead; /* as `given` says */
    bool no_watermark;
    bool live;                   /* convert */
    const char *from, *revision; /* fetch */
    bool dry_run, offline;
    int timeout;
    int watermark_ahead; /* ms */
    bool wrapped, ssml, no_normalize, no_guards, stats, quiet;
    const char *dictionary;
    const char *into, *split; /* many outputs */
    bool srt, vtt, json, chapters;

    bool names;                     /* of voices, alone */
    const char *name, *description; /* of a new voice */
    bool replace, consent;
} cli_options;

/* Fills *out, or writes one sentence to `err` (CBX_E_ARG). */
cbx_status cli_parse(int argc, char **argv, cli_options *out, cbx_error *err);

/* Whether the option of that name was given. */
bool cli_was_given(const cli_options *o, const char *name);

/* Copies the numbers that were given. */
void cli_apply(const cli_options *o, cbx_params *params);

void cli_print_help(FILE *to, cli_command command); /* CLI_HELP: overview */
void cli_print_man(FILE *to);
void cli_print_completion(FILE *to); /* for bash */

#endif
