#include "daemon/cli/options.h"

#include "rt/status.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAY = 1 << CLI_SAY,
    RENDER = 1 << CLI_RENDER,
    SPEAK = SAY | RENDER,
    CLONE = 1 << CLI_CLONE,
    VOICE = 1 << CLI_VOICE,
};

typedef enum { FLAG, TEXT, WHOLE, SEED, NUMBER } value_kind;

typedef struct {
    const char *name;
    char letter; /* 0: none */
    value_kind kind;
    size_t offset;
    double low, high; /* WHOLE */
    unsigned commands;
    const char *value; /* as shown in the help */
    const char *help;
} option;

#define AT(field) offsetof(cli_options, field)

static const option options[] = {
    {"model", 'm', TEXT, AT(model), 0, 0, SPEAK | CLONE | VOICE, "NAME|FOLDER",
     "model: a name from the data folders, or a checkpoint folder (default: "
     "what the voice asks for, else builtin)"},
    {"voice", 'v', TEXT, AT(voice), 0, 0, SPEAK, "NAME|FILE",
     "voice: a preset's name, or a preset, conds.pt or .safetensors file "
     "(default: the model's own)"},
    {"sampling", 0, TEXT, AT(sampling), 0, 0, SPEAK, "NAME|FILE",
     "sampling preset; single options below override it"},
    {"language", 'l', TEXT, AT(language), 0, 0, SPEAK, "LANG",
     "language of the text, such as de (multilingual models; default: the "
     "voice's)"},
    {"seed", 's', SEED, AT(seed), 0, 0, SPEAK, "N",
     "seed of all random numbers: same seed, same sound (default 0)"},
    {"temperature", 't', NUMBER, AT(temperature), 0, 0, SPEAK, "X",
     "variation of the speech tokens"},
    {"top-k", 0, WHOLE, AT(top_k), 0, 1e6, SPEAK, "N",
     "draw from the N likeliest tokens, 0 for all"},
    {"top-p", 0, NUMBER, AT(top_p), 0, 0, SPEAK, "X",
     "draw from the likeliest tokens that sum up to X"},
    {"min-p", 0, NUMBER, AT(min_p), 0, 0, SPEAK, "X",
     "drop tokens less likely than X times the likeliest"},
    {"repetition-penalty", 0, NUMBER, AT(repetition_penalty), 0, 0, SPEAK, "X",
     "make tokens that were used less likely, 1 for off"},
    {"cfg-weight", 0, NUMBER, AT(cfg_weight), 0, 0, SPEAK, "X",
     "guidance (original and multilingual models)"},
    {"exaggeration", 0, NUMBER, AT(exaggeration), 0, 0, SPEAK, "X",
     "emotion (original and multilingual models)"},
    {"latency", 0, TEXT, AT(latency), 0, 0, SPEAK, "lowest|balanced|safest",
     "size of the first chunks; part of the sound (default balanced)"},
    {"flow", 0, TEXT, AT(flow), 0, 0, SPEAK, "auto|full|prefix|causal",
     "how much of a sentence each chunk is computed with; part of the sound "
     "(default auto)"},
    {"threads", 'j', WHOLE, AT(threads), 0, 256, SPEAK | CLONE, "N",
     "threads for computing (default: one for each core)"},
    {"kernels", 0, TEXT, AT(kernels), 0, 0, SPEAK | CLONE, "NAME",
     "CPU variant, such as avx2 or ref (default: the best there is)"},
    {"wrapped", 'w', FLAG, AT(wrapped), 0, 0, SPEAK, NULL,
     "the text is wrapped: a single line break is a space"},
    {"output", 'o', TEXT, AT(output), 0, 0, RENDER, "FILE",
     "file to write: .wav, .flac, .ogg, .opus or .mp3 (needed, unless --raw)"},
    {"format", 0, TEXT, AT(format), 0, 0, SPEAK, "NAME",
     "file format where the name's ending does not tell; with --raw: f32le "
     "or s16le"},
    {"subtype", 0, TEXT, AT(subtype), 0, 0, RENDER, "float|16|24|32",
     "sample type of WAV and FLAC files (default float; FLAC 24)"},
    {"rate", 'r', WHOLE, AT(rate), 4000, 768000, SPEAK, "HZ",
     "sample rate (default: the device's; 24000 for files and --raw)"},
    {"raw", 0, FLAG, AT(raw), 0, 0, SPEAK, NULL,
     "raw mono samples on standard output"},
    {"jack", 0, FLAG, AT(jack), 0, 0, SAY, NULL, "play through JACK"},
    {"jack-name", 0, TEXT, AT(jack_name), 0, 0, SAY, "NAME",
     "JACK client name (default chatterbox)"},
    {"jack-ports", 0, TEXT, AT(jack_ports), 0, 0, SAY, "PORT,...|none",
     "JACK ports to connect to (default: the physical ones)"},
    {"device", 'd', TEXT, AT(device), 0, 0, SAY, "NAME|INDEX",
     "sound device: see 'chatterbox devices'"},
    {"null", 0, FLAG, AT(null), 0, 0, SAY, NULL,
     "no sound, but in real time: for tests"},
    {"fallback", 0, TEXT, AT(fallback), 0, 0, SAY, "FILE",
     "where there is no sound device, write FILE instead and say so"},
    {"stats", 0, FLAG, AT(stats), 0, 0, SPEAK | CLONE, NULL,
     "afterwards: first audio, time of each stage, underruns"},
    {"quiet", 'q', FLAG, AT(quiet), 0, 0, SPEAK | CLONE, NULL,
     "no progress and no warnings"},
    {"name", 'n', TEXT, AT(name), 0, 0, CLONE, "NAME",
     "name of the new voice (needed)"},
    {"description", 0, TEXT, AT(description), 0, 0, CLONE, "TEXT",
     "what 'chatterbox voices' says of it"},
    {"replace", 0, FLAG, AT(replace), 0, 0, CLONE | VOICE, NULL,
     "replace a voice of your own, or an exported file, of that name"},
    {"i-have-consent", 0, FLAG, AT(consent), 0, 0, CLONE, NULL,
     "the speaker agrees to the cloning: not asked then"},
};
enum { N_OPTIONS = sizeof options / sizeof *options };
_Static_assert(N_OPTIONS <= 64, "one bit of `given` each");

static const struct {
    const char *name, *words, *help;
    int most; /* words */
} commands[CLI_COMMANDS] = {
    [CLI_SAY] = {"say", "[TEXT ... | -]",
                 "speaks the words, or standard input as it arrives, through "
                 "the sound device",
                 0},
    [CLI_RENDER] = {"render", "-o FILE [TEXT ... | -]",
                    "writes the same samples to a file, as fast as they come",
                    0},
    [CLI_VOICES] = {"voices", "", "lists the voices", 0},
    [CLI_CLONE] = {"clone", "-n NAME RECORDING",
                   "makes a voice of your own from a recording of one person, "
                   "10 to 15 seconds of any sound file",
                   1},
    [CLI_VOICE] = {"voice",
                   "rename NAME NEW | delete NAME | export NAME [FILE] | "
                   "import FILE [NAME]",
                   "renames and deletes your own voices, and moves voices to "
                   "and from .safetensors and .pt files",
                   3},
    [CLI_DEVICES] = {"devices", "", "lists sound devices and JACK ports", 0},
    [CLI_INSPECT] = {"inspect", "CHECKPOINT",
                     "lists the tensors of a folder or file, with shapes and "
                     "sizes, and the family",
                     1},
    [CLI_HELP] = {"help", "[COMMAND]", "this text, or that of a command", 1},
    [CLI_VERSION] = {"version", "", "the version", 0},
};

/* -- parsing --------------------------------------------------------------- */

static cbx_status take_number(const option *o, const char *text, double *out,
                              cbx_error *err)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out))
        return cbx_fail(err, CBX_E_ARG, "--%s '%.40s' is not a number", o->name,
                        text);
    return CBX_OK;
}

static cbx_status take_value(const option *o, const char *text,
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
        if (commands[i].name && strcmp(word, commands[i].name) == 0) {
            *out = (cli_command)i;
            return true;
        }
    if (strcmp(word, "--man") == 0) {
        *out = CLI_MAN;
        return true;
    }
    return false;
}

enum { HELP_CODE = 1000 };

/* getopt_long's tables, made from ours. */
static void getopt_tables(struct option *longs, char *letters)
{
    *letters++ = ':'; /* a missing value is ':', not '?' */
    *letters++ = 'h';
    for (int i = 0; i < N_OPTIONS; i++) {
        longs[i] = (struct option){options[i].name, options[i].kind != FLAG,
                                   NULL, i + 256};
        if (options[i].letter) {
            *letters++ = options[i].letter;
            if (options[i].kind != FLAG)
                *letters++ = ':';
        }
    }
    longs[N_OPTIONS] = (struct option){"help", 0, NULL, HELP_CODE};
    longs[N_OPTIONS + 1] = (struct option){0};
    *letters = 0;
}

static int option_index(int code)
{
    if (code >= 256 && code < 256 + N_OPTIONS)
        return code - 256;
    for (int i = 0; i < N_OPTIONS; i++)
        if (options[i].letter && options[i].letter == code)
            return i;
    return -1;
}

static cbx_status parse_options(int argc, char **argv, cli_options *out,
                                cbx_error *err)
{
    const char *name = commands[out->command].name;
    struct option longs[N_OPTIONS + 2];
    char letters[2 * N_OPTIONS + 4];
    getopt_tables(longs, letters);
    name = name ? name : "help"; /* CLI_MAN has none */
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
        if (!(options[i].commands >> out->command & 1))
            return cbx_fail(err, CBX_E_ARG, "'chatterbox %s' has no --%s", name,
                            options[i].name);
        const cbx_status st = take_value(&options[i], optarg, out, err);
        if (st)
            return st;
        out->given |= UINT64_C(1) << i;
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
        1u << o->command & SPEAK ? o->n_words : commands[o->command].most;
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
    for (int i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].name, name) == 0)
            return o->given >> i & 1;
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
}

/* -- help and man page ----------------------------------------------------- */

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

static void option_text(const option *o, char *out, size_t size)
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
        if (commands[i].name) {
            char left[128];
            snprintf(left, sizeof left, "chatterbox %s", commands[i].name);
            print_entry(to, left, commands[i].help);
        }
    fprintf(to, "\n'chatterbox COMMAND --help' lists the options. Exit codes: "
                "0 done,\n1 failed, 2 wrong usage, 130 interrupted.\n");
}

static bool has_options(cli_command command)
{
    for (int i = 0; i < N_OPTIONS; i++)
        if (options[i].commands >> command & 1)
            return true;
    return false;
}

void cli_print_help(FILE *to, cli_command command)
{
    if (command >= CLI_HELP) {
        print_overview(to);
        return;
    }
    fprintf(to, "Usage: chatterbox %s%s%s%s\n\n", commands[command].name,
            has_options(command) ? " [OPTIONS]" : "",
            *commands[command].words ? " " : "", commands[command].words);
    print_wrapped(to, commands[command].help, 0, 0);
    fprintf(to, "\n");
    for (int i = 0; i < N_OPTIONS; i++)
        if (options[i].commands >> command & 1) {
            char left[128];
            option_text(&options[i], left, sizeof left);
            print_entry(to, left, options[i].help);
        }
    print_entry(to, "-h, --help", "this text");
}

/* Writes text with what troff would take as its own made plain. */
static void print_troff(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void print_man_options(FILE *to)
{
    for (int i = 0; i < N_OPTIONS; i++) {
        char left[128];
        option_text(&options[i], left, sizeof left);
        fprintf(to, ".TP\n.B ");
        print_troff(to, left + strspn(left, " "));
        fputc('\n', to);
        print_troff(to, options[i].help);
        fprintf(to, "%s.\n",
                options[i].commands == RENDER  ? " (render only)"
                : options[i].commands == SAY   ? " (say only)"
                : options[i].commands == CLONE ? " (clone only)"
                : options[i].commands & SPEAK  ? ""
                                               : " (clone and voice only)");
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
        fprintf(to, "%s.B chatterbox %s\n", i ? ".br\n" : "", commands[i].name);
        if (has_options((cli_command)i))
            fprintf(to, "[\\fIOPTIONS\\fR] ");
        print_troff(to, commands[i].words);
        if (*commands[i].words)
            fputc('\n', to);
    }
    fprintf(to, ".SH DESCRIPTION\nSpeaks text with a Chatterbox model while "
                "the text is still arriving.\n");
    for (int i = 0; i < CLI_HELP; i++) {
        fprintf(to, ".TP\n.B %s\n", commands[i].name);
        print_troff(to, commands[i].help);
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
