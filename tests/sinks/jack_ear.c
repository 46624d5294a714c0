/* jack_ear FILE PORT: a JACK client "ear" whose port "in" records to FILE (32
 * bit floats) from the first connection on, until the server is gone or
 * SIGTERM. Connects PORT to itself as soon as it is there, unless it is empty.
 * Waits for the server first. Says "ready" and "connected". */
#include <jack/jack.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 60 * 48000 };

static float *heard;
static _Atomic unsigned n_heard;
static atomic_bool listening;
static jack_port_t *in;
static atomic_bool over;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&over, true);
}

static void on_shutdown(void *arg)
{
    (void)arg;
    atomic_store(&over, true);
}

static int on_process(jack_nframes_t n, void *arg)
{
    (void)arg;
    const unsigned at = atomic_load(&n_heard);
    if (!jack_port_connected(in) || n > MOST - at)
        return 0;
    memcpy(heard + at, jack_port_get_buffer(in, n), n * sizeof *heard);
    atomic_store(&n_heard, at + n);
    atomic_store(&listening, true);
    return 0;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void ignore(const char *message)
{
    (void)message;
}

static jack_client_t *wait_for_server(void)
{
    for (int i = 0; i < 5000 && !atomic_load(&over); i++, nap()) {
        jack_client_t *c = jack_client_open("ear", JackNoStartServer, NULL);
        if (c)
            return c;
    }
    return NULL;
}

static void say(const char *what)
{
    puts(what);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    signal(SIGTERM, on_signal);
    jack_set_error_function(ignore);
    jack_set_info_function(ignore);
    heard = calloc(MOST, sizeof *heard);
    jack_client_t *c = wait_for_server();
    if (!heard || !c)
        return 3;
    jack_set_process_callback(c, on_process, NULL);
    jack_on_shutdown(c, on_shutdown, NULL);
    in = jack_port_register(c, "in", JACK_DEFAULT_AUDIO_TYPE, JackPortIsInput,
                            0);
    if (!in || jack_activate(c))
        return 4;
    say("ready");
    while (!atomic_load(&listening) && !atomic_load(&over)) {
        if (argv[2][0] && jack_port_by_name(c, argv[2]))
            jack_connect(c, argv[2], jack_port_name(in));
        nap();
    }
    say("connected");
    while (!atomic_load(&over))
        nap();
    jack_client_close(c);

    FILE *f = fopen(argv[1], "wb");
    const unsigned n = atomic_load(&n_heard);
    const int bad = !f || fwrite(heard, sizeof *heard, n, f) != n;
    return bad || fclose(f) ? 5 : 0;
}
