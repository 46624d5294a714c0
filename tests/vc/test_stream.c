/* Streams that are given speech. The model is tiny and random: what is heard is
 * noise, but it is the same noise. */
#include "tests/engine/spoken.h"

enum { RATE = 44100, N = 4 * RATE };

static float x[N];

static cbx_stream *open_convert(const world *w, const cbx_params *p, bool live)
{
    const cbx_convert_options o = {.rate = RATE, .live = live};
    cbx_error err;
    cbx_stream *s;
    CHECK_OK(cbx_stream_open_convert(w->voice, p, &o, &s, &err), err);
    return s;
}

static pcm convert(cbx_stream *s, size_t n, size_t piece)
{
    pcm out = {0};
    cbx_error err;
    for (size_t at = 0; at < n;) {
        const size_t k = piece < n - at ? piece : n - at;
        size_t taken;
        CHECK_OK(cbx_stream_push_sound(s, x + at, k, &taken, &err), err);
        at += taken;
        if (taken < k)
            cbx_stream_wait(s, 10);
        read_some(s, &out, 1024);
    }
    cbx_stream_finish(s);
    while (!cbx_stream_ended(s)) {
        cbx_stream_wait(s, 100);
        read_some(s, &out, 1024);
    }
    return out;
}

static pcm convert_all(const world *w, const cbx_params *p, bool live,
                       size_t piece)
{
    cbx_stream *s = open_convert(w, p, live);
    pcm out = convert(s, N, piece);
    cbx_stream_close(s);
    return out;
}

static void it_lasts_as_long_as_the_recording(const world *w)
{
    const cbx_params p = params_of(w, 1);
    pcm out = convert_all(w, &p, false, N);
    CHECK(out.n == 4 * 24000);
    double power = 0;
    for (size_t i = 0; i < out.n; i++)
        power += (double)out.x[i] * (double)out.x[i];
    CHECK(power > 0);
    free(out.x);
}

static void the_pieces_change_no_bit(const world *w)
{
    const cbx_params p = params_of(w, 1);
    for (int live = 0; live < 2; live++) {
        pcm a = convert_all(w, &p, live, N), b = convert_all(w, &p, live, 1000);
        CHECK(pcm_equal(&a, &b));
        free(a.x);
        free(b.x);
    }
}

static void the_sound_that_is_heard_matters(const world *w)
{
    const cbx_params p = params_of(w, 1);
    pcm a = convert_all(w, &p, false, N);
    for (int i = N / 2; i < N; i++)
        x[i] *= sinf(0.3f * (float)i);
    pcm b = convert_all(w, &p, false, N);
    CHECK(a.n == b.n && !pcm_equal(&a, &b));
    free(a.x);
    free(b.x);
}

/* Live: the same time behind, from the first sample to the last. */
static void live_is_late_by_its_lead(const world *w)
{
    const cbx_params p = params_of(w, 1);
    pcm out = convert_all(w, &p, true, 441);
    CHECK(out.n == (4000 + 600) * 24);
    for (size_t i = 0; i < 600 * 24; i++)
        CHECK(out.x[i] == 0);
    free(out.x);
}

static void after_a_cancel_all_is_as_at_first(const world *w)
{
    const cbx_params p = params_of(w, 1);
    for (int live = 0; live < 2; live++) {
        cbx_stream *s = open_convert(w, &p, live);
        pcm first = convert(s, N, N);
        cbx_stream_cancel(s);
        pcm heard = {0};
        while (!cbx_stream_ended(s)) {
            cbx_stream_wait(s, 100);
            read_some(s, &heard, 256);
        }
        pcm again = convert(s, N, N);
        CHECK(pcm_equal(&first, &again));
        free(heard.x);
        free(first.x);
        free(again.x);
        cbx_stream_close(s);
    }
}

static void text_and_sound_do_not_mix(const world *w)
{
    const cbx_params p = params_of(w, 1);
    size_t taken;
    cbx_error err;
    cbx_stream *s = open_convert(w, &p, false);
    CHECK(cbx_stream_push(s, "Hello.", 6, &taken, &err) == CBX_E_ARG);
    cbx_stream_close(s);
    s = open_stream(w, &p);
    CHECK(cbx_stream_push_sound(s, x, 100, &taken, &err) == CBX_E_ARG);
    cbx_stream_close(s);
}

static void nothing_gives_nothing(const world *w)
{
    const cbx_params p = params_of(w, 1);
    for (int live = 0; live < 2; live++) {
        cbx_stream *s = open_convert(w, &p, live);
        pcm out = convert(s, 0, 1);
        CHECK(out.n == 0);
        cbx_stream_close(s);
        s = open_convert(w, &p, live);
        out = convert(s, 300, 7); /* less than a token */
        CHECK(out.n <= 24000);
        free(out.x);
        cbx_stream_close(s);
    }
}

static void a_model_without_ears_says_so(const char *folder)
{
    cbx_engine *engine;
    cbx_model *model;
    cbx_voice *voice;
    cbx_stream *s;
    cbx_params p;
    cbx_error err;
    const cbx_convert_options o = {.rate = RATE};
    CHECK_OK(cbx_engine_open(NULL, &engine, &err), err);
    CHECK_OK(cbx_model_open(engine, folder, &model, &err), err);
    CHECK_OK(cbx_voice_open(model, NULL, &voice, &err), err);
    cbx_voice_params(voice, &p);
    const cbx_status st = cbx_stream_open_convert(voice, &p, &o, &s, &err);
    CHECK(st == CBX_OK ||
          (st == CBX_E_UNSUPPORTED && strstr(err.text, "speech tokenizer")));
    if (!st)
        cbx_stream_close(s);
    cbx_voice_close(voice);
    cbx_model_close(model);
    cbx_engine_close(engine);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    setenv("CBX_TEST_MODEL", argv[1], 1);
    for (int i = 0; i < N; i++)
        x[i] = 0.3f * sinf(0.02f * (float)i) * sinf(0.0007f * (float)i);
    world w = open_world(2);
    it_lasts_as_long_as_the_recording(&w);
    the_pieces_change_no_bit(&w);
    the_sound_that_is_heard_matters(&w);
    live_is_late_by_its_lead(&w);
    after_a_cancel_all_is_as_at_first(&w);
    text_and_sound_do_not_mix(&w);
    nothing_gives_nothing(&w);
    close_world(&w);
    a_model_without_ears_says_so(argv[2]);
    return 0;
}
