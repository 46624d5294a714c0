/* Cloning through the public functions. Usage: clone_api CHECKPOINT PRESETS */
#include "chatterbox/chatterbox.h"
#include "engine/voice_store.h"
#include "kernels/kernels.h"
#include "models/voice/prepare.h"
#include "tests/clone/recording.h"

#include <unistd.h>

enum { RATE = 24000 };

static cbx_error err;
static cbx_engine *engine;
static cbx_model *model;
static const char *folder; /* of the model */
static char warned[4096];

#define MUST(call)                                                        \
    do {                                                                  \
        if (call) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, err.text); \
            exit(1);                                                      \
        }                                                                 \
    } while (0)

static void note_warning(void *user, const char *sentence)
{
    (void)user;
    strncat(warned, sentence, sizeof warned - strlen(warned) - 1);
}

static cbx_status clone(const char *file, const char *name, bool replace)
{
    const cbx_clone_options o = {.name = name,
                                 .consent = CBX_CONSENT,
                                 .replace = replace,
                                 .warn = note_warning};
    warned[0] = err.text[0] = 0;
    return cbx_voice_clone(model, file, &o, NULL, &err);
}

static void said(const char *text, const char *why)
{
    if (strstr(text, why))
        return;
    fprintf(stderr, "not '%s': %s\n", why, text);
    exit(1);
}

static void fails(cbx_status status, const char *why)
{
    CHECK(status != CBX_OK);
    said(err.text, why);
}

static void write_babble(const char *path, double seconds, int rate,
                         int channels, int format)
{
    size_t n;
    float *x = babble(seconds, rate, &n);
    write_sound(path, x, n, rate, channels, format);
    free(x);
}

/* -- what is cloned -------------------------------------------------------- */

static void floats_equal(const float *a, const float *b, int n)
{
    CHECK(n > 0 && memcmp(a, b, (size_t)n * sizeof *a) == 0);
}

static void a_voice_is_what_cbx_voice_make_makes(void)
{
    size_t n;
    float *x = babble(6, RATE, &n);
    cbx_config config;
    cbx_dev *dev;
    cbx_voice_maker *maker;
    cbx_conds *want, *got;
    write_sound("a.wav", x, n, RATE, 1, WAV_FLOAT);
    MUST(clone("a.wav", "Anna", false));
    CHECK(!warned[0]);

    MUST(cbx_config_open(folder, &config, &err));
    MUST(cbx_cpu_open(1, NULL, &dev, &err));
    MUST(cbx_voice_maker_open(dev, folder, &config, &maker, &err));
    MUST(cbx_voice_make(maker, x, n, NULL, &want, &err));
    MUST(cbx_conds_open("chatterbox/voices/Anna.safetensors", &got, &err));
    CHECK(got->n_t3_tokens == want->n_t3_tokens);
    CHECK(got->n_prompt_tokens == want->n_prompt_tokens);
    CHECK(got->n_prompt_tokens == 150 && got->n_prompt_frames == 300);
    CHECK(!memcmp(got->t3_tokens, want->t3_tokens,
                  (size_t)want->n_t3_tokens * sizeof(int32_t)));
    CHECK(!memcmp(got->prompt_tokens, want->prompt_tokens,
                  (size_t)want->n_prompt_tokens * sizeof(int32_t)));
    floats_equal(got->speaker_emb, want->speaker_emb, want->speaker_dim);
    floats_equal(got->embedding, want->embedding, want->embedding_dim);
    floats_equal(got->prompt_feat, want->prompt_feat, 300 * want->n_mels);
    cbx_conds_close(want);
    cbx_conds_close(got);
    cbx_voice_maker_close(maker);
    cbx_dev_close(dev);
    free(x);
}

static void the_statement_and_its_date_are_in_the_file(void)
{
    cbx_tensor_file *f;
    MUST(cbx_tensor_file_open("chatterbox/voices/Anna.safetensors", &f, &err));
    const char *date = cbx_tensor_file_metadata(f, NOTE_DATE);
    CHECK(!strcmp(cbx_tensor_file_metadata(f, NOTE_CONSENT), CBX_CONSENT));
    CHECK(!strcmp(cbx_tensor_file_metadata(f, NOTE_FAMILY), "turbo"));
    CHECK(date && strlen(date) == 20 && !memcmp(date, "20", 2));
    cbx_tensor_file_close(f);
}

static bool speaks(const char *name)
{
    cbx_voice *voice;
    cbx_stream *stream;
    cbx_params params;
    size_t taken;
    float out[1000], loudest = 0;
    MUST(cbx_voice_open(model, name, &voice, &err));
    cbx_voice_params(voice, &params);
    MUST(cbx_stream_open(voice, &params, &stream, &err));
    MUST(cbx_stream_push(stream, "Hi.", 3, &taken, &err));
    cbx_stream_finish(stream);
    for (int i = 0; i < 4 && loudest < 1e-3f; i++) {
        cbx_stream_wait(stream, 60000);
        const uint32_t n = cbx_stream_read(stream, out, 1000, NULL);
        for (uint32_t k = 0; k < n; k++)
            loudest = fmaxf(loudest, fabsf(out[k]));
    }
    cbx_stream_close(stream);
    cbx_voice_close(voice);
    return loudest > 1e-3f;
}

static void files_of_many_kinds_make_voices_that_speak(void)
{
    static const struct {
        int rate, channels, format;
    } kinds[] = {{8000, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                 {44100, 2, SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                 {48000, 2, SF_FORMAT_OGG | SF_FORMAT_VORBIS},
                 {96000, 6, SF_FORMAT_WAV | SF_FORMAT_PCM_24}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        write_babble("b", 6, kinds[i].rate, kinds[i].channels, kinds[i].format);
        MUST(clone("b", "many kinds", i > 0));
        CHECK(speaks("many kinds"));
    }
    CHECK(speaks("Anna"));
    CHECK(!unlink("b"));
}

/* -- verdicts -------------------------------------------------------------- */

/* 6 s of babble, changed by gain, limit and noise. */
static void write_spoilt(float gain, float limit, float hiss)
{
    size_t n;
    uint32_t state = 3;
    float *x = babble(6, RATE, &n);
    for (size_t i = 0; i < n; i++)
        x[i] = fmaxf(-limit, fminf(limit, gain * x[i] + hiss * noise(&state)));
    write_sound("c.wav", x, n, RATE, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_24);
    free(x);
}

static void what_is_no_speech_is_refused(void)
{
    write_babble("c.wav", 4.9, RATE, 1, WAV_FLOAT);
    fails(clone("c.wav", "c", false), "is too short: 4.90 seconds, and turbo");
    write_spoilt(0, 1, 0);
    fails(clone("c.wav", "c", false), "is silent");
    write_spoilt(0, 1, 0.2f);
    fails(clone("c.wav", "c", false), "does not sound like speech");
    write_spoilt(40, 0.9f, 0);
    fails(clone("c.wav", "c", false), "is clipped");
    CHECK(access("chatterbox/voices/c.ini", F_OK));
    CHECK(access("chatterbox/voices/c.safetensors", F_OK));
}

static void what_is_poor_speech_gets_advice(void)
{
    write_spoilt(1, 1, 0.06f);
    MUST(clone("c.wav", "c", true));
    said(warned, "is noisy");
    write_spoilt(3, 0.9f, 0);
    MUST(clone("c.wav", "c", true));
    said(warned, "clipped in places");
    write_spoilt(0.01f, 1, 0);
    MUST(clone("c.wav", "c", true));
    said(warned, "very quiet");
}

static void bad_files_are_named(void)
{
    FILE *f = fopen("d.wav", "wb");
    CHECK(f && fputs("RIFF....WAVEfmt nothing", f) >= 0 && !fclose(f));
    fails(clone("d.wav", "d", false), "d.wav cannot be read as sound");
    fails(clone("nowhere.wav", "d", false), "nowhere.wav: No such file");
    CHECK(!unlink("d.wav") && access("chatterbox/voices/d.ini", F_OK));
}

/* -- names, consent, models ------------------------------------------------ */

static void names_are_checked_before_anything_is_done(void)
{
    static const char *const bad[] = {"",    "../x", ".x", "-x",
                                      "a/b", "a\nb", "x ", "x.ini",
                                      "a;b", "v.pt", " x"};
    char path[300];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        fails(clone("a.wav", bad[i], false), "cannot be called");
    memset(path, 'a', 61);
    path[61] = 0;
    fails(clone("a.wav", path, false), "cannot be called");
    fails(clone("a.wav", "Anna", false), "already");
    fails(clone("a.wav", "slt", true), "not one of your own");
    MUST(clone("a.wav", "Anna", true));
}

static void nothing_is_cloned_without_consent(void)
{
    const cbx_clone_options o = {.name = "x"};
    fails(cbx_voice_clone(model, "a.wav", &o, NULL, &err), "consent");
}

static void a_description_cannot_break_the_preset(void)
{
    cbx_clone_options o = {
        .name = "x", .consent = "yes", .description = "a\n[sampling]\ntop_k=1"};
    fails(cbx_voice_clone(model, "a.wav", &o, NULL, &err), "preset cannot");
    CHECK(access("chatterbox/voices/x.ini.new", F_OK));
    CHECK(access("chatterbox/voices/x.safetensors", F_OK));
}

static void a_model_without_encoders_says_so(void)
{
    cbx_model *own;
    const cbx_clone_options o = {.name = "x", .consent = "yes"};
    MUST(cbx_model_open(engine, "builtin", &own, &err));
    CHECK(cbx_voice_clone(own, "a.wav", &o, NULL, &err) == CBX_E_UNSUPPORTED);
    said(err.text, "cannot learn a voice");
    cbx_model_close(own);
}

int main(int argc, char **argv)
{
    char home[] = "clone_api_XXXXXX", real[4096];
    CHECK(argc == 3 && mkdtemp(home) && !chdir(home) && getcwd(real, 4096));
    setenv("XDG_DATA_HOME", real, 1);
    setenv("CHATTERBOX_DATA", argv[2], 1);
    folder = argv[1];
    MUST(cbx_engine_open(NULL, &engine, &err));
    MUST(cbx_model_open(engine, folder, &model, &err));
    a_voice_is_what_cbx_voice_make_makes();
    the_statement_and_its_date_are_in_the_file();
    files_of_many_kinds_make_voices_that_speak();
    what_is_no_speech_is_refused();
    what_is_poor_speech_gets_advice();
    bad_files_are_named();
    names_are_checked_before_anything_is_done();
    nothing_is_cloned_without_consent();
    a_description_cannot_break_the_preset();
    a_model_without_encoders_says_so();
    MUST(cbx_voice_delete("Anna", &err));
    MUST(cbx_voice_delete("c", &err));
    MUST(cbx_voice_delete("many kinds", &err));
    cbx_model_close(model);
    cbx_engine_close(engine);
    CHECK(!unlink("a.wav") && !unlink("c.wav"));
    CHECK(!rmdir("chatterbox/voices") && !rmdir("chatterbox"));
    CHECK(!chdir("..") && !rmdir(home));
    return 0;
}
