/* Takes: 24 bits once, growing under a reader's eyes, the same from a file. */
#include "plugin/core/take.h"
#include "tests/check.h"
#include "tests/plugin/fake.h"

#include <string.h>
#include <unistd.h>

static const plug_request request = {"Good morning, all of you.", "anna", 7,
                                     1.0f, 0.0f};

static plug_take *take_in_pieces(uint32_t rate, uint32_t piece)
{
    plug_take *t = plug_take_new(&request, rate);
    CHECK(t);
    float pcm[4096];
    const uint64_t n = fake_length(&request);
    for (uint64_t i = 0; i < n; i += piece) {
        const uint32_t m = n - i < piece ? (uint32_t)(n - i) : piece;
        for (uint32_t k = 0; k < m; k++)
            pcm[k] = fake_frame(&request, i + k);
        CHECK(plug_take_append(t, pcm, m, NULL) == CBX_OK);
    }
    const plug_mark mark = {100, 0, 4};
    CHECK(plug_take_add_mark(t, &mark) == CBX_OK);
    CHECK(plug_take_finish(t, NULL) == CBX_OK);
    return t;
}

static void equal_frames(const plug_take *a, const float *want, size_t n)
{
    CHECK(plug_take_ready(a) == n);
    float *got = calloc(n + 1, sizeof *got);
    CHECK(got);
    CHECK(plug_take_mix(a, 0, got, (uint32_t)n + 1, 1.0f) == n);
    CHECK(memcmp(got, want, n * sizeof *got) == 0);
    free(got);
}

static void frames_do_not_depend_on_how_they_came(void)
{
    static const uint32_t rates[] = {24000, 44100, 48000, 96000};
    for (int i = 0; i < 4; i++) {
        size_t n;
        float *want = fake_rendered(&request, rates[i], &n);
        CHECK(n > 1000);
        for (uint32_t piece = 1; piece <= 4096; piece *= 8) {
            plug_take *t = take_in_pieces(rates[i], piece);
            equal_frames(t, want, n);
            plug_take_unref(t);
        }
        free(want);
    }
}

static void a_file_holds_the_same_take(void)
{
    char path[] = "/tmp/take-XXXXXX";
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    plug_take *t = take_in_pieces(48000, 1000), *back, *memory, *other;
    CHECK(plug_take_save(t, path, NULL) == CBX_OK);
    CHECK(plug_take_load(path, 48000, &back, NULL) == CBX_OK);
    void *bytes;
    size_t size, n;
    CHECK(plug_take_pack(t, &bytes, &size, NULL) == CBX_OK);
    CHECK(plug_take_unpack(bytes, size, 44100, &memory, NULL) == CBX_OK);
    CHECK(strcmp(back->key.hex, t->key.hex) == 0);
    CHECK(back->frames == t->frames &&
          !memcmp(back->native, t->native, t->frames * sizeof *t->native));
    CHECK(back->mark_count == 1 && back->marks[0].frame == 100 &&
          back->marks[0].to == 4);
    float *want = fake_rendered(&request, 44100, &n);
    equal_frames(memory, want, n);
    other = plug_take_rerate(back, 44100);
    CHECK(other);
    equal_frames(other, want, n);
    free(want);

    /* Whatever is broken is refused, never believed. */
    cbx_error err;
    plug_take *none = NULL;
    int refused = 0;
    for (size_t i = 0; i < size; i += 1 + size / 61) {
        unsigned char *bad = malloc(size);
        CHECK(bad);
        memcpy(bad, bytes, size);
        bad[i] ^= 0x5a;
        if (plug_take_unpack(bad, size, 48000, &none, &err) == CBX_OK)
            plug_take_unref(none);
        else
            refused++;
        if (plug_take_unpack(bytes, i, 48000, &none, &err) == CBX_OK)
            CHECK(!"a cut file is refused");
        free(bad);
    }
    CHECK(refused > 10);
    CHECK(plug_take_load("/nonexistent.flac", 48000, &none, &err));
    free(bytes);
    plug_take_unref(t);
    plug_take_unref(back);
    plug_take_unref(memory);
    plug_take_unref(other);
    unlink(path);
}

static void a_second_rendering_must_be_the_first_one(void)
{
    plug_take *t = plug_take_new(&request, 48000);
    CHECK(t);
    float pcm[300];
    for (int i = 0; i < 300; i++)
        pcm[i] = fake_frame(&request, (uint64_t)i);
    CHECK(plug_take_append(t, pcm, 200, NULL) == CBX_OK);
    t->checked = 0; /* the daemon was lost */
    CHECK(plug_take_append(t, pcm, 100, NULL) == CBX_OK);
    CHECK(t->frames == 200);
    CHECK(plug_take_append(t, pcm + 100, 200, NULL) == CBX_OK);
    CHECK(t->frames == 300);
    t->checked = 0;
    pcm[150] += 0.001f;
    CHECK(plug_take_append(t, pcm, 300, NULL) == CBX_E_FORMAT);
    plug_take_unref(t);
}

static void samples_out_of_range_are_limited(void)
{
    plug_take *t = plug_take_new(&request, 24000);
    CHECK(t);
    const float pcm[] = {2.0f, -2.0f, NAN, INFINITY, -INFINITY, 1.0f, -1.0f};
    CHECK(plug_take_append(t, pcm, 7, NULL) == CBX_OK);
    const int32_t want[] = {8388607,  -8388608, 0,       8388607,
                            -8388608, 8388607,  -8388608};
    CHECK(memcmp(t->native, want, sizeof want) == 0);
    plug_take_unref(t);
}

static void keys_tell_all_that_is_heard_apart(void)
{
    const plug_request others[] = {
        {"Good morning, all of you!", "anna", 7, 1.0f, 0.0f},
        {"Good morning, all of you.", "bert", 7, 1.0f, 0.0f},
        {"Good morning, all of you.", "anna", 8, 1.0f, 0.0f},
        {"Good morning, all of you.", "anna", 7, 1.1f, 0.0f},
        {"Good morning, all of you.", "anna", 7, 1.0f, -1.0f},
        {"Good morning, all of you.a", "nna", 7, 1.0f, 0.0f},
    };
    const plug_key key = plug_request_key(&request);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const plug_key other = plug_request_key(&others[i]);
        CHECK(strcmp(key.hex, other.hex) != 0);
    }
}

int main(void)
{
    frames_do_not_depend_on_how_they_came();
    a_file_holds_the_same_take();
    a_second_rendering_must_be_the_first_one();
    samples_out_of_range_are_limited();
    keys_tell_all_that_is_heard_apart();
    return 0;
}
