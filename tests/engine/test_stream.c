/* Streams of the engine, with the built-in model. */
#include "tests/engine/spoken.h"

#include <unistd.h>

/* Sanitizers make the same work slow: fewer words there. */
#ifdef CBX_SANITIZED
enum { CUTS = 2, MOST_THREADS = 2, CANCELS = 3, MOST_OTHERS = 4 };
static const char TEXT[] = "Good morning. It is 7. \xe2\x80\x9cReally?\xe2"
                           "\x80\x9d she asked";
#else
enum { CUTS = 5, MOST_THREADS = 4, CANCELS = 10, MOST_OTHERS = 15 };
static const char TEXT[] =
    "Good morning, this is a test. The sun is out, and the river is high. "
    "Dr. Smith paid $3.50 for it! \xe2\x80\x9cReally?\xe2\x80\x9d she asked";
#endif

static const uint64_t SEED = 7;

static void something_is_spoken(const world *w)
{
    const cbx_params p = params_of(w, SEED);
    pcm a = speak(w, &p, TEXT);
    double power = 0, peak = 0;
    for (size_t i = 0; i < a.n; i++) {
        CHECK(isfinite(a.x[i]));
        power += (double)a.x[i] * a.x[i];
        peak = fmax(peak, fabs(a.x[i]));
    }
    CHECK(a.n > 24000 && a.n < 30 * 24000);
    CHECK(sqrt(power / (double)a.n) > 0.01 && peak < 1.0);
    free(a.x);
}

static void a_seed_gives_the_same_bits_again(const world *w)
{
    const cbx_params p = params_of(w, SEED), q = params_of(w, SEED + 1);
    pcm a = speak(w, &p, TEXT), b = speak(w, &p, TEXT), c = speak(w, &q, TEXT);
    CHECK(pcm_equal(&a, &b));
    CHECK(!pcm_equal(&a, &c));
    free(a.x);
    free(b.x);
    free(c.x);
}

static void cuts_of_text_and_reads_change_no_bit(const world *w)
{
    static const struct {
        size_t piece;
        uint32_t size;
    } ways[] = {{1, 64}, {2, 16}, {7, 1000}, {64, 4096}, {1000, 333}};
    const cbx_params p = params_of(w, SEED);
    pcm whole = speak(w, &p, TEXT);
    for (size_t i = 0; i < CUTS && i < sizeof ways / sizeof *ways; i++) {
        cbx_stream *s = open_stream(w, &p);
        pcm cut = speak_pieces(s, TEXT, ways[i].piece, ways[i].size);
        CHECK(pcm_equal(&whole, &cut));
        cbx_stream_close(s);
        free(cut.x);
    }
    free(whole.x);
}

static void every_flow_mode_speaks_whatever_the_cuts(const world *w)
{
    static const char text[] = "Every way of it. Is one voice";
    pcm whole[CBX_FLOW_CAUSAL + 1];
    for (int mode = CBX_FLOW_FULL; mode <= CBX_FLOW_CAUSAL; mode++) {
        cbx_params p = params_of(w, SEED);
        p.flow = (cbx_flow_mode)mode;
        whole[mode] = speak(w, &p, text);
        cbx_stream *s = open_stream(w, &p);
        pcm cut = speak_pieces(s, text, 3, 100);
        CHECK(whole[mode].n > 12000 && pcm_equal(&whole[mode], &cut));
        cbx_stream_close(s);
        free(cut.x);
    }
    if (!getenv("CBX_TEST_MODEL")) { /* its segments are a single cell */
        CHECK(!pcm_equal(&whole[CBX_FLOW_FULL], &whole[CBX_FLOW_PREFIX]));
        CHECK(!pcm_equal(&whole[CBX_FLOW_FULL], &whole[CBX_FLOW_CAUSAL]));
    }
    CHECK(whole[CBX_FLOW_FULL].n == whole[CBX_FLOW_CAUSAL].n);
    for (int mode = CBX_FLOW_FULL; mode <= CBX_FLOW_CAUSAL; mode++)
        free(whole[mode].x);
}

static void a_replacement_speaks_as_if_nothing_was_before(const world *w)
{
    static const char other[] = "And now something else.";
    const cbx_params p = params_of(w, SEED);
    cbx_error err;
    size_t taken;
    float buffer[256];
    pcm want = speak(w, &p, other);
    cbx_stream *s = open_stream(w, &p);
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    CHECK(cbx_stream_wait(s, 10000));
    while (read_ready(s, buffer, 256) == 0)
        cbx_stream_wait(s, 100);
    CHECK_OK(cbx_stream_replace(s, other, strlen(other), &taken, &err), err);
    CHECK(taken == strlen(other));
    cbx_stream_finish(s);
    pcm got = {0};
    while (!cbx_stream_ended(s)) {
        cbx_stream_wait(s, 100);
        const uint32_t n = cbx_stream_available(s);
        const uint32_t k = cbx_stream_read(s, buffer, n < 256 ? n : 256, NULL);
        pcm_add(&got, buffer, k);
    }
    /* first what was played fades out */
    CHECK(got.n >= want.n && got.n - want.n <= 24 * 5);
    CHECK(!memcmp(got.x + (got.n - want.n), want.x, want.n * sizeof *want.x));
    cbx_stream_close(s);
    free(want.x);
    free(got.x);
}

static void other_streams_change_no_bit(const world *w)
{
    enum { OTHERS = MOST_OTHERS };
    const cbx_params p = params_of(w, SEED);
    pcm alone = speak(w, &p, TEXT);
    cbx_stream *others[OTHERS];
    cbx_error err;
    size_t taken;
    for (int i = 0; i < OTHERS; i++) {
        const cbx_params q = params_of(w, 100 + (uint64_t)i);
        others[i] = open_stream(w, &q);
        CHECK_OK(cbx_stream_push(others[i], TEXT, strlen(TEXT), &taken, &err),
                 err);
        cbx_stream_finish(others[i]);
    }
    pcm beside = speak(w, &p, TEXT);
    CHECK(pcm_equal(&alone, &beside));
    for (int i = 0; i < OTHERS; i++)
        cbx_stream_close(others[i]); /* in mid-sentence, some of them */
    free(alone.x);
    free(beside.x);
}

static void threads_change_no_bit(void)
{
    pcm first = {0};
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        world w = open_world(threads);
        const cbx_params p = params_of(&w, SEED);
        pcm a = speak(&w, &p, "Threads change nothing at all.");
        CHECK(a.n > 0);
        if (threads == 1)
            first = a;
        else {
            CHECK(pcm_equal(&first, &a));
            free(a.x);
        }
        close_world(&w);
    }
    free(first.x);
}

/* Reads periods until `ended`; returns the frames of the last sound. */
static size_t read_until_ended(cbx_stream *s, uint32_t period, float *last)
{
    float buffer[1024];
    size_t frames = 0, sounding = 0;
    *last = 0;
    for (int i = 0; !cbx_stream_ended(s); i++) {
        CHECK(i < 10000);
        cbx_stream_read(s, buffer, period, NULL);
        for (uint32_t k = 0; k < period; k++)
            if (buffer[k] != 0) {
                sounding = frames + k + 1;
                *last = buffer[k];
            }
        frames += period;
        usleep(100);
    }
    return sounding;
}

static void a_cancel_is_silent_after_its_fade(const world *w)
{
    enum { PERIOD = 64, FADE = 24 * 5 };
    const cbx_params p = params_of(w, SEED);
    cbx_error err;
    size_t taken;
    float buffer[PERIOD], last;
    for (int round = 0; round < CANCELS; round++) {
        cbx_stream *s = open_stream(w, &p);
        CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
        CHECK(cbx_stream_wait(s, 10000));
        for (int i = 0; i < 100 + 37 * round; i++) {
            while (read_ready(s, buffer, PERIOD) == 0)
                cbx_stream_wait(s, 100);
        }
        cbx_stream_cancel(s);
        CHECK(read_until_ended(s, PERIOD, &last) <= FADE);
        CHECK(fabsf(last) < 0.01f);
        cbx_stream_close(s);
    }
}

static void a_cancelled_stream_speaks_again_as_if_new(const world *w)
{
    const cbx_params p = params_of(w, SEED);
    cbx_error err;
    size_t taken;
    float last;
    pcm fresh = speak(w, &p, "And now something else.");
    cbx_stream *s = open_stream(w, &p);
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    CHECK(cbx_stream_wait(s, 10000));
    cbx_stream_cancel(s);
    read_until_ended(s, 256, &last);
    pcm again = speak_pieces(s, "And now something else.", 0, 512);
    CHECK(pcm_equal(&fresh, &again));
    cbx_stream_close(s);
    free(fresh.x);
    free(again.x);
}

static void text_before_a_nul_byte_is_spoken(const world *w)
{
    const cbx_params p = params_of(w, SEED);
    cbx_error err;
    size_t taken;
    pcm want = speak(w, &p, "All of this");
    cbx_stream *s = open_stream(w, &p);
    CHECK(cbx_stream_push(s, "All of this\0and that", 20, &taken, &err) ==
          CBX_E_TEXT);
    CHECK(taken == 11 && strstr(err.text, "NUL"));
    pcm got = speak_pieces(s, "", 0, 1024);
    CHECK(pcm_equal(&want, &got));
    CHECK(cbx_stream_push(s, "late", 4, &taken, &err) == CBX_E_ARG);
    cbx_stream_close(s);
    free(want.x);
    free(got.x);
}

static void a_rate_change_loses_no_speech(const world *w)
{
    const cbx_params p = params_of(w, SEED);
    cbx_params high = p;
    cbx_error err;
    size_t taken;
    pcm whole = speak(w, &p, TEXT);
    cbx_stream *s = open_stream(w, &p);
    pcm out = {0};
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    cbx_stream_finish(s);
    while (out.n < whole.n / 3) {
        cbx_stream_wait(s, 100);
        float buffer[480];
        pcm_add(&out, buffer, read_ready(s, buffer, 480));
    }
    const size_t before = out.n;
    CHECK_OK(cbx_stream_set_rate(s, 48000, &err), err);
    while (!cbx_stream_ended(s)) {
        cbx_stream_wait(s, 100);
        read_some(s, &out, 512);
    }
    const size_t after = out.n - before;
    CHECK(memcmp(out.x, whole.x, before * sizeof *out.x) == 0);
    CHECK(llabs((long long)(2 * (whole.n - before)) - (long long)after) <= 2);
    /* every second frame of the doubled rate is near the original */
    double error = 0, power = 0;
    for (size_t i = 0; before + i < whole.n && 2 * i < after; i++) {
        const double d = out.x[before + 2 * i] - whole.x[before + i];
        error += d * d;
        power += (double)whole.x[before + i] * whole.x[before + i];
    }
    /* the tiny model is noise up to the edge that a resampler rounds off */
    const double bound = getenv("CBX_TEST_MODEL") ? 0.1 : 1e-3;
    CHECK(power > 0 && error < bound * power);
    CHECK(cbx_stream_set_rate(s, 3, &err) == CBX_E_ARG);
    cbx_stream_close(s);
    high.sample_rate = 44100;
    s = open_stream(w, &high); /* any rate from the start */
    pcm other = speak_pieces(s, "Fine.", 0, 441);
    CHECK(other.n > 4410);
    cbx_stream_close(s);
    free(whole.x);
    free(out.x);
    free(other.x);
}

static void events_come_in_order_and_at_their_time(const world *w)
{
    const cbx_params p = params_of(w, SEED);
    cbx_stream *s = open_stream(w, &p);
    cbx_error err;
    cbx_event e;
    size_t taken;
    uint64_t frames = 0, from = 0;
    int started = 0, sentences = 0, ended = 0;
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    cbx_stream_finish(s);
    CHECK(!cbx_stream_poll(s, &e)); /* nothing was heard yet */
    while (!ended) {
        float buffer[256];
        cbx_stream_wait(s, 100);
        frames += read_ready(s, buffer, 256);
        while (cbx_stream_poll(s, &e)) {
            CHECK(e.kind != CBX_EVENT_ERROR && e.kind != CBX_EVENT_UNDERRUN);
            CHECK(e.frame <= frames && e.frame + 256 + 1 >= frames);
            started += e.kind == CBX_EVENT_STARTED;
            ended += e.kind == CBX_EVENT_ENDED;
            if (e.kind == CBX_EVENT_SENTENCE) {
                CHECK(started == 1 && !ended);
                CHECK(e.text_from >= from && e.text_to > e.text_from);
                from = e.text_to;
                sentences++;
            }
        }
    }
    CHECK(started == 1 && sentences >= 3 && ended == 1);
    CHECK(from <= strlen(TEXT) + 1);
    cbx_stream_close(s);
}

static void bad_parameters_are_named(const world *w)
{
    cbx_params p = params_of(w, SEED);
    cbx_stream *s;
    cbx_error err;
    p.temperature = 0;
    CHECK(cbx_stream_open(w->voice, &p, &s, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "temperature"));
    p = params_of(w, SEED);
    p.top_p = NAN;
    CHECK(cbx_stream_open(w->voice, &p, &s, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "top_p"));
    cbx_voice *v;
    CHECK(cbx_voice_open(w->model, "nobody", &v, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "nobody"));
    cbx_model *m;
    CHECK(cbx_model_open(w->engine, "nothing", &m, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "nothing"));
}

int main(void)
{
    world w = open_world(2);
    something_is_spoken(&w);
    a_seed_gives_the_same_bits_again(&w);
    cuts_of_text_and_reads_change_no_bit(&w);
    every_flow_mode_speaks_whatever_the_cuts(&w);
    a_replacement_speaks_as_if_nothing_was_before(&w);
    other_streams_change_no_bit(&w);
    a_cancel_is_silent_after_its_fade(&w);
    a_cancelled_stream_speaks_again_as_if_new(&w);
    text_before_a_nul_byte_is_spoken(&w);
    a_rate_change_loses_no_speech(&w);
    events_come_in_order_and_at_their_time(&w);
    bad_parameters_are_named(&w);
    close_world(&w);
    threads_change_no_bit();
    return 0;
}
