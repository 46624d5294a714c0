/* Speaks its argument to standard output: mono float samples at 24 kHz.
 *
 *   cc speak.c $(pkg-config --cflags --libs chatterbox) -o speak
 *   ./speak "Good morning." | aplay -t raw -f FLOAT_LE -r 24000 -c 1 */
#include <chatterbox/chatterbox.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int failed(const cbx_error *err)
{
    fprintf(stderr, "speak: %s\n", err->text);
    return 1;
}

/* Pushes what fits of *text; at its end, says so. */
static cbx_status feed(cbx_stream *stream, const char **text, cbx_error *err)
{
    size_t taken;
    const cbx_status st =
        cbx_stream_push(stream, *text, strlen(*text), &taken, err);
    if (st)
        return st;
    *text += taken;
    if (!**text)
        cbx_stream_finish(stream);
    return CBX_OK;
}

/* Not a real-time reader: it waits, and asks for no more than is there. */
static bool drain(cbx_stream *stream)
{
    float pcm[1024];
    if (!cbx_stream_wait(stream, 100))
        return true;
    do {
        uint32_t n = cbx_stream_available(stream);
        /* with nothing there, one more read sees the end */
        n = cbx_stream_read(stream, pcm,
                            n && n < 1024 ? n
                            : n           ? 1024
                                          : 1,
                            NULL);
        if (fwrite(pcm, sizeof *pcm, n, stdout) != n)
            return false;
    } while (cbx_stream_available(stream));
    return true;
}

int main(int argc, char **argv)
{
    cbx_engine *engine = NULL;
    cbx_model *model = NULL;
    cbx_voice *voice = NULL;
    cbx_stream *stream = NULL;
    cbx_params params;
    cbx_error err;
    int status = 0;

    if (cbx_engine_open(NULL, &engine, &err) ||
        cbx_model_open(engine, "builtin", &model, &err) ||
        cbx_voice_open(model, NULL, &voice, &err))
        return failed(&err);
    cbx_voice_params(voice, &params);
    if (cbx_stream_open(voice, &params, &stream, &err))
        return failed(&err);

    const char *text = argc > 1 ? argv[1] : "Good morning.";
    bool fed = false;
    while (!status && !cbx_stream_ended(stream)) {
        if (!fed && feed(stream, &text, &err))
            status = failed(&err);
        fed = !*text;
        if (!drain(stream)) {
            perror("speak: standard output");
            status = 1;
        }
    }
    for (cbx_event event; cbx_stream_poll(stream, &event);)
        if (event.kind == CBX_EVENT_ERROR) {
            fprintf(stderr, "speak: %s\n", event.text);
            status = 1;
        }
    cbx_stream_close(stream);
    cbx_voice_close(voice);
    cbx_model_close(model);
    cbx_engine_close(engine);
    return status;
}
