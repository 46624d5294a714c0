#include "daemon/sinks/internal.h"

#include <errno.h>
#include <jack/jack.h>
#include <jack/metadata.h>
#include <jack/uuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_TARGETS = 32, CONNECT_MOST_MS = 5000 };
static const double FREEWHEEL_WAIT_S = 5.0; /* the server's limit is 10 */

/* JACK2 keeps one server connection per process: while a client of a server
 * that died is open, a new client of the restarted one cannot work. So a
 * process should hold one sink on JACK at a time. */
typedef struct {
    cbx_sink sink;
    jack_client_t *client;
    jack_port_t *ports[SINK_MAX_CHANNELS];
    uint32_t channels;
    /* The graph carries our sound to somebody. Frames are taken only then. */
    atomic_bool wired;
    atomic_bool freewheel;
} jack_sink;

/* [audio] The body of the process callback, for a test without a server. */
static CBX_RT void cycle(jack_sink *j, float *const *planes, uint32_t n)
{
    if (atomic_load_explicit(&j->wired, memory_order_acquire)) {
        sink_pull_planar(&j->sink, planes, j->channels, n);
        return;
    }
    for (uint32_t c = 0; c < j->channels; c++)
        memset(planes[c], 0, n * sizeof *planes[c]);
}

/* Freewheeling, the server waits for its clients: the one place where the
 * callback may block, so that a bounce has no gaps. */
static void cycle_offline(jack_sink *j, float *const *planes, uint32_t n)
{
    uint32_t got = 0;
    bool ended = false;
    while (got < n && !ended) {
        const uint32_t k = sink_pull_waiting(&j->sink, planes[0] + got, n - got,
                                             FREEWHEEL_WAIT_S, &ended);
        if (!k)
            break;
        got += k;
    }
    memset(planes[0] + got, 0, (n - got) * sizeof *planes[0]);
    if (ended)
        sink_count(&j->sink.tail, n - got);
    for (uint32_t c = 1; c < j->channels; c++)
        memcpy(planes[c], planes[0], n * sizeof *planes[c]);
}

static int on_process(jack_nframes_t n, void *arg)
{
    jack_sink *j = arg;
    float *planes[SINK_MAX_CHANNELS];
    for (uint32_t c = 0; c < j->channels; c++)
        planes[c] = jack_port_get_buffer(j->ports[c], n);
    if (atomic_load_explicit(&j->freewheel, memory_order_relaxed) &&
        atomic_load_explicit(&j->wired, memory_order_acquire))
        cycle_offline(j, planes, n);
    else
        cycle(j, planes, n);
    return 0;
}

static int on_buffer_size(jack_nframes_t n, void *arg)
{
    atomic_store(&((jack_sink *)arg)->sink.period, n);
    return 0;
}

/* Another rate is a new stream for the source: the control thread reconnects,
 * and no frame of the old rate is played at the new one. */
static int on_sample_rate(jack_nframes_t rate, void *arg)
{
    jack_sink *j = arg;
    if (rate != atomic_load(&j->sink.rate)) {
        atomic_store(&j->wired, false);
        atomic_store(&j->sink.gone, true);
    }
    return 0;
}

static int on_xrun(void *arg)
{
    sink_count(&((jack_sink *)arg)->sink.xruns, 1);
    return 0;
}

static void on_freewheel(int starting, void *arg)
{
    atomic_store(&((jack_sink *)arg)->freewheel, starting != 0);
}

static void on_latency(jack_latency_callback_mode_t mode, void *arg)
{
    jack_sink *j = arg;
    jack_latency_range_t range = {0, 0};
    for (uint32_t c = 0; c < j->channels; c++) {
        if (mode == JackCaptureLatency) /* our sound starts here */
            jack_port_set_latency_range(j->ports[c], mode, &range);
    }
    if (mode == JackPlaybackLatency) {
        jack_port_get_latency_range(j->ports[0], mode, &range);
        atomic_store(&j->sink.latency, range.max);
    }
}

static void on_shutdown(jack_status_t code, const char *reason, void *arg)
{
    (void)code;
    (void)reason;
    atomic_store(&((jack_sink *)arg)->sink.gone, true);
}

static cbx_status no_client(const char *name, jack_status_t why, cbx_error *err)
{
    const char *server = getenv("JACK_DEFAULT_SERVER");
    if (why & (JackServerFailed | JackServerError))
        return cbx_fail(err, CBX_E_DEVICE,
                        "JACK: no server '%s' is running; start it, or leave "
                        "JACK out",
                        server ? server : "default");
    return cbx_fail(err, CBX_E_DEVICE,
                    "JACK: the server refused the client '%s' (status 0x%x)",
                    name, (unsigned)why);
}

static cbx_status open_client(jack_sink *j, cbx_error *err)
{
    const char *name =
        j->sink.options.name ? j->sink.options.name : "chatterbox";
    jack_status_t why = 0;
    if (!*name || strlen(name) >= (size_t)jack_client_name_size())
        return cbx_fail(err, CBX_E_ARG,
                        "JACK: a client name has 1 to %d characters, not %zu",
                        jack_client_name_size() - 1, strlen(name));
    j->client = jack_client_open(name, JackNoStartServer, &why);
    if (!j->client)
        return no_client(name, why, err);
    /* before the callbacks: JACK tells them the rate right away */
    atomic_store(&j->sink.rate, jack_get_sample_rate(j->client));
    atomic_store(&j->sink.period, jack_get_buffer_size(j->client));
    jack_set_process_callback(j->client, on_process, j);
    jack_set_buffer_size_callback(j->client, on_buffer_size, j);
    jack_set_sample_rate_callback(j->client, on_sample_rate, j);
    jack_set_xrun_callback(j->client, on_xrun, j);
    jack_set_freewheel_callback(j->client, on_freewheel, j);
    jack_set_latency_callback(j->client, on_latency, j);
    jack_on_info_shutdown(j->client, on_shutdown, j);
    return CBX_OK;
}

/* Short names that stay the same, so that a patch bay finds them again. */
static cbx_status register_ports(jack_sink *j, cbx_error *err)
{
    for (uint32_t c = 0; c < j->channels; c++) {
        char name[16] = "out";
        if (j->channels > 1)
            snprintf(name, sizeof name, "out_%u", (unsigned)c + 1);
        j->ports[c] =
            jack_port_register(j->client, name, JACK_DEFAULT_AUDIO_TYPE,
                               JackPortIsOutput | JackPortIsTerminal, 0);
        if (!j->ports[c])
            return cbx_fail(err, CBX_E_DEVICE,
                            "JACK: the server has no room for port '%s'", name);
    }
    return CBX_OK;
}

typedef struct {
    char *names;       /* `at` points into this copy of the option */
    const char **list; /* and into JACK's list */
    const char *at[MAX_TARGETS];
    uint32_t n;
} targets;

static void free_targets(targets *t)
{
    free(t->names);
    if (t->list)
        jack_free(t->list);
}

static cbx_status add_target(targets *t, const char *name, cbx_error *err)
{
    if (t->n == MAX_TARGETS)
        return cbx_fail(err, CBX_E_LIMIT, "JACK: more than %d ports",
                        MAX_TARGETS);
    t->at[t->n++] = name;
    return CBX_OK;
}

static bool belongs_to(const char *port, const char *client)
{
    const size_t n = strlen(client);
    return !strncmp(port, client, n) && port[n] == ':';
}

/* The first inputs of a client: as many as we have channels, and for mono
 * those of both ears. `list` is all audio inputs. */
static cbx_status client_targets(const jack_sink *j, targets *t,
                                 const char *client, cbx_error *err)
{
    uint32_t left = j->channels > 1 ? j->channels : 2;
    cbx_status st = CBX_OK;
    const uint32_t before = t->n;
    for (size_t i = 0; t->list && t->list[i] && left && !st; i++)
        if (belongs_to(t->list[i], client)) {
            st = add_target(t, t->list[i], err);
            left--;
        }
    if (!st && t->n == before)
        return cbx_fail(err, CBX_E_DEVICE,
                        "JACK: there is no client '%s' with input ports",
                        client);
    return st;
}

static cbx_status named_targets(jack_sink *j, targets *t, cbx_error *err)
{
    char *rest;
    t->names = strdup(j->sink.options.ports);
    if (!t->names)
        return cbx_fail(err, CBX_E_NOMEM, "JACK: out of memory");
    t->list = jack_get_ports(j->client, NULL, JACK_DEFAULT_AUDIO_TYPE,
                             JackPortIsInput);
    cbx_status st = CBX_OK;
    for (char *name = strtok_r(t->names, ",", &rest); name && !st;
         name = strtok_r(NULL, ",", &rest)) {
        jack_port_t *port = jack_port_by_name(j->client, name);
        if (!strchr(name, ':'))
            st = client_targets(j, t, name, err);
        else if (port && (jack_port_flags(port) & JackPortIsInput))
            st = add_target(t, name, err);
        else
            st = cbx_fail(err, CBX_E_DEVICE,
                          "JACK: there is no input port '%s'", name);
    }
    return st;
}

/* The ports that `options.ports` asks for; an error where one is missing, so
 * that nothing is spoken to nobody. */
static cbx_status find_targets(jack_sink *j, targets *t, cbx_error *err)
{
    const char *ports = j->sink.options.ports;
    memset(t, 0, sizeof *t);
    if (ports && !strcmp(ports, "none"))
        return CBX_OK;
    if (ports)
        return named_targets(j, t, err);
    t->list = jack_get_ports(j->client, NULL, JACK_DEFAULT_AUDIO_TYPE,
                             JackPortIsInput | JackPortIsPhysical);
    /* mono goes to both ears */
    const uint32_t most = j->channels > 1 ? j->channels : 2;
    while (t->list && t->n < most && t->list[t->n]) {
        t->at[t->n] = t->list[t->n];
        t->n++;
    }
    if (!t->n)
        return cbx_fail(err, CBX_E_DEVICE,
                        "JACK: the server has no physical playback port; name "
                        "the ports to connect to, or 'none'");
    return CBX_OK;
}

/* Returns when the running graph has the connection: jack_connect only asks
 * for it, and frames that flow before it are heard by nobody. */
static bool connect_port(jack_sink *j, jack_port_t *port, const char *target)
{
    const int rc = jack_connect(j->client, jack_port_name(port), target);
    if (rc && rc != EEXIST)
        return false;
    for (int i = 0; i < CONNECT_MOST_MS; i++) {
        if (jack_port_connected_to(port, target))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

static cbx_status wire(jack_sink *j, cbx_error *err)
{
    targets t;
    cbx_status st = find_targets(j, &t, err);
    for (uint32_t i = 0; i < t.n && !st; i++)
        if (!connect_port(j, j->ports[i % j->channels], t.at[i]))
            st = cbx_fail(err, CBX_E_DEVICE, "JACK: cannot connect to '%s'",
                          t.at[i]);
    free_targets(&t);
    return st;
}

static void name_ports(jack_sink *j)
{
    for (uint32_t c = 0; c < j->channels; c++) {
        char name[32] = "Speech";
        if (j->channels > 1)
            snprintf(name, sizeof name, "Speech %u", (unsigned)c + 1);
        jack_set_property(j->client, jack_port_uuid(j->ports[c]),
                          JACK_METADATA_PRETTY_NAME, name, "text/plain");
    }
}

static void unname_ports(jack_sink *j)
{
    for (uint32_t c = 0; c < j->channels; c++)
        if (j->ports[c])
            jack_remove_property(j->client, jack_port_uuid(j->ports[c]),
                                 JACK_METADATA_PRETTY_NAME);
}

static void jack_sink_disconnect(cbx_sink *s)
{
    jack_sink *j = (jack_sink *)s;
    atomic_store(&j->wired, false);
    if (!j->client)
        return;
    unname_ports(j);
    jack_client_close(j->client);
    j->client = NULL;
    memset(j->ports, 0, sizeof j->ports);
}

static cbx_status jack_sink_connect(cbx_sink *s, cbx_error *err)
{
    jack_sink *j = (jack_sink *)s;
    targets t;
    sink_quiet_libraries();
    j->channels = s->options.channels ? s->options.channels : 1;
    atomic_store(&j->freewheel, false);
    cbx_status st = open_client(j, err);
    if (st)
        return st;
    st = register_ports(j, err);
    if (!st) {
        st = find_targets(j, &t, err);
        free_targets(&t);
    }
    if (st)
        jack_sink_disconnect(s);
    return st;
}

static cbx_status jack_sink_activate(cbx_sink *s, cbx_error *err)
{
    jack_sink *j = (jack_sink *)s;
    if (jack_activate(j->client))
        return cbx_fail(err, CBX_E_DEVICE,
                        "JACK: the server refuses to run the client");
    name_ports(j);
    cbx_status st = wire(j, err);
    if (st)
        return st;
    on_latency(JackPlaybackLatency, j);
    /* release: rate and ports are set before the audio thread takes frames */
    atomic_store_explicit(&j->wired, true, memory_order_release);
    return CBX_OK;
}

const sink_ops sink_jack_ops = {
    .size = sizeof(jack_sink),
    .live = true,
    .connect = jack_sink_connect,
    .activate = jack_sink_activate,
    .disconnect = jack_sink_disconnect,
};

bool sink_has_jack(const char *client)
{
    jack_status_t why;
    bool has = false;
    sink_quiet_libraries();
    jack_client_t *c =
        jack_client_open("chatterbox-look", JackNoStartServer, &why);
    if (!c)
        return false;
    const char **ports =
        jack_get_ports(c, NULL, JACK_DEFAULT_AUDIO_TYPE,
                       JackPortIsInput | (client ? 0 : JackPortIsPhysical));
    for (size_t i = 0; ports && ports[i]; i++)
        has |= !client || belongs_to(ports[i], client);
    if (ports)
        jack_free(ports);
    jack_client_close(c);
    return has;
}

static cbx_status add_port(jack_client_t *client, const char *name,
                           cbx_device **list, size_t *n, cbx_error *err)
{
    const jack_port_t *port = jack_port_by_name(client, name);
    cbx_device *d = sink_device_add(list, n);
    if (!d)
        return cbx_fail(err, CBX_E_NOMEM, "devices: out of memory");
    d->kind = CBX_SINK_JACK;
    d->index = -1;
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->api, sizeof d->api, "JACK");
    d->channels = 1;
    d->rate = jack_get_sample_rate(client);
    d->is_default = port && (jack_port_flags(port) & JackPortIsPhysical);
    d->latency_s = (double)jack_get_buffer_size(client) / d->rate;
    return CBX_OK;
}

cbx_status sink_list_jack(cbx_device **list, size_t *n, cbx_error *err)
{
    jack_status_t why;
    jack_client_t *client =
        jack_client_open("chatterbox-devices", JackNoStartServer, &why);
    if (!client)
        return CBX_OK; /* no server, no ports */
    const char **ports =
        jack_get_ports(client, NULL, JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput);
    cbx_status st = CBX_OK;
    for (size_t i = 0; ports && ports[i] && !st; i++)
        st = add_port(client, ports[i], list, n, err);
    if (ports)
        jack_free(ports);
    jack_client_close(client);
    return st;
}
