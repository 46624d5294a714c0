/* A host thread that plays, one that edits, and the worker, for TSan and
 * AddressSanitizer: scenes and takes come and go under the player's eyes, and
 * what is heard is always a frame of some rendering, never rubbish. */
#include "tests/check.h"
#include "tests/plugin/fake.h"
#include "tests/rt/rtcheck.h"

#include <pthread.h>
#include <string.h>

enum { RATE = 48000, EDITS = 300 };

static plug *p;
static _Atomic bool done;
static _Atomic uint64_t scenes_seen, frames_heard;

static void *play(void *arg)
{
    (void)arg;
    uint64_t serial = 0;
    float out[256];
    int64_t at = 0;
    for (uint32_t block = 0; !atomic_load(&done); block++) {
        rtcheck_enter();
        const plug_scene *s = plug_begin(p);
        plug_transport(p, true, at);
        if (block % 50 == 0)
            plug_note(p, 61, 1);
        if (block % 70 == 0)
            plug_set(p, PLUG_SEED, (float)(block % 3));
        plug_fill(p, out, 256);
        rtcheck_leave();
        at = (at + 256) % 20000;
        for (int i = 0; i < 256; i++) {
            CHECK(fabsf(out[i]) < 8);
            atomic_fetch_add(&frames_heard, out[i] != 0);
        }
        if (s && s->serial != serial) {
            CHECK(s->serial > serial);
            serial = s->serial;
            CHECK(!*s->script || strncmp(s->script, "@60", 3) == 0);
            atomic_fetch_add(&scenes_seen, 1);
        }
    }
    return NULL;
}

int main(void)
{
    CHECK(plug_open(&fake_source, RATE, &p, NULL) == CBX_OK);
    pthread_t host;
    CHECK(pthread_create(&host, NULL, play, NULL) == 0);
    uint64_t seen = 0;
    for (int i = 0; i < EDITS; i++) {
        char text[128];
        snprintf(text, sizeof text,
                 "@60 at 0\nEdit %d of many.\n@61 at %d\nThis stays.", i,
                 i % 5 * 1000);
        CHECK(plug_set_script(p, text, strlen(text), NULL) == CBX_OK);
        if (i % 10 == 0)
            fake_settle(p);
        /* until the player has seen one more: each edit is really played */
        while (atomic_load(&scenes_seen) == seen)
            ;
        seen = atomic_load(&scenes_seen);
    }
    atomic_store(&done, true);
    pthread_join(host, NULL);
    CHECK(atomic_load(&frames_heard) > 1000);
    CHECK(rtcheck_violations() == 0);
    plug_close(p);
    CHECK(atomic_load(&fake_open_now) == 0);
    return 0;
}
