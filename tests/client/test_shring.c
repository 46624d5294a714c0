/* The ring in shared memory, both sides in one process. */
#define _GNU_SOURCE
#include "client/shring.h"
#include "tests/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    cbx_shring_map client, daemon;
    cbx_shring_reader r;
    cbx_shring_writer w;
    int fd;
} pair;

static void open_pair(pair *p, uint32_t frames)
{
    cbx_error err;
    CHECK(!cbx_shring_create(24000, frames, &p->client, &p->fd, &err));
    CHECK(!cbx_shring_attach(p->fd, &p->daemon, &err));
    CHECK(!cbx_shring_writer_init(&p->w, &p->daemon, &err));
    cbx_shring_reader_init(&p->r, &p->client);
}

static void close_pair(pair *p)
{
    cbx_shring_unmap(&p->client);
    cbx_shring_unmap(&p->daemon);
    close(p->fd);
}

static float value(uint64_t job, uint64_t frame)
{
    return (float)(job * 0.1 + (double)frame * 1e-5);
}

static uint32_t put(pair *p, uint64_t job, uint64_t from, uint32_t n)
{
    float pcm[1024];
    CHECK(n <= 1024);
    for (uint32_t i = 0; i < n; i++)
        pcm[i] = value(job, from + i);
    return cbx_shring_write(&p->w, pcm, n);
}

static void jobs_follow_each_other_without_a_gap(void)
{
    pair p;
    float out[400];
    open_pair(&p, 512);
    CHECK(cbx_shring_quiet(&p.client));
    CHECK(cbx_shring_begin(&p.w, 1, 0));
    CHECK(put(&p, 1, 0, 100) == 100);
    CHECK(!cbx_shring_quiet(&p.client));
    cbx_shring_end(&p.w, STRETCH_COMPLETE, false);
    CHECK(cbx_shring_begin(&p.w, 2, 0));
    CHECK(put(&p, 2, 0, 200) == 200);
    CHECK(cbx_shring_available(&p.client) == 300);
    cbx_shring_got got = cbx_shring_read(&p.r, out, 400, false);
    CHECK(got.frames == 300 && got.job == 1 && got.frame == 0);
    CHECK(got.owed == 100); /* job 2 is not over */
    for (int i = 0; i < 300; i++)
        CHECK(out[i] ==
              (i < 100 ? value(1, (uint64_t)i) : value(2, (uint64_t)i - 100)));
    for (int i = 300; i < 400; i++)
        CHECK(out[i] == 0);
    close_pair(&p);
}

static void one_job_stops_at_its_end(void)
{
    pair p;
    float out[400];
    open_pair(&p, 512);
    CHECK(cbx_shring_begin(&p.w, 1, 7));
    put(&p, 1, 7, 100);
    cbx_shring_end(&p.w, STRETCH_COMPLETE, false);
    CHECK(cbx_shring_begin(&p.w, 2, 0));
    put(&p, 2, 0, 50);
    cbx_shring_got got = cbx_shring_read(&p.r, out, 400, true);
    CHECK(got.frames == 100 && got.job == 1 && got.frame == 7);
    got = cbx_shring_read(&p.r, out, 400, true);
    CHECK(got.frames == 50 && got.job == 2 && got.frame == 0);
    close_pair(&p);
}

static void an_unwanted_job_fades_and_the_next_one_is_whole(void)
{
    pair p;
    float out[512];
    open_pair(&p, 1024);
    CHECK(cbx_shring_begin(&p.w, 1, 0));
    put(&p, 1, 0, 400);
    CHECK(cbx_shring_read(&p.r, out, 100, false).frames == 100);
    cbx_shring_drop_up_to(&p.client, 1);
    CHECK(cbx_shring_is_unwanted(&p.w, 1));
    CHECK(cbx_shring_available(&p.client) == 0);
    CHECK(cbx_shring_quiet(&p.client));
    cbx_shring_end(&p.w, STRETCH_BROKE_OFF, true);
    CHECK(cbx_shring_begin(&p.w, 2, 0));
    put(&p, 2, 0, 200);
    CHECK(cbx_shring_read(&p.r, out, 512, false).frames == 200);
    /* 5 ms at 24 kHz are 120 frames of fade, then job 2 from its start */
    CHECK(out[0] > 0 && out[60] < value(1, 160) && out[119] < 0.001f);
    int at = 0;
    while (at < 200 && out[at] != value(2, 0))
        at++;
    CHECK(at <= 121);
    for (int i = 0; i < 200; i++)
        CHECK(out[at + i] == value(2, (uint64_t)i));
    close_pair(&p);
}

static void a_pause_loses_no_frame(void)
{
    pair p;
    float out[512], rest[1024];
    open_pair(&p, 1024);
    CHECK(cbx_shring_begin(&p.w, 1, 0));
    put(&p, 1, 0, 800);
    CHECK(cbx_shring_read(&p.r, out, 100, false).frames == 100);
    atomic_store(&p.r.paused, true);
    const uint32_t faded = cbx_shring_read(&p.r, out, 512, false).frames;
    CHECK(faded > 0 && faded <= 121);
    CHECK(out[200] == 0);
    CHECK(cbx_shring_read(&p.r, out, 512, false).frames == 0);
    atomic_store(&p.r.paused, false);
    const cbx_shring_got got = cbx_shring_read(&p.r, rest, 1024, false);
    CHECK(got.frames == 700 - faded && got.frame == 100 + faded);
    CHECK(rest[got.frames - 1] == value(1, 799));
    close_pair(&p);
}

/* A new daemon goes on in the ring that the old one left in mid-job. */
static void another_writer_goes_on_where_one_died(void)
{
    pair p;
    float out[300];
    cbx_error err;
    uint64_t frames;
    bool complete;
    open_pair(&p, 1024);
    CHECK(cbx_shring_begin(&p.w, 5, 0));
    put(&p, 5, 0, 130);
    cbx_shring_find_job(&p.client, 5, &frames, &complete);
    CHECK(frames == 130 && !complete);
    cbx_shring_unmap(&p.daemon); /* it was killed */
    CHECK(!cbx_shring_attach(p.fd, &p.daemon, &err));
    CHECK(!cbx_shring_writer_init(&p.w, &p.daemon, &err));
    CHECK(cbx_shring_begin(&p.w, 5, frames));
    put(&p, 5, frames, 70);
    cbx_shring_end(&p.w, STRETCH_COMPLETE, false);
    cbx_shring_find_job(&p.client, 5, &frames, &complete);
    CHECK(frames == 200 && complete);
    const cbx_shring_got got = cbx_shring_read(&p.r, out, 300, false);
    CHECK(got.frames == 200 && got.owed == 0);
    for (int i = 0; i < 200; i++)
        CHECK(out[i] == value(5, (uint64_t)i));
    close_pair(&p);
}

static void bad_memory_is_refused(void)
{
    cbx_shring_map m;
    cbx_error err;
    char page[8192] = "CBXRING1";
    const uint32_t head[2] = {24000, 1024};
    int fd = open("/dev/null", O_RDWR);
    CHECK(cbx_shring_attach(fd, &m, &err) == CBX_E_FORMAT);
    close(fd);
    fd = memfd_create("test", MFD_ALLOW_SEALING);
    memcpy(page + 8, head, sizeof head);
    CHECK(write(fd, page, sizeof page) == sizeof page);
    CHECK(cbx_shring_attach(fd, &m, &err) == CBX_E_FORMAT); /* no seals */
    CHECK(strstr(err.text, "sealed"));
    CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    CHECK(!cbx_shring_attach(fd, &m, &err));
    cbx_shring_unmap(&m);
    for (uint32_t frames = 0; frames < 5000; frames += 512) {
        if (frames == 1024)
            continue;
        CHECK(pwrite(fd, &frames, 4, 12) == 4); /* header against size */
        CHECK(cbx_shring_attach(fd, &m, &err) == CBX_E_FORMAT);
    }
    close(fd);
    fd = memfd_create("short", MFD_ALLOW_SEALING);
    CHECK(write(fd, page, 100) == 100);
    CHECK(!fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    CHECK(cbx_shring_attach(fd, &m, &err) == CBX_E_FORMAT);
    close(fd);
}

/* Whatever stands in the memory, both sides stay inside it and come back. */
static void nonsense_costs_sound_only(void)
{
    uint64_t x = 88172645463325252u;
    float out[300];
    for (int round = 0; round < 2000; round++) {
        pair p;
        open_pair(&p, 256);
        CHECK(cbx_shring_begin(&p.w, 1, 0));
        put(&p, 1, 0, 100);
        uint64_t *words = (uint64_t *)p.client.memory;
        for (int i = 0; i < 6; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            words[8 + x % 280] = x % 3 ? x : x % 1000;
        }
        for (int i = 0; i < 4; i++) {
            cbx_shring_read(&p.r, out, 300, i & 1);
            put(&p, 1, 0, 100);
            cbx_shring_available(&p.client);
            cbx_shring_quiet(&p.client);
        }
        cbx_shring_end(&p.w, STRETCH_COMPLETE, false);
        close_pair(&p);
    }
}

enum { TOTAL = 400000 };

static void *write_all(void *arg)
{
    pair *p = arg;
    uint64_t job = 1, at = 0;
    CHECK(cbx_shring_begin(&p->w, job, 0));
    while (at < TOTAL) {
        const uint32_t n = put(p, 0, at, TOTAL - at < 977 ? TOTAL - at : 977);
        at += n;
        if (n && at % 7 == 0) { /* a job's end, now and then */
            cbx_shring_end(&p->w, STRETCH_COMPLETE, false);
            while (!cbx_shring_begin(&p->w, ++job, 0))
                ;
        }
    }
    cbx_shring_end(&p->w, STRETCH_COMPLETE, false);
    return NULL;
}

static void every_frame_crosses_in_order(void)
{
    pair p;
    pthread_t thread;
    float out[256];
    uint64_t at = 0;
    open_pair(&p, 1024);
    CHECK(!pthread_create(&thread, NULL, write_all, &p));
    while (at < TOTAL) {
        const uint32_t n = cbx_shring_read(&p.r, out, 256, false).frames;
        for (uint32_t i = 0; i < n; i++)
            CHECK(out[i] == value(0, at + i));
        at += n;
    }
    pthread_join(thread, NULL);
    CHECK(cbx_shring_quiet(&p.client));
    close_pair(&p);
}

int main(void)
{
    jobs_follow_each_other_without_a_gap();
    one_job_stops_at_its_end();
    an_unwanted_job_fades_and_the_next_one_is_whole();
    a_pause_loses_no_frame();
    another_writer_goes_on_where_one_died();
    bad_memory_is_refused();
    nonsense_costs_sound_only();
    every_frame_crosses_in_order();
    return 0;
}
