#ifndef CBX_DAEMON_SINKS_INTERNAL_H
#define CBX_DAEMON_SINKS_INTERNAL_H

#include "daemon/sinks/sink.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the backends share; nothing here is for other folders.
 *
 * Threads of one sink: whoever opened it; the backend's audio thread, which
 * only pulls; and for a live sink (one with a clock) a control thread, which
 * notices the end and reconnects. A sink that writes has one writer thread in
 * place of the other two. */

enum {
    SINK_MAX_CHANNELS = 8,
    SINK_MAX_FADE = 960,      /* 5 ms at 192 kHz */
    SINK_DEFAULT_RATE = 24000 /* the models' own */
};

/* A backend. Its struct starts with a cbx_sink. */
typedef struct sink_ops {
    size_t size;
    bool live; /* has the device's clock, so it needs the control thread */
    /* [setup, control] Finds the device, so that s->rate, period and latency
     * are known; callbacks do not run yet. Undoes itself on failure. */
    cbx_status (*connect)(cbx_sink *s, cbx_error *err);
    /* [setup, control] Callbacks run from here on. */
    cbx_status (*activate)(cbx_sink *s, cbx_error *err);
    /* [setup, control] Drops what is queued in the device and lets go of it.
     * Callbacks have ended on return. Safe while the device is gone. */
    void (*disconnect)(cbx_sink *s);
    /* [control] The device still takes frames; NULL: only `gone` tells. */
    bool (*alive)(cbx_sink *s);
    /* [control] Returns when what the device holds was played; NULL: the
     * latency says when. */
    void (*drain)(cbx_sink *s);
} sink_ops;

extern const sink_ops sink_jack_ops;
extern const sink_ops sink_portaudio_ops;
extern const sink_ops sink_file_ops;
extern const sink_ops sink_raw_ops;
extern const sink_ops sink_null_ops;

struct cbx_sink {
    const sink_ops *ops;
    cbx_source source;
    cbx_sink_options options; /* the strings are this sink's copies */

    /* Written by connect, while callbacks do not run; the counters by one
     * thread each. Atomic because cbx_sink_poll reads them at any time. */
    _Atomic uint32_t rate;
    _Atomic uint32_t period;
    _Atomic uint32_t latency;
    _Atomic uint64_t callbacks;
    _Atomic uint64_t frames;
    _Atomic uint64_t starved;
    _Atomic uint64_t xruns;
    _Atomic uint64_t reconnects;

    /* Audio thread's own. */
    float gain;
    uint32_t fade_at;
    float fade[SINK_MAX_FADE]; /* falling; written by sink_set_rate */
    uint32_t fade_n;

    atomic_bool gone;      /* backend: the device or server went away */
    atomic_bool stopping;  /* stop: fade out and read no more */
    atomic_bool silenced;  /* audio thread: that fade is done */
    _Atomic uint64_t tail; /* frames of silence played since the end */

    pthread_mutex_t lock; /* state, failure, quit, connected, joined */
    pthread_cond_t changed;
    _Atomic cbx_sink_state state; /* written under the lock */
    cbx_error failure;
    bool quit;
    bool connected;   /* ops->disconnect is due */
    bool has_control; /* the control thread must be joined */
    pthread_t control;
    pthread_mutex_t stop_lock; /* one cbx_sink_stop at a time */
};

/* pull.c: the audio path. */

/* [audio] n frames for every one of `channels` planes. */
CBX_RT void sink_pull_planar(cbx_sink *s, float *const *planes,
                             uint32_t channels, uint32_t n);

/* [audio] n frames of `channels` interleaved samples. */
CBX_RT void sink_pull_interleaved(cbx_sink *s, float *out, uint32_t channels,
                                  uint32_t n);

/* [audio; backend's own threads] Counters with one writer each. */
static inline CBX_RT void sink_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(
        counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
        memory_order_relaxed);
}

/* [writer thread; JACK in freewheel mode] Waits until at least one frame is
 * there, the source has ended, the sink is stopping, or timeout_s has passed.
 * Returns the frames read into out[0..n); *ended as the source says. */
uint32_t sink_pull_waiting(cbx_sink *s, float *out, uint32_t n,
                           double timeout_s, bool *ended);

/* sink.c */

/* [setup, control] Tells the source about s->rate; callbacks do not run. */
void sink_set_rate(cbx_sink *s, uint32_t rate);

/* [setup, control, writer] Wakes cbx_sink_wait. */
void sink_set_state(cbx_sink *s, cbx_sink_state state);
void sink_fail(cbx_sink *s, const cbx_error *why);

/* [setup, control] Sleeps up to timeout_s seconds; true when the sink is to
 * quit. */
bool sink_nap(cbx_sink *s, double timeout_s);

/* live.c: the control thread of a live sink. */
void *sink_control(void *sink);

/* writer.c: the thread of a sink that writes. */
typedef struct sink_writer {
    pthread_t thread;
    bool running;
    /* [writer thread] Takes all n frames, or says why not. */
    cbx_status (*write)(cbx_sink *s, const float *frames, uint32_t n,
                        cbx_error *err);
    /* [writer thread] After the last frame: the output is complete. */
    cbx_status (*finish)(cbx_sink *s, cbx_error *err);
    cbx_sink *sink;
} sink_writer;

CBX_CHECK cbx_status sink_writer_start(sink_writer *w, cbx_error *err);
void sink_writer_join(sink_writer *w);

/* options.c */

/* [setup] Checks the ranges, fills in the defaults and copies the strings. */
CBX_CHECK cbx_status sink_options_copy(const cbx_sink_options *from,
                                       cbx_sink_options *to, cbx_error *err);
void sink_options_free(cbx_sink_options *o);

/* quiet.c: ALSA's and JACK's libraries write to stderr of their own accord,
 * for every device that is not there; this takes their messages away. For the
 * whole process, once and for all. */
void sink_quiet_libraries(void);

/* PortAudio itself also prints ("Expression ... failed") and has no hook for
 * it, so descriptor 2 leads nowhere while it looks for devices: what another
 * thread writes there in those milliseconds is lost. */
int sink_mute_begin(void);
void sink_mute_end(int token);

/* [setup] portaudio.c: the device is there (NULL: a default one). */
bool sink_has_portaudio(const char *device);

/* [setup] jack.c: a server runs and has this client, with an audio input port
 * (NULL: has physical playback ports). */
bool sink_has_jack(const char *client);

/* portaudio.c, jack.c: appends to list[0..*n), which grows. */
CBX_CHECK cbx_status sink_list_portaudio(cbx_device **list, size_t *n,
                                         cbx_error *err);
CBX_CHECK cbx_status sink_list_jack(cbx_device **list, size_t *n,
                                    cbx_error *err);

/* devices.c: a zeroed new entry, or NULL without memory. */
cbx_device *sink_device_add(cbx_device **list, size_t *n);

#endif
