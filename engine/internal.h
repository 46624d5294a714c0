#ifndef CBX_ENGINE_INTERNAL_H
#define CBX_ENGINE_INTERNAL_H

#include "chatterbox/chatterbox.h"
#include "dsp/limiter.h"
#include "dsp/resample.h"
#include "dsp/stretch.h"
#include "engine/presets.h"
#include "engine/sound_feed.h"
#include "engine/stream_map.h"
#include "engine/text_feed.h"
#include "kernels/kernels.h"
#include "models/pipeline/pipeline.h"
#include "models/voice/s3tok.h"
#include "models/watermark/perth.h"
#include "rt/arena.h"
#include "rt/deadline.h"
#include "rt/queue.h"
#include "rt/ring.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the public objects are made of, and who touches what:
 *
 *   engine.lock   the list of streams, and the decode thread's sleep
 *   engine.device held while anything computes on the device: by the decode
 *                 thread for one step at a time, by [setup] calls that open
 *                 models and voices
 *   stream        see the sections of struct cbx_stream */

struct cbx_engine {
    cbx_dev *dev;
    char weights[16], compute[16]; /* as the options have them */
    pthread_mutex_t device;
    perth *perth;      /* under `device`: the watermark, once somebody asked */
    bool perth_missed; /* and it was said that it is not there */
    int64_t opened_ns;
    void (*warn)(void *user, const char *sentence);
    void *warn_user;

    pthread_t thread; /* decode */
    pthread_mutex_t lock;
    pthread_cond_t wake;   /* the decode thread sleeps here */
    pthread_cond_t served; /* a step ended: close waits for that */
    bool stop, poked;
    int max_streams;
    cbx_stream **streams;    /* [max_streams], NULL where free */
    cbx_deadline *deadlines; /* [max_streams], of the decode thread */
    cbx_stream **serving;    /* [max_streams] those in a step now */
    int n_serving;
    cbx_pipeline **others; /* [max_streams] theirs but the first one's */
    int last;              /* slot served last */
};

struct cbx_model {
    cbx_engine *engine;
    cbx_tts *tts;
    char folder[CBX_PATH_MAX];
    double load_seconds;
};

struct cbx_voice {
    cbx_model *model;
    cbx_speaker *speaker;
    cbx_preset_file preset; /* all empty for a plain file */
    char name[256];
};

/* An event on its way to the poller: it is due when the listener has reached
 * its position. */
typedef struct stream_event {
    cbx_event event;
    uint64_t cancels; /* of the time it was made; stale events are dropped */
    uint64_t at;      /* 24 kHz samples since start or cancel */
} stream_event;

/* A place in the speech since start or cancel. */
typedef struct stream_place {
    uint64_t sample; /* 24 kHz, as it was made */
    uint64_t frame;  /* as it is heard, at the stream's rate */
} stream_place;

struct cbx_stream {
    cbx_engine *engine;
    cbx_voice *voice;
    cbx_params params;

    /* Any thread. */
    _Atomic uint64_t cancels; /* counted up after the ring was cancelled */
    cbx_arena arena;          /* of ring and events */
    cbx_ring *ring;
    cbx_queue *events; /* decode -> poller */
    sound_feed *sound; /* of a conversion, else NULL; has a lock of its own */
    text_feed *text;   /* text thread -> decode; has a lock of its own */

    /* The poller. */
    stream_event held; /* taken from the queue, not due yet */
    bool holding;
    uint64_t underruns_told, bad_bytes_told, changes_told;

    /* Under `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t moved; /* frames were written, the rate changed, an end */
    cbx_stream_stats stats;
    enum { RATE_STEADY, RATE_ASKED, RATE_PARKED, RATE_GO } rate_change;
    uint32_t rate_asked;
    stream_place rate_heard; /* where the listener was */
    bool rate_gate;          /* and whether it played */
    cbx_status rate_status;
    cbx_error rate_error;

    /* Written by decode, read by any. */
    _Atomic uint64_t cancels_seen; /* the cancel that decode works for */
    _Atomic uint32_t epoch;        /* its epoch of the ring */
    _Atomic uint32_t rate;         /* of the frames in the ring */
    _Atomic bool all_written;      /* the text ended, and all is in the ring */
    _Atomic bool drained; /* decode may sleep: nothing is left to hear */

    /* Written by text, read by any: the first text since start or cancel. */
    _Atomic int64_t asked_ns;
    _Atomic uint64_t text_for; /* the cancels it belongs to, plus one */

    /* Written by any, read by decode: what cbx_stream_set_... asked for. */
    _Atomic float speed, pitch, gain_db;

    stream_map map; /* has a lock of its own */

    /* Written by decode: the last take that began in mid-speech. */
    _Atomic uint64_t changes,
        change_at; /* their number; the last one's sample */

    /* Decode only. */
    cbx_pipeline *pipeline;
    s3tok *ears; /* of a conversion */
    bool live;   /* it is one of sound that arrives as it is spoken */
    cbx_resampler *resampler;
    struct stream_out {
        float *pcm;     /* [cap] 24 kHz, in a circle: not heard yet, and a
                         * little before it */
        uint64_t cap;   /* a power of two */
        uint64_t first; /* position of the oldest sample kept */
        uint64_t made;  /* behind the newest */
        uint64_t given; /* behind the newest that the effects have */
        float *frames;  /* [frames_cap] resampled, not yet in the ring */
        size_t frames_cap, frames_from, frames_to;
        size_t skip;      /* frames of the resampler still to drop */
        uint64_t written; /* frames of the epoch that are in the ring */
        bool arming;      /* a splice waits for frames up to arm_at */
        uint64_t arm_at;
    } out;
    struct stream_effects {
        cbx_stretch *stretch;
        cbx_limiter *limiter;
        float speed, pitch, gain_db; /* of this take */
        cbx_prosody prosody;         /* what the markup asks on top of them */
        double level;                /* the gain as a factor, on its way */
        bool stretches;
        bool ended;         /* the stretch was told that no more will come */
        bool all;           /* and the limiter gave its last sample */
        uint64_t from;      /* the sample that the take began with */
        double frame;       /* and its frame of the epoch */
        uint64_t out;       /* samples that it made */
        double next_anchor; /* samples made when the map wants one */
        float *post;        /* made, not yet resampled: [post_from, post_to) */
        size_t post_from, post_to;
    } effects;
    struct stream_mark {
        perth_mark *mark; /* NULL: no watermark */
        float *pcm;       /* what the last run gave */
        size_t lead;      /* silence that still comes before the segment */
        double seconds;
    } mark;
    struct stream_cues { /* of the segment in the pipeline */
        cbx_cue cues[CBX_SEGMENT_CUES];
        int n;
    } cues;
    size_t silence;  /* samples of a break behind the last text, to be made */
    bool speaking;   /* a segment is in the pipeline */
    bool text_ended; /* there will be no more text until a cancel */
    bool flushed;    /* the resampler gave its last frame */
    bool dry;        /* the ring knows that nothing is due */
    bool failed;     /* until a cancel */
    bool reopen;     /* it played before its rate changed */
    bool first_made; /* this utterance's first frame is in the ring */
    int lead;        /* pause before the next segment, 24 kHz samples */
    int segment_chars;
    cbx_segment segment;         /* its text: until the next text_feed_next */
    uint64_t told_at;            /* position of the last event */
    uint64_t word_from, word_to; /* of the last word event */
    uint64_t segment_at; /* where it begins, its lead included, 24 kHz */
    uint64_t segment_end, text_spoken; /* bytes */
    double resample_seconds;
    int64_t step_end_ns; /* of the segment's last step, 0: none */
    double work_seconds; /* since start or cancel: the start policy's measure */
};

/* engine.c */
void engine_poke(cbx_engine *e); /* [any but audio] */
void engine_warn(const cbx_engine *e, const char *sentence);
CBX_CHECK cbx_status engine_add(cbx_engine *e, cbx_stream *s, cbx_error *err);
void engine_remove(cbx_engine *e, cbx_stream *s); /* waits for its step */

/* stream_decode.c: what the decode thread does with a stream. */
/* [decode, engine.lock] There may be something to do. */
bool stream_has_work(cbx_stream *s);
/* [decode, engine.lock] When the listener runs dry; now for a stream that has
 * not been heard yet. */
int64_t stream_deadline(cbx_stream *s, int64_t now_ns);
/* [decode, engine.lock] The listener has frames left to hear. */
bool stream_has_frames(cbx_stream *s);
/* [decode, engine.device] One unit of work; false: there was none. */
bool stream_step(cbx_stream *s, cbx_pipeline *const *others, int n_others);
/* [decode, engine.lock] Its next step draws speech tokens: they can be drawn in
 * the step of another stream. */
bool stream_wants_tokens(const cbx_stream *s);

/* stream_out.c: 24 kHz PCM -> resampler -> ring. [decode] */
CBX_CHECK cbx_status stream_out_open(cbx_stream *s, cbx_error *err);
void stream_out_close(cbx_stream *s);
CBX_CHECK cbx_status stream_out_reset(cbx_stream *s, uint32_t epoch,
                                      cbx_error *err);
bool stream_out_has_room(cbx_stream *s, size_t samples);
void stream_out_put(cbx_stream *s, const float *pcm, size_t n);
/* Moves what it can on into the ring; *all: nothing is left. `flush`: no more
 * PCM will come. */
CBX_CHECK cbx_status stream_out_move(cbx_stream *s, bool flush, bool *all,
                                     cbx_error *err);
/* Frames that the ring takes now. */
uint32_t stream_out_space(const cbx_stream *s);
/* Speed, pitch or gain changed: what was not heard yet is made anew. No splice
 * of the ring may wait. */
CBX_CHECK cbx_status stream_out_renew(cbx_stream *s, cbx_error *err);
/* Starts again at another rate, from the place `heard`. */
CBX_CHECK cbx_status stream_out_change_rate(cbx_stream *s, uint32_t rate,
                                            const stream_place *heard,
                                            cbx_error *err);
/* [any] The listener's position: 24 kHz samples since start or cancel. */
uint64_t stream_heard(cbx_stream *s);

/* The frame, counted as the listener counts, where `sample` is heard. */
uint64_t stream_frame_of(cbx_stream *s, uint64_t sample);

/* stream_effects.c: speed, pitch and gain. [decode] */
CBX_CHECK cbx_status stream_effects_open(cbx_stream *s, cbx_error *err);
void stream_effects_close(cbx_stream *s);
/* A take: from here on sound is made anew, with the values asked for. `from`:
 * the first sample; frame: where it will be in the epoch. */
CBX_CHECK cbx_status stream_effects_begin(cbx_stream *s, uint64_t from,
                                          double frame, cbx_error *err);
/* Other values were asked for than those of the take. */
bool stream_effects_are_stale(const cbx_stream *s);
/* [decode] The gain is where it was asked to be, without a way there. */
void stream_effects_settle(cbx_stream *s);
/* Samples for each frame. */
double stream_effects_slope(const cbx_stream *s);
/* Puts what became of up to n samples into effects.post; returns how many it
 * took. */
CBX_CHECK cbx_status stream_effects_run(cbx_stream *s, const float *pcm,
                                        size_t n, size_t *used, cbx_error *err);
/* The rest, when no more will come; nothing more in post: that was it. */
CBX_CHECK cbx_status stream_effects_end(cbx_stream *s, cbx_error *err);

/* mark.c: the watermark. Without one all of it passes PCM through. */
/* [setup] After the pipeline. */
CBX_CHECK cbx_status stream_mark_open(cbx_stream *s, cbx_error *err);
void stream_mark_close(cbx_stream *s);
/* [any] The most samples that a step of the pipeline becomes. */
size_t stream_mark_most(const cbx_stream *s);
/* [decode] A segment begins, with `lead` samples of silence before it. */
void stream_mark_begin(cbx_stream *s, int lead);
/* [decode] `end`: the segment's last samples. *n samples become as many as are
 * finished; valid until the next call. */
const float *stream_mark_run(cbx_stream *s, const float *pcm, bool end,
                             size_t *n);
/* stream_markup.c [decode] */
int stream_lead(const cbx_segment *segment, int natural);
void stream_begin_cues(cbx_stream *s, const cbx_segment *segment, uint64_t at);
void stream_end_cues(cbx_stream *s, uint64_t end);
void stream_cues_before(cbx_stream *s, int character, uint64_t at);
size_t stream_silence(cbx_stream *s, size_t most); /* what it made */

/* dictionary.c [setup] */
CBX_CHECK cbx_status stream_open_dictionary(const cbx_stream *s,
                                            pronounce **out, cbx_error *err);

/* convert.c: a stream that is given speech instead of text. */
void stream_convert_close(cbx_stream *s);
/* [decode] Takes the next piece of sound. False: there is none yet. */
bool stream_hear(cbx_stream *s);
/* stream_decode.c, for it */
void stream_fail(cbx_stream *s, const cbx_error *err);
void stream_end_input(cbx_stream *s);
/* stream.c, for it: opens with what `set_up` adds before the decode thread sees
 * the stream. */
CBX_CHECK cbx_status stream_open(
    cbx_voice *voice, const cbx_params *params,
    cbx_status (*set_up)(cbx_stream *s, const void *arg, cbx_error *err),
    const void *arg, cbx_stream **out, cbx_error *err);
/* [text] */
uint64_t stream_note_input(cbx_stream *s);

/* stream_events.c */
void stream_tell(cbx_stream *s, cbx_event event, uint64_t at);

#endif
