/* The ring between three threads: one writes epochs, one cancels them at
 * random moments, and this one reads and checks every frame. */
#include "rt/clock.h"
#include "rt/ring.h"
#include "tests/check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum {
    FADE = 32,
    CAPACITY = 512,
    CANCELS = 4000,
    EPOCH_FRAMES = 1 << 17,
    PLAIN_TOTAL = 1 << 20
};

static _Alignas(64) unsigned char block[1 << 16];
static atomic_bool stop;
static atomic_int finished;

static cbx_ring *new_ring(void)
{
    cbx_arena arena = {block, sizeof block, 0};
    cbx_ring *r = NULL;
    CHECK(cbx_ring_new(&arena, CAPACITY, FADE, &r, NULL) == CBX_OK);
    return r;
}

static uint32_t random_below(uint32_t *state, uint32_t n)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (*state >> 8) % n;
}

/* A frame tells its epoch (modulo 64) and its number in it: 23 bits, exact. */
static float code(uint32_t epoch, uint32_t i)
{
    return (float)((epoch % 64) * EPOCH_FRAMES + i + 1);
}

static void write_epoch(cbx_ring *r, uint32_t epoch, uint32_t *seed)
{
    const uint32_t length = random_below(seed, 8) ? EPOCH_FRAMES - 1 : 2000;
    const uint32_t gate = random_below(seed, CAPACITY);
    for (uint32_t sent = 0; sent < length;) {
        float chunk[97];
        uint32_t n = 1 + random_below(seed, 97);
        n = n < length - sent ? n : length - sent;
        for (uint32_t i = 0; i < n; i++)
            chunk[i] = code(epoch, sent + i);
        const uint32_t took = cbx_ring_write(r, epoch, chunk, n);
        sent += took;
        if (sent >= gate)
            cbx_ring_open_gate(r, epoch);
        if (took == 0) {
            if (cbx_ring_stale(r, epoch))
                return;
            sched_yield();
        }
    }
    cbx_ring_finish(r, epoch);
    atomic_fetch_add(&finished, 1);
}

static void *write_epochs(void *ring)
{
    cbx_ring *r = ring;
    uint32_t seed = 1;
    while (!atomic_load(&stop)) {
        const uint32_t epoch = cbx_ring_epoch(r);
        if (cbx_ring_begin(r, epoch))
            write_epoch(r, epoch, &seed);
        while (!cbx_ring_stale(r, epoch) && !atomic_load(&stop))
            sched_yield();
    }
    return NULL;
}

static void *cancel_epochs(void *ring)
{
    uint32_t seed = 2;
    for (int i = 0; i < CANCELS; i++) {
        const uint32_t us = random_below(&seed, 4) ? 400 : 0;
        cbx_sleep_until(cbx_clock_ns() +
                        random_below(&seed, us + 1) * CBX_NS_PER_US);
        cbx_ring_cancel(ring);
    }
    cbx_ring_cancel(ring);
    return NULL;
}

/* What the listener has heard so far. */
typedef struct ear {
    uint32_t epoch; /* 0 before the first */
    uint32_t next;  /* the frame to come */
    uint32_t faded; /* frames of its fade so far */
    float gain;     /* in the last of them */
    uint64_t whole; /* frames at full level */
    int fades, epochs;
} ear;

/* A frame at full level of an epoch that is wanted: the next one, or the first
 * of a newer epoch. */
static int is_whole(ear *e, float x, uint32_t wanted_before,
                    uint32_t wanted_after)
{
    if (e->epoch && !e->faded && x == code(e->epoch, e->next) &&
        e->epoch >= wanted_before) {
        e->next++;
        return 1;
    }
    for (uint32_t w = wanted_before; w <= wanted_after; w++)
        if (w > e->epoch && x == code(w, 0)) {
            *e = (ear){w, 1, 0, 1, e->whole, e->fades, e->epochs + 1};
            return 1;
        }
    return 0;
}

static void hear(ear *e, float x, uint32_t wanted_before, uint32_t wanted_after)
{
    if (x > 0 && is_whole(e, x, wanted_before, wanted_after)) {
        e->whole++;
        return;
    }
    if (x == 0) {
        e->fades += e->faded > 0 && e->gain > 0;
        e->gain = e->faded ? 0 : e->gain;
        return;
    }
    /* then it is the next frame in a fade that goes down, once */
    CHECK(e->epoch && wanted_after > e->epoch);
    const float gain = x / code(e->epoch, e->next++);
    CHECK(gain > 0 && gain < e->gain && ++e->faded < FADE);
    e->gain = gain;
}

/* One storm of cancels; adds up what the reader met. */
static void storm(ear *sum)
{
    cbx_ring *r = new_ring();
    pthread_t writer, canceller;
    CHECK(pthread_create(&writer, NULL, write_epochs, r) == 0);
    CHECK(pthread_create(&canceller, NULL, cancel_epochs, r) == 0);

    ear e = {.gain = 1};
    uint32_t seed = 3;
    uint64_t after_last = 0; /* until the last epoch was heard too */
    while (after_last < 1000) {
        float out[128];
        const uint32_t n = 1 + random_below(&seed, 128);
        const uint32_t before = cbx_ring_epoch(r);
        const cbx_ring_got got = cbx_ring_read(r, out, n);
        const uint32_t after = cbx_ring_epoch(r);
        CHECK(got.frames + got.underrun <= n);
        for (uint32_t i = 0; i < n; i++)
            hear(&e, out[i], before, after);
        if (e.epoch == CANCELS + 2)
            after_last += got.frames;
        if (got.frames < n)
            sched_yield();
    }
    CHECK(pthread_join(canceller, NULL) == 0);
    atomic_store(&stop, true);
    cbx_ring_cancel(r); /* frees a writer that waits for room */
    CHECK(pthread_join(writer, NULL) == 0);
    atomic_store(&stop, false);
    sum->epochs += e.epochs;
    sum->fades += e.fades;
    sum->whole += e.whole;
}

/* On a busy machine one storm may pass while the reader sleeps: there are as
 * many as it takes to have met everything. */
static void epochs_and_cancels_never_mix(void)
{
    ear sum = {0};
    int storms = 0;
    while (sum.epochs <= CANCELS / 50 || sum.fades <= CANCELS / 100 ||
           sum.whole <= CANCELS || atomic_load(&finished) == 0) {
        CHECK(++storms <= 100);
        storm(&sum);
    }
    printf("%d storms: %d epochs heard, %d fades, %llu whole frames\n", storms,
           sum.epochs, sum.fades, (unsigned long long)sum.whole);
}

static void *write_plain(void *ring)
{
    for (uint32_t sent = 0; sent < PLAIN_TOTAL;) {
        float chunk[37];
        const uint32_t left = PLAIN_TOTAL - sent, n = left < 37 ? left : 37;
        for (uint32_t i = 0; i < n; i++)
            chunk[i] = (float)(sent + i);
        const uint32_t took = cbx_ring_write(ring, 1, chunk, n);
        sent += took;
        if (!took)
            sched_yield();
    }
    cbx_ring_finish(ring, 1);
    return NULL;
}

static void every_frame_crosses_threads_in_order(void)
{
    cbx_ring *r = new_ring();
    CHECK(cbx_ring_begin(r, 1));
    cbx_ring_open_gate(r, 1);
    pthread_t writer;
    CHECK(pthread_create(&writer, NULL, write_plain, r) == 0);

    uint32_t seen = 0;
    while (!cbx_ring_ended(r, 1)) {
        float out[64];
        const uint32_t n = cbx_ring_read(r, out, 64).frames;
        for (uint32_t i = 0; i < n; i++)
            CHECK_NEAR(out[i], (double)(seen + i), 0);
        seen += n;
        CHECK(cbx_ring_played(r, 1) == seen);
        CHECK(cbx_ring_queued(r) <= CAPACITY);
        if (!n)
            sched_yield();
    }
    CHECK(seen == PLAIN_TOTAL);
    CHECK(pthread_join(writer, NULL) == 0);
}

int main(void)
{
    every_frame_crosses_threads_in_order();
    epochs_and_cancels_never_mix();
    return 0;
}
