/* say and render: opening everything, and closing it again. */
#include "daemon/cli/speak.h"

#include "daemon/cli/cli.h"
#include "rt/clock.h"
#include "rt/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- engine, voice, stream ------------------------------------------------- */

static void warn(void *user, const char *sentence)
{
    const speech *s = user;
    if (!s->options->quiet)
        cli_warn(sentence);
}

/* The place of `word` among n names; the option was not given: 0 stays. */
static cbx_status pick(const char *option, const char *word,
                       const char *const *names, int n, int *out,
                       cbx_error *err)
{
    char list[128] = "";
    for (int i = 0; word && i < n; i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = i;
            return CBX_OK;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s",
                 i == 0       ? ""
                 : i == n - 1 ? " or "
                              : ", ",
                 names[i]);
    }
    if (!word)
        return CBX_OK;
    return cbx_fail(err, CBX_E_ARG, "--%s %.40s: it must be %s", option, word,
                    list);
}

static cbx_status pick_modes(const cli_options *o, cbx_params *p,
                             cbx_error *err)
{
    static const char *const latencies[] = {"lowest", "balanced", "safest"};
    static const char *const flows[] = {"auto", "full", "prefix", "causal"};
    int latency = (int)p->latency, mode = (int)p->flow;
    cbx_status st = pick("latency", o->latency, latencies, 3, &latency, err);
    if (!st)
        st = pick("flow", o->flow, flows, 4, &mode, err);
    p->latency = (cbx_latency)latency;
    p->flow = (cbx_flow_mode)mode;
    return st;
}

static cbx_status make_params(const speech *s, cbx_params *p, cbx_error *err)
{
    const cli_options *o = s->options;
    cbx_status st = CBX_OK;
    cbx_voice_params(s->voice, p);
    if (o->sampling)
        st = cbx_params_preset(p, o->sampling, err);
    if (!st)
        st = pick_modes(o, p, err);
    cli_apply(o, p);
    p->wrapped = o->wrapped;
    p->watermark = p->watermark && !o->no_watermark;
    p->watermark_ahead = o->watermark_ahead;
    p->markup = o->ssml ? CBX_MARKUP_SSML : CBX_MARKUP_PLAIN;
    p->normalize = p->normalize && !o->no_normalize;
    if (o->dictionary && strlen(o->dictionary) >= sizeof p->dictionary)
        return cbx_fail(err, CBX_E_ARG,
                        "--dictionary %.60s...: too long a path",
                        o->dictionary);
    if (o->dictionary)
        snprintf(p->dictionary, sizeof p->dictionary, "%s", o->dictionary);
    if (o->language && strlen(o->language) >= sizeof p->language)
        return cbx_fail(err, CBX_E_ARG, "--language %.40s: no such language",
                        o->language);
    if (o->language)
        snprintf(p->language, sizeof p->language, "%s", o->language);
    if (o->rate)
        p->sample_rate = (uint32_t)o->rate;
    return st;
}

cbx_status speech_open(speech *s, const cli_options *o, cbx_error *err)
{
    char model[1024];
    cbx_status st;
    *s = (speech){.options = o, .started_ns = cbx_clock_ns()};
    const cbx_engine_options engine = {.threads = o->threads,
                                       .kernels = o->kernels,
                                       .weights = o->weights,
                                       .compute = o->compute,
                                       .warn = warn,
                                       .warn_user = s};
    if ((st = cbx_voice_model(o->voice, model, sizeof model, err)))
        return st;
    if ((st = cbx_engine_open(&engine, &s->engine, err)))
        return st;
    if ((st = cbx_model_open(s->engine, o->model ? o->model : model, &s->model,
                             err)))
        return st;
    if ((st = cbx_voice_open(s->model, o->voice, &s->voice, err)))
        return st;
    return make_params(s, &s->params, err);
}

cbx_status speech_open_stream(speech *s, cbx_error *err)
{
    s->text_given = 0;
    s->failed = false;
    atomic_store(&s->first_frame_ns, 0);
    s->times = times_open(s->options);
    if (s->options->command == CLI_CONVERT)
        return hearing_open(s, &s->params, err);
    return cbx_stream_open(s->voice, &s->params, &s->stream, err);
}

void speech_close_stream(speech *s)
{
    cbx_sink_close(s->sink);
    cbx_stream_close(s->stream);
    hearing_close(s);
    times_close(s->times);
    s->sink = NULL;
    s->stream = NULL;
    s->times = NULL;
}

void speech_close(speech *s)
{
    speech_close_stream(s);
    cbx_voice_close(s->voice);
    cbx_model_close(s->model);
    cbx_engine_close(s->engine);
}

/* -- the sink -------------------------------------------------------------- */

/* [audio] */
static CBX_RT void note_first_frame(speech *s)
{
    if (!atomic_load_explicit(&s->first_frame_ns, memory_order_relaxed))
        atomic_store_explicit(&s->first_frame_ns, cbx_clock_ns(),
                              memory_order_relaxed);
}

/* [audio] A device plays silence between utterances: only frames that were due
 * count as missing, until the end: there the sink counts what it waits for. */
static CBX_RT uint32_t read_live(void *user, float *out, uint32_t n)
{
    speech *s = user;
    uint32_t owed;
    const int64_t t0 = cbx_trace_start();
    const uint32_t got = cbx_stream_read(s->stream, out, n, &owed);
    cbx_trace_span("audio", "callback", t0, got);
    if (got)
        note_first_frame(s);
    return cbx_stream_ended(s->stream) ? got : n - owed;
}

/* A file waits for frames: silence that nobody spoke must not get into it. */
static CBX_RT uint32_t read_file(void *user, float *out, uint32_t n)
{
    speech *s = user;
    const int64_t t0 = cbx_trace_start();
    const uint32_t ready = cbx_stream_available(s->stream);
    const uint32_t got =
        cbx_stream_read(s->stream, out, ready < n ? ready : n, NULL);
    cbx_trace_span("audio", "callback", t0, got);
    if (got)
        note_first_frame(s);
    return got;
}

bool speech_is_live(const speech *s)
{
    return s->sink_kind != CBX_SINK_FILE && s->sink_kind != CBX_SINK_RAW;
}

bool speech_is_empty(const speech *s)
{
    return cbx_stream_ended(s->stream) &&
           !atomic_load_explicit(&s->first_frame_ns, memory_order_relaxed);
}

static CBX_RT bool live_ended(void *user)
{
    const speech *s = user;
    return cbx_stream_ended(s->stream);
}

/* A file without a sound is not completed: cli_speak reports why instead. */
static CBX_RT bool file_ended(void *user)
{
    const speech *s = user;
    return cbx_stream_ended(s->stream) && !speech_is_empty(s);
}

static void source_set_rate(void *user, uint32_t rate)
{
    const speech *s = user;
    cbx_error err;
    if (cbx_stream_set_rate(s->stream, rate, &err))
        cli_complain(&err);
}

static void source_wait(void *user, double timeout_s)
{
    const speech *s = user;
    cbx_stream_wait(s->stream, (int)(1e3 * timeout_s) + 1);
}

static cbx_status open_sink(speech *s, const cbx_sink_options *so,
                            cbx_error *err)
{
    s->sink_kind = so->kind;
    const bool live = speech_is_live(s);
    const cbx_source source = {.read = live ? read_live : read_file,
                               .ended = live ? live_ended : file_ended,
                               .set_rate = source_set_rate,
                               .wait = source_wait,
                               .user = s};
    return cbx_sink_open(so, &source, &s->sink, err);
}

static cbx_sink_options wanted_sink(const speech *s)
{
    const cli_options *o = s->options;
    cbx_sink_options so = {.rate = (uint32_t)o->rate,
                           .name = o->jack_name,
                           .ports = o->jack_ports,
                           .device = o->device,
                           .path = s->output ? s->output : o->output,
                           .format = o->format,
                           .subtype = o->subtype,
                           .fd = STDOUT_FILENO};
    if (o->raw)
        so.kind = CBX_SINK_RAW;
    else if (o->command == CLI_RENDER ||
             (o->command == CLI_CONVERT && o->output))
        so.kind = CBX_SINK_FILE;
    else if (o->null)
        so.kind = CBX_SINK_NULL;
    else if (o->jack)
        so.kind = CBX_SINK_JACK;
    else
        so.kind = CBX_SINK_PORTAUDIO;
    return so;
}

cbx_status speech_connect(speech *s, cbx_error *err)
{
    const cli_options *o = s->options;
    cbx_sink_options so = wanted_sink(s);
    cbx_status st = open_sink(s, &so, err);
    if (st == CBX_E_DEVICE && o->fallback) {
        fprintf(stderr,
                "chatterbox: no sound here (%s); the speech goes to %s\n",
                err->text, o->fallback);
        so = (cbx_sink_options){.kind = CBX_SINK_FILE, .path = o->fallback};
        st = open_sink(s, &so, err);
    }
    return st ? st : cbx_sink_start(s->sink, err);
}

static cbx_status check_options(const cli_options *o, cbx_error *err)
{
    if (o->command == CLI_RENDER && !o->output && !o->raw)
        return cbx_fail(err, CBX_E_ARG, "render needs -o FILE (or --raw)");
    if (o->command == CLI_CONVERT && !o->n_words && !o->live)
        return cbx_fail(err, CBX_E_ARG, "convert needs a recording, or --live");
    if (o->split)
        return cbx_fail(err, CBX_E_ARG, "--split needs --into FOLDER");
    if (o->raw && (o->srt || o->vtt || o->json || o->chapters))
        return cbx_fail(err, CBX_E_ARG,
                        "times are written beside a file: give -o FILE");
    if (o->output && o->raw)
        return cbx_fail(err, CBX_E_ARG, "give -o FILE or --raw, not both");
    if (o->jack + o->null + o->raw + (o->device != NULL) > 1)
        return cbx_fail(err, CBX_E_ARG,
                        "give only one of --jack, --device, --raw and --null");
    return CBX_OK;
}

int cli_speak(const cli_options *o)
{
    speech s = {0};
    cbx_error err;
    uint64_t dropped = 0;
    int code;
    if (check_options(o, &err))
        return cli_complain(&err);
    if (o->trace && cbx_trace_open(o->trace, &err))
        return cli_complain(&err);
    cbx_status st = speech_open(&s, o, &err);
    if (!st)
        st = speech_open_stream(&s, &err);
    if (!st) {
        speech_catch_signals();
        st = speech_connect(&s, &err);
    }
    if (st)
        code = cli_complain(&err);
    else
        code = speech_run(&s);
    if (o->stats && s.stream)
        speech_print_stats(&s, stderr);
    speech_close(&s);
    if (cbx_trace_close(&dropped, &err))
        code = cli_complain(&err);
    else if (dropped)
        cli_warn("the trace was full before the end: see otherData in it");
    return code;
}
