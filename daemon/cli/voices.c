/* clone and voice: voices of one's own. */
#include "daemon/cli/cli.h"

#include "rt/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* -- clone ----------------------------------------------------------------- */

static void warn(void *user, const char *sentence)
{
    const cli_options *o = user;
    if (!o->quiet)
        cli_warn(sentence);
}

/* Asked on the terminal, where there is one. */
static cbx_status ask_consent(const cli_options *o, cbx_error *err)
{
    char answer[16] = "";
    if (o->consent)
        return CBX_OK;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return cbx_fail(err, CBX_E_ARG,
                        "a voice is cloned only with the speaker's consent, "
                        "and there is no terminal to ask on; state it with "
                        "--i-have-consent");
    fprintf(stderr,
            "Please confirm; this is kept in the voice, with the date:\n"
            "  \"%s\"\nType yes to go on: ",
            CBX_CONSENT);
    if (fgets(answer, sizeof answer, stdin))
        answer[strcspn(answer, "\r\n")] = 0;
    if (strcasecmp(answer, "yes") == 0)
        return CBX_OK;
    return cbx_fail(err, CBX_E_ARG,
                    "nothing was cloned: the speaker's consent was not given");
}

static void print_report(const cli_options *o, const cbx_model *m,
                         const cbx_clone_report *r)
{
    cbx_model_info info;
    cbx_model_get_info(m, &info);
    if (!o->quiet)
        fprintf(stderr,
                "voice '%s' from %.1f seconds of speech: try 'chatterbox say "
                "-v \"%s\" \"Good morning.\"'\n",
                o->name, r->recording, o->name);
    if (o->stats)
        fprintf(stderr,
                "opening the model %.2f s, reading the recording %.2f s, "
                "loading the encoders %.2f s, making the voice %.2f s\n%s\n",
                info.load_seconds, r->read_seconds, r->load_seconds,
                r->make_seconds, r->file);
}

static cbx_status clone(const cli_options *o, cbx_engine *engine,
                        cbx_model **model, cbx_error *err)
{
    const cbx_clone_options options = {.name = o->name,
                                       .consent = CBX_CONSENT,
                                       .description = o->description,
                                       .replace = o->replace,
                                       .warn = warn,
                                       .warn_user = (void *)o};
    cbx_clone_report report;
    cbx_status st =
        cbx_model_open(engine, o->model ? o->model : "builtin", model, err);
    if (!st)
        st = cbx_voice_clone(*model, o->words[0], &options, &report, err);
    if (!st)
        print_report(o, *model, &report);
    return st;
}

static cbx_status check_words(const cli_options *o, cbx_error *err)
{
    if (o->n_words != 1)
        return cbx_fail(err, CBX_E_ARG,
                        "clone needs one recording: chatterbox clone -n NAME "
                        "RECORDING");
    if (!o->name)
        return cbx_fail(err, CBX_E_ARG,
                        "clone needs a name for the voice: -n NAME");
    if (access(o->words[0], R_OK))
        return cbx_fail(err, CBX_E_FILE, "%s: %s", o->words[0],
                        strerror(errno));
    return CBX_OK;
}

int cli_clone(const cli_options *o)
{
    const cbx_engine_options options = {.threads = o->threads,
                                        .kernels = o->kernels,
                                        .warn = warn,
                                        .warn_user = (void *)o};
    cbx_engine *engine = NULL;
    cbx_model *model = NULL;
    cbx_error err;
    cbx_status st = check_words(o, &err);
    if (!st)
        st = ask_consent(o, &err);
    if (!st)
        st = cbx_engine_open(&options, &engine, &err);
    if (!st)
        st = clone(o, engine, &model, &err);
    cbx_model_close(model);
    cbx_engine_close(engine);
    return st ? cli_complain(&err) : CLI_OK;
}

/* -- voice ----------------------------------------------------------------- */

/* NAME.safetensors in this folder, unless a file is given. */
static cbx_status export(const cli_options *o, cbx_error *err)
{
    char file[300];
    snprintf(file, sizeof file, "%.200s.safetensors", o->words[1]);
    return cbx_voice_export(o->words[1], o->n_words > 2 ? o->words[2] : file,
                            o->replace, err);
}

/* The file's name without folder and ending, unless a name is given. */
static cbx_status import(const cli_options *o, cbx_error *err)
{
    char name[300];
    const char *slash = strrchr(o->words[1], '/');
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : o->words[1]);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = 0;
    return cbx_voice_import(o->words[1], o->n_words > 2 ? o->words[2] : name,
                            o->model, o->replace, err);
}

static cbx_status rename_voice(const cli_options *o, cbx_error *err)
{
    return cbx_voice_rename(o->words[1], o->words[2], err);
}

static cbx_status delete_voice(const cli_options *o, cbx_error *err)
{
    return cbx_voice_delete(o->words[1], err);
}

static const struct {
    const char *name, *needs;
    int least, most; /* words, its own included */
    cbx_status (*run)(const cli_options *o, cbx_error *err);
} actions[] = {
    {"rename", "NAME NEW", 3, 3, rename_voice},
    {"delete", "NAME", 2, 2, delete_voice},
    {"export", "NAME [FILE]", 2, 3, export},
    {"import", "FILE [NAME]", 2, 3, import},
};

static cbx_status run_action(const cli_options *o, cbx_error *err)
{
    const char *word = o->n_words ? o->words[0] : "";
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(word, actions[i].name) != 0)
            continue;
        if (o->n_words < actions[i].least || o->n_words > actions[i].most)
            return cbx_fail(err, CBX_E_ARG, "usage: chatterbox voice %s %s",
                            actions[i].name, actions[i].needs);
        return actions[i].run(o, err);
    }
    return cbx_fail(err, CBX_E_ARG,
                    "'%.40s' is nothing that 'chatterbox voice' does: it takes "
                    "rename, delete, export or import",
                    word);
}

int cli_voice(const cli_options *o)
{
    cbx_error err;
    return run_action(o, &err) ? cli_complain(&err) : CLI_OK;
}
