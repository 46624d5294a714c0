/* The watermark in speech: the built-in model, random weights of Perth in a
 * data folder of its own. */
#include "tests/engine/spoken.h"
#include "tests/watermark/tiny.h"

#include <sys/stat.h>
#include <unistd.h>

static const char TEXT[] = "Good morning. Yes! The river is high today.";

static char said[1024];
static int sentences;

static void note(void *user, const char *sentence)
{
    (void)user;
    if (!strstr(sentence, "watermark"))
        return;
    snprintf(said, sizeof said, "%s", sentence);
    sentences++;
}

static world open_noted(void)
{
    const cbx_engine_options o = {.threads = 2, .warn = note};
    world w;
    cbx_error err;
    const char *model = getenv("CBX_TEST_MODEL");
    CHECK_OK(cbx_engine_open(&o, &w.engine, &err), err);
    CHECK_OK(
        cbx_model_open(w.engine, model ? model : "builtin", &w.model, &err),
        err);
    CHECK_OK(cbx_voice_open(w.model, NULL, &w.voice, &err), err);
    return w;
}

static void without_weights_it_is_said_once(void)
{
    world w = open_noted();
    cbx_params p = params_of(&w, 1);
    cbx_stream_stats st;
    CHECK(p.watermark);
    for (int i = 0; i < 2; i++) {
        cbx_stream *s = open_stream(&w, &p);
        cbx_stream_get_stats(s, &st);
        CHECK(st.watermark_delay_ms <= 0);
        cbx_stream_close(s);
    }
    CHECK(sentences == 1 && strstr(said, "fetch perth"));
    float sure;
    cbx_error err;
    CHECK(cbx_watermark_detect(w.engine, "x.wav", &sure, &err) ==
          CBX_E_UNSUPPORTED);
    close_world(&w);
    w = open_noted();
    p.watermark = false;
    cbx_stream_close(open_stream(&w, &p));
    CHECK(sentences == 1);
    close_world(&w);
}

static void it_is_in_the_speech_and_off_when_asked(const world *w)
{
    cbx_params p = params_of(w, 1), off = p;
    off.watermark = false;
    pcm marked = speak(w, &p, TEXT), plain = speak(w, &off, TEXT);
    double change = 0, power = 0;
    size_t silent = 0;
    CHECK(marked.n == plain.n && plain.n > 24000);
    for (size_t i = 0; i < plain.n; i++) {
        const double d = (double)marked.x[i] - (double)plain.x[i];
        change += d * d;
        power += (double)plain.x[i] * (double)plain.x[i];
        silent += plain.x[i] == 0 && marked.x[i] == 0;
    }
    CHECK(change > 1e-5 * power && change < power);
    CHECK(silent > 24000 / 10); /* the pauses between sentences */
    free(marked.x);
    free(plain.x);
}

static void cuts_of_text_and_reads_change_no_bit(const world *w)
{
    cbx_params p = params_of(w, 1);
    for (int latency = 0; latency < 3; latency++) {
        p.latency = (cbx_latency)latency;
        pcm whole = speak(w, &p, TEXT);
        cbx_stream *s = open_stream(w, &p);
        pcm cut = speak_pieces(s, TEXT, 3, 100);
        CHECK(pcm_equal(&whole, &cut));
        cbx_stream_close(s);
        free(cut.x);
        free(whole.x);
    }
}

static void the_delay_grows_with_the_look_ahead(const world *w)
{
    cbx_params p = params_of(w, 1);
    cbx_stream_stats st;
    for (int ahead = 0; ahead <= 150; ahead += 50) {
        p.watermark_ahead = ahead;
        cbx_stream *s = open_stream(w, &p);
        cbx_stream_get_stats(s, &st);
        CHECK_NEAR(st.watermark_delay_ms, 66 + ahead, 1);
        cbx_stream_close(s);
    }
    p.watermark_ahead = 15;
    cbx_stream *s;
    cbx_error err;
    CHECK(cbx_stream_open(w->voice, &p, &s, &err) == CBX_E_ARG);
}

/* In the middle of a segment, and then the same again. */
static void after_a_cancel_all_is_as_at_first(const world *w)
{
    const cbx_params p = params_of(w, 1);
    pcm first = speak(w, &p, TEXT), heard = {0};
    cbx_stream *s = open_stream(w, &p);
    size_t taken;
    cbx_error err;
    CHECK_OK(cbx_stream_push(s, TEXT, strlen(TEXT), &taken, &err), err);
    while (heard.n < 4000) {
        cbx_stream_wait(s, 100);
        read_some(s, &heard, 256);
    }
    cbx_stream_cancel(s);
    while (!cbx_stream_ended(s)) {
        cbx_stream_wait(s, 100);
        read_some(s, &heard, 256);
    }
    pcm again = speak_pieces(s, TEXT, 0, 1024);
    CHECK(pcm_equal(&first, &again));
    cbx_stream_close(s);
    free(first.x);
    free(heard.x);
    free(again.x);
}

int main(int argc, char **argv)
{
    char path[2048], data[4096];
    CHECK(argc == 3); /* a folder to write to, and the presets */
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    setenv("CHATTERBOX_DATA", argv[2], 1);
    snprintf(path, sizeof path, "%s/data", argv[1]);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/data/watermark", argv[1]);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/data/watermark/perth.safetensors", argv[1]);
    remove(path);
    without_weights_it_is_said_once();

    tiny_perth_write(path);
    snprintf(data, sizeof data, "%s/data:%s", argv[1], argv[2]);
    setenv("CHATTERBOX_DATA", data, 1);
    world w = open_noted();
    it_is_in_the_speech_and_off_when_asked(&w);
    cuts_of_text_and_reads_change_no_bit(&w);
    the_delay_grows_with_the_look_ahead(&w);
    after_a_cancel_all_is_as_at_first(&w);
    CHECK(sentences == 1);
    close_world(&w);
    remove(path);
    return 0;
}
