#define _GNU_SOURCE
#include "daemon/sinks/internal.h"

#include <ctype.h>
#include <portaudio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_CHANNELS = 2, DEFAULT_PERIOD = 256 };
/* ALSA drivers promise less than they keep. */
static const double LATENCY_LEAST_S = 0.02;

typedef struct {
    cbx_sink sink;
    PaStream *stream;
    PaStreamParameters where;
    bool initialised;
} pa_sink;

/* Pa_Initialize, Pa_Terminate and the calls that open and close a stream must
 * not meet each other. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

static int on_frames(const void *in, void *out, unsigned long n,
                     const PaStreamCallbackTimeInfo *time,
                     PaStreamCallbackFlags flags, void *arg)
{
    pa_sink *p = arg;
    (void)in;
    (void)time;
    if (flags & paOutputUnderflow)
        sink_count(&p->sink.xruns, 1);
    sink_pull_interleaved(&p->sink, out, (uint32_t)p->where.channelCount,
                          (uint32_t)n);
    return paContinue;
}

static bool is_output(int i)
{
    const PaDeviceInfo *d = Pa_GetDeviceInfo(i);
    return d && d->maxOutputChannels > 0;
}

/* The default of the first host API that has one. */
static int default_device(void)
{
    const int device = Pa_GetDefaultOutputDevice();
    if (device >= 0)
        return device;
    for (int i = 0; i < Pa_GetHostApiCount(); i++) {
        const PaHostApiInfo *api = Pa_GetHostApiInfo(i);
        if (api && api->defaultOutputDevice >= 0)
            return api->defaultOutputDevice;
    }
    return paNoDevice;
}

static bool is_number(const char *s)
{
    size_t n = 0;
    while (isdigit((unsigned char)s[n]))
        n++;
    return n > 0 && n < 9 && !s[n];
}

/* An index, else a whole name, else a part of one. */
static int named_device(const char *name)
{
    const int count = Pa_GetDeviceCount();
    if (is_number(name)) {
        const int i = atoi(name);
        return i < count && is_output(i) ? i : paNoDevice;
    }
    for (int i = 0; i < count; i++)
        if (is_output(i) && !strcasecmp(Pa_GetDeviceInfo(i)->name, name))
            return i;
    for (int i = 0; i < count; i++)
        if (is_output(i) && strcasestr(Pa_GetDeviceInfo(i)->name, name))
            return i;
    return paNoDevice;
}

static cbx_status choose_device(const char *name, int *out, cbx_error *err)
{
    *out = name ? named_device(name) : default_device();
    if (*out >= 0)
        return CBX_OK;
    if (name)
        return cbx_fail(err, CBX_E_DEVICE,
                        "sound: there is no output device '%s'; see the list "
                        "of devices",
                        name);
    return cbx_fail(err, CBX_E_DEVICE,
                    "sound: no output device was found; write to a file "
                    "instead");
}

static cbx_status pa_failed(const char *what, PaError why, cbx_error *err)
{
    const PaHostErrorInfo *host = Pa_GetLastHostErrorInfo();
    const bool hosts = why == paUnanticipatedHostError && host;
    return cbx_fail(err, CBX_E_DEVICE, "sound: %s: %s", what,
                    hosts ? host->errorText : Pa_GetErrorText(why));
}

/* With the library locked. */
static cbx_status initialise(pa_sink *p, cbx_error *err)
{
    sink_quiet_libraries();
    const int mute = sink_mute_begin();
    const PaError why = Pa_Initialize();
    sink_mute_end(mute);
    if (why != paNoError)
        return pa_failed("PortAudio does not start", why, err);
    p->initialised = true;
    return CBX_OK;
}

static double choose_rate(const pa_sink *p, const PaDeviceInfo *d)
{
    const double wanted = p->sink.options.rate;
    if (wanted > 0 &&
        Pa_IsFormatSupported(NULL, &p->where, wanted) == paNoError)
        return wanted;
    return d->defaultSampleRate;
}

static cbx_status open_stream(pa_sink *p, cbx_error *err)
{
    const cbx_sink_options *o = &p->sink.options;
    int device = paNoDevice;
    cbx_status st = choose_device(o->device, &device, err);
    if (st)
        return st;
    const PaDeviceInfo *d = Pa_GetDeviceInfo(device);
    const int wanted = o->channels ? (int)o->channels : DEFAULT_CHANNELS;
    double latency = d->defaultLowOutputLatency;
    if (latency < LATENCY_LEAST_S)
        latency = LATENCY_LEAST_S;
    p->where = (PaStreamParameters){
        .device = device,
        .channelCount =
            wanted < d->maxOutputChannels ? wanted : d->maxOutputChannels,
        .sampleFormat = paFloat32,
        .suggestedLatency = o->latency_s > 0 ? o->latency_s : latency,
    };
    /* left to itself, PortAudio takes odd periods, which crackle on PipeWire;
     * a power of two does not */
    const int mute = sink_mute_begin();
    const PaError why = Pa_OpenStream(
        &p->stream, NULL, &p->where, choose_rate(p, d),
        o->period ? o->period : DEFAULT_PERIOD, paNoFlag, on_frames, p);
    sink_mute_end(mute);
    if (why != paNoError) {
        p->stream = NULL;
        return pa_failed(d->name, why, err);
    }
    return CBX_OK;
}

/* With the library locked. */
static void let_go(pa_sink *p)
{
    if (p->stream) {
        Pa_AbortStream(p->stream);
        Pa_CloseStream(p->stream);
    }
    p->stream = NULL;
    /* also makes the next Pa_Initialize look for devices anew */
    if (p->initialised)
        Pa_Terminate();
    p->initialised = false;
}

static void pa_disconnect(cbx_sink *s)
{
    pthread_mutex_lock(&library);
    let_go((pa_sink *)s);
    pthread_mutex_unlock(&library);
}

static cbx_status pa_connect(cbx_sink *s, cbx_error *err)
{
    pa_sink *p = (pa_sink *)s;
    pthread_mutex_lock(&library);
    cbx_status st = initialise(p, err);
    if (!st)
        st = open_stream(p, err);
    if (st)
        let_go(p);
    pthread_mutex_unlock(&library);
    if (st)
        return st;
    const PaStreamInfo *info = Pa_GetStreamInfo(p->stream);
    const double latency = info->outputLatency * info->sampleRate;
    atomic_store(&s->rate, (uint32_t)(info->sampleRate + 0.5));
    atomic_store(&s->latency, latency > 0 ? (uint32_t)latency : 0);
    atomic_store(&s->period, DEFAULT_PERIOD);
    return CBX_OK;
}

static cbx_status pa_activate(cbx_sink *s, cbx_error *err)
{
    const PaError why = Pa_StartStream(((pa_sink *)s)->stream);
    return why == paNoError ? CBX_OK
                            : pa_failed("the device does not start", why, err);
}

static void pa_drain(cbx_sink *s)
{
    Pa_StopStream(((pa_sink *)s)->stream);
}

static bool pa_alive(cbx_sink *s)
{
    return Pa_IsStreamActive(((pa_sink *)s)->stream) == 1;
}

const sink_ops sink_portaudio_ops = {
    .size = sizeof(pa_sink),
    .live = true,
    .connect = pa_connect,
    .activate = pa_activate,
    .disconnect = pa_disconnect,
    .alive = pa_alive,
    .drain = pa_drain,
};

bool sink_has_portaudio(const char *device)
{
    pa_sink p = {0};
    int i;
    pthread_mutex_lock(&library);
    const bool has = !initialise(&p, NULL) && !choose_device(device, &i, NULL);
    let_go(&p);
    pthread_mutex_unlock(&library);
    return has;
}

static cbx_status add_device(int i, cbx_device **list, size_t *n,
                             cbx_error *err)
{
    const PaDeviceInfo *info = Pa_GetDeviceInfo(i);
    cbx_device *d = sink_device_add(list, n);
    if (!d)
        return cbx_fail(err, CBX_E_NOMEM, "devices: out of memory");
    d->kind = CBX_SINK_PORTAUDIO;
    d->index = i;
    snprintf(d->name, sizeof d->name, "%s", info->name);
    snprintf(d->api, sizeof d->api, "%s",
             Pa_GetHostApiInfo(info->hostApi)->name);
    d->channels = (uint32_t)info->maxOutputChannels;
    d->rate = (uint32_t)(info->defaultSampleRate + 0.5);
    d->latency_s = info->defaultLowOutputLatency;
    d->is_default = i == default_device();
    return CBX_OK;
}

cbx_status sink_list_portaudio(cbx_device **list, size_t *n, cbx_error *err)
{
    pa_sink p = {0};
    pthread_mutex_lock(&library);
    cbx_status st = initialise(&p, err);
    for (int i = 0; !st && i < Pa_GetDeviceCount(); i++)
        if (is_output(i))
            st = add_device(i, list, n, err);
    let_go(&p);
    pthread_mutex_unlock(&library);
    return st;
}
