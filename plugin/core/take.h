#ifndef CBX_PLUGIN_TAKE_H
#define CBX_PLUGIN_TAKE_H

#include "plugin/core/source.h"
#include "rt/annotate.h"

#include <stdatomic.h>

/* One phrase as it was rendered. It grows while the renderer works; the audio
 * thread may read what is ready at any time. One thread writes (or several
 * under one lock), one thread reads.
 *
 * A frame is rounded to 24 bit when it arrives, before anybody hears it, and
 * then resampled to the host's rate. So what is kept in a project (24 kHz, 24
 * bit) plays exactly as it did when it was made. */

enum {
    TAKE_CHUNKS = 16, /* chunk k holds TAKE_BASE << k frames */
    TAKE_BASE = 16384,
    TAKE_MAX_SECONDS = 1200, /* longer ones are refused */
};

typedef enum plug_take_state {
    TAKE_WAITS,  /* for its turn, or for the daemon */
    TAKE_RUNS,   /* being rendered */
    TAKE_DONE,   /* all of it is ready */
    TAKE_FAILED, /* there is no more to come: `why` */
} plug_take_state;

typedef struct plug_key {
    char hex[33]; /* of all that the sound depends on */
} plug_key;

typedef struct plug_resampler plug_resampler;

typedef struct plug_take {
    plug_key key;
    uint32_t rate; /* of the frames the audio thread reads */

    /* Read by the audio thread. */
    _Atomic(float *) chunks[TAKE_CHUNKS];
    _Atomic uint64_t ready; /* frames at `rate` */
    _Atomic int state;      /* plug_take_state */
    /* Set by the audio thread, a clock of its own: the take asked for last is
     * rendered first. 0: nobody asked. */
    _Atomic uint64_t wanted;
    /* An offline run went on without it. */
    _Atomic bool missed;

    /* The rest belongs to the owner's lock. */
    int refs;
    plug_request request; /* owned strings; NULL when it came from a file */
    int32_t *native;      /* 24 bit at 24 kHz */
    size_t frames, room;
    plug_mark *marks;
    size_t mark_count, mark_room;
    plug_resampler *resampler;
    void *job;          /* of the source, while it runs */
    size_t checked;     /* frames of a second rendering that were the same */
    int64_t not_before; /* do not ask the source earlier (cbx_clock_ns) */
    uint64_t used;      /* when a script last had it, for forgetting */
    char why[256];
} plug_take;

/* [any but audio] */
plug_key plug_request_key(const plug_request *r);

/* [setup] One reference, the caller's. NULL: out of memory. */
plug_take *plug_take_new(const plug_request *r, uint32_t rate);
plug_take *plug_take_from(const plug_key *key, uint32_t rate);
void plug_take_ref(plug_take *t);
void plug_take_unref(plug_take *t); /* NULL is allowed */

/* [decode] Adds n rendered frames. CBX_E_LIMIT, CBX_E_NOMEM. Where the take has
 * frames already (the daemon was lost and rendered it anew) these must be the
 * same: CBX_E_FORMAT when they are not. */
CBX_CHECK cbx_status plug_take_append(plug_take *t, const float *pcm,
                                      uint32_t n, cbx_error *err);
CBX_CHECK cbx_status plug_take_add_native(plug_take *t, const int32_t *pcm,
                                          size_t n, cbx_error *err);
CBX_CHECK cbx_status plug_take_add_mark(plug_take *t, const plug_mark *m);
/* [decode] No more frames come. */
CBX_CHECK cbx_status plug_take_finish(plug_take *t, cbx_error *err);
void plug_take_fail(plug_take *t, const char *why);

/* [setup] The same take for another rate; t must be done. NULL: out of
 * memory. */
plug_take *plug_take_rerate(const plug_take *t, uint32_t rate);

/* [setup] A finished take as a FLAC file, or from one. */
CBX_CHECK cbx_status plug_take_save(const plug_take *t, const char *path,
                                    cbx_error *err);
CBX_CHECK cbx_status plug_take_load(const char *path, uint32_t rate,
                                    plug_take **out, cbx_error *err);
/* [setup] The same in memory; *bytes is the caller's to free. */
CBX_CHECK cbx_status plug_take_pack(const plug_take *t, void **bytes, size_t *n,
                                    cbx_error *err);
CBX_CHECK cbx_status plug_take_unpack(const void *bytes, size_t n,
                                      uint32_t rate, plug_take **out,
                                      cbx_error *err);

/* [audio] Adds frames [from, from + n) times gain to out; returns how many of
 * them were ready. */
CBX_RT uint32_t plug_take_mix(const plug_take *t, uint64_t from, float *out,
                              uint32_t n, float gain);

CBX_RT static inline uint64_t plug_take_ready(const plug_take *t)
{
    /* acquire: the frames are there when the count says so */
    return atomic_load_explicit(&t->ready, memory_order_acquire);
}

CBX_RT static inline bool plug_take_over(const plug_take *t)
{
    /* acquire: `ready` is final when the state says so */
    return atomic_load_explicit(&t->state, memory_order_acquire) >= TAKE_DONE;
}

/* -- resample.c ------------------------------------------------------------ */

/* From 24 kHz to another rate, with the filter that `chatterbox render --rate`
 * uses. */
plug_resampler *plug_resampler_open(uint32_t rate); /* NULL: out of memory */
/* Takes all of in[0..n); in NULL: the end. `give` gets what comes out. False:
 * out of memory. */
CBX_CHECK bool plug_resampler_push(plug_resampler *r, const float *in, size_t n,
                                   bool (*give)(void *arg, const float *pcm,
                                                size_t n),
                                   void *arg);
void plug_resampler_close(plug_resampler *r);

#endif
