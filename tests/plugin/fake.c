#include "tests/plugin/fake.h"

#include "rt/clock.h"
#include "rt/random.h"
#include "tests/check.h"

#include <soxr.h>
#include <string.h>

_Atomic bool fake_away;
_Atomic uint64_t fake_salt;
_Atomic uint32_t fake_most = 4096;
_Atomic int64_t fake_budget = -1;
_Atomic int fake_opened, fake_open_now, fake_users;

typedef struct job {
    plug_request r; /* owned strings */
    uint64_t salt, key, at, length;
    bool marked;
} job;

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint64_t key_of(const plug_request *r, uint64_t salt)
{
    uint64_t h = mix(salt + r->seed) + (uint64_t)(r->speed * 1000) * 31 +
                 (uint64_t)(int64_t)(r->pitch * 1000) * 37;
    for (const char *c = r->text; *c; c++)
        h = mix(h ^ (unsigned char)*c);
    for (const char *c = r->voice; *c; c++)
        h = mix(h + (unsigned char)*c);
    return h;
}

static float frame_of(uint64_t key, uint64_t i)
{
    /* a tone of its own for each request, with a bit of noise: smooth enough
     * for a resampler, and no two places are alike */
    const double f = 0.01 + (double)(key & 255) / 2000.0;
    const double noise = (double)(mix(key + i) >> 40) / (1 << 24) - 0.5;
    return (float)(0.5 * sin((double)i * f) + 0.01 * noise);
}

float fake_frame(const plug_request *r, uint64_t i)
{
    return frame_of(key_of(r, atomic_load(&fake_salt)), i);
}

uint64_t fake_length(const plug_request *r)
{
    return (uint64_t)((double)strlen(r->text) * FAKE_FRAMES_PER_BYTE /
                      r->speed);
}

static cbx_status fake_open(void *self, const plug_request *r, void **out,
                            cbx_error *err)
{
    (void)self;
    if (atomic_load(&fake_away))
        return cbx_fail(err, CBX_E_DEVICE, "nobody is there");
    if (strstr(r->text, "unspeakable"))
        return cbx_fail(err, CBX_E_TEXT, "this cannot be spoken");
    job *j = calloc(1, sizeof *j);
    CHECK(j);
    j->r = *r;
    j->salt = atomic_load(&fake_salt);
    j->key = key_of(r, j->salt);
    j->length = fake_length(r);
    atomic_fetch_add(&fake_opened, 1);
    atomic_fetch_add(&fake_open_now, 1);
    *out = j;
    return CBX_OK;
}

static plug_progress fake_read(void *self, void *of, float *out, uint32_t cap,
                               uint32_t *got, cbx_error *err)
{
    (void)self;
    (void)err;
    job *j = of;
    *got = 0;
    if (atomic_load(&fake_away))
        return PLUG_LOST;
    uint64_t n = j->length - j->at;
    const uint64_t most = 1 + mix(j->at + 7) % atomic_load(&fake_most);
    n = n > cap ? cap : n;
    n = n > most ? most : n;
    const int64_t budget = atomic_load(&fake_budget);
    if (budget >= 0) {
        n = n > (uint64_t)budget ? (uint64_t)budget : n;
        atomic_store(&fake_budget, budget - (int64_t)n);
        if (!n) {
            atomic_store(&fake_away, true);
            return PLUG_LOST;
        }
    }
    for (uint64_t i = 0; i < n; i++)
        out[i] = frame_of(j->key, j->at + i);
    j->at += n;
    *got = (uint32_t)n;
    return j->at == j->length ? PLUG_ENDED : PLUG_MORE;
}

static bool fake_mark(void *self, void *of, plug_mark *out)
{
    (void)self;
    job *j = of;
    if (j->marked || j->at < 100)
        return false;
    j->marked = true;
    *out = (plug_mark){100, 0, 4};
    return true;
}

static void fake_close(void *self, void *of)
{
    (void)self;
    free(of);
    atomic_fetch_sub(&fake_open_now, 1);
}

static void fake_voices(void *self, char *out, size_t size)
{
    (void)self;
    snprintf(out, size, "anna\nbert\n");
}

static cbx_status fake_begin(void *self, cbx_error *err)
{
    (void)self;
    (void)err;
    atomic_fetch_add(&fake_users, 1);
    return CBX_OK;
}

static void fake_end(void *self)
{
    (void)self;
    atomic_fetch_sub(&fake_users, 1);
}

static bool fake_up(void *self)
{
    (void)self;
    return !atomic_load(&fake_away);
}

const plug_source fake_source = {.open = fake_open,
                                 .read = fake_read,
                                 .mark = fake_mark,
                                 .close = fake_close,
                                 .voices = fake_voices,
                                 .begin = fake_begin,
                                 .end = fake_end,
                                 .up = fake_up};

float *fake_rendered(const plug_request *r, uint32_t rate, size_t *n)
{
    const size_t in = (size_t)fake_length(r);
    float *native = malloc((in + 1) * sizeof *native);
    CHECK(native);
    for (size_t i = 0; i < in; i++)
        native[i] = (float)lrintf(fake_frame(r, i) * 8388608.0f) / 8388608.0f;
    *n = in;
    if (rate == PLUG_NATIVE_RATE)
        return native;
    const size_t cap = (size_t)((double)in * rate / PLUG_NATIVE_RATE) + 4096;
    float *out = malloc(cap * sizeof *out);
    CHECK(out);
    const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    const soxr_quality_spec_t q = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t rt = soxr_runtime_spec(1);
    rt.log2_min_dft_size = 8;
    size_t took;
    CHECK(!soxr_oneshot(PLUG_NATIVE_RATE, rate, 1, native, in, &took, out, cap,
                        n, &io, &q, &rt));
    free(native);
    return out;
}

void fake_settle(plug *p)
{
    for (int i = 0; i < 20000; i++) {
        plug_serve(p);
        char *status = plug_status_copy(p);
        CHECK(status);
        const bool open = strstr(status, "\twaits\t") ||
                          strstr(status, "\truns\t") || !*status;
        free(status);
        if (!open)
            return;
        cbx_sleep_until(cbx_clock_ns() + 2 * CBX_NS_PER_MS);
    }
    CHECK(!"all phrases are rendered in the end");
}
