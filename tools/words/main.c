/* words MODEL SENTENCES FOLDER [LINES]
 *
 * Speaks the lines of a file (seed 1, 2, ...) and writes FOLDER/001.wav and
 * FOLDER/001.txt ...: where each word begins, in seconds, as the events say;
 * and the events of guards on standard output. align.py compares the times with
 * a forced alignment. */
#include "chatterbox/chatterbox.h"

#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_LINE = 1024, PIECE = 4096 };

static void must(cbx_status st, const cbx_error *err)
{
    if (!st)
        return;
    fprintf(stderr, "words: %s\n", err->text);
    exit(1);
}

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "words: a file cannot be opened\n");
        exit(1);
    }
    return p;
}

static void take_events(cbx_stream *s, const char *line, int number, FILE *out)
{
    cbx_event e;
    while (cbx_stream_poll(s, &e))
        if (e.kind == CBX_EVENT_WORD)
            fprintf(out, "%.4f %.*s\n", (double)e.frame / 24000,
                    (int)(e.text_to - e.text_from), line + e.text_from);
        else if (e.kind == CBX_EVENT_GUARD || e.kind == CBX_EVENT_ERROR)
            printf("%03d: %s\n", number, e.text);
}

static void speak(cbx_stream *s, const char *line, int number, SNDFILE *wav,
                  FILE *words)
{
    static float x[PIECE];
    cbx_error err;
    size_t taken;
    must(cbx_stream_push(s, line, strlen(line), &taken, &err), &err);
    cbx_stream_finish(s);
    while (!cbx_stream_ended(s)) {
        cbx_stream_wait(s, 100);
        uint32_t n = cbx_stream_available(s);
        n = cbx_stream_read(s, x, n < PIECE ? n : PIECE, NULL);
        sf_writef_float(wav, x, n);
        take_events(s, line, number, words);
    }
    take_events(s, line, number, words);
}

int main(int argc, char **argv)
{
    cbx_engine *engine;
    cbx_model *model;
    cbx_voice *voice;
    cbx_params p;
    cbx_error err;
    char line[MAX_LINE], path[2048];
    int number = 0;
    if (argc < 4) {
        fprintf(stderr, "usage: words MODEL SENTENCES FOLDER [LINES]\n");
        return 2;
    }
    const int lines = argc > 4 ? atoi(argv[4]) : 1 << 20;
    FILE *f = need(fopen(argv[2], "r"));
    mkdir(argv[3], 0777);
    must(cbx_engine_open(NULL, &engine, &err), &err);
    must(cbx_model_open(engine, argv[1], &model, &err), &err);
    must(cbx_voice_open(model, NULL, &voice, &err), &err);
    cbx_voice_params(voice, &p);
    p.sample_rate = 24000;
    while (number < lines && fgets(line, sizeof line, f)) {
        SF_INFO info = {.samplerate = 24000,
                        .channels = 1,
                        .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
        cbx_stream *s;
        line[strcspn(line, "\r\n")] = 0;
        if (!line[0])
            continue;
        p.seed = (uint64_t)++number;
        must(cbx_stream_open(voice, &p, &s, &err), &err);
        snprintf(path, sizeof path, "%s/%03d.wav", argv[3], number);
        SNDFILE *wav = need(sf_open(path, SFM_WRITE, &info));
        snprintf(path, sizeof path, "%s/%03d.txt", argv[3], number);
        FILE *words = need(fopen(path, "w"));
        speak(s, line, number, wav, words);
        sf_close(wav);
        fclose(words);
        cbx_stream_close(s);
    }
    fclose(f);
    cbx_voice_close(voice);
    cbx_model_close(model);
    cbx_engine_close(engine);
    return 0;
}
