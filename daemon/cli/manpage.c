#include "daemon/cli/table.h"

#include <string.h>

/* Writes text with what troff would take as its own made plain. */
static void print_troff(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

/* The commands that know the option, unless all do that speak. */
static void print_where(FILE *to, const cli_option *o)
{
    if ((o->commands & SPEAK) == SPEAK)
        return;
    const char *before = " (";
    for (int i = 0; i < CLI_HELP; i++)
        if (o->commands >> i & 1) {
            fprintf(to, "%s%s", before, cli_commands[i].name);
            before = ", ";
        }
    fprintf(to, ")");
}

static void print_man_options(FILE *to)
{
    for (int i = 0; i < cli_table_length; i++) {
        char left[128];
        cli_option_text(&cli_table[i], left, sizeof left);
        fprintf(to, ".TP\n.B ");
        print_troff(to, left + strspn(left, " "));
        fputc('\n', to);
        print_troff(to, cli_table[i].help);
        print_where(to, &cli_table[i]);
        fprintf(to, ".\n");
    }
    fprintf(to, ".TP\n.B \\-h, \\-\\-help\nthe options of a command.\n");
}

void cli_print_man(FILE *to)
{
    fprintf(to,
            ".TH CHATTERBOX 1 2026-11-23 \"chatterbox %s\" \"User Commands\"\n"
            ".SH NAME\nchatterbox \\- text in, live speech out\n"
            ".SH SYNOPSIS\n",
            cbx_version());
    for (int i = 0; i < CLI_HELP; i++) {
        fprintf(to, "%s.B chatterbox %s\n", i ? ".br\n" : "",
                cli_commands[i].name);
        if (cli_has_options((cli_command)i))
            fprintf(to, "[\\fIOPTIONS\\fR] ");
        print_troff(to, cli_commands[i].words);
        if (*cli_commands[i].words)
            fputc('\n', to);
    }
    fprintf(to, ".SH DESCRIPTION\nSpeaks text with a Chatterbox model while "
                "the text is still arriving.\n");
    for (int i = 0; i < CLI_HELP; i++) {
        fprintf(to, ".TP\n.B %s\n", cli_commands[i].name);
        print_troff(to, cli_commands[i].help);
        fprintf(to, ".\n");
    }
    fprintf(to, ".SH OPTIONS\n");
    print_man_options(to);
    fprintf(to,
            ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 130 "
            "interrupted.\n"
            ".SH ENVIRONMENT\n.TP\n.B CHATTERBOX_DATA\nFolders that are "
            "searched first for voices/, sampling/ and models/, separated by "
            "colons.\n.TP\n.B CBX_KERNELS\nCPU variant to use, as "
            "\\-\\-kernels.\n"
            ".SH EXAMPLES\n.nf\nchatterbox say \"Good morning.\"\n"
            "llm | chatterbox say\n"
            "chatterbox render \\-o book.flac \\- < book.txt\n.fi\n");
}
