/* 10,000 random locates, loops, stops, starts, changes of tempo and of block
 * size: every frame is that of a reference timeline that was rendered offline.
 * The whole way runs under the real-time check. */
#include "tests/check.h"
#include "tests/plugin/fake.h"
#include "tests/rt/rtcheck.h"

#include <string.h>

enum { RATE = 44100, OPERATIONS = 10000, LENGTH = 400000, MOST = 8192 };

static const char SCRIPT[] = "@60 at 1000\nFirst words on the line.\n"
                             "@61 at 31234\nThese lie over the next.\n"
                             "@62 at 40000 seed 9\nOver the ones before.\n"
                             "@63 at 200001 voice bert\nLate ones.\n"
                             "@64\nOnly a note speaks this.\n";

static uint32_t random_state = 12345;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)random_state * n) >> 32);
}

static void add(float *to, const char *text, const char *voice, uint64_t seed,
                size_t at)
{
    const plug_request r = {text, voice, seed, 1.0f, 0.0f};
    size_t n;
    float *pcm = fake_rendered(&r, RATE, &n);
    for (size_t i = 0; i < n && at + i < LENGTH; i++)
        to[at + i] += pcm[i];
    free(pcm);
}

static float *reference(void)
{
    float *line = calloc(LENGTH, sizeof *line);
    CHECK(line);
    add(line, "First words on the line.", "anna", 3, 1000);
    add(line, "These lie over the next.", "anna", 3, 31234);
    add(line, "Over the ones before.", "anna", 9, 40000);
    add(line, "Late ones.", "bert", 3, 200001);
    return line;
}

/* A host: it loops, and splits its blocks where the transport jumps. */
typedef struct host {
    bool playing, looping;
    int64_t at, loop_from, loop_to;
    double tempo; /* moves nothing */
} host;

static void operate(host *h)
{
    switch (random_below(6)) {
    case 0:
        h->at = random_below(LENGTH - 2 * MOST);
        break;
    case 1:
        h->looping = !h->looping;
        h->loop_from = random_below(LENGTH / 2);
        h->loop_to = h->loop_from + 1 + random_below(40000);
        break;
    case 2:
        h->playing = false;
        break;
    case 3:
    case 4:
        h->playing = true;
        break;
    default:
        h->tempo = 30 + random_below(200);
    }
}

/* One block through the plugin and against the line. Returns frames that
 * sounded. */
static uint64_t block(plug *p, host *h, const float *line, uint32_t n)
{
    static float out[MOST], want[MOST];
    memset(out, 0xff, sizeof out);
    rtcheck_enter();
    plug_begin(p);
    plug_transport(p, h->playing, h->at);
    for (uint32_t done = 0; done < n;) {
        uint32_t m = n - done;
        if (h->playing && h->looping && h->at < h->loop_to &&
            h->loop_to - h->at < m)
            m = (uint32_t)(h->loop_to - h->at);
        plug_fill(p, out + done, m);
        for (uint32_t i = 0; i < m; i++)
            want[done + i] =
                h->playing && h->at + i < LENGTH ? line[h->at + i] : 0;
        done += m;
        if (h->playing)
            h->at += m;
        if (h->playing && h->looping && h->at == h->loop_to) {
            h->at = h->loop_from;
            plug_transport(p, true, h->at);
        }
    }
    rtcheck_leave();
    uint64_t sounding = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!(out[i] == want[i]))
            fprintf(stderr, "frame %u of %u at %lld: %g, not %g\n", i, n,
                    (long long)h->at, out[i], want[i]);
        CHECK(out[i] == want[i]);
        sounding += out[i] != 0;
    }
    if (h->at > LENGTH - MOST)
        h->at = 0;
    return sounding;
}

int main(void)
{
    plug *p;
    CHECK(plug_open(&fake_source, RATE, &p, NULL) == CBX_OK);
    plug_set(p, PLUG_SEED, 3);
    CHECK(plug_set_voice(p, "anna", NULL) == CBX_OK);
    CHECK(plug_set_script(p, SCRIPT, strlen(SCRIPT), NULL) == CBX_OK);
    plug_set_offline(p, true); /* seeds are followed at once */
    fake_settle(p);
    plug_set_offline(p, false);

    float *line = reference();
    host h = {0};
    uint64_t sounding = 0;
    for (int i = 0; i < OPERATIONS; i++) {
        operate(&h);
        const uint32_t n = 1 + random_below(random_below(8) ? 600 : MOST);
        sounding += block(p, &h, line, n);
    }
    fprintf(stderr, "%llu frames sounded\n", (unsigned long long)sounding);
    CHECK(sounding > 200000);
    CHECK(plug_late(p) == 0);
    if (rtcheck_violations())
        rtcheck_report(stderr);
    CHECK(rtcheck_violations() == 0);
    plug_close(p);
    free(line);
    return 0;
}
