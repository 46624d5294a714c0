/* chatterbox-spiel: the daemon's voices for programs that speak through Spiel.
 * The session's bus starts it when it is first asked for. */
#include "daemon/spiel/provider.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t told_to_end;

static void on_signal(int signal)
{
    (void)signal;
    told_to_end = 1;
}

static int milliseconds(sd_bus *bus)
{
    uint64_t until;
    if (sd_bus_get_timeout(bus, &until) < 0 || until == UINT64_MAX)
        return 1000;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const uint64_t now =
        (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    const uint64_t left = until > now ? (until - now) / 1000 + 1 : 0;
    return left < 1000 ? (int)left : 1000;
}

/* False: the bus is gone, and we with it. */
static bool turn(sd_bus *bus, streams *s)
{
    struct pollfd fds[STREAMS_MOST + 2];
    int st;
    while ((st = sd_bus_process(bus, NULL)) > 0)
        ;
    if (st < 0 || sd_bus_flush(bus) < 0)
        return false;
    streams_turn(s);
    fds[0] = (struct pollfd){.fd = sd_bus_get_fd(bus),
                             .events = (short)sd_bus_get_events(bus)};
    poll(fds, (nfds_t)streams_fds(s, fds + 1) + 1, milliseconds(bus));
    return true;
}

int main(int argc, char **argv)
{
    cbx_error err;
    streams *s = NULL;
    sd_bus *bus = NULL;
    if (argc > 1) {
        const bool help = !strcmp(argv[1], "--help");
        fprintf(help ? stdout : stderr,
                "usage: chatterbox-spiel\n"
                "Offers the voices of chatterboxd as %s\n"
                "on the session's D-Bus, which starts it when it is needed.\n",
                PROVIDER_NAME);
        return help ? 0 : 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    if (streams_open(&s, &err) || provider_open(s, &bus, &err)) {
        fprintf(stderr, "chatterbox-spiel: %s\n", err.text);
        streams_close(s);
        return 1;
    }
    while (!told_to_end && turn(bus, s))
        ;
    sd_bus_flush_close_unref(bus);
    streams_close(s);
    return 0;
}
