/* Twenty seconds of speech for a device with the shortest period there is: no
 * frame is late. A machine that is busy with something else gets three
 * chances. */
#include "daemon/sinks/sink.h"
#include "tests/engine/spoken.h"

enum { RATE = 48000, PERIOD = 64, CHANCES = 3 };

static const char TEXT[] =
    "Good morning, this is a test. The sun is out, and the river is high. "
    "Is there a boat? Nobody knows, but we shall see. Then we go home. "
    "In the evening the rain came back, and we stayed inside. "
    "There was bread, and there was tea. Nobody spoke for a long time.";

static uint32_t read_stream(void *user, float *out, uint32_t n)
{
    uint32_t owed;
    const uint32_t got = cbx_stream_read(user, out, n, &owed);
    return cbx_stream_ended(user) ? got : n - owed;
}

static bool stream_ended(void *user)
{
    return cbx_stream_ended(user);
}

static void set_rate(void *user, uint32_t rate)
{
    cbx_error err;
    CHECK_OK(cbx_stream_set_rate(user, rate, &err), err);
}

/* Frames that were late. */
static uint64_t play(const world *w)
{
    cbx_error err;
    size_t taken;
    cbx_sink *sink;
    cbx_sink_state state;
    cbx_sink_info info;
    cbx_stream_stats stats;
    cbx_params p = params_of(w, 5);
    p.sample_rate = RATE;
    cbx_stream *s = open_stream(w, &p);
    const cbx_source source = {.read = read_stream,
                               .ended = stream_ended,
                               .set_rate = set_rate,
                               .user = s};
    const cbx_sink_options o = {
        .kind = CBX_SINK_NULL, .rate = RATE, .period = PERIOD};
    CHECK_OK(cbx_sink_open(&o, &source, &sink, &err), err);
    CHECK_OK(cbx_sink_start(sink, &err), err);
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    CHECK(taken == strlen(TEXT));
    cbx_stream_finish(s);
    CHECK_OK(cbx_sink_wait(sink, 60, &state, &err), err);
    CHECK(state == CBX_SINK_ENDED);
    cbx_sink_poll(sink, &info);
    cbx_stream_get_stats(s, &stats);
    printf("%.1f s of speech, %llu periods, %llu late wake-ups, %llu frames "
           "missing in %llu underruns\n",
           stats.audio_seconds, (unsigned long long)info.callbacks,
           (unsigned long long)info.xruns,
           (unsigned long long)stats.underrun_frames,
           (unsigned long long)stats.underruns);
    CHECK(info.starved == stats.underrun_frames);
    CHECK(stats.frames_read == stats.frames_made);
    cbx_sink_close(sink);
    cbx_stream_close(s);
    return stats.underrun_frames;
}

int main(void)
{
    world w = open_world(2);
    uint64_t late = 1;
    for (int i = 0; i < CHANCES && late; i++)
        late = play(&w);
    CHECK(late == 0);
    close_world(&w);
    return 0;
}
