/* Speaks what standard input says, while it is being written there, from the
 * callback of PortAudio. It shows which call belongs to which thread.
 *
 *   cc live.c $(pkg-config --cflags --libs chatterbox portaudio-2.0) -o live
 *   language-model | ./live */
#include <chatterbox/chatterbox.h>

#include <portaudio.h>
#include <stdio.h>
#include <unistd.h>

enum { RATE = 48000 };

/* [audio] Real-time safe: cbx_stream_read never waits. */
static int callback(const void *in, void *out, unsigned long frames,
                    const PaStreamCallbackTimeInfo *time,
                    PaStreamCallbackFlags flags, void *stream)
{
    (void)in, (void)time, (void)flags;
    cbx_stream_read(stream, out, (uint32_t)frames, NULL);
    return paContinue;
}

/* [text] Reads as it arrives; a sentence is spoken once it is complete. */
static cbx_status feed(cbx_stream *stream, cbx_error *err)
{
    char text[4096];
    ssize_t n;
    while ((n = read(STDIN_FILENO, text, sizeof text)) > 0)
        for (size_t at = 0, taken; at < (size_t)n; at += taken) {
            const cbx_status st =
                cbx_stream_push(stream, text + at, (size_t)n - at, &taken, err);
            if (st)
                return st;
            if (taken == 0)
                Pa_Sleep(20); /* it is far ahead of the listener */
        }
    cbx_stream_finish(stream);
    return CBX_OK;
}

static int failed(const char *what)
{
    fprintf(stderr, "live: %s\n", what);
    return 1;
}

int main(void)
{
    cbx_engine *engine = NULL;
    cbx_model *model = NULL;
    cbx_voice *voice = NULL;
    cbx_stream *stream = NULL;
    cbx_params params;
    cbx_error err;
    PaStream *device;

    if (cbx_engine_open(NULL, &engine, &err) ||
        cbx_model_open(engine, "builtin", &model, &err) ||
        cbx_voice_open(model, NULL, &voice, &err))
        return failed(err.text);
    cbx_voice_params(voice, &params);
    params.sample_rate = RATE;
    params.latency = CBX_LATENCY_LOWEST;
    if (cbx_stream_open(voice, &params, &stream, &err))
        return failed(err.text);

    PaError pa = Pa_Initialize();
    if (!pa)
        pa = Pa_OpenDefaultStream(&device, 0, 1, paFloat32, RATE, 256, callback,
                                  stream);
    if (!pa)
        pa = Pa_StartStream(device);
    if (pa)
        return failed(Pa_GetErrorText(pa));

    const cbx_status st = feed(stream, &err);
    while (!st && !cbx_stream_ended(stream))
        Pa_Sleep(20);
    Pa_StopStream(device);
    Pa_CloseStream(device);
    Pa_Terminate();
    cbx_stream_close(stream);
    cbx_voice_close(voice);
    cbx_model_close(model);
    cbx_engine_close(engine);
    return st ? failed(err.text) : 0;
}
