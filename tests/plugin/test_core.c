/* An instance: notes, a renderer that is away, late, dying or another one,
 * offline runs, edits from the audio thread, what a project keeps, and many
 * instances at once. */
#include "rt/clock.h"
#include "tests/check.h"
#include "tests/plugin/fake.h"

#include <dirent.h>
#include <pthread.h>
#include <string.h>

enum { RATE = 48000, ROOM = 1 << 18 };

static char logged[65536];

static void take_log(void *arg, const char *sentence)
{
    (void)arg;
    strncat(logged, sentence, sizeof logged - strlen(logged) - 2);
    strcat(logged, "\n");
}

static plug *open_with(const char *script)
{
    plug *p;
    CHECK(plug_open(&fake_source, RATE, &p, NULL) == CBX_OK);
    *logged = '\0';
    plug_set_log(p, take_log, NULL);
    CHECK(plug_set_script(p, script, strlen(script), NULL) == CBX_OK);
    return p;
}

static bool status_has(plug *p, const char *what)
{
    plug_serve(p);
    char *s = plug_status_copy(p);
    CHECK(s);
    const bool has = strstr(s, what);
    free(s);
    return has;
}

static void until_status(plug *p, const char *what)
{
    for (int i = 0; i < 5000 && !status_has(p, what); i++)
        cbx_sleep_until(cbx_clock_ns() + 2 * CBX_NS_PER_MS);
    CHECK(status_has(p, what));
}

static float *rendered(const char *text, size_t *n)
{
    const plug_request r = {text, "", 0, 1.0f, 0.0f};
    return fake_rendered(&r, RATE, n);
}

static float out[ROOM];

static void run(plug *p, size_t n, uint32_t block)
{
    CHECK(n <= ROOM);
    for (size_t i = 0; i < n; i += block) {
        plug_begin(p);
        plug_fill(p, out + i, n - i < block ? (uint32_t)(n - i) : block);
    }
}

static void a_note_speaks_its_phrase_and_velocity_is_gain(void)
{
    plug *p = open_with("@10\nTen, ten, ten.\n@11\nEleven.");
    fake_settle(p);
    size_t n;
    float *want = rendered("Ten, ten, ten.", &n);
    plug_begin(p);
    plug_note(p, 9, 1); /* no such phrase */
    plug_note(p, 10, 1);
    run(p, n + 100, 64);
    CHECK(n > 5000 && memcmp(out, want, n * sizeof *out) == 0);
    for (size_t i = n; i < n + 100; i++)
        CHECK(out[i] == 0);
    plug_begin(p);
    plug_note(p, 10, 0.5f);
    plug_note(p, 10, 0); /* by default it is spoken to its end */
    run(p, n, 333);
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(out[i], 0.25f * want[i], 1e-7);

    plug_set(p, PLUG_NOTE_OFF, 1);
    plug_begin(p);
    plug_note(p, 10, 1);
    run(p, 1000, 1000);
    plug_note(p, 10, 0);
    run(p, 1000, 7);
    CHECK(out[0] != 0 && fabsf(out[0]) < fabsf(want[1000]) + 1e-6f);
    for (size_t i = RATE / 200; i < 1000; i++)
        CHECK(out[i] == 0);
    free(want);
    plug_close(p);
}

static void gain_moves_without_a_step(void)
{
    plug *p = open_with("@60 at 0\nA long enough phrase.");
    fake_settle(p);
    plug_set(p, PLUG_GAIN, -6);
    plug_begin(p);
    plug_transport(p, true, 0);
    run(p, 2048, 128);
    size_t n;
    float *want = rendered("A long enough phrase.", &n);
    const float g = powf(10, -6.0f / 20);
    for (size_t i = 0; i < 2048; i++) /* from the first frame on */
        CHECK_NEAR(out[i], want[i] * g, 1e-6);
    plug_set(p, PLUG_GAIN, 0);
    run(p, 1024, 100);
    for (size_t i = 256; i < 1024; i++)
        CHECK(out[i] == want[2048 + i]); /* 0 dB is bit for bit */
    for (size_t i = 1; i < 256; i++)
        CHECK(fabsf(out[i]) <= fabsf(want[2048 + i]) + 1e-6f);
    free(want);
    plug_close(p);
}

static void without_a_renderer_there_is_silence_and_a_count(void)
{
    atomic_store(&fake_away, true);
    plug *p = open_with("@60 at 0\nNobody renders this.");
    until_status(p, "daemon\tdown");
    plug_begin(p);
    plug_transport(p, true, 0);
    run(p, 4800, 480);
    for (int i = 0; i < 4800; i++)
        CHECK(out[i] == 0);
    CHECK(plug_late(p) == 4800);
    plug_note(p, 60, 1); /* it is spoken when it is there */
    run(p, 100, 100);
    atomic_store(&fake_away, false);
    fake_settle(p);
    CHECK(status_has(p, "60\tready"));
    plug_transport(p, false, 0);
    size_t n;
    float *want = rendered("Nobody renders this.", &n);
    run(p, n, 512);
    CHECK(memcmp(out, want, n * sizeof *out) == 0);
    free(want);
    plug_close(p);
}

static void a_renderer_that_dies_midway_is_no_loss(void)
{
    atomic_store(&fake_budget, 2500);
    plug *p = open_with("@60 at 0\nIt dies in the middle of this.");
    until_status(p, "daemon\tdown");
    atomic_store(&fake_budget, -1);
    atomic_store(&fake_away, false);
    fake_settle(p);
    size_t n;
    float *want = rendered("It dies in the middle of this.", &n);
    plug_begin(p);
    plug_transport(p, true, 0);
    run(p, n, 1000);
    CHECK(memcmp(out, want, n * sizeof *out) == 0);
    free(want);
    plug_close(p);
}

static void halves_of_two_renderings_are_never_joined(void)
{
    atomic_store(&fake_budget, 2500);
    plug *p = open_with("@60 at 0\nAnother model comes back.");
    until_status(p, "daemon\tdown");
    atomic_store(&fake_budget, -1);
    atomic_store(&fake_salt, 99);
    atomic_store(&fake_away, false);
    fake_settle(p);
    size_t n;
    float *want = rendered("Another model comes back.", &n);
    plug_begin(p);
    plug_transport(p, true, 0);
    run(p, n, 1000);
    CHECK(memcmp(out, want, n * sizeof *out) == 0);
    CHECK(strstr(logged, "renders it differently"));
    atomic_store(&fake_salt, 0);
    free(want);
    plug_close(p);
}

static void what_cannot_be_spoken_is_said(void)
{
    plug *p = open_with("@60 at 0\nThis is unspeakable.\n@61\nFine.");
    fake_settle(p);
    CHECK(status_has(p, "60\tfailed\t0.0\tthis cannot be spoken"));
    CHECK(status_has(p, "61\tready"));
    CHECK(strstr(logged, "this cannot be spoken"));
    CHECK(plug_begin(p)->missing == 1);
    plug_set_offline(p, true);
    plug_transport(p, true, 0);
    plug_wait(p, 1000); /* does not wait for it */
    run(p, 1000, 1000);
    CHECK(plug_late(p) == 1000);
    plug_close(p);
}

/* -- offline --------------------------------------------------------------- */

static void *come_back(void *arg)
{
    (void)arg;
    cbx_sleep_until(cbx_clock_ns() + 300 * (int64_t)CBX_NS_PER_MS);
    atomic_store(&fake_budget, -1);
    atomic_store(&fake_away, false);
    return NULL;
}

static void run_offline(plug *p, size_t n, uint32_t block)
{
    plug_set_offline(p, true);
    plug_begin(p);
    plug_transport(p, true, 0);
    for (size_t i = 0; i < n; i += block) {
        const uint32_t m = n - i < block ? (uint32_t)(n - i) : block;
        plug_begin(p);
        plug_wait(p, m);
        plug_fill(p, out + i, m);
    }
    plug_set_offline(p, false);
}

static void offline_waits_for_the_renderer(void)
{
    atomic_store(&fake_budget, 3000);
    plug *p = open_with("@60 at 100\nThe export waits for the restart.");
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, come_back, NULL) == 0);
    size_t n;
    float *want = rendered("The export waits for the restart.", &n);
    run_offline(p, n + 200, 512);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < n + 200; i++)
        CHECK(out[i] == (i < 100 || i >= n + 100 ? 0 : want[i - 100]));
    CHECK(plug_late(p) == 0);
    free(want);
    plug_close(p);
}

static void offline_gives_up_and_says_which_phrase(void)
{
    plug *p = open_with("@60 at 0\nThere.\n@61 at 20000\nNot there.");
    fake_settle(p);
    atomic_store(&fake_away, true);
    const char *edited = "@60 at 0\nThere.\n@61 at 20000\nNot there now.";
    CHECK(plug_set_script(p, edited, strlen(edited), NULL) == CBX_OK);
    plug_set(p, PLUG_WAIT, 1);
    run_offline(p, 40000, 512);
    CHECK(strstr(logged, "phrase 61 is missing in this run"));
    CHECK(!strstr(logged, "phrase 60 is missing"));
    CHECK(status_has(p, "61\tmissing"));
    char *missing = plug_missing_copy(p);
    CHECK(missing && strcmp(missing, "61") == 0);
    free(missing);
    CHECK(plug_late(p) > 0);
    CHECK(out[100] != 0 && out[21000] == 0);
    /* The next run waits for it anew. */
    atomic_store(&fake_away, false);
    run_offline(p, 40000, 512);
    CHECK(out[21000] != 0);
    plug_close(p);
}

static void offline_follows_a_parameter_at_once(void)
{
    plug *p = open_with("@60 at 0\nThe seed came a moment ago.");
    fake_settle(p);
    run(p, 512, 512); /* the host has played: values may now come to rest */
    plug_serve(p);
    plug_set(p, PLUG_SEED, 77);
    plug_serve(p); /* seen, and not followed yet */
    const plug_request r = {"The seed came a moment ago.", "", 77, 1.0f, 0.0f};
    size_t n;
    float *want = fake_rendered(&r, RATE, &n);
    run_offline(p, n, 512);
    CHECK(memcmp(out, want, n * sizeof *out) == 0);
    free(want);
    plug_close(p);
}

/* -- edits, projects, many instances --------------------------------------- */

static void edits_from_the_audio_thread_arrive_whole_or_not_at_all(void)
{
    plug *p = open_with("old");
    char *text = malloc(1 << 20);
    CHECK(text);
    memset(text, 'x', 1 << 20);
    for (size_t n = 4096; n <= 65536; n *= 4) {
        CHECK(plug_edit_later(p, PLUG_EDIT_SCRIPT, text, n));
        CHECK(plug_wants_service(p));
        plug_serve(p);
        char *got = plug_script_copy(p);
        CHECK(got && strncmp(got, "@60 at 0\n", 9) == 0);
        CHECK(strlen(got) == n + 10 && !memcmp(got + 9, text, n));
        free(got);
    }
    CHECK(!plug_edit_later(p, PLUG_EDIT_SCRIPT, text, 1 << 20));
    CHECK(status_has(p, "note\ta text was refused"));
    char *kept = plug_script_copy(p);
    CHECK(kept && strlen(kept) == 65536 + 10);
    free(kept);
    CHECK(plug_edit_later(p, PLUG_EDIT_VOICE, "bert", 4));
    CHECK(plug_edit_later(p, PLUG_EDIT_SCRIPT, "@5 oh 1", 7));
    plug_serve(p);
    CHECK(status_has(p, "'oh' is not known"));
    char *voice = plug_voice_copy(p);
    CHECK(strcmp(voice, "bert") == 0);
    free(voice);
    free(text);
    plug_close(p);
}

static cbx_status keep(void *arg, int number, const plug_take *t,
                       cbx_error *err)
{
    void *bytes;
    size_t n;
    CHECK(number == 60);
    CHECK(plug_take_pack(t, &bytes, &n, err) == CBX_OK);
    plug *to = *(plug **)arg;
    CHECK(plug_add_take_bytes(to, bytes, n, err) == CBX_OK);
    free(bytes);
    return CBX_OK;
}

static void a_project_plays_without_a_renderer(void)
{
    plug *p = open_with("@60 at 1000\nKept in the project.");
    fake_settle(p);
    atomic_store(&fake_away, true);
    plug *q;
    CHECK(plug_open(&fake_source, 0, &q, NULL) == CBX_OK);
    CHECK(plug_takes(p, keep, &q, NULL) == CBX_OK);
    char *script = plug_script_copy(p);
    CHECK(plug_restore(q, script, strlen(script), plug_rate(p), "", NULL) ==
          CBX_OK);
    /* The host says its rate after that, and it is another one. */
    CHECK(plug_set_rate(q, 96000, NULL) == CBX_OK);
    const plug_request r = {"Kept in the project.", "", 0, 1.0f, 0.0f};
    size_t n;
    float *want = fake_rendered(&r, 96000, &n);
    plug_begin(q);
    plug_transport(q, true, 2000);
    run(q, n, 700);
    CHECK(memcmp(out, want, n * sizeof *out) == 0);
    CHECK(plug_late(q) == 0);
    atomic_store(&fake_away, false);
    free(want);
    free(script);
    plug_close(p);
    plug_close(q);
}

static int threads_now(void)
{
    DIR *d = opendir("/proc/self/task");
    CHECK(d);
    int n = -2; /* . and .. */
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void fifty_instances_share_one_worker(void)
{
    enum { MANY = 50 };
    static plug *all[MANY];
    const int before = threads_now();
    for (int i = 0; i < MANY; i++) {
        char text[64];
        snprintf(text, sizeof text, "@60 at 0\nInstance %d speaks.", i);
        all[i] = open_with(text);
    }
    CHECK(threads_now() == before + 1);
    CHECK(atomic_load(&fake_users) == 1);
    for (int i = 0; i < MANY; i++)
        fake_settle(all[i]);
    for (int i = 0; i < MANY; i++) {
        char text[64];
        snprintf(text, sizeof text, "Instance %d speaks.", i);
        size_t n;
        float *want = rendered(text, &n);
        plug_begin(all[i]);
        plug_transport(all[i], true, 0);
        run(all[i], n, 256);
        CHECK(memcmp(out, want, n * sizeof *out) == 0);
        free(want);
    }
    for (int i = 0; i < MANY; i++)
        plug_close(all[i]);
    CHECK(threads_now() == before);
    CHECK(atomic_load(&fake_users) == 0 && atomic_load(&fake_open_now) == 0);
}

static void a_parameter_that_comes_back_finds_its_take(void)
{
    plug *p = open_with("@60 at 0\nOnce it is slow, and then it is fast now.");
    fake_settle(p);
    const int opened = atomic_load(&fake_opened);
    plug_set_offline(p, true);
    plug_set(p, PLUG_SPEED, 2);
    plug_serve(p);
    fake_settle(p);
    CHECK(atomic_load(&fake_opened) == opened + 1);
    CHECK(status_has(p, "60\tready\t0.2")); /* half as long */
    plug_set(p, PLUG_SPEED, 1);
    plug_serve(p);
    fake_settle(p);
    CHECK(atomic_load(&fake_opened) == opened + 1);
    plug_close(p);
}

int main(void)
{
    a_note_speaks_its_phrase_and_velocity_is_gain();
    gain_moves_without_a_step();
    without_a_renderer_there_is_silence_and_a_count();
    a_renderer_that_dies_midway_is_no_loss();
    halves_of_two_renderings_are_never_joined();
    what_cannot_be_spoken_is_said();
    offline_waits_for_the_renderer();
    offline_gives_up_and_says_which_phrase();
    offline_follows_a_parameter_at_once();
    edits_from_the_audio_thread_arrive_whole_or_not_at_all();
    a_project_plays_without_a_renderer();
    fifty_instances_share_one_worker();
    a_parameter_that_comes_back_finds_its_take();
    return 0;
}
