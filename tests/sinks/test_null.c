#include "tests/check.h"
#include "tests/sinks/source.h"

static const cbx_sink_options null_at_48k = {
    .kind = CBX_SINK_NULL, .rate = 48000, .period = 128};

static void every_frame_is_taken_in_real_time(void)
{
    test_source t;
    cbx_sink_info info;
    test_source_init(&t, 24000, 1);
    cbx_sink *s = open_sink(&null_at_48k, &t);
    CHECK(atomic_load(&t.rate) == 48000);
    const double before = seconds();
    play_to_the_end(s);
    const double took = seconds() - before;
    cbx_sink_poll(s, &info);
    CHECK(info.state == CBX_SINK_ENDED);
    CHECK(info.frames == 24000 && atomic_load(&t.at) == 24000);
    CHECK(info.starved == 0);
    CHECK(info.period == 128 && info.rate == 48000);
    CHECK(info.callbacks >= 24000 / 128);
    CHECK(took >= 0.49);
    CHECK(took <= 2.0);
    cbx_sink_close(s);
    test_source_free(&t);
}

static void the_end_is_when_the_last_frame_was_heard(void)
{
    test_source t;
    cbx_sink_info info;
    cbx_sink_options o = null_at_48k;
    o.period = 4800;
    test_source_init(&t, 4800, 1);
    cbx_sink *s = open_sink(&o, &t);
    play_to_the_end(s);
    cbx_sink_poll(s, &info);
    /* one with the frames; the latency; the period that counts it */
    CHECK(info.latency == 4800 && info.callbacks >= 3);
    cbx_sink_close(s);
    test_source_free(&t);
}

static void a_late_source_is_counted_and_waited_for(void)
{
    test_source t;
    cbx_sink_info info;
    cbx_error err;
    cbx_sink_state state;
    test_source_init(&t, 4800, 2);
    atomic_store(&t.released, 0);
    cbx_sink *s = open_sink(&null_at_48k, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    nap(0.05);
    cbx_sink_poll(s, &info);
    CHECK(info.starved == 0 && info.callbacks > 0); /* nothing owed as yet */
    atomic_store(&t.released, 2000);
    nap(0.15);
    cbx_sink_poll(s, &info);
    CHECK(info.starved > 0 && info.frames == 2000);
    CHECK(info.state == CBX_SINK_PLAYING);
    atomic_store(&t.released, 4800);
    CHECK(cbx_sink_wait(s, 10, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_ENDED);
    cbx_sink_close(s);
    test_source_free(&t);
}

static void stop_is_quick_and_takes_no_more(void)
{
    test_source t;
    cbx_error err;
    cbx_sink_state state;
    test_source_init(&t, 480000, 3);
    cbx_sink *s = open_sink(&null_at_48k, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    CHECK(cbx_sink_wait(s, 0.1, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_PLAYING);
    const uint32_t at = atomic_load(&t.at);
    CHECK(at > 0);
    const double before = seconds();
    cbx_sink_stop(s);
    CHECK(seconds() - before < 0.2);
    const uint32_t after = atomic_load(&t.at);
    nap(0.05);
    CHECK(atomic_load(&t.at) == after);
    CHECK(cbx_sink_wait(s, -1, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_STOPPED);
    cbx_sink_stop(s);
    CHECK(cbx_sink_start(s, &err) == CBX_E_ARG);
    cbx_sink_close(s);
    cbx_sink_close(NULL);
    test_source_free(&t);
}

static void wrong_options_are_refused(void)
{
    test_source t;
    test_source_init(&t, 1, 4);
    const cbx_source source = test_source_as_source(&t);
    const cbx_sink_options wrong[] = {
        {.kind = CBX_SINK_NULL, .rate = 10},
        {.kind = CBX_SINK_NULL, .channels = 99},
        {.kind = CBX_SINK_NULL, .period = 1000000},
        {.kind = CBX_SINK_NULL, .latency_s = NAN},
        {.kind = CBX_SINK_NULL, .gain_db = INFINITY},
        {.kind = (cbx_sink_kind)77},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cbx_error err = {0};
        cbx_sink *s;
        CHECK(cbx_sink_open(&wrong[i], &source, &s, &err) == CBX_E_ARG);
        CHECK(err.text[0]);
    }
    test_source_free(&t);
}

int main(void)
{
    every_frame_is_taken_in_real_time();
    the_end_is_when_the_last_frame_was_heard();
    a_late_source_is_counted_and_waited_for();
    stop_is_quick_and_takes_no_more();
    wrong_options_are_refused();
    return 0;
}
