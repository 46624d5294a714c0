#include "plugin/core/take.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- keys ------------------------------------------------------------------ */

static uint64_t fnv(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

plug_key plug_request_key(const plug_request *r)
{
    plug_key key;
    /* FNV-1a twice, from its own offset and from another one */
    uint64_t h[2] = {UINT64_C(0xcbf29ce484222325),
                     UINT64_C(0x9e3779b97f4a7c15)};
    const uint32_t speed = (uint32_t)lrintf(r->speed * 10000),
                   pitch = (uint32_t)(int32_t)lrintf(r->pitch * 10000);
    for (int i = 0; i < 2; i++) {
        h[i] = fnv(h[i], r->text, strlen(r->text) + 1);
        h[i] = fnv(h[i], r->voice, strlen(r->voice) + 1);
        h[i] = fnv(h[i], &r->seed, sizeof r->seed);
        h[i] = fnv(h[i], &speed, sizeof speed);
        h[i] = fnv(h[i], &pitch, sizeof pitch);
    }
    snprintf(key.hex, sizeof key.hex, "%016llx%016llx",
             (unsigned long long)h[0], (unsigned long long)h[1]);
    return key;
}

/* -- lifetime -------------------------------------------------------------- */

plug_take *plug_take_from(const plug_key *key, uint32_t rate)
{
    plug_take *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->key = *key;
    t->rate = rate;
    t->refs = 1;
    t->resampler = plug_resampler_open(rate);
    if (!t->resampler) {
        free(t);
        return NULL;
    }
    return t;
}

plug_take *plug_take_new(const plug_request *r, uint32_t rate)
{
    const plug_key key = plug_request_key(r);
    plug_take *t = plug_take_from(&key, rate);
    if (!t)
        return NULL;
    t->request = *r;
    t->request.text = strdup(r->text);
    t->request.voice = strdup(r->voice);
    if (t->request.text && t->request.voice)
        return t;
    plug_take_unref(t);
    return NULL;
}

void plug_take_ref(plug_take *t)
{
    t->refs++;
}

void plug_take_unref(plug_take *t)
{
    if (!t || --t->refs > 0)
        return;
    for (int k = 0; k < TAKE_CHUNKS; k++)
        free(atomic_load_explicit(&t->chunks[k], memory_order_relaxed));
    free((char *)t->request.text);
    free((char *)t->request.voice);
    free(t->native);
    free(t->marks);
    plug_resampler_close(t->resampler);
    free(t);
}

/* -- writing --------------------------------------------------------------- */

/* The chunk of frame i, and the frame's place in it. */
CBX_RT static inline int chunk_of(uint64_t i, uint64_t *place)
{
    const uint64_t block = i / TAKE_BASE + 1;
    const int k = 63 - __builtin_clzll(block);
    *place = i - TAKE_BASE * ((UINT64_C(1) << k) - 1);
    return k;
}

static bool add_ready(void *arg, const float *pcm, size_t n)
{
    plug_take *t = arg;
    uint64_t at = atomic_load_explicit(&t->ready, memory_order_relaxed);
    while (n) {
        uint64_t place;
        const int k = chunk_of(at, &place);
        if (k >= TAKE_CHUNKS)
            return false;
        const uint64_t size = (uint64_t)TAKE_BASE << k;
        float *chunk =
            atomic_load_explicit(&t->chunks[k], memory_order_relaxed);
        if (!chunk) {
            chunk = malloc(size * sizeof *chunk);
            if (!chunk)
                return false;
            /* relaxed: the count below publishes it */
            atomic_store_explicit(&t->chunks[k], chunk, memory_order_relaxed);
        }
        size_t m = size - place < n ? (size_t)(size - place) : n;
        memcpy(chunk + place, pcm, m * sizeof *pcm);
        pcm += m;
        n -= m;
        at += m;
    }
    /* release: chunk and frames are visible before the count says so */
    atomic_store_explicit(&t->ready, at, memory_order_release);
    return true;
}

cbx_status plug_take_add_native(plug_take *t, const int32_t *pcm, size_t n,
                                cbx_error *err)
{
    enum { STEP = 1024 };
    if (t->frames + n > (size_t)TAKE_MAX_SECONDS * PLUG_NATIVE_RATE)
        return cbx_fail(err, CBX_E_LIMIT,
                        "longer than %d minutes; make several phrases of it",
                        TAKE_MAX_SECONDS / 60);
    if (t->frames + n > t->room) {
        size_t room = t->room ? t->room : TAKE_BASE;
        while (room < t->frames + n)
            room *= 2;
        int32_t *more = realloc(t->native, room * sizeof *more);
        if (!more)
            return cbx_fail(err, CBX_E_NOMEM, "out of memory");
        t->native = more;
        t->room = room;
    }
    memcpy(t->native + t->frames, pcm, n * sizeof *pcm);
    t->frames += n;
    float f[STEP];
    while (n) {
        const size_t m = n < STEP ? n : STEP;
        for (size_t i = 0; i < m; i++)
            f[i] = (float)pcm[i] / 8388608.0f;
        if (!plug_resampler_push(t->resampler, f, m, add_ready, t))
            return cbx_fail(err, CBX_E_NOMEM, "out of memory");
        pcm += m;
        n -= m;
    }
    return CBX_OK;
}

static int32_t to_24_bit(float x)
{
    if (!(x > -1.0f)) /* NaN too */
        return x <= -1.0f ? -8388608 : 0;
    const long v = lrintf(x * 8388608.0f);
    return v > 8388607 || x >= 1.0f ? 8388607 : (int32_t)v;
}

cbx_status plug_take_append(plug_take *t, const float *pcm, uint32_t n,
                            cbx_error *err)
{
    enum { STEP = 1024 };
    int32_t q[STEP];
    while (n) {
        const uint32_t m = n < STEP ? n : STEP;
        for (uint32_t i = 0; i < m; i++)
            q[i] = to_24_bit(pcm[i]);
        size_t known = t->frames - t->checked;
        known = known < m ? known : m;
        if (known && memcmp(q, t->native + t->checked, known * sizeof *q))
            return cbx_fail(err, CBX_E_FORMAT,
                            "the daemon renders it differently now");
        t->checked += known;
        const cbx_status st =
            plug_take_add_native(t, q + known, m - known, err);
        if (st)
            return st;
        t->checked = t->checked + (m - known);
        pcm += m;
        n -= m;
    }
    return CBX_OK;
}

cbx_status plug_take_add_mark(plug_take *t, const plug_mark *m)
{
    /* A second rendering brings the same marks again. */
    if (t->mark_count && t->marks[t->mark_count - 1].frame >= m->frame)
        return CBX_OK;
    if (t->mark_count == t->mark_room) {
        const size_t room = t->mark_room ? 2 * t->mark_room : 32;
        plug_mark *more = realloc(t->marks, room * sizeof *more);
        if (!more)
            return CBX_E_NOMEM;
        t->marks = more;
        t->mark_room = room;
    }
    t->marks[t->mark_count++] = *m;
    return CBX_OK;
}

cbx_status plug_take_finish(plug_take *t, cbx_error *err)
{
    if (!plug_resampler_push(t->resampler, NULL, 0, add_ready, t))
        return cbx_fail(err, CBX_E_NOMEM, "out of memory");
    plug_resampler_close(t->resampler);
    t->resampler = NULL;
    /* release: the last frames before the end */
    atomic_store_explicit(&t->state, TAKE_DONE, memory_order_release);
    return CBX_OK;
}

void plug_take_fail(plug_take *t, const char *why)
{
    snprintf(t->why, sizeof t->why, "%s", why);
    atomic_store_explicit(&t->state, TAKE_FAILED, memory_order_release);
}

plug_take *plug_take_rerate(const plug_take *t, uint32_t rate)
{
    plug_take *r = t->request.text ? plug_take_new(&t->request, rate)
                                   : plug_take_from(&t->key, rate);
    if (!r)
        return NULL;
    cbx_status st = plug_take_add_native(r, t->native, t->frames, NULL);
    for (size_t i = 0; !st && i < t->mark_count; i++)
        st = plug_take_add_mark(r, &t->marks[i]);
    if (!st)
        st = plug_take_finish(r, NULL);
    if (st) {
        plug_take_unref(r);
        return NULL;
    }
    return r;
}

/* -- reading --------------------------------------------------------------- */

uint32_t plug_take_mix(const plug_take *t, uint64_t from, float *out,
                       uint32_t n, float gain)
{
    const uint64_t ready = plug_take_ready(t);
    if (from >= ready)
        return 0;
    if (n > ready - from)
        n = (uint32_t)(ready - from);
    for (uint32_t done = 0; done < n;) {
        uint64_t place;
        const int k = chunk_of(from + done, &place);
        const uint64_t left = ((uint64_t)TAKE_BASE << k) - place;
        const uint32_t m = left < n - done ? (uint32_t)left : n - done;
        const float *x =
            atomic_load_explicit(&t->chunks[k], memory_order_relaxed) + place;
        for (uint32_t i = 0; i < m; i++)
            out[done + i] += gain * x[i];
        done += m;
    }
    return n;
}
