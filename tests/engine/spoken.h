#ifndef CBX_TESTS_ENGINE_SPOKEN_H
#define CBX_TESTS_ENGINE_SPOKEN_H

/* Speaking with the built-in model, for tests: CHATTERBOX_DATA points at the
 * presets. CBX_TEST_MODEL: another one, where that one is too slow. */
#include "chatterbox/chatterbox.h"
#include "tests/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct world {
    cbx_engine *engine;
    cbx_model *model;
    cbx_voice *voice;
} world;

#define CHECK_OK(call, err)                                                 \
    do {                                                                    \
        if (call) {                                                         \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, (err).text); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static inline world open_world(int threads)
{
    world w;
    cbx_error err;
    const cbx_engine_options o = {.threads = threads};
    CHECK_OK(cbx_engine_open(&o, &w.engine, &err), err);
    const char *model = getenv("CBX_TEST_MODEL");
    CHECK_OK(
        cbx_model_open(w.engine, model ? model : "builtin", &w.model, &err),
        err);
    CHECK_OK(cbx_voice_open(w.model, NULL, &w.voice, &err), err);
    return w;
}

static inline void close_world(world *w)
{
    cbx_voice_close(w->voice);
    cbx_model_close(w->model);
    cbx_engine_close(w->engine);
}

static inline cbx_params params_of(const world *w, uint64_t seed)
{
    cbx_params p;
    cbx_voice_params(w->voice, &p);
    p.seed = seed;
    return p;
}

static inline cbx_stream *open_stream(const world *w, const cbx_params *p)
{
    cbx_error err;
    cbx_stream *s;
    CHECK_OK(cbx_stream_open(w->voice, p, &s, &err), err);
    return s;
}

typedef struct pcm {
    float *x;
    size_t n, cap;
} pcm;

static inline void pcm_add(pcm *p, const float *x, size_t n)
{
    if (n == 0)
        return;
    if (p->n + n > p->cap) {
        p->cap = 2 * (p->n + n);
        p->x = realloc(p->x, p->cap * sizeof *x);
        CHECK(p->x);
    }
    memcpy(p->x + p->n, x, n * sizeof *x);
    p->n += n;
}

static inline bool pcm_equal(const pcm *a, const pcm *b)
{
    return a->n == b->n && memcmp(a->x, b->x, a->n * sizeof *a->x) == 0;
}

/* One read of at most `size` frames that takes no more than there are. */
static inline uint32_t read_ready(cbx_stream *s, float *buffer, uint32_t size)
{
    const uint32_t n = cbx_stream_available(s);
    return cbx_stream_read(s, buffer, n < size ? n : size, NULL);
}

/* Reads what can be read now, `size` frames at a time. */
static inline void read_some(cbx_stream *s, pcm *out, uint32_t size)
{
    float buffer[16384];
    uint32_t n;
    CHECK(size <= 16384);
    while ((n = read_ready(s, buffer, size)) > 0)
        pcm_add(out, buffer, n);
}

/* Pushes text in pieces of `piece` bytes (0: at once), reads in `size` frames
 * until the end. */
static inline pcm speak_pieces(cbx_stream *s, const char *text, size_t piece,
                               uint32_t size)
{
    pcm out = {0};
    cbx_error err;
    const size_t n = strlen(text);
    for (size_t at = 0; at < n;) {
        const size_t want = piece && piece < n - at ? piece : n - at;
        size_t taken;
        CHECK_OK(cbx_stream_push(s, text + at, want, &taken, &err), err);
        at += taken;
        if (taken < want)
            cbx_stream_wait(s, 10);
        read_some(s, &out, size);
    }
    cbx_stream_finish(s);
    while (!cbx_stream_ended(s)) {
        cbx_stream_wait(s, 100);
        read_some(s, &out, size);
    }
    return out;
}

static inline pcm speak(const world *w, const cbx_params *p, const char *text)
{
    cbx_stream *s = open_stream(w, p);
    pcm out = speak_pieces(s, text, 0, 1024);
    cbx_stream_close(s);
    return out;
}

#endif
