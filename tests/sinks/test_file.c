#define _GNU_SOURCE
#include "tests/check.h"
#include "tests/sinks/source.h"

#include <dirent.h>
#include <signal.h>
#include <sndfile.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 48000 };

static char folder[512];

static const char *in_folder(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    CHECK(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void clean(void)
{
    DIR *d = opendir(folder);
    CHECK(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            unlink(in_folder(e->d_name));
    closedir(d);
}

/* Speech-like enough for a lossy codec: two slow tones. */
static void make_tones(test_source *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        t->frames[i] = (float)(0.3 * sin(i * 0.05) + 0.2 * sin(i * 0.083));
}

static void write_file(const cbx_sink_options *o, test_source *t)
{
    cbx_sink *s = open_sink(o, t);
    CHECK(atomic_load(&t->rate) == (o->rate ? o->rate : 24000));
    play_to_the_end(s);
    cbx_sink_close(s);
    CHECK(files_in_folder() == 1);
}

static SNDFILE *open_file(const char *path, SF_INFO *info)
{
    memset(info, 0, sizeof *info);
    SNDFILE *f = sf_open(path, SFM_READ, info);
    if (!f)
        fprintf(stderr, "%s: %s\n", path, sf_strerror(NULL));
    CHECK(f);
    return f;
}

static void lossless(const char *name, const char *subtype, uint32_t channels,
                     int format, double tolerance)
{
    test_source t;
    SF_INFO info;
    test_source_init(&t, N, 1);
    t.most = 501;
    const cbx_sink_options o = {.kind = CBX_SINK_FILE,
                                .path = in_folder(name),
                                .subtype = subtype,
                                .channels = channels};
    write_file(&o, &t);
    SNDFILE *f = open_file(in_folder(name), &info);
    CHECK(info.format == format && info.samplerate == 24000);
    CHECK(info.channels == (int)channels && info.frames == N);
    float *got = malloc(sizeof *got * N * channels);
    CHECK(got && sf_readf_float(f, got, N) == N);
    for (size_t i = 0; i < (size_t)N * channels; i++)
        CHECK_NEAR(got[i], t.frames[i / channels], tolerance);
    free(got);
    sf_close(f);
    clean();
    test_source_free(&t);
}

static void a_wav_file_holds_the_floats_exactly(void)
{
    const int wav_float = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    lossless("a.wav", NULL, 1, wav_float, 0);
    lossless("a.WAV", "float", 2, wav_float, 0);
    lossless("a.wav", "16", 1, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1.01 / 32767);
    lossless("a.rf64", NULL, 1, SF_FORMAT_RF64 | SF_FORMAT_FLOAT, 0);
}

static void a_flac_file_is_exact_to_24_bits(void)
{
    lossless("a.flac", NULL, 1, SF_FORMAT_FLAC | SF_FORMAT_PCM_24,
             1.01 / 8388607);
}

static double correlation(const float *a, const float *b, int n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* MP3 decoders may keep the encoder's delay, at most some 3000 frames. */
static void a_lossy_file_sounds_like_its_source(const char *name, int subtype)
{
    enum { LAG = 3000 };
    test_source t;
    SF_INFO info;
    static float got[N + 4 * LAG];
    memset(got, 0, sizeof got);
    test_source_init(&t, N, 2);
    make_tones(&t);
    const cbx_sink_options o = {.kind = CBX_SINK_FILE, .path = in_folder(name)};
    write_file(&o, &t);
    SNDFILE *f = open_file(in_folder(name), &info);
    CHECK((info.format & SF_FORMAT_SUBMASK) == subtype);
    const long n = sf_readf_float(f, got, N + 4 * LAG);
    CHECK(info.samplerate == 24000);
    CHECK(n >= N && n <= N + 2 * LAG);
    double best = 0;
    for (int lag = 0; lag < LAG; lag++)
        best = fmax(best, correlation(t.frames, got + lag, N - LAG));
    CHECK(best > 0.98);
    sf_close(f);
    clean();
    test_source_free(&t);
}

static void loud_samples_are_clipped_not_wrapped(void)
{
    test_source t;
    SF_INFO info;
    float got[4];
    test_source_init(&t, 4, 3);
    memcpy(t.frames, (float[]){1.5f, -1.5f, 100, 0.25f}, 16);
    const cbx_sink_options o = {
        .kind = CBX_SINK_FILE, .path = in_folder("c"), .format = "flac"};
    write_file(&o, &t);
    SNDFILE *f = open_file(in_folder("c"), &info);
    CHECK(sf_readf_float(f, got, 4) == 4);
    CHECK_NEAR(got[0], 1, 1e-6);
    CHECK_NEAR(got[1], -1, 1e-6);
    CHECK_NEAR(got[2], 1, 1e-6);
    CHECK_NEAR(got[3], 0.25, 1e-6);
    sf_close(f);
    clean();
    test_source_free(&t);
}

static void a_file_appears_only_when_complete(void)
{
    test_source t;
    cbx_error err;
    test_source_init(&t, N, 4);
    atomic_store(&t.released, 1000);
    FILE *old = fopen(in_folder("a.wav"), "w");
    CHECK(old && fputs("old", old) >= 0 && !fclose(old));
    CHECK(!chmod(in_folder("a.wav"), 0640));
    const cbx_sink_options o = {.kind = CBX_SINK_FILE,
                                .path = in_folder("a.wav")};
    struct stat st;
    cbx_sink *s = open_sink(&o, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    nap(0.1);
    CHECK(atomic_load(&t.at) == 1000);
    CHECK(!stat(in_folder("a.wav"), &st) && st.st_size == 3);
    cbx_sink_stop(s);
    cbx_sink_close(s);
    CHECK(files_in_folder() == 1);
    CHECK(!stat(in_folder("a.wav"), &st) && st.st_size == 3);

    atomic_store(&t.at, 0);
    atomic_store(&t.released, N);
    write_file(&o, &t);
    CHECK(!stat(in_folder("a.wav"), &st) && st.st_size > 4 * N);
    CHECK((st.st_mode & 0777) == 0640);
    clean();
    test_source_free(&t);
}

static void a_link_and_a_device_stay_what_they_are(void)
{
    test_source t;
    struct stat st;
    cbx_error err;
    test_source_init(&t, 100, 5);
    char target[1024];
    snprintf(target, sizeof target, "%s", in_folder("b.wav"));
    fclose(fopen(target, "w"));
    CHECK(!symlink(target, in_folder("link.wav")));
    cbx_sink_options o = {.kind = CBX_SINK_FILE, .path = in_folder("link.wav")};
    cbx_sink *s = open_sink(&o, &t);
    play_to_the_end(s);
    cbx_sink_close(s);
    CHECK(!lstat(in_folder("link.wav"), &st) && S_ISLNK(st.st_mode));
    CHECK(!stat(target, &st) && st.st_size > 400);
    clean();

    atomic_store(&t.at, 0);
    CHECK(!symlink("/dev/null", in_folder("null.wav")));
    o.path = in_folder("null.wav");
    s = open_sink(&o, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    CHECK(cbx_sink_wait(s, 10, NULL, &err) == CBX_OK);
    cbx_sink_close(s);
    CHECK(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));
    clean();
    test_source_free(&t);
}

static void refused(const char *path, const char *format, const char *subtype,
                    uint32_t rate, cbx_status want, const char *says)
{
    test_source t;
    cbx_error err = {0};
    cbx_sink *s;
    test_source_init(&t, 1, 6);
    const cbx_source source = test_source_as_source(&t);
    const cbx_sink_options o = {.kind = CBX_SINK_FILE,
                                .path = path,
                                .format = format,
                                .subtype = subtype,
                                .rate = rate};
    CHECK(cbx_sink_open(&o, &source, &s, &err) == want);
    if (!strstr(err.text, says))
        fprintf(stderr, "says: %s\n", err.text);
    CHECK(strstr(err.text, says));
    CHECK(files_in_folder() == 0);
    test_source_free(&t);
}

static void what_cannot_be_written_is_said(void)
{
    refused(NULL, NULL, NULL, 0, CBX_E_ARG, "no file");
    refused(in_folder("a.txt"), NULL, NULL, 0, CBX_E_ARG, "'txt'");
    refused(in_folder("dir.d/x"), NULL, NULL, 0, CBX_E_ARG, "format ''");
    refused(in_folder("a.wav"), "xm", NULL, 0, CBX_E_ARG, "'xm'");
    refused(in_folder("a.wav"), NULL, "12", 0, CBX_E_ARG, "'12'");
    refused(in_folder("a.ogg"), NULL, "16", 0, CBX_E_ARG, "'16'");
    refused(in_folder("a.flac"), NULL, "float", 0, CBX_E_UNSUPPORTED,
            "cannot have");
    refused(in_folder("a.opus"), NULL, NULL, 11025, CBX_E_UNSUPPORTED, "opus");
    refused(in_folder("no/such/a.wav"), NULL, NULL, 0, CBX_E_FILE,
            "No such file");
    refused(folder, "wav", NULL, 0, CBX_E_FILE, "folder");
}

/* RLIMIT_FSIZE stands for the full disk: the write fails half-way, or, with a
 * file that an encoder holds back until it is closed, at the end. */
static void a_full_disk_is_an_error(const char *name, uint32_t n, rlim_t room)
{
    test_source t;
    cbx_error err = {0};
    cbx_sink_state state;
    struct rlimit before, small;
    CHECK(!getrlimit(RLIMIT_FSIZE, &before));
    small = before;
    small.rlim_cur = room;
    signal(SIGXFSZ, SIG_IGN);
    test_source_init(&t, n, 7);
    const cbx_sink_options o = {.kind = CBX_SINK_FILE, .path = in_folder(name)};
    cbx_sink *s = open_sink(&o, &t);
    CHECK(!setrlimit(RLIMIT_FSIZE, &small));
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    const cbx_status st = cbx_sink_wait(s, 30, &state, &err);
    CHECK(!setrlimit(RLIMIT_FSIZE, &before));
    CHECK(st == CBX_E_FILE && state == CBX_SINK_FAILED);
    CHECK(strstr(err.text, name) && strstr(err.text, "cannot be written"));
    cbx_sink_close(s);
    CHECK(files_in_folder() == 0);
    test_source_free(&t);
}

int main(void)
{
    char here[400];
    CHECK(getcwd(here, sizeof here));
    snprintf(folder, sizeof folder, "%s/test_file.XXXXXX", here);
    CHECK(mkdtemp(folder));
    a_wav_file_holds_the_floats_exactly();
    a_flac_file_is_exact_to_24_bits();
    a_lossy_file_sounds_like_its_source("a.ogg", SF_FORMAT_VORBIS);
    a_lossy_file_sounds_like_its_source("a.opus", SF_FORMAT_OPUS);
    a_lossy_file_sounds_like_its_source("a.mp3", SF_FORMAT_MPEG_LAYER_III);
    loud_samples_are_clipped_not_wrapped();
    a_file_appears_only_when_complete();
    a_link_and_a_device_stay_what_they_are();
    what_cannot_be_written_is_said();
    a_full_disk_is_an_error("a.wav", 4 * N, 30000);
    a_full_disk_is_an_error("a.wav", 900, 1000);
    a_full_disk_is_an_error("a.flac", 4 * N, 30000);
    a_full_disk_is_an_error("a.flac", 900, 100);
    a_full_disk_is_an_error("a.ogg", 4 * N, 30000);
    a_full_disk_is_an_error("a.mp3", 4 * N, 30000);
    a_full_disk_is_an_error("a.mp3", 900, 100);
    clean();
    rmdir(folder);
    return 0;
}
