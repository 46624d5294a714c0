/* End to end through the public interface: what a listener waits for, and what
 * a second of speech costs. */
#include "chatterbox/chatterbox.h"
#include "rt/clock.h"
#include "tools/bench/bench.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 40 characters; first audio is defined with so many. */
static const char forty[] = "The quick brown fox jumps over the dogs.";
_Static_assert(sizeof forty - 1 == 40, "the text of first audio");

/* Spoken one after the other; each is a segment. */
static const char *const sentences[] = {
    "The train leaves at nine in the morning. ",
    "She put the letters in a box under the stairs. ",
    "Nobody had told them about the weather. ",
    "We walked along the river until it was dark. ",
    "The children asked for another story. ",
    "He opened the window and let the cold air in. ",
    "There is a small shop at the end of the street. ",
    "The old clock in the hall was ten minutes slow. ",
    "They counted the boats as they came back. ",
    "In the evening the lights went out again. ",
};
enum { SENTENCES = sizeof sentences / sizeof *sentences };

typedef struct speech {
    bench *b;
    char folder[PATH_MAX];
    cbx_engine *engine;
    cbx_model *model;
    cbx_voice *voice;
} speech;

static double since(int64_t t0)
{
    return 1e-9 * (double)(cbx_clock_ns() - t0);
}

static cbx_status open_all(speech *s, double *voice_s, cbx_error *err)
{
    const cbx_engine_options options = {.threads = s->b->threads,
                                        .kernels = s->b->kernels,
                                        .weights = s->b->weights,
                                        .compute = s->b->compute};
    cbx_status st = cbx_engine_open(&options, &s->engine, err);
    if (!st)
        st = cbx_model_open(s->engine, s->folder, &s->model, err);
    const int64_t t0 = cbx_clock_ns();
    if (!st)
        st = cbx_voice_open(s->model, NULL, &s->voice, err);
    *voice_s = since(t0);
    return st;
}

static cbx_status open_stream(speech *s, cbx_latency latency, cbx_stream **out,
                              cbx_error *err)
{
    cbx_params params;
    cbx_voice_params(s->voice, &params);
    params.latency = latency;
    return cbx_stream_open(s->voice, &params, out, err);
}

static cbx_status push(cbx_stream *stream, const char *text, cbx_error *err)
{
    size_t taken, n = strlen(text);
    const cbx_status st = cbx_stream_push(stream, text, n, &taken, err);
    if (st)
        return st;
    return taken == n
               ? CBX_OK
               : cbx_fail(err, CBX_E_LIMIT, "only %zu bytes were taken", taken);
}

/* kB of a line of /proc/self/status. */
static double memory_mb(const char *key)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)))
            kb = strtol(line + strlen(key) + 1, NULL, 10);
    if (f)
        fclose(f);
    return 1024e-6 * (double)kb;
}

/* -- first audio ----------------------------------------------------------- */

static cbx_status first_audio(cbx_stream *stream, double *seconds,
                              cbx_error *err)
{
    enum { PATIENCE_MS = 600000 };
    const int64_t t0 = cbx_clock_ns();
    const cbx_status st = push(stream, forty, err);
    if (st)
        return st;
    cbx_stream_flush(stream);
    cbx_stream_wait(stream, PATIENCE_MS);
    *seconds = since(t0);
    if (cbx_stream_available(stream) == 0)
        return cbx_fail(err, CBX_E_LIMIT, "no sound came of the 40 characters");
    return CBX_OK;
}

/* Until the decoder has let go of what was cancelled. */
static void cancel(cbx_stream *stream)
{
    float drain[256];
    cbx_stream_cancel(stream);
    while (!cbx_stream_ended(stream)) {
        cbx_stream_read(stream, drain, 256, NULL);
        cbx_sleep_until(cbx_clock_ns() + CBX_NS_PER_MS);
    }
}

static cbx_status measure_first_audio(speech *s, cbx_latency latency,
                                      const char *name, cbx_error *err)
{
    enum { MOST = 1000 };
    double seconds[MOST], ring[MOST];
    cbx_stream *stream;
    const int n = s->b->repeats;
    cbx_status st = open_stream(s, latency, &stream, err);
    if (st)
        return st;
    if (!(st = first_audio(stream, seconds, err)))
        cancel(stream);
    for (int i = 0; i < n && !st; i++) {
        cbx_stream_stats stats;
        st = first_audio(stream, &seconds[i], err);
        cbx_stream_get_stats(stream, &stats);
        ring[i] = stats.first_audio_ms;
        cancel(stream);
    }
    cbx_stream_close(stream);
    if (st)
        return st;
    const timing t = bench_summary(seconds, n), r = bench_summary(ring, n);
    bench_row(s->b, "first_audio",
              json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f}", "state", "warm",
                        "latency", name, "n", n, "ms", 1e3 * t.median, "ms_min",
                        1e3 * t.min, "ms_max", 1e3 * t.max, "in_ring_ms",
                        r.median));
    return CBX_OK;
}

/* From a process that has just begun; the files may be in the page cache. */
static cbx_status measure_cold(speech *s, cbx_error *err)
{
    cbx_stream *stream;
    cbx_model_info info;
    double seconds, voice_s;
    const uint64_t before = bench_allocations();
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = open_all(s, &voice_s, err);
    if (!st)
        st = open_stream(s, CBX_LATENCY_LOWEST, &stream, err);
    if (st)
        return st;
    const double open_s = since(t0);
    if (!(st = first_audio(stream, &seconds, err)))
        cancel(stream);
    cbx_stream_close(stream);
    if (st)
        return st;
    cbx_model_get_info(s->model, &info);
    bench_row(s->b, "load",
              json_pack("{s:s, s:f, s:f, s:f, s:f, s:I}", "family", info.family,
                        "weights_mb", 1e-6 * (double)info.weight_bytes,
                        "model_s", info.load_seconds, "voice_s", voice_s,
                        "all_s", open_s, "allocations",
                        (json_int_t)(bench_allocations() - before)));
    bench_row(s->b, "first_audio",
              json_pack("{s:s, s:s, s:i, s:f, s:f}", "state", "cold", "latency",
                        "lowest", "n", 1, "ms", 1e3 * seconds, "since_open_ms",
                        1e3 * (open_s + seconds)));
    return CBX_OK;
}

/* -- a longer text --------------------------------------------------------- */

/* Reads everything as fast as it comes. */
static void read_all(cbx_stream *stream)
{
    float out[4096];
    while (!cbx_stream_ended(stream)) {
        cbx_stream_wait(stream, 1000);
        uint32_t n = cbx_stream_available(stream);
        cbx_stream_read(stream, out, n < 4096 ? n : 4096, NULL);
    }
}

static void report_speech(speech *s, const char *latency,
                          const cbx_stream_stats *st, double wall,
                          uint64_t allocations)
{
    bench_row(
        s->b, "speech",
        json_pack(
            "{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, "
            "s:I, s:I}",
            "latency", latency, "audio_s", st->audio_seconds, "wall_s", wall,
            "rtf", wall / st->audio_seconds, "text", st->text_seconds / wall,
            "t3", st->t3_seconds / wall, "flow", st->flow_seconds / wall,
            "vocoder", st->vocoder_seconds / wall, "resample",
            st->resample_seconds / wall, "tokens", (json_int_t)st->tokens,
            "segments", (json_int_t)st->segments, "cuts", (json_int_t)st->cuts,
            "allocations", (json_int_t)allocations));
}

static cbx_status measure_speech(speech *s, cbx_latency latency,
                                 const char *name, cbx_error *err)
{
    cbx_stream *stream;
    cbx_stream_stats stats;
    cbx_status st = open_stream(s, latency, &stream, err);
    if (st)
        return st;
    const uint64_t before = bench_allocations();
    const int64_t t0 = cbx_clock_ns();
    for (int i = 0; i < s->b->sentences && !st; i++)
        st = push(stream, sentences[i % SENTENCES], err);
    if (!st) {
        cbx_stream_finish(stream);
        read_all(stream);
        const double wall = since(t0);
        cbx_stream_get_stats(stream, &stats);
        report_speech(s, name, &stats, wall, bench_allocations() - before);
    }
    cbx_stream_close(stream);
    return st;
}

static cbx_status measure_all(speech *s, cbx_error *err)
{
    cbx_status st = measure_cold(s, err);
    if (!st)
        st = measure_first_audio(s, CBX_LATENCY_LOWEST, "lowest", err);
    if (!st)
        st = measure_first_audio(s, CBX_LATENCY_BALANCED, "balanced", err);
    if (!st)
        st = measure_speech(s, CBX_LATENCY_LOWEST, "lowest", err);
    if (!st)
        st = measure_speech(s, CBX_LATENCY_BALANCED, "balanced", err);
    if (!st)
        bench_row(s->b, "memory",
                  json_pack("{s:f, s:f}", "own_mb", memory_mb("RssAnon:"),
                            "mapped_files_mb", memory_mb("RssFile:")));
    return st;
}

cbx_status bench_speech(bench *b, cbx_error *err)
{
    speech s = {.b = b};
    char folder[PATH_MAX];
    cbx_status st = bench_folder(b, folder, sizeof folder, err);
    if (st)
        return st;
    snprintf(s.folder, sizeof s.folder, "%s", folder);
    if (b->max_tokens)
        st =
            bench_capped(folder, b->max_tokens, s.folder, sizeof s.folder, err);
    if (!st)
        st = measure_all(&s, err);
    cbx_voice_close(s.voice);
    cbx_model_close(s.model);
    cbx_engine_close(s.engine);
    if (b->max_tokens)
        bench_capped_remove(s.folder);
    return st;
}
