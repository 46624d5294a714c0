/* The command line, parsed by the table. */
#include "daemon/cli/options.h"

#include "daemon/cli/table.h"
#include "rt/status.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static cbx_status take_number(const cli_option *o, const char *text,
                              double *out, cbx_error *err)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out))
        return cbx_fail(err, CBX_E_ARG, "--%s '%.40s' is not a number", o->name,
                        text);
    return CBX_OK;
}

static cbx_status take_value(const cli_option *o, const char *text,
                             cli_options *out, cbx_error *err)
{
    char *at = (char *)out + o->offset, *end;
    double number;
    cbx_status st = CBX_OK;
    switch (o->kind) {
    case FLAG:
        *(bool *)at = true;
        break;
    case TEXT:
        *(const char **)at = text;
        break;
    case NUMBER:
        if (!(st = take_number(o, text, &number, err)))
            *(double *)at = number;
        break;
    case WHOLE:
        if ((st = take_number(o, text, &number, err)))
            break;
        if (number != floor(number) || number < o->low || number > o->high)
            return cbx_fail(err, CBX_E_ARG,
                            "--%s %.40s: it must be a whole number from %.0f "
                            "to %.0f",
                            o->name, text, o->low, o->high);
        *(int *)at = (int)number;
        break;
    case SEED:
        errno = 0;
        *(uint64_t *)at = strtoull(text, &end, 0);
        if (end == text || *end || errno || strchr(text, '-'))
            return cbx_fail(err, CBX_E_ARG,
                            "--%s '%.40s': it must be a whole number below "
                            "2^64",
                            o->name, text);
        break;
    }
    return st;
}

static bool find_command(const char *word, cli_command *out)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    if (strcmp(word, "--version") == 0)
        word = "version";
    for (int i = 0; i < CLI_COMMANDS; i++)
        if (cli_commands[i].name && strcmp(word, cli_commands[i].name) == 0) {
            *out = (cli_command)i;
            return true;
        }
    if (strcmp(word, "--man") == 0)
        *out = CLI_MAN;
    else if (strcmp(word, "--completion") == 0)
        *out = CLI_COMPLETION;
    else
        return false;
    return true;
}

enum { HELP_CODE = 1000 };

/* getopt_long's tables, made from ours. */
static void getopt_tables(struct option *longs, char *letters)
{
    *letters++ = ':'; /* a missing value is ':', not '?' */
    *letters++ = 'h';
    for (int i = 0; i < cli_table_length; i++) {
        longs[i] = (struct option){cli_table[i].name, cli_table[i].kind != FLAG,
                                   NULL, i + 256};
        if (cli_table[i].letter) {
            *letters++ = cli_table[i].letter;
            if (cli_table[i].kind != FLAG)
                *letters++ = ':';
        }
    }
    longs[cli_table_length] = (struct option){"help", 0, NULL, HELP_CODE};
    longs[cli_table_length + 1] = (struct option){0};
    *letters = 0;
}

static int option_index(int code)
{
    if (code >= 256 && code < 256 + cli_table_length)
        return code - 256;
    for (int i = 0; i < cli_table_length; i++)
        if (cli_table[i].letter && cli_table[i].letter == code)
            return i;
    return -1;
}

static cbx_status parse_options(int argc, char **argv, cli_options *out,
                                cbx_error *err)
{
    const char *name = cli_commands[out->command].name;
    struct option longs[CLI_MOST_OPTIONS + 2];
    char letters[2 * CLI_MOST_OPTIONS + 4];
    getopt_tables(longs, letters);
    name = name ? name : "help"; /* those not shown have none */
    opterr = 0;
    optind = 1;
    for (int code;
         (code = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        const char *word = argv[optind - 1];
        if (code == 'h' || code == HELP_CODE) {
            out->about = out->command;
            out->command = CLI_HELP;
            return CBX_OK;
        }
        if (code == ':')
            return cbx_fail(err, CBX_E_ARG, "%s needs a value", word);
        const int i = option_index(code);
        if (i < 0 && optopt > 0 && optopt < 256 && word[1] != '-')
            return cbx_fail(err, CBX_E_ARG,
                            "unknown option -%c; see 'chatterbox %s --help'",
                            optopt, name);
        if (i < 0)
            return cbx_fail(err, CBX_E_ARG,
                            "unknown option %.60s; see 'chatterbox %s --help'",
                            word, name);
        if (!(cli_table[i].commands >> out->command & 1))
            return cbx_fail(err, CBX_E_ARG, "'chatterbox %s' has no --%s", name,
                            cli_table[i].name);
        const cbx_status st = take_value(&cli_table[i], optarg, out, err);
        if (st)
            return st;
        out->given[i] = true;
    }
    out->words = argv + optind;
    out->n_words = argc - optind;
    return CBX_OK;
}

static cbx_status unknown_command(const char *word, cbx_error *err)
{
    return cbx_fail(err, CBX_E_ARG,
                    "unknown command '%.60s'; 'chatterbox help' lists them",
                    word);
}

/* Words are text, or as many as the command has a use for. */
static cbx_status check_words(const cli_options *o, cbx_error *err)
{
    const int most =
        1u << o->command & SPEAK ? o->n_words : cli_commands[o->command].most;
    if (o->n_words <= most)
        return CBX_OK;
    return cbx_fail(err, CBX_E_ARG,
                    "'%.60s' is too much; see 'chatterbox help'",
                    o->words[most]);
}

cbx_status cli_parse(int argc, char **argv, cli_options *out, cbx_error *err)
{
    *out = (cli_options){.about = CLI_HELP};
    if (argc < 2)
        return cbx_fail(err, CBX_E_ARG,
                        "no command; try 'chatterbox say \"Good morning.\"' "
                        "or 'chatterbox help'");
    if (!find_command(argv[1], &out->command))
        return unknown_command(argv[1], err);
    cbx_status st = parse_options(argc - 1, argv + 1, out, err);
    if (!st)
        st = check_words(out, err);
    if (!st && out->command == CLI_HELP && out->n_words &&
        !find_command(out->words[0], &out->about))
        st = unknown_command(out->words[0], err);
    return st;
}

static bool was_given(const cli_options *o, const char *name)
{
    for (int i = 0; i < cli_table_length; i++)
        if (strcmp(cli_table[i].name, name) == 0)
            return o->given[i];
    return false;
}

bool cli_was_given(const cli_options *o, const char *name)
{
    for (int i = 0; i < cli_table_length; i++)
        if (strcmp(cli_table[i].name, name) == 0)
            return o->given[i];
    return false;
}

void cli_apply(const cli_options *o, cbx_params *p)
{
    p->seed = o->seed;
    if (was_given(o, "temperature"))
        p->temperature = (float)o->temperature;
    if (was_given(o, "top-k"))
        p->top_k = o->top_k;
    if (was_given(o, "top-p"))
        p->top_p = (float)o->top_p;
    if (was_given(o, "min-p"))
        p->min_p = (float)o->min_p;
    if (was_given(o, "repetition-penalty"))
        p->repetition_penalty = (float)o->repetition_penalty;
    if (was_given(o, "cfg-weight"))
        p->cfg_weight = (float)o->cfg_weight;
    if (was_given(o, "exaggeration"))
        p->exaggeration = (float)o->exaggeration;
    if (was_given(o, "speed"))
        p->speed = (float)o->speed;
    if (was_given(o, "pitch"))
        p->pitch = (float)o->pitch;
    if (was_given(o, "gain"))
        p->gain_db = (float)o->gain;
    if (was_given(o, "flow-history"))
        p->flow_history = o->flow_history;
    if (was_given(o, "look-ahead"))
        p->look_ahead = o->look_ahead;
    if (o->no_guards)
        p->guards = false;
}
