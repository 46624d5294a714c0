#define _GNU_SOURCE /* accept4, struct ucred */
#include "daemon/chatterboxd/server.h"

#include "daemon/chatterboxd/connection.h"
#include "daemon/chatterboxd/fronts.h"
#include "rt/clock.h"
#include "rt/log.h"
#include "rt/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { HELPERS = 64, HELLO_S = 10, CANCEL_WITHIN_S = 5, OWN_FDS = 3 };

struct server {
    daemon_config config;
    const char *config_file;
    service *service;
    fronts fronts;
    int listener, signals, wake;
    connection **clients; /* [room] */
    int n, room;
    struct pollfd *polls; /* [room + OWN_FDS] */

    enum { RUNNING, FINISHING, CANCELLING, STOPPED } state;
    int64_t stop_at_ns;
    int64_t tick_at_ns, alive_at_ns, idle_since_ns;
    int64_t watchdog_ns; /* 0: none */

    pthread_mutex_t helping;
    pthread_cond_t helped;
    int helpers;
};

/* -- open and close -------------------------------------------------------- */

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* every thread that comes later inherits it */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

cbx_status server_open(const server_options *o, server **out, cbx_error *err)
{
    server *s = calloc(1, sizeof *s);
    uint64_t usec = 0;
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the server");
    s->config = o->config;
    s->config_file = o->config_file;
    s->listener = o->listener;
    s->room = o->config.clients;
    s->clients = calloc((size_t)s->room, sizeof *s->clients);
    s->polls = calloc((size_t)s->room + OWN_FDS, sizeof *s->polls);
    s->signals = open_signals();
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&s->helping, NULL);
    pthread_cond_init(&s->helped, NULL);
    s->idle_since_ns = cbx_clock_ns();
    if (sd_watchdog_enabled(0, &usec) > 0)
        s->watchdog_ns = (int64_t)usec * 1000 / 3;
    cbx_status st = CBX_OK;
    if (!s->clients || !s->polls || s->signals < 0 || s->wake < 0)
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for the server");
    if (!st)
        st = service_open(&s->config, &s->service, err);
    if (!st)
        st = fronts_open(s->service, &s->config, &s->fronts, err);
    if (st) {
        server_close(s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

static void drop(server *s, int i, const char *why)
{
    connection_close(s->clients[i], why);
    s->clients[i] = s->clients[--s->n];
}

void server_close(server *s)
{
    if (!s)
        return;
    while (s->n)
        drop(s, s->n - 1, NULL);
    if (s->service)
        service_stop(s->service, &(service_target){0}, "shutdown");
    pthread_mutex_lock(&s->helping);
    while (s->helpers)
        pthread_cond_wait(&s->helped, &s->helping);
    pthread_mutex_unlock(&s->helping);
    fronts_close(&s->fronts);
    service_close(s->service);
    pthread_cond_destroy(&s->helped);
    pthread_mutex_destroy(&s->helping);
    if (s->listener >= 0)
        close(s->listener);
    if (s->signals >= 0)
        close(s->signals);
    if (s->wake >= 0)
        close(s->wake);
    free(s->clients);
    free(s->polls);
    free(s);
}

service *server_service(server *s)
{
    return s->service;
}

int server_wake_fd(const server *s)
{
    return s->wake;
}

int server_clients(const server *s)
{
    return s->n;
}

/* -- helpers --------------------------------------------------------------- */

typedef struct {
    server *server;
    void (*work)(void *user);
    void *user;
} errand;

static void *run_errand(void *arg)
{
    errand e = *(errand *)arg;
    free(arg);
    e.work(e.user);
    pthread_mutex_lock(&e.server->helping);
    e.server->helpers--;
    pthread_cond_broadcast(&e.server->helped);
    pthread_mutex_unlock(&e.server->helping);
    return NULL;
}

bool server_help(server *s, void (*work)(void *user), void *user)
{
    pthread_t thread;
    errand *e = malloc(sizeof *e);
    if (!e)
        return false;
    *e = (errand){s, work, user};
    pthread_mutex_lock(&s->helping);
    const bool ok = s->helpers < HELPERS &&
                    pthread_create(&thread, NULL, run_errand, e) == 0;
    if (ok) {
        s->helpers++;
        pthread_detach(thread);
    }
    pthread_mutex_unlock(&s->helping);
    if (!ok)
        free(e);
    return ok;
}

static void close_audio(void *user)
{
    audio_close(user);
}

void server_close_audio(server *s, audio *a)
{
    const service_target jobs = {.outlet = audio_outlet(a)};
    service_stop(s->service, &jobs, "client");
    if (!server_help(s, close_audio, a))
        audio_close(a);
}

/* -- reload and stop ------------------------------------------------------- */

cbx_status server_reload(server *s, cbx_error *err)
{
    if (!s->config_file)
        return cbx_fail(err, CBX_E_FILE,
                        "there is no configuration file to read again");
    daemon_config *fresh = malloc(sizeof *fresh);
    if (!fresh)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the configuration");
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
               cbx_clock_ns() / 1000);
    const cbx_status st = daemon_config_read(s->config_file, fresh, err);
    if (!st) {
        fresh->clients = s->config.clients; /* sized at the start */
        s->config = *fresh;
        service_configure(s->service, fresh);
        cbx_log(CBX_LOG_INFO, "%s: read again", s->config_file);
    }
    free(fresh);
    sd_notify(0, "READY=1");
    return st;
}

void server_stop(server *s, config_on_stop how)
{
    const bool again = s->state != RUNNING;
    double within = s->config.finish_within;
    if (s->state == CANCELLING || s->state == STOPPED)
        return;
    sd_notify(0, "STOPPING=1");
    service_refuse(s->service);
    s->state = how == ON_STOP_FINISH && !again ? FINISHING : CANCELLING;
    if (s->state == CANCELLING) {
        service_stop(s->service, &(service_target){0}, "shutdown");
        within = CANCEL_WITHIN_S;
    }
    s->stop_at_ns = cbx_clock_ns() + (int64_t)(within * 1e9);
    cbx_log(CBX_LOG_INFO, "stopping: %s",
            s->state == FINISHING ? "what was accepted is finished"
                                  : "what was accepted is cancelled");
}

/* -- the loop -------------------------------------------------------------- */

static bool is_ours(int fd)
{
    struct ucred who;
    socklen_t size = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
           who.uid == getuid();
}

static void refuse(int fd, const char *why)
{
    char line[256];
    const int n = snprintf(line, sizeof line,
                           "{\"event\":\"error\",\"job\":0,\"status\":"
                           "\"limit\",\"text\":\"%s\"}\n",
                           why);
    if (send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        errno = 0; /* it may have gone already */
    close(fd);
    cbx_log(CBX_LOG_WARNING, "a connection was refused: %s", why);
}

static void accept_some(server *s)
{
    for (int i = 0; i < 16; i++) {
        const int fd =
            accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (!is_ours(fd)) {
            refuse(fd, "it is another user's");
        } else if (s->n == s->room) {
            refuse(fd, "there are too many clients");
        } else {
            s->clients[s->n] = connection_open(s, fd);
            s->n += s->clients[s->n] != NULL;
        }
    }
}

static void take_signals(server *s)
{
    struct signalfd_siginfo info;
    cbx_error err;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGHUP)
            server_stop(s, (config_on_stop)s->config.on_stop);
        else if (server_reload(s, &err))
            cbx_log(CBX_LOG_ERROR, "%s; the old configuration stays", err.text);
    }
}

static void serve(server *s, int i, short ready)
{
    connection *c = s->clients[i];
    const char *broken;
    char why[512] = "";
    bool on = true;
    if (ready & POLLOUT)
        peer_flush(c->peer);
    if (ready & (POLLIN | POLLHUP | POLLERR))
        on = connection_read(c, why, sizeof why);
    if (peer_broken(c->peer, &broken))
        drop(s, i, broken);
    else if (!on)
        drop(s, i, why[0] ? why : NULL);
    else if (!c->greeted &&
             cbx_clock_ns() - c->opened_ns > HELLO_S * CBX_NS_PER_S)
        drop(s, i, "it said nothing in time");
}

static int set_polls(server *s)
{
    s->polls[0] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    s->polls[1] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    s->polls[2] = (struct pollfd){.fd = s->state == RUNNING ? s->listener : -1,
                                  .events = POLLIN};
    for (int i = 0; i < s->n; i++) {
        const short out = peer_has_more(s->clients[i]->peer) ? POLLOUT : 0;
        s->polls[OWN_FDS + i] = (struct pollfd){
            .fd = s->clients[i]->fd, .events = (short)(POLLIN | out)};
    }
    return s->n;
}

/* Everything that the clock asks for. Returns milliseconds to the next. */
static int keep_time(server *s)
{
    const int64_t now = cbx_clock_ns();
    int64_t next = now + CBX_NS_PER_S;
    if (s->watchdog_ns && now >= s->alive_at_ns) {
        sd_notify(0, "WATCHDOG=1");
        s->alive_at_ns = now + s->watchdog_ns;
    }
    if (s->watchdog_ns && s->alive_at_ns < next)
        next = s->alive_at_ns;
    if (now >= s->tick_at_ns)
        s->tick_at_ns = now + (int64_t)(service_tick(s->service) * 1e9);
    if (s->tick_at_ns < next)
        next = s->tick_at_ns;
    const bool busy = service_busy(s->service) > 0;
    if (s->n || busy)
        s->idle_since_ns = now;
    if (s->state == RUNNING && s->config.exit_when_idle > 0 &&
        (double)(now - s->idle_since_ns) > s->config.exit_when_idle * 1e9)
        server_stop(s, ON_STOP_CANCEL);
    if (s->state != RUNNING) {
        if (!busy)
            s->state = STOPPED;
        else if (now >= s->stop_at_ns && s->state == FINISHING)
            server_stop(s, ON_STOP_CANCEL);
        else if (now >= s->stop_at_ns)
            s->state = STOPPED;
        next = now + 5 * CBX_NS_PER_MS;
    }
    cbx_log_drain();
    const int64_t ms = (next - now) / CBX_NS_PER_MS;
    return ms < 1 ? 1 : (int)ms;
}

/* What clients were told last gets to them. */
static void flush_all(server *s)
{
    const int64_t until = cbx_clock_ns() + CBX_NS_PER_S / 2;
    bool more = true;
    while (more && cbx_clock_ns() < until) {
        more = false;
        for (int i = 0; i < s->n; i++) {
            peer_flush(s->clients[i]->peer);
            more |= peer_has_more(s->clients[i]->peer);
        }
        if (more)
            cbx_sleep_until(cbx_clock_ns() + 2 * CBX_NS_PER_MS);
    }
}

int server_run(server *s)
{
    uint64_t wakes;
    sd_notify(0, "READY=1");
    for (int ms = keep_time(s); s->state != STOPPED; ms = keep_time(s)) {
        const int n = set_polls(s);
        if (poll(s->polls, (nfds_t)(OWN_FDS + n), ms) < 0 && errno != EINTR)
            return 1;
        if (s->polls[0].revents)
            take_signals(s);
        if (s->polls[1].revents && read(s->wake, &wakes, sizeof wakes) < 0)
            continue;
        /* from the last, since a client that is dropped is replaced by it */
        for (int i = n; i-- > 0;)
            serve(s, i, s->polls[OWN_FDS + i].revents);
        if (s->polls[2].revents)
            accept_some(s);
    }
    flush_all(s);
    return 0;
}
