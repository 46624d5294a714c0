/* say, by a daemon that runs: its models are loaded, its devices open. */
#define _GNU_SOURCE /* pipe2 */
#include "daemon/cli/remote.h"

#include "chatterbox/client.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/table.h"
#include "rt/status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_AUTO_MS = 300, WAIT_REQUIRED_MS = 3000, PIECE = 1 << 14 };

static volatile sig_atomic_t interrupted;
static int wake[2] = {-1, -1};

static void on_signal(int number)
{
    const int saved = errno;
    (void)number;
    if (interrupted)
        _exit(CLI_INTERRUPTED);
    interrupted = 1;
    const ssize_t n = write(wake[1], "", 1);
    (void)n;
    errno = saved;
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK))
        wake[0] = wake[1] = -1;
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

/* -- what is asked for ----------------------------------------------------- */

/* An option that only a run of our own can serve; NULL: there is none. */
static const char *own_option(const cli_options *o)
{
    static const char *const names[] = {
        "device",     "jack",         "jack-name",
        "jack-ports", "raw",          "null",
        "rate",       "format",       "fallback",
        "stats",      "kernels",      "weights",
        "threads",    "flow-history", "look-ahead",
        "dictionary", "no-watermark", "watermark-ahead",
        "no-guards"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cli_was_given(o, names[i]))
            return names[i];
    return NULL;
}

static int place(const char *word, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(word, names[i]) == 0)
            return i;
    return -1;
}

static cbx_status choose(const char *option, const char *word,
                         const char *const *names, int *out, cbx_error *err)
{
    if (!word)
        return CBX_OK;
    *out = place(word, names);
    if (*out < 0)
        return cbx_fail(err, CBX_E_ARG, "--%s %.40s: there is no such one",
                        option, word);
    return CBX_OK;
}

static void number(const cli_options *o, const char *name, double from,
                   float *to)
{
    if (cli_was_given(o, name))
        *to = (float)from;
}

/* The daemon stands in another folder. */
static const char *absolute(const char *name, char *room)
{
    return name && strchr(name, '/') && realpath(name, room) ? room : name;
}

static cbx_status make_say(const cli_options *o, cbx_say *say, char *model,
                           char *voice, cbx_error *err)
{
    static const char *const latencies[] = {"lowest", "balanced", "safest",
                                            NULL};
    static const char *const flows[] = {"auto", "full", "prefix", "causal",
                                        NULL};
    static const char *const priorities[] = {"important",    "message",  "text",
                                             "notification", "progress", NULL};
    int priority = CBX_PRIORITY_MESSAGE;
    cbx_say_init(say);
    cbx_status st =
        choose("latency", o->latency, latencies, &say->latency, err);
    if (!st)
        st = choose("flow", o->flow, flows, &say->flow, err);
    if (!st)
        st = choose("priority", o->priority, priorities, &priority, err);
    say->priority = (cbx_priority)priority;
    say->model = absolute(o->model, model);
    say->voice = absolute(o->voice, voice);
    say->sampling = o->sampling;
    say->language = o->language;
    say->sink = o->sink;
    say->wrapped = o->wrapped;
    say->markup = o->ssml ? CBX_MARKUP_SSML : CBX_MARKUP_PLAIN;
    say->has_normalize = o->no_normalize;
    say->quiet = true;
    say->has_seed = cli_was_given(o, "seed");
    say->seed = o->seed;
    if (cli_was_given(o, "top-k"))
        say->top_k = o->top_k;
    number(o, "speed", o->speed, &say->speed);
    number(o, "pitch", o->pitch, &say->pitch);
    number(o, "gain", o->gain, &say->gain_db);
    number(o, "temperature", o->temperature, &say->temperature);
    number(o, "top-p", o->top_p, &say->top_p);
    number(o, "min-p", o->min_p, &say->min_p);
    number(o, "repetition-penalty", o->repetition_penalty,
           &say->repetition_penalty);
    number(o, "cfg-weight", o->cfg_weight, &say->cfg_weight);
    number(o, "exaggeration", o->exaggeration, &say->exaggeration);
    return st;
}

/* -- speaking -------------------------------------------------------------- */

typedef struct {
    const cli_options *options;
    cbx_client *client;
    uint64_t job;
    bool over, heard, reading; /* reading: standard input goes on */
    cbx_client_event last;
} remote;

static void watch(remote *r)
{
    cbx_client_event e;
    while (cbx_client_poll(r->client, &e)) {
        r->heard |= e.job == r->job && e.kind == CBX_CLIENT_STARTED;
        if (e.kind == CBX_CLIENT_LOST && !r->options->quiet)
            cli_warn("the daemon went away; it is waited for");
        if (e.kind == CBX_CLIENT_NOTICE && !r->options->quiet)
            cli_warn(e.text);
        if (e.job != r->job || e.kind < CBX_CLIENT_ENDED)
            continue;
        r->over = true;
        r->last = e;
    }
}

static cbx_status read_some(remote *r, cbx_error *err)
{
    char piece[PIECE];
    const ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return CBX_OK;
    if (n < 0)
        return cbx_fail(err, CBX_E_FILE, "standard input: %s", strerror(errno));
    r->reading = n > 0;
    if (n > 0)
        return cbx_client_append(r->client, r->job, piece, (size_t)n, err);
    cbx_client_finish(r->client, r->job);
    return CBX_OK;
}

static cbx_status follow(remote *r, cbx_error *err)
{
    bool stopped = false;
    cbx_status st = CBX_OK;
    while (!r->over && !st) {
        struct pollfd p[3] = {
            {.fd = wake[0], .events = POLLIN},
            {.fd = cbx_client_fd(r->client), .events = POLLIN},
            {.fd = r->reading ? STDIN_FILENO : -1, .events = POLLIN}};
        if (interrupted && !stopped) {
            stopped = true;
            r->reading = false;
            cbx_client_stop(r->client, r->job);
        } else {
            if (interrupted)
                p[0].fd = -1;
            poll(p, 3, 1000);
        }
        watch(r);
        if (p[2].revents && !interrupted)
            st = read_some(r, err);
    }
    return st;
}

/* The exit code; -1: the daemon cannot play, and nothing was heard. */
static int result(const remote *r, bool may_fall_back)
{
    cbx_error err;
    if (interrupted)
        return CLI_INTERRUPTED;
    if (r->last.kind == CBX_CLIENT_ERROR) {
        cbx_fail(&err, r->last.status, "%s", r->last.text);
        if (may_fall_back && !r->heard && r->last.status == CBX_E_DEVICE) {
            fprintf(stderr,
                    "chatterbox: the daemon cannot speak (%s); this program "
                    "does it itself\n",
                    r->last.text);
            return -1;
        }
        return cli_complain(&err);
    }
    if (r->last.kind == CBX_CLIENT_CANCELLED) {
        cbx_fail(&err, CBX_E_DEVICE, "the daemon ended it: %s", r->last.text);
        return cli_complain(&err);
    }
    if (!r->last.frame) {
        cbx_fail(&err, CBX_E_TEXT,
                 "there is nothing to speak: the text has no letter and no "
                 "number");
        return cli_complain(&err);
    }
    return CLI_OK;
}

static char *join(const cli_options *o)
{
    size_t n = 1;
    for (int i = 0; i < o->n_words; i++)
        n += strlen(o->words[i]) + 1;
    char *text = calloc(1, n), *at = text;
    for (int i = 0; text && i < o->n_words; i++)
        at += sprintf(at, "%s%s", i ? " " : "", o->words[i]);
    return text;
}

static int speak(remote *r, bool may_fall_back)
{
    const cli_options *o = r->options;
    char model[4096], voice[4096];
    cbx_error err;
    cbx_say say;
    char *text = join(o);
    const bool words = o->n_words && strcmp(o->words[0], "-") != 0;
    cbx_status st = make_say(o, &say, model, voice, &err);
    say.text = words ? text : "";
    say.more = r->reading = !words;
    if (!st)
        st = cbx_client_say(r->client, &say, &r->job, &err);
    free(text);
    if (!st) {
        catch_signals();
        st = follow(r, &err);
    }
    return st ? cli_complain(&err) : result(r, may_fall_back && words);
}

/* Whether a daemon is wanted at all: auto, never, require. */
static cbx_status wanted(const cli_options *o, bool *try_it, bool *must,
                         cbx_error *err)
{
    static const char *const modes[] = {"auto", "never", "require", NULL};
    int mode = 0;
    const char *own = own_option(o);
    const cbx_status st = choose("daemon", o->daemon, modes, &mode, err);
    *must = mode == 2 || ((o->sink || o->priority) && mode != 1);
    *try_it = mode != 1 && (!own || *must);
    if (!st && mode == 1 && (o->sink || o->priority))
        return cbx_fail(err, CBX_E_ARG,
                        "--sink and --priority are the daemon's: not with "
                        "--daemon never");
    if (!st && own && *must)
        return cbx_fail(err, CBX_E_ARG,
                        "--%s is not for a daemon; leave it out, or give "
                        "--daemon never",
                        own);
    return st;
}

int cli_remote(const cli_options *o)
{
    bool try_it, must;
    cbx_error err;
    remote r = {.options = o};
    if (wanted(o, &try_it, &must, &err))
        return cli_complain(&err);
    if (!try_it)
        return -1;
    const cbx_client_options how = {
        .name = "say", .wait_ms = must ? WAIT_REQUIRED_MS : WAIT_AUTO_MS};
    char path[512];
    if (!must &&
        (!cbx_client_socket_path(path, sizeof path) || access(path, F_OK) != 0))
        return -1; /* the usual case: none runs */
    if (cbx_client_open(&how, &r.client, &err)) {
        if (must)
            return cli_complain(&err);
        if (!o->quiet)
            fprintf(stderr,
                    "chatterbox: the daemon does not answer (%s); this program "
                    "speaks itself\n",
                    err.text);
        return -1;
    }
    const int code = speak(&r, !must);
    cbx_client_close(r.client);
    return code;
}
