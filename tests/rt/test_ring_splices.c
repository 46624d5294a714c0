/* Splices between two threads: one writes and puts new frames in place of those
 * that wait, this one reads; every frame is played in order or skipped. */
#include "rt/ring.h"
#include "tests/check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { FADE = 32, CAPACITY = 512, TOTAL = 1 << 20, MOST = 1 << 16 };

static _Alignas(64) unsigned char block[1 << 16];

/* What the writer asked for, told before a frame of it is written. */
static struct {
    uint32_t from, to;
    float ratio;
} asked[MOST];
static _Atomic uint32_t n_asked;

static uint32_t random_below(uint32_t *state, uint32_t n)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (*state >> 8) % n;
}

static void splice(cbx_ring *r, uint32_t sent, uint32_t *seed)
{
    static const float ratios[] = {0.25f, 0.5f, 1, 2, 4};
    const uint32_t i = atomic_load_explicit(&n_asked, memory_order_relaxed);
    if (i == MOST || cbx_ring_splicing(r))
        return;
    const uint64_t place = cbx_ring_place(r, 1);
    asked[i].from = (uint32_t)place;
    asked[i].to = sent;
    asked[i].ratio = ratios[random_below(seed, 5)];
    atomic_store_explicit(&n_asked, i + 1, memory_order_release);
    CHECK(cbx_ring_splice(r, 1, place, asked[i].ratio));
}

/* A frame's sample is its number. */
static void *write_and_splice(void *ring)
{
    uint32_t seed = 1;
    for (uint32_t sent = 0; sent < TOTAL;) {
        float chunk[97];
        const uint32_t left = TOTAL - sent, most = 1 + random_below(&seed, 97);
        const uint32_t n = left < most ? left : most;
        if (random_below(&seed, 6) == 0)
            splice(ring, sent, &seed);
        for (uint32_t i = 0; i < n; i++)
            chunk[i] = (float)(sent + i);
        const uint32_t took = cbx_ring_write(ring, 1, chunk, n);
        sent += took;
        if (took < n || random_below(&seed, 4) == 0)
            cbx_ring_arm(ring);
        if (!took)
            sched_yield();
    }
    cbx_ring_arm(ring);
    cbx_ring_finish(ring, 1);
    return NULL;
}

typedef struct ear {
    uint32_t next;    /* the number of the frame to come */
    uint32_t jumps;   /* splices gone over to */
    uint32_t fade;    /* frames of a cross-fade to come */
    uint64_t heard;   /* frames */
    uint64_t skipped; /* frames */
    float last;       /* the last sample; 0 after silence */
} ear;

/* Goes on to the frame that the ring went over to. */
static void follow_jump(ear *e, uint64_t skipped)
{
    const uint32_t was = e->next, left_out = (uint32_t)(skipped - e->skipped);
    e->next += left_out;
    e->skipped = skipped;
    const uint32_t n = atomic_load_explicit(&n_asked, memory_order_acquire);
    if (e->jumps < n && e->next >= asked[e->jumps].to) {
        const uint32_t from = asked[e->jumps].from, to = asked[e->jumps].to;
        const double on = (double)(was - from) * (double)asked[e->jumps].ratio;
        CHECK(was >= from && was <= to);
        CHECK(e->next - to <= on);
        e->jumps++;
        e->fade = FADE;
    } else {
        CHECK(left_out == 0);
    }
}

static void hear(ear *e, float x)
{
    if (e->fade) {
        e->fade--;
        CHECK(x >= e->last - 1 && x <= (float)e->next);
    } else {
        CHECK_NEAR(x, (double)e->next, 0);
    }
    e->last = x;
    e->next++;
    e->heard++;
}

static void every_frame_is_played_or_skipped(void)
{
    cbx_arena arena = {block, sizeof block, 0};
    cbx_ring *r = NULL;
    pthread_t writer;
    CHECK(cbx_ring_new(&arena, CAPACITY, FADE, &r, NULL) == CBX_OK);
    CHECK(cbx_ring_begin(r, 1));
    cbx_ring_open_gate(r, 1);
    CHECK(pthread_create(&writer, NULL, write_and_splice, r) == 0);

    ear e = {0};
    uint32_t seed = 2;
    while (!cbx_ring_ended(r, 1) || cbx_ring_splicing(r)) {
        float out[128];
        const uint32_t n = 1 + random_below(&seed, 128);
        const uint32_t got = cbx_ring_read(r, out, n).frames;
        const uint64_t skipped = cbx_ring_skipped(r, 1);
        if (got || skipped > e.skipped)
            follow_jump(&e, skipped);
        for (uint32_t i = 0; i < got; i++)
            hear(&e, out[i]);
        CHECK(cbx_ring_played(r, 1) == e.heard);
        CHECK(cbx_ring_place(r, 1) == e.next);
        if (got < n) {
            e.last = 0;
            sched_yield();
        }
    }
    CHECK(pthread_join(writer, NULL) == 0);
    CHECK(e.heard + e.skipped == TOTAL && e.next == TOTAL);
    printf("%u splices, %u gone over to; %llu frames heard, %llu skipped\n",
           atomic_load(&n_asked), e.jumps, (unsigned long long)e.heard,
           (unsigned long long)e.skipped);
    CHECK(e.jumps > 500 && e.skipped > 0);
}

int main(void)
{
    every_frame_is_played_or_skipped();
    return 0;
}
