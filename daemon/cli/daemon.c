/* daemon: what it does, and telling it what to do. */
#include "daemon/cli/cli.h"
#include "daemon/cli/remote.h"

#include "chatterbox/client.h"
#include "rt/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 2000 };

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static long long whole(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static void print_queue(const json_t *o)
{
    const json_t *j;
    size_t i;
    printf("%-20s %6s %-12s %-12s %-9s %8s\n", "CLIENT", "JOB", "SINK",
           "PRIORITY", "STATE", "BYTES");
    json_array_foreach(json_object_get(o, "jobs"), i, j)
        printf("%-20s %6lld %-12s %-12s %-9s %8lld\n", text(j, "name"),
               whole(j, "job"), text(j, "sink"), text(j, "priority"),
               text(j, "state"), whole(j, "bytes"));
}

static void print_sinks(const json_t *o)
{
    const json_t *s;
    size_t i;
    printf("%-16s %-10s %-8s %8s %6s\n", "SINK", "KIND", "STATE", "HZ", "JOBS");
    json_array_foreach(json_object_get(o, "sinks"), i, s) printf(
        "%-16s %-10s %-8s %8lld %6lld%s\n", text(s, "name"), text(s, "kind"),
        text(s, "state"), whole(s, "rate"), whole(s, "jobs"),
        json_is_true(json_object_get(s, "default")) ? "  default" : "");
}

static void print_models(const json_t *o)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(o, "models"), i, m)
        printf("model %s: %s%s%s\n", text(m, "name"), text(m, "state"),
               *text(m, "error") ? ": " : "", text(m, "error"));
}

static void print_stats(const json_t *o)
{
    printf("up %.0f s, %lld clients, %lld jobs going on\n",
           json_real_value(json_object_get(o, "uptime")), whole(o, "clients"),
           whole(o, "busy"));
    printf("spoken %lld, cancelled %lld, failed %lld; %.1f s of speech\n",
           whole(o, "spoken"), whole(o, "cancelled"), whole(o, "failed"),
           json_real_value(json_object_get(o, "audio_seconds")));
}

typedef struct {
    const char *word, *request;
    void (*print)(const json_t *answer);
} action;

static const action actions[] = {
    {"status", "{\"do\":\"stats\"}", print_stats},
    {"status", "{\"do\":\"models\"}", print_models},
    {"status", "{\"do\":\"sinks\"}", print_sinks},
    {"queue", "{\"do\":\"queue\"}", print_queue},
    {"sinks", "{\"do\":\"sinks\"}", print_sinks},
    {"silence", "{\"do\":\"stop\",\"sink\":\"*\"}", NULL},
    {"reload", "{\"do\":\"reload\"}", NULL},
    {"stop", "{\"do\":\"shutdown\",\"mode\":\"cancel\"}", NULL},
    {"finish", "{\"do\":\"shutdown\",\"mode\":\"finish\"}", NULL},
};
enum { N_ACTIONS = sizeof actions / sizeof *actions };

static cbx_status act(cbx_client *c, const action *a, cbx_error *err)
{
    char *answer;
    const cbx_status st =
        cbx_client_request(c, a->request, WAIT_MS, &answer, err);
    if (st)
        return st;
    json_t *o = json_loads(answer, 0, NULL);
    if (a->print && o)
        a->print(o);
    json_decref(o);
    free(answer);
    return CBX_OK;
}

int cli_daemon(const cli_options *o)
{
    const cbx_client_options how = {.name = "daemon", .wait_ms = WAIT_MS};
    const char *word = o->n_words ? o->words[0] : "status";
    bool known = false;
    cbx_client *c;
    cbx_error err;
    for (int i = 0; i < N_ACTIONS; i++)
        known |= strcmp(word, actions[i].word) == 0;
    if (!known) {
        cbx_fail(&err, CBX_E_ARG,
                 "daemon %.40s: there are status, queue, sinks, silence, "
                 "reload, stop and finish",
                 word);
        return cli_complain(&err);
    }
    if (cbx_client_open(&how, &c, &err))
        return cli_complain(&err);
    cbx_status st = CBX_OK;
    for (int i = 0; i < N_ACTIONS && !st; i++)
        if (strcmp(word, actions[i].word) == 0)
            st = act(c, &actions[i], &err);
    cbx_client_close(c);
    return st ? cli_complain(&err) : CLI_OK;
}
