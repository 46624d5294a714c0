#include "daemon/cli/table.h"

#include <string.h>

/* Prints text wrapped at 79 columns, from `column` on, indented by `indent`. */
static void print_wrapped(FILE *to, const char *text, int column, int indent)
{
    for (const char *word = text; *word;) {
        const size_t n = strcspn(word, " ");
        if (column > indent && column + 1 + (int)n > 79) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", (int)n, word);
        column += (int)n;
        word += n;
        word += strspn(word, " ");
    }
    fputc('\n', to);
}

static void print_entry(FILE *to, const char *left, const char *help)
{
    enum { INDENT = 32 };
    int column = fprintf(to, "  %s", left);
    if (column >= INDENT - 1) {
        fputc('\n', to);
        column = 0;
    }
    fprintf(to, "%*s", INDENT - column, "");
    print_wrapped(to, help, INDENT, INDENT);
}

void cli_option_text(const cli_option *o, char *out, size_t size)
{
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(out, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
             o->value ? o->value : "");
}

static void print_overview(FILE *to)
{
    fprintf(to, "chatterbox: text in, live speech out\n\nUsage:\n");
    for (int i = 0; i < CLI_COMMANDS; i++)
        if (cli_commands[i].name) {
            char left[128];
            snprintf(left, sizeof left, "chatterbox %s", cli_commands[i].name);
            print_entry(to, left, cli_commands[i].help);
        }
    fprintf(to, "\n'chatterbox COMMAND --help' lists the options. Exit codes: "
                "0 done,\n1 failed, 2 wrong usage, 130 interrupted.\n");
}

void cli_print_help(FILE *to, cli_command command)
{
    if (command >= CLI_HELP) {
        print_overview(to);
        return;
    }
    fprintf(to, "Usage: chatterbox %s%s%s%s\n\n", cli_commands[command].name,
            cli_has_options(command) ? " [OPTIONS]" : "",
            *cli_commands[command].words ? " " : "",
            cli_commands[command].words);
    print_wrapped(to, cli_commands[command].help, 0, 0);
    fprintf(to, "\n");
    for (int i = 0; i < cli_table_length; i++)
        if (cli_table[i].commands >> command & 1) {
            char left[128];
            cli_option_text(&cli_table[i], left, sizeof left);
            print_entry(to, left, cli_table[i].help);
        }
    print_entry(to, "-h, --help", "this text");
}
