/* --stats and the progress line. */
#include "daemon/cli/speak.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static double share(double seconds, double audio)
{
    return audio > 0 ? seconds / audio : 0;
}

static void print_stage(FILE *to, const char *name, double seconds,
                        double audio)
{
    fprintf(to, "  %-10s %8.1f ms   RTF %.4f\n", name, 1e3 * seconds,
            share(seconds, audio));
}

void speech_print_stats(const speech *s, FILE *to)
{
    cbx_stream_stats st;
    cbx_model_info model;
    cbx_sink_info sink = {0};
    cbx_stream_get_stats(s->stream, &st);
    cbx_model_get_info(s->model, &model);
    if (s->sink)
        cbx_sink_poll(s->sink, &sink);
    const int64_t first =
        atomic_load_explicit(&s->first_frame_ns, memory_order_relaxed);
    const double busy = st.text_seconds + st.t3_seconds + st.flow_seconds +
                        st.vocoder_seconds + st.resample_seconds +
                        st.watermark_seconds;

    fprintf(to,
            "model: %s, %s, T3 in %s, the rest in %s, %.1f MB in memory, "
            "loaded in %.0f ms\n",
            model.folder, model.family, model.weights, model.compute,
            (double)model.weight_bytes * 1e-6, 1e3 * model.load_seconds);
    fprintf(to, "kernels: %s, %d threads\n", cbx_engine_kernels(s->engine),
            cbx_engine_threads(s->engine));
    if (st.frames_made) {
        fprintf(to, "first audio: %.1f ms after the text", st.first_audio_ms);
        if (first)
            fprintf(to, ", %.1f ms after the program's start",
                    (double)(first - s->started_ns) * 1e-6);
        fprintf(to, "\n");
    }
    fprintf(to,
            "audio: %.2f s, %" PRIu64 " segments, %" PRIu64 " tokens, %" PRIu64
            " cells\n",
            st.audio_seconds, st.segments, st.tokens, st.cells);
    print_stage(to, "text", st.text_seconds, st.audio_seconds);
    print_stage(to, "T3", st.t3_seconds, st.audio_seconds);
    print_stage(to, "flow", st.flow_seconds, st.audio_seconds);
    print_stage(to, "vocoder", st.vocoder_seconds, st.audio_seconds);
    if (st.watermark_delay_ms > 0)
        print_stage(to, "watermark", st.watermark_seconds, st.audio_seconds);
    print_stage(to, "resampling", st.resample_seconds, st.audio_seconds);
    print_stage(to, "all", busy, st.audio_seconds);
    fprintf(to, "underruns: %" PRIu64 " (%" PRIu64 " frames)\n", st.underruns,
            st.underrun_frames);
    if (st.watermark_delay_ms > 0)
        fprintf(to, "watermark: %.1f ms behind the speech\n",
                st.watermark_delay_ms);
    if (st.cuts)
        fprintf(to, "cut at the token limit: %" PRIu64 " segments\n", st.cuts);
    fprintf(to,
            "sink: %u Hz, period %u, latency %u frames, %" PRIu64
            " frames, %" PRIu64 " xruns, %" PRIu64 " reconnects\n",
            sink.rate, sink.period, sink.latency, sink.frames, sink.xruns,
            sink.reconnects);
}

void speech_progress(const speech *s, bool done)
{
    const cli_options *o = s->options;
    cbx_stream_stats st;
    if (o->command != CLI_RENDER || o->quiet || !isatty(STDERR_FILENO))
        return;
    cbx_stream_get_stats(s->stream, &st);
    const double share_done =
        s->text_given ? (double)st.text_spoken / (double)s->text_given : 0;
    char bar[31];
    const int full = (int)(30 * (done ? 1 : share_done));
    memset(bar, '#', sizeof bar - 1);
    memset(bar + full, '.', sizeof bar - 1 - (size_t)full);
    bar[30] = 0;
    fprintf(stderr, "\r[%s] %3.0f %%  %.1f s of speech ", bar,
            100 * (done ? 1 : share_done), st.audio_seconds);
    if (done)
        fputc('\n', stderr);
    fflush(stderr);
}
