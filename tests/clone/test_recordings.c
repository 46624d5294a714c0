/* Recordings of all kinds, read and judged. */
#include "dsp/audio_file.h"
#include "dsp/hearing.h"
#include "tests/clone/recording.h"

#include <sys/stat.h>
#include <unistd.h>

enum { RATE = 24000 };

static cbx_error err;
static const char path[] = "recording.sound";

static cbx_audio reads(void)
{
    cbx_audio a = {.v = NULL};
    if (cbx_audio_read(path, RATE, 60, &a, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return a;
}

/* One sentence that says `why`. */
static void refuses(cbx_status status, const char *why)
{
    cbx_audio a = {.v = NULL};
    err.text[0] = 0;
    CHECK(cbx_audio_read(path, RATE, 60, &a, &err) == status);
    if (!strstr(err.text, why) || !strstr(err.text, path)) {
        fprintf(stderr, "not '%s': %s\n", why, err.text);
        exit(1);
    }
    CHECK(!a.v);
}

static void put_bytes(const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
}

/* -- good files ------------------------------------------------------------ */

static void mono_at_the_rate_is_unchanged(void)
{
    size_t n;
    float *x = babble(3.001, RATE, &n);
    write_sound(path, x, n, RATE, 1, WAV_FLOAT);
    cbx_audio a = reads();
    CHECK(a.n == n && memcmp(a.v, x, n * sizeof *x) == 0);
    CHECK(a.file_rate == RATE && a.file_channels == 1 && a.clipped == 0);
    CHECK_NEAR(a.seconds, 3.001, 1e-4);
    cbx_audio_close(&a);
    free(x);
}

static double likeness(const float *x, const float *y, size_t n)
{
    double xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        xx += (double)x[i] * x[i];
        yy += (double)y[i] * y[i];
        xy += (double)x[i] * y[i];
    }
    return xy / sqrt(xx * yy);
}

static void any_rate_and_channel_count_sounds_alike(void)
{
    static const int rates[] = {8000, 11025, 16000, 22050, 44100, 48000, 96000};
    static const int formats[] = {WAV_FLOAT, SF_FORMAT_WAV | SF_FORMAT_PCM_16,
                                  SF_FORMAT_FLAC | SF_FORMAT_PCM_24,
                                  SF_FORMAT_AIFF | SF_FORMAT_PCM_24};
    size_t n, n_ref;
    float *ref = babble(2, RATE, &n_ref);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const int channels = 1 + (int)i % 3;
        float *x = babble(2, rates[i], &n);
        write_sound(path, x, n, rates[i], channels, formats[i % 4]);
        cbx_audio a = reads();
        CHECK(a.n == n_ref && a.file_channels == channels);
        CHECK(likeness(a.v, ref, n_ref) > 0.99);
        cbx_audio_close(&a);
        free(x);
    }
    free(ref);
}

static void channels_are_averaged(void)
{
    float x[2400];
    for (int i = 0; i < 2400; i++)
        x[i] = 0.5f;
    write_sound(path, x, 2400, RATE, 4, WAV_FLOAT);
    cbx_audio a = reads();
    CHECK(a.n == 2400);
    CHECK_NEAR(a.v[1200], 0.5 * 1.5 / 4, 1e-7);
    cbx_audio_close(&a);
}

static void nothing_is_lost_at_the_end(void)
{
    float x[1000];
    for (int i = 0; i < 1000; i++)
        x[i] = 0.5f;
    write_sound(path, x, 1000, 44100, 1, WAV_FLOAT);
    cbx_audio a = reads();
    CHECK(a.n == 545); /* 544.2 and up */
    for (size_t i = 400; i < 540; i++)
        CHECK_NEAR(a.v[i], 0.5, 0.1);
    cbx_audio_close(&a);
}

/* -- bad files ------------------------------------------------------------- */

static void what_is_no_sound_is_refused(void)
{
    put_bytes("", 0);
    refuses(CBX_E_FORMAT, "is empty");
    put_bytes("Good morning, this is a text.", 29);
    refuses(CBX_E_FORMAT, "cannot be read as sound");
    CHECK(!unlink(path));
    refuses(CBX_E_FILE, "No such file");
    CHECK(!mkdir(path, 0700));
    refuses(CBX_E_FILE, "a folder");
    CHECK(!rmdir(path) && !mkfifo(path, 0600));
    refuses(CBX_E_FILE, "not a plain file");
    CHECK(!unlink(path));
    write_sound(path, NULL, 0, RATE, 1, WAV_FLOAT);
    refuses(CBX_E_FORMAT, "holds no sound");
}

static void too_long_is_refused_without_reading_all(void)
{
    const size_t n = 61 * 8000;
    float *x = samples(n);
    write_sound(path, x, n, 8000, 1, SF_FORMAT_WAV | SF_FORMAT_ULAW);
    refuses(CBX_E_LIMIT, "longer than 1 minutes");
    free(x);
}

static void a_sample_that_is_no_number_is_found(void)
{
    float x[4800] = {0};
    x[2400] = NAN;
    write_sound(path, x, 4800, RATE, 1, WAV_FLOAT);
    refuses(CBX_E_FORMAT, "at 0.100 seconds is not a number");
    x[2400] = INFINITY;
    write_sound(path, x, 4800, RATE, 2, WAV_FLOAT);
    refuses(CBX_E_FORMAT, "not a number");
}

/* Bytes of a good file; free() it. */
static unsigned char *good_file(int format, size_t *size)
{
    size_t n;
    float *x = babble(1, RATE, &n);
    write_sound(path, x, n, RATE, 1, format);
    free(x);
    FILE *f = fopen(path, "rb");
    unsigned char *data = malloc(1 << 20);
    CHECK(f && data);
    *size = fread(data, 1, 1 << 20, f);
    fclose(f);
    return data;
}

static void impossible_rates_are_refused(void)
{
    static const uint32_t rates[] = {0, 1, 999, 768001, 0x7fffffff, 0xffffffff};
    size_t size;
    unsigned char *data = good_file(WAV_FLOAT, &size);
    CHECK(data[24] == (RATE & 255));
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        memcpy(data + 24, &rates[i], 4);
        put_bytes(data, size);
        refuses(CBX_E_FORMAT, "");
    }
    free(data);
}

/* Cut short or damaged anywhere: an answer, never a crash. What is whole of a
 * WAV file counts. */
static void damaged_files_get_an_answer(int format)
{
    size_t size, seen = 0;
    uint32_t state = 7;
    unsigned char *data = good_file(format, &size);
    for (size_t cut = 0; cut < size; cut += cut < 100 ? 1 : size / 20, seen++) {
        cbx_audio a = {.v = NULL};
        put_bytes(data, cut);
        if (!cbx_audio_read(path, RATE, 60, &a, &err))
            CHECK(a.n > 0 && a.n <= RATE);
        cbx_audio_close(&a);
    }
    for (int i = 0; i < 200; i++, seen++) {
        cbx_audio a = {.v = NULL};
        const size_t span = i % 2 ? 60 : size;
        const size_t at = (size_t)(fabsf(noise(&state)) * (float)(span - 1));
        const unsigned char was = data[at];
        data[at] = (unsigned char)(128 + 127 * noise(&state));
        put_bytes(data, size);
        if (!cbx_audio_read(path, RATE, 60, &a, &err))
            for (size_t k = 0; k < a.n; k++)
                CHECK(isfinite(a.v[k]));
        cbx_audio_close(&a);
        data[at] = was;
    }
    CHECK(seen > 300);
    free(data);
}

/* -- hearing --------------------------------------------------------------- */

static cbx_hearing hear(const float *x, size_t n)
{
    cbx_hearing h;
    CHECK(!cbx_hear(x, n, RATE, &h, &err));
    return h;
}

static void speech_is_told_from_noise_tone_and_silence(void)
{
    size_t n;
    uint32_t state = 1;
    float *x = babble(8, RATE, &n);
    cbx_hearing h = hear(x, n);
    CHECK(h.loud - h.quiet > 30 && h.voiced > 0.8);
    CHECK(h.active > 3 && h.active < 7 && h.peak > 0.1f);

    for (size_t i = 0; i < n; i++)
        x[i] = 0.3f * noise(&state);
    h = hear(x, n);
    CHECK(h.loud - h.quiet < 3 && h.voiced < 0.05);

    for (size_t i = 0; i < n; i++)
        x[i] = 0.3f * (float)sin(2 * M_PI * 300 * (double)i / RATE);
    h = hear(x, n);
    CHECK(h.loud - h.quiet < 1 && h.voiced > 0.95);
    CHECK_NEAR(h.loud, 20 * log10(0.3 / sqrt(2)), 0.2);

    memset(x, 0, n * sizeof *x);
    h = hear(x, n);
    CHECK(h.peak == 0 && h.active == 0 && h.voiced == 0);
    h = hear(x, 10);
    CHECK(h.active == 0);
    free(x);
}

static void clipping_is_seen_at_any_level(void)
{
    size_t n;
    float *x = babble(4, RATE, &n);
    for (size_t i = 0; i < n; i++)
        x[i] = 0.4f * fmaxf(-1, fminf(1, 12 * x[i]));
    write_sound(path, x, n, RATE, 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
    cbx_audio a = reads();
    CHECK(a.clipped > 0.05 && a.clipped < 0.9);
    cbx_audio_close(&a);
    free(x);
}

#ifdef CBX_SANITIZED
/* libsndfile 1.2 loses some memory of a damaged Ogg file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:vorbis_info_init\n";
}
#endif

int main(void)
{
    char folder[] = "clone_recordings_XXXXXX";
    CHECK(mkdtemp(folder) && !chdir(folder));
    mono_at_the_rate_is_unchanged();
    any_rate_and_channel_count_sounds_alike();
    channels_are_averaged();
    nothing_is_lost_at_the_end();
    what_is_no_sound_is_refused();
    too_long_is_refused_without_reading_all();
    a_sample_that_is_no_number_is_found();
    impossible_rates_are_refused();
    damaged_files_get_an_answer(WAV_FLOAT);
    damaged_files_get_an_answer(SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
    damaged_files_get_an_answer(SF_FORMAT_OGG | SF_FORMAT_VORBIS);
    speech_is_told_from_noise_tone_and_silence();
    clipping_is_seen_at_any_level();
    CHECK(!unlink(path) && !chdir("..") && !rmdir(folder));
    return 0;
}
