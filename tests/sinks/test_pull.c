/* The audio path itself, called as a backend's callback calls it. */
#include "daemon/sinks/internal.h"
#include "tests/check.h"
#include "tests/sinks/source.h"

#include <string.h>

#ifdef HAVE_RTCHECK
#include "tests/rt/rtcheck.h"
#else
#define rtcheck_enter()
#define rtcheck_leave()
#define rtcheck_violations() 0
#endif

enum { N = 1000 };

static cbx_sink *open_null(test_source *t, double gain_db)
{
    return open_sink(&(cbx_sink_options){.kind = CBX_SINK_NULL,
                                         .rate = 48000,
                                         .gain_db = gain_db},
                     t);
}

static void planes_and_interleaved_frames_carry_the_source(void)
{
    test_source t;
    float a[N], b[N], both[2 * N];
    float *planes[2] = {a, b};
    test_source_init(&t, 2 * N, 1);
    cbx_sink *s = open_null(&t, 0);
    rtcheck_enter();
    sink_pull_planar(s, planes, 2, N);
    sink_pull_interleaved(s, both, 2, N);
    rtcheck_leave();
    CHECK(!memcmp(a, t.frames, sizeof a));
    CHECK(!memcmp(b, t.frames, sizeof b));
    for (int i = 0; i < N; i++)
        CHECK(both[2 * i] == t.frames[N + i] &&
              both[2 * i + 1] == t.frames[N + i]);
    cbx_sink_close(s);
    test_source_free(&t);
}

static void a_starved_callback_is_silent(void)
{
    test_source t;
    float a[N];
    float *planes[1] = {a};
    cbx_sink_info info;
    test_source_init(&t, N, 1);
    atomic_store(&t.released, 300);
    memset(a, 0x55, sizeof a);
    cbx_sink *s = open_null(&t, 0);
    rtcheck_enter();
    sink_pull_planar(s, planes, 1, N);
    rtcheck_leave();
    CHECK(!memcmp(a, t.frames, 300 * sizeof *a));
    for (int i = 300; i < N; i++)
        CHECK(a[i] == 0.0f);
    cbx_sink_poll(s, &info);
    CHECK(info.starved == N - 300 && info.frames == 300);
    cbx_sink_close(s);
    test_source_free(&t);
}

static void gain_is_in_decibels(void)
{
    test_source t;
    float a[N];
    float *planes[1] = {a};
    test_source_init(&t, N, 1);
    cbx_sink *s = open_null(&t, -20);
    rtcheck_enter();
    sink_pull_planar(s, planes, 1, N);
    rtcheck_leave();
    for (int i = 0; i < N; i++)
        CHECK_NEAR(a[i], 0.1 * t.frames[i], 1e-6);
    cbx_sink_close(s);
    test_source_free(&t);
}

/* 5 ms at 48 kHz are 240 frames; the fade may span callbacks. */
static void stop_fades_within_5_ms_and_reads_no_more(void)
{
    test_source t;
    float a[N];
    float *planes[1] = {a};
    test_source_init(&t, N, 1);
    for (int i = 0; i < N; i++)
        t.frames[i] = 0.5f;
    cbx_sink *s = open_null(&t, 0);
    atomic_store(&s->stopping, true);
    rtcheck_enter();
    for (int at = 0; at < N; at += 100) {
        planes[0] = a + at;
        sink_pull_planar(s, planes, 1, 100);
    }
    rtcheck_leave();
    CHECK(a[0] == 0.5f && a[120] > 0.1f && a[120] < 0.4f);
    for (int i = 1; i < 240; i++)
        CHECK(a[i] <= a[i - 1] && a[i - 1] - a[i] < 0.01f);
    for (int i = 239; i < N; i++)
        CHECK(a[i] == 0.0f);
    CHECK(atomic_load(&t.at) == 300);
    CHECK(atomic_load(&s->silenced));
    cbx_sink_close(s);
    test_source_free(&t);
}

int main(void)
{
    planes_and_interleaved_frames_carry_the_source();
    a_starved_callback_is_silent();
    gain_is_in_decibels();
    stop_fades_within_5_ms_and_reads_no_more();
    CHECK(rtcheck_violations() == 0);
    return 0;
}
