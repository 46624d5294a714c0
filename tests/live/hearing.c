#include "tests/live/hearing.h"

#include "tests/check.h"

#include <jack/jack.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { MOST_FRAMES = 60 * 48000, MOST_PORTS = 2, PATIENCE_MS = 10000 };

struct hearing {
    jack_client_t *client;
    uint32_t ports;
    jack_port_t *in[MOST_PORTS];
    float *frames[MOST_PORTS];
    _Atomic uint32_t clock;
    _Atomic int64_t first; /* frame of the first sound; -1: none yet */
    atomic_bool lost;
};

static void nap_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void note_sound(hearing *h, const float *x, uint32_t at, uint32_t n)
{
    if (atomic_load(&h->first) >= 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        if (x[i] != 0.0f) {
            atomic_store(&h->first, (int64_t)at + i);
            return;
        }
}

static int on_process(jack_nframes_t n, void *arg)
{
    hearing *h = arg;
    const uint32_t at = atomic_load(&h->clock);
    if (n > MOST_FRAMES - at)
        return 0;
    for (uint32_t p = 0; p < h->ports; p++) {
        const float *x = jack_port_get_buffer(h->in[p], n);
        memcpy(h->frames[p] + at, x, n * sizeof *x);
        note_sound(h, x, at, n);
    }
    atomic_store(&h->clock, at + n);
    return 0;
}

static void on_shutdown(void *arg)
{
    atomic_store(&((hearing *)arg)->lost, true);
}

static void ignore(const char *message)
{
    (void)message;
}

static jack_client_t *wait_for_server(void)
{
    for (int i = 0; i < PATIENCE_MS / 5; i++, nap_ms(5)) {
        jack_client_t *c = jack_client_open("ear", JackNoStartServer, NULL);
        if (c)
            return c;
    }
    return NULL;
}

hearing *hearing_open(uint32_t ports)
{
    hearing *h = calloc(1, sizeof *h);
    CHECK(h && ports <= MOST_PORTS);
    jack_set_error_function(ignore);
    jack_set_info_function(ignore);
    h->ports = ports;
    atomic_init(&h->first, -1);
    h->client = wait_for_server();
    CHECK(h->client);
    jack_set_process_callback(h->client, on_process, h);
    jack_on_shutdown(h->client, on_shutdown, h);
    for (uint32_t p = 0; p < ports; p++) {
        char name[16];
        snprintf(name, sizeof name, "in_%u", (unsigned)p + 1);
        h->in[p] = jack_port_register(h->client, name, JACK_DEFAULT_AUDIO_TYPE,
                                      JackPortIsInput, 0);
        h->frames[p] = calloc(MOST_FRAMES, sizeof(float));
        CHECK(h->in[p] && h->frames[p]);
    }
    CHECK(!jack_activate(h->client));
    return h;
}

uint32_t hearing_clock(const hearing *h)
{
    return atomic_load(&h->clock);
}

bool hearing_connected(const hearing *h)
{
    return jack_port_connected(h->in[0]) > 0;
}

bool hearing_lost(const hearing *h)
{
    return atomic_load(&h->lost);
}

void hearing_wait_for_sound(const hearing *h, uint32_t frames)
{
    for (int i = 0; i < PATIENCE_MS; i++, nap_ms(1)) {
        const int64_t first = atomic_load(&h->first);
        if (first >= 0 && hearing_clock(h) >= first + frames)
            return;
    }
    CHECK(!"a sound came");
}

void hearing_stop(hearing *h)
{
    if (h->client)
        jack_client_close(h->client);
    h->client = NULL;
}

sound hearing_of(const hearing *h, uint32_t port)
{
    sound s = {.all = h->frames[port], .n = hearing_clock(h)};
    s.end = s.n;
    CHECK(!h->client && port < h->ports);
    while (s.first < s.n && s.all[s.first] == 0.0f)
        s.first++;
    while (s.end > s.first && s.all[s.end - 1] == 0.0f)
        s.end--;
    return s;
}

void hearing_close(hearing *h)
{
    hearing_stop(h);
    for (uint32_t p = 0; p < h->ports; p++)
        free(h->frames[p]);
    free(h);
}
