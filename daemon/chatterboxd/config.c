#include "daemon/chatterboxd/config.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef enum { WHOLE, NUMBER, TEXT, NAME, YESNO, CHOICE } kind;

typedef struct {
    const char *section, *key;
    kind kind;
    size_t offset;
    double low, high;          /* WHOLE, NUMBER */
    const char *const *choice; /* CHOICE; the index is the value */
    const char *standard;      /* as in the sample */
    const char *help;
} key;

static const char *const logs[] = {"error", "warning", "info", "debug", NULL};
static const char *const stops[] = {"cancel", "finish", NULL};
static const char *const all_kinds[] = {"portaudio", "jack", "null", NULL};
static const cbx_sink_kind kind_of[] = {CBX_SINK_PORTAUDIO, CBX_SINK_JACK,
                                        CBX_SINK_NULL};

#define C(field) offsetof(daemon_config, field)
#define S(field) offsetof(config_sink, field)

static const key keys[] = {
    {"daemon", "clients", WHOLE, C(clients), 1, 1024, NULL, "64",
     "connections at a time"},
    {"daemon", "log", CHOICE, C(log), 0, 0, logs, "warning",
     "error, warning, info or debug"},
    {"daemon", "log_text", YESNO, C(log_text), 0, 0, NULL, "no",
     "log what is said, too; it may be private"},
    {"daemon", "on_stop", CHOICE, C(on_stop), 0, 0, stops, "cancel",
     "when it is told to stop: cancel what was accepted, or finish it"},
    {"daemon", "finish_within", NUMBER, C(finish_within), 0, 86400, NULL, "60",
     "seconds that finishing may take; then the rest is cancelled"},
    {"daemon", "exit_when_idle", NUMBER, C(exit_when_idle), 0, 1e6, NULL, "0",
     "seconds without client and speech after which it ends; 0: never"},

    {"engine", "threads", WHOLE, C(threads), 0, 256, NULL, "0",
     "threads for computing; 0: one for each core"},
    {"engine", "kernels", NAME, C(kernels), 0, 0, NULL, "",
     "CPU variant, such as avx2; empty: the best there is"},
    {"engine", "streams", WHOLE, C(streams), 1, 256, NULL, "64",
     "jobs that can be spoken at a time"},

    {"voice", "voice", TEXT, C(voice), 0, 0, NULL, "",
     "voice where none is asked for; empty: the model's own"},
    {"voice", "model", TEXT, C(model), 0, 0, NULL, "",
     "model where none is asked for; empty: the voice's"},
    {"voice", "language", NAME, C(language), 0, 0, NULL, "",
     "language where none is asked for; empty: the voice's"},
    {"voice", "sampling", TEXT, C(sampling), 0, 0, NULL, "",
     "sampling preset where none is asked for"},
    {"voice", "preload", YESNO, C(preload), 0, 0, NULL, "yes",
     "load the default voice right after the start"},
    {"voice", "idle_unload", NUMBER, C(idle_unload), 0, 1e6, NULL, "0",
     "seconds without use after which a model leaves memory; 0: never"},

    {"http", "port", WHOLE, C(http.port), 0, 65535, NULL, "0",
     "TCP port of the HTTP interface, such as 8880; 0: none"},
    {"http", "address", NAME, C(http.address), 0, 0, NULL, "127.0.0.1",
     "where it listens; other than this machine: with token or open"},
    {"http", "token", TEXT, C(http.token), 0, 0, NULL, "",
     "asked of every client (Authorization: Bearer ...); empty: of none"},
    {"http", "open", YESNO, C(http.open), 0, 0, NULL, "no",
     "let other machines in without a token"},
    {"http", "connections", WHOLE, C(http.connections), 1, 1024, NULL, "128",
     "at a time"},

    {"wyoming", "port", WHOLE, C(wyoming.port), 0, 65535, NULL, "0",
     "TCP port for Home Assistant, usually 10200; 0: none"},
    {"wyoming", "address", NAME, C(wyoming.address), 0, 0, NULL, "127.0.0.1",
     "where it listens; other than this machine: with open"},
    {"wyoming", "open", YESNO, C(wyoming.open), 0, 0, NULL, "no",
     "let other machines in; the protocol has no passwords"},
    {"wyoming", "connections", WHOLE, C(wyoming.connections), 1, 256, NULL,
     "32", "at a time"},

    {"sinks", "default", NAME, C(default_sink), 0, 0, NULL, "default",
     "the sink where none is asked for"},

    {"sink default", "kind", CHOICE, S(kind), 0, 0, all_kinds, "portaudio",
     "portaudio, jack, or null (the clock of a device without sound)"},
    {"sink default", "device", TEXT, S(device), 0, 0, NULL, "",
     "PortAudio: number or part of the name; see 'chatterbox devices'"},
    {"sink default", "ports", TEXT, S(ports), 0, 0, NULL, "",
     "JACK: ports to connect to, with commas; none; empty: the physical ones"},
    {"sink default", "client", NAME, S(client), 0, 0, NULL, "chatterbox",
     "JACK: name of the client"},
    {"sink default", "rate", WHOLE, S(rate), 0, 768000, NULL, "0",
     "Hz; 0: the device's"},
    {"sink default", "channels", WHOLE, S(channels), 0, 8, NULL, "0",
     "each carries the same; 0: what suits the kind"},
    {"sink default", "period", WHOLE, S(period), 0, 65536, NULL, "0",
     "frames a callback; 0: what suits the device"},
    {"sink default", "latency_ms", NUMBER, S(latency_ms), 0, 2000, NULL, "0",
     "PortAudio: wanted latency; 0: the device's low one"},
    {"sink default", "gain", NUMBER, S(gain_db), -60, 20, NULL, "0", "dB"},
    {"sink default", "idle_close", NUMBER, S(idle_close), -1, 1e6, NULL, "5",
     "seconds of silence after which the device is closed; -1: never"},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static bool is_sink_key(const key *k)
{
    return strncmp(k->section, "sink ", 5) == 0;
}

/* -- values ---------------------------------------------------------------- */

static cbx_status take_number(const key *k, const char *value, double *out,
                              cbx_error *err)
{
    char *end;
    errno = 0;
    *out = strtod(value, &end);
    if (end == value || *end || !isfinite(*out))
        return cbx_fail(err, CBX_E_FORMAT, "%s = %.40s: it must be a number",
                        k->key, value);
    if (*out < k->low || *out > k->high ||
        (k->kind == WHOLE && *out != floor(*out)))
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s = %.40s: it must be a %snumber from %g to %g",
                        k->key, value, k->kind == WHOLE ? "whole " : "", k->low,
                        k->high);
    return CBX_OK;
}

static cbx_status take_choice(const key *k, const char *value, int *out,
                              cbx_error *err)
{
    char list[100] = "";
    for (int i = 0; k->choice[i]; i++) {
        if (strcmp(value, k->choice[i]) == 0) {
            *out = i;
            return CBX_OK;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s",
                 i == 0             ? ""
                 : k->choice[i + 1] ? ", "
                                    : " or ",
                 k->choice[i]);
    }
    return cbx_fail(err, CBX_E_FORMAT, "%s = %.40s: it must be %s", k->key,
                    value, list);
}

static cbx_status take_text(const key *k, const char *value, char *out,
                            cbx_error *err)
{
    const size_t room = k->kind == NAME ? CONFIG_NAME : CONFIG_TEXT;
    if (strlen(value) >= room)
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s: the value is longer than %zu bytes", k->key,
                        room - 1);
    memcpy(out, value, strlen(value) + 1);
    return CBX_OK;
}

static cbx_status take(const key *k, const char *value, void *base,
                       cbx_error *err)
{
    char *at = (char *)base + k->offset;
    static const char *const yes[] = {"no",  "yes", "false", "true",
                                      "off", "on",  NULL};
    const key yesno = {.key = k->key, .choice = yes};
    double number = 0;
    int index = 0;
    cbx_status st = CBX_OK;
    switch (k->kind) {
    case WHOLE:
        if (!(st = take_number(k, value, &number, err)))
            *(int *)at = (int)number;
        break;
    case NUMBER:
        if (!(st = take_number(k, value, &number, err)))
            *(double *)at = number;
        break;
    case TEXT:
    case NAME:
        st = take_text(k, value, at, err);
        break;
    case YESNO:
        if (!(st = take_choice(&yesno, value, &index, err)))
            *(bool *)at = index & 1;
        break;
    case CHOICE:
        if (!(st = take_choice(k, value, &index, err)))
            *(int *)at = k->choice == all_kinds ? (int)kind_of[index] : index;
        break;
    }
    return st;
}

/* -- defaults -------------------------------------------------------------- */

static void set_standards(void *base, bool of_sink)
{
    cbx_error err;
    for (int i = 0; i < N_KEYS; i++)
        if (is_sink_key(&keys[i]) == of_sink)
            (void)!take(&keys[i], keys[i].standard, base, &err);
}

static config_sink *add_sink(daemon_config *c, const char *name, int line)
{
    config_sink *s = &c->sinks[c->n_sinks++];
    memset(s, 0, sizeof *s);
    set_standards(s, true);
    snprintf(s->name, sizeof s->name, "%s", name);
    s->line = line;
    return s;
}

void daemon_config_init(daemon_config *c)
{
    memset(c, 0, sizeof *c);
    set_standards(c, false);
    add_sink(c, "default", 0);
}

/* -- reading --------------------------------------------------------------- */

typedef struct {
    FILE *from;
    daemon_config *config;
    cbx_error *err;
    cbx_status status;
    int at;   /* the line that is being read */
    int line; /* of the first fault; 0: none */
    bool seen[CONFIG_SINKS][N_KEYS], seen_plain[N_KEYS];
} reading;

static cbx_status sink_of(daemon_config *c, const char *name, int line,
                          config_sink **out, cbx_error *err)
{
    if (!*name || strlen(name) >= CONFIG_NAME)
        return cbx_fail(err, CBX_E_FORMAT,
                        "[sink %.40s]: a sink's name has 1 to %d bytes", name,
                        CONFIG_NAME - 1);
    for (int i = 0; i < c->n_sinks; i++)
        if (strcmp(c->sinks[i].name, name) == 0) {
            *out = &c->sinks[i];
            return CBX_OK;
        }
    if (c->n_sinks == CONFIG_SINKS)
        return cbx_fail(err, CBX_E_FORMAT, "there are more than %d sinks",
                        CONFIG_SINKS);
    *out = add_sink(c, name, line);
    return CBX_OK;
}

/* The key's row, or -1 with the complaint that fits. */
static int find_key(const char *section, const char *name, cbx_error *err)
{
    const bool sink = strncmp(section, "sink ", 5) == 0;
    bool known = sink;
    for (int i = 0; i < N_KEYS; i++) {
        const bool same = sink ? is_sink_key(&keys[i])
                               : strcmp(keys[i].section, section) == 0;
        known |= same;
        if (same && strcmp(keys[i].key, name) == 0)
            return i;
    }
    if (!*section)
        cbx_fail(err, CBX_E_FORMAT, "'%.40s' stands before any section", name);
    else if (!known)
        cbx_fail(err, CBX_E_FORMAT,
                 "unknown section [%.40s]; there are daemon, engine, voice, "
                 "sinks and 'sink NAME'",
                 section);
    else
        cbx_fail(err, CBX_E_FORMAT, "unknown key '%.40s' in [%.40s]", name,
                 section);
    return -1;
}

static cbx_status take_line(reading *r, const char *section, const char *name,
                            const char *value, int line)
{
    void *base = r->config;
    const int i = find_key(section, name, r->err);
    bool *seen = i < 0 ? NULL : &r->seen_plain[i];
    if (i < 0)
        return CBX_E_FORMAT;
    if (is_sink_key(&keys[i])) {
        config_sink *s = NULL;
        const cbx_status st = sink_of(r->config, section + 5, line, &s, r->err);
        if (st)
            return st;
        base = s;
        seen = &r->seen[s - r->config->sinks][i];
    }
    if (*seen)
        return cbx_fail(r->err, CBX_E_FORMAT, "'%.40s' is given twice", name);
    *seen = true;
    return take(&keys[i], value, base, r->err);
}

static int on_line(void *user, const char *section, const char *name,
                   const char *value)
{
    reading *r = user;
    if (r->line)
        return 0;
    r->status = take_line(r, section, name, value ? value : "", r->at);
    if (r->status)
        r->line = r->at;
    return !r->status;
}

/* Debian's inih tells its handler no line number, so the lines are counted as
 * they are read. */
static char *next_line(char *out, int room, void *user)
{
    reading *r = user;
    char *line = fgets(out, room, r->from);
    if (!line)
        return NULL;
    r->at++;
    if (!strchr(line, '\n') && !feof(r->from) && !r->line) {
        r->line = r->at;
        r->status = cbx_fail(r->err, CBX_E_FORMAT,
                             "the line is longer than %d bytes", room - 2);
    }
    return line;
}

static cbx_status read_lines(reading *r, const char *file)
{
    cbx_error why;
    const int first = ini_parse_stream(next_line, r, on_line, r);
    if (ferror(r->from))
        return cbx_fail(r->err, CBX_E_FILE, "%s: it cannot be read", file);
    if (first > 0 && (!r->line || first < r->line)) {
        r->line = first;
        cbx_fail(r->err, CBX_E_FORMAT,
                 "this is neither 'key = value' nor '[section]'");
    }
    if (!r->line)
        return CBX_OK;
    why = *r->err;
    return cbx_fail(r->err, CBX_E_FORMAT, "%s:%d: %s", file, r->line, why.text);
}

cbx_status daemon_config_read(const char *file, daemon_config *c,
                              cbx_error *err)
{
    daemon_config *fresh = malloc(sizeof *fresh);
    cbx_error own;
    reading *r = calloc(1, sizeof *r);
    cbx_status st = CBX_E_NOMEM;
    if (!fresh || !r) {
        cbx_fail(err, st, "no memory for the configuration");
        goto done;
    }
    *r = (reading){.config = fresh, .err = err ? err : &own};
    daemon_config_init(fresh);
    snprintf(fresh->file, sizeof fresh->file, "%s", file);
    r->from = fopen(file, "r");
    if (!r->from) {
        st = cbx_fail(err, CBX_E_FILE, "%s: %s", file, strerror(errno));
        goto done;
    }
    st = read_lines(r, file);
    fclose(r->from);
    if (!st && !daemon_config_sink_named(fresh, NULL))
        st = cbx_fail(err, CBX_E_FORMAT,
                      "%s: [sinks] default = %s: there is no [sink %s]", file,
                      fresh->default_sink, fresh->default_sink);
    if (!st)
        *c = *fresh;
done:
    free(r);
    free(fresh);
    return st;
}

bool daemon_config_find(char *out, size_t size)
{
    const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
    int n = -1;
    if (xdg && *xdg == '/')
        n = snprintf(out, size, "%s/chatterbox/daemon.ini", xdg);
    else if (home && *home)
        n = snprintf(out, size, "%s/.config/chatterbox/daemon.ini", home);
    if (n > 0 && (size_t)n < size && access(out, F_OK) == 0)
        return true;
    n = snprintf(out, size, "/etc/xdg/chatterbox/daemon.ini");
    return (size_t)n < size && access(out, F_OK) == 0;
}

/* -- the sample ------------------------------------------------------------ */

void daemon_config_print_sample(FILE *to)
{
    const char *section = "";
    fprintf(to, "# chatterboxd's configuration, with its defaults. Lines that "
                "begin with # count\n# as nothing. A [sink NAME] may be given "
                "for each name; the keys are the same.\n");
    for (int i = 0; i < N_KEYS; i++) {
        if (strcmp(section, keys[i].section))
            fprintf(to, "\n[%s]\n", keys[i].section);
        section = keys[i].section;
        fprintf(to, "# %s\n#%s =%s%s\n", keys[i].help, keys[i].key,
                *keys[i].standard ? " " : "", keys[i].standard);
    }
}

/* -- sinks ----------------------------------------------------------------- */

const config_sink *daemon_config_sink_named(const daemon_config *c,
                                            const char *name)
{
    if (!name || !*name)
        name = c->default_sink;
    for (int i = 0; i < c->n_sinks; i++)
        if (strcmp(c->sinks[i].name, name) == 0)
            return &c->sinks[i];
    return NULL;
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

cbx_sink_options daemon_config_sink_options(const config_sink *s)
{
    return (cbx_sink_options){.kind = (cbx_sink_kind)s->kind,
                              .rate = (uint32_t)s->rate,
                              .channels = (uint32_t)s->channels,
                              .period = (uint32_t)s->period,
                              .latency_s = s->latency_ms * 1e-3,
                              .gain_db = s->gain_db,
                              .name = or_null(s->client),
                              .ports = or_null(s->ports),
                              .device = or_null(s->device)};
}
