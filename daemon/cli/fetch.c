/* fetch, models, remove: models from the network, and what is here. */
#include "daemon/fetch/fetch.h"

#include "daemon/cli/cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HUB "https://huggingface.co"
#define REGISTRY "https://pypi.org"

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* -- what is said ---------------------------------------------------------- */

typedef struct talk {
    const cli_options *o;
    bool bar;  /* on a terminal */
    bool open; /* a bar stands in the line */
    time_t last;
} talk;

static void say(void *user, const char *line)
{
    talk *t = user;
    if (t->o->quiet)
        return;
    if (t->open)
        fprintf(stderr, "\r\033[K");
    t->open = false;
    fprintf(t->o->dry_run ? stdout : stderr, "%s\n", line);
}

static bool progress(void *user, const char *file, uint64_t at, uint64_t size)
{
    enum { WIDTH = 30 };
    talk *t = user;
    const time_t now = time(NULL);
    if (t->bar && size && (now != t->last || at == size)) {
        char bar[WIDTH + 1];
        const int full = (int)(at * WIDTH / size);
        memset(bar, '.', WIDTH);
        memset(bar, '#', (size_t)full);
        bar[WIDTH] = 0;
        fprintf(stderr, "\r[%s] %3d %%  %7.1f of %.1f MB  %s\033[K", bar,
                (int)(100 * at / size), (double)at * 1e-6, (double)size * 1e-6,
                file);
        fflush(stderr);
        t->open = true;
        t->last = now;
    }
    return stopped;
}

static void end_bar(const talk *t)
{
    if (t->open)
        fputc('\n', stderr);
}

/* -- fetch ----------------------------------------------------------------- */

static const char *or_else(const char *name, const char *instead)
{
    const char *value = getenv(name);
    return value && *value ? value : instead;
}

/* "https://host/" -> "https://host" */
static cbx_status endpoint(const char *variable, const char *instead,
                           char out[512], cbx_error *err)
{
    const char *url = or_else(variable, instead);
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    if (n >= 512 || (strncmp(url, "https://", 8) && strncmp(url, "http://", 7)))
        return cbx_fail(err, CBX_E_ARG,
                        "%s is '%.60s': it must be an https:// or http:// "
                        "address",
                        variable, url);
    snprintf(out, 512, "%.*s", (int)n, url);
    return CBX_OK;
}

static bool is_offline(const cli_options *o)
{
    const char *v = getenv("HF_HUB_OFFLINE");
    return o->offline || (v && *v && strcmp(v, "0") != 0);
}

static bool ends_with(const char *s, const char *tail)
{
    const size_t n = strlen(s), k = strlen(tail);
    return n >= k && !strcmp(s + n - k, tail);
}

/* The wheel (fetched, or a file), then its weights, then ours of them. */
static cbx_status fetch_perth(const cli_options *o, fetch_options *f,
                              cbx_error *err)
{
    char registry[512], wheel[FETCH_PATH + 64], weights[FETCH_PATH + 64];
    const char *from = o->from;
    cbx_status st = endpoint("PYPI_ENDPOINT", REGISTRY, registry, err);
    if (st)
        return st;
    snprintf(wheel, sizeof wheel, "%s/.perth.whl", f->data);
    snprintf(weights, sizeof weights, "%s/.perth.pth.tar", f->data);
    if (!from && f->offline)
        return cbx_fail(err, CBX_E_FILE,
                        "nobody may be asked (offline); --from names a wheel "
                        "of resemble-perth 1.0.1, or its weights");
    if (!from) {
        f->token = NULL;
        st = fetch_wheel(registry, wheel, f, err);
        from = wheel;
    }
    if (st || o->dry_run)
        return st;
    if (from == wheel || ends_with(from, ".whl")) {
        st = wheel_extract(from, weights, err);
        from = weights;
    }
    if (!st)
        st = cbx_watermark_import(from, f->data, err);
    unlink(weights);
    if (!st) {
        char line[FETCH_PATH + 128];
        unlink(wheel);
        snprintf(line, sizeof line,
                 "the watermark's weights are in %s/watermark", f->data);
        f->say(f->user, line);
    }
    return st;
}

static cbx_status unknown(const char *name, cbx_error *err)
{
    char names[256] = "perth";
    for (size_t i = 0; i < catalog_length; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), ", %s",
                 catalog[i].name);
    return cbx_fail(err, CBX_E_ARG,
                    "'%.40s' cannot be fetched; there are %s. A folder with a "
                    "published model can be given by its path.",
                    name, names);
}

static cbx_status run_fetch(const cli_options *o, talk *t, cbx_error *err)
{
    char hub[512], data[FETCH_PATH];
    cbx_status st = endpoint("HF_ENDPOINT", HUB, hub, err);
    if (!st)
        st = fetch_data_folder(!o->dry_run, data, err);
    if (st)
        return st;
    const char *token = getenv("HF_TOKEN");
    fetch_options f = {.endpoint = hub,
                       .token = token && *token ? token : NULL,
                       .revision = o->revision,
                       .data = data,
                       .timeout = o->timeout ? o->timeout : 30,
                       .offline = is_offline(o),
                       .dry_run = o->dry_run,
                       .say = say,
                       .progress = progress,
                       .user = t};
    if (!strcmp(o->words[0], "perth"))
        return fetch_perth(o, &f, err);
    const catalog_entry *entry = catalog_find(o->words[0]);
    if (!entry)
        return unknown(o->words[0], err);
    return fetch_model(entry, &f, err);
}

int cli_fetch(const cli_options *o)
{
    cbx_error err;
    talk t = {.o = o, .bar = !o->quiet && isatty(STDERR_FILENO)};
    if (o->n_words != 1) {
        printf("%-16s %s\n", "perth", "the watermark; 37 MB");
        for (size_t i = 0; i < catalog_length; i++)
            printf("%-16s %s\n", catalog[i].name, catalog[i].about);
        return o->n_words ? CLI_USAGE : CLI_OK;
    }
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    const cbx_status st = run_fetch(o, &t, &err);
    end_bar(&t);
    if (!st)
        return CLI_OK;
    const int code = cli_complain(&err);
    return stopped ? CLI_INTERRUPTED : code;
}

/* -- models and remove ----------------------------------------------------- */

static void print_model(void *user, const cbx_model_entry *m)
{
    const cli_options *o = user;
    if (o->names)
        printf("%s\n", m->name);
    else
        printf("%-16s %-14s %9.1f MB  %s\n", m->name, m->family,
               (double)m->bytes * 1e-6, m->folder);
}

static void bad_model(void *user, const char *sentence)
{
    (void)user;
    cli_warn(sentence);
}

int cli_models(const cli_options *o)
{
    if (!o->names)
        printf("%-16s %-14s %12s  %s\n", "NAME", "FAMILY", "SIZE", "FOLDER");
    if (cbx_models(print_model, bad_model, (void *)o) > 0)
        return CLI_OK;
    fprintf(stderr, "chatterbox: no models in the data folders\n");
    return CLI_FAILED;
}

int cli_remove(const cli_options *o)
{
    char data[FETCH_PATH];
    cbx_error err;
    if (o->n_words != 1) {
        fprintf(stderr, "chatterbox: remove needs the name of one model\n");
        return CLI_USAGE;
    }
    cbx_status st = fetch_data_folder(false, data, &err);
    if (!st)
        st = fetch_remove(data, o->words[0], &err);
    return st ? cli_complain(&err) : CLI_OK;
}
