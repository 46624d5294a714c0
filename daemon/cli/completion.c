/* Completion for bash: commands, the options of a command, and the values that
 * an option takes by name. */
#include "daemon/cli/table.h"

#include <ctype.h>
#include <string.h>

/* "a|b|c" of small letters, digits and dashes only: words to choose from. */
static bool is_choice(const char *value)
{
    if (!value || !strchr(value, '|'))
        return false;
    for (; *value; value++)
        if (!islower((unsigned char)*value) &&
            !isdigit((unsigned char)*value) && !strchr("|-", *value))
            return false;
    return true;
}

static void print_option_words(FILE *to, cli_command command)
{
    for (int i = 0; i < cli_table_length; i++)
        if (cli_table[i].commands >> command & 1)
            fprintf(to, "--%s ", cli_table[i].name);
    fprintf(to, "--help");
}

static void print_choices(FILE *to)
{
    for (int i = 0; i < cli_table_length; i++) {
        const cli_option *o = &cli_table[i];
        if (!is_choice(o->value))
            continue;
        fprintf(to, "        --%s) words='", o->name);
        for (const char *c = o->value; *c; c++)
            fputc(*c == '|' ? ' ' : *c, to);
        fprintf(to, "' ;;\n");
    }
}

void cli_print_completion(FILE *to)
{
    fprintf(to, "# bash completion for chatterbox\n"
                "_chatterbox()\n{\n"
                "    local word=${COMP_WORDS[COMP_CWORD]} words=\n"
                "    local before=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='");
    for (int i = 0; i < CLI_COMMANDS; i++)
        if (cli_commands[i].name)
            fprintf(to, "%s ", cli_commands[i].name);
    fprintf(to, "'\n    else\n        case $before in\n");
    print_choices(to);
    fprintf(to, "        --voice|-v) words=$(chatterbox voices --names "
                "2>/dev/null) ;;\n"
                "        *)\n            case ${COMP_WORDS[1]} in\n");
    for (int i = 0; i < CLI_COMMANDS; i++)
        if (cli_commands[i].name && cli_has_options((cli_command)i)) {
            fprintf(to, "            %s) words='", cli_commands[i].name);
            print_option_words(to, (cli_command)i);
            fprintf(to, "' ;;\n");
        }
    fprintf(to, "            esac\n            case $word in\n"
                "            -*) ;;\n            *) words= ;;\n"
                "            esac ;;\n        esac\n    fi\n"
                "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                "}\n"
                "complete -o default -F _chatterbox chatterbox\n");
}
