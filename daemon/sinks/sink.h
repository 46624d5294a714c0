#ifndef CBX_DAEMON_SINKS_SINK_H
#define CBX_DAEMON_SINKS_SINK_H

#include "rt/annotate.h"
#include "rt/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where speech goes: a sound device, a JACK graph, a file or a pipe. One sink
 * pulls mono frames from one source until the source ends. */
typedef struct cbx_sink cbx_sink;

/* Where a sink takes its frames from. */
typedef struct cbx_source {
    /* [audio] CBX_RT: fills all of out[0..n), with silence past the last
     * queued frame. Returns the queued frames used. A source that is silent
     * on purpose (between utterances) returns n: fewer means starved. */
    uint32_t (*read)(void *user, float *out, uint32_t n);
    /* [audio] CBX_RT: the source has ended and everything was read. */
    bool (*ended)(void *user);
    /* [setup, the sink's control thread] The device runs at `rate`: frames
     * from the next read on have it. Called once inside cbx_sink_open and
     * again when a device comes back with another rate; read and ended do not
     * run meanwhile. Frames that are queued at the old rate must be kept. */
    void (*set_rate)(void *user, uint32_t rate);
    /* [file and pipe threads; JACK in freewheel mode] Sleeps until there may
     * be frames, at most timeout_s seconds. NULL: the sink naps 1 ms. */
    void (*wait)(void *user, double timeout_s);
    void *user;
} cbx_source;

typedef enum cbx_sink_kind {
    CBX_SINK_PORTAUDIO,
    CBX_SINK_JACK,
    CBX_SINK_FILE, /* as fast as frames come; never starves, it waits */
    CBX_SINK_RAW,  /* likewise */
    CBX_SINK_NULL, /* no sound, but the clock of a device: for tests */
} cbx_sink_kind;

/* Zero or NULL means the default. Strings are copied by cbx_sink_open. */
typedef struct cbx_sink_options {
    cbx_sink_kind kind;
    uint32_t rate;     /* Hz; default: the device's, 24000 for the rest. JACK:
                        * always the server's. PortAudio: the device's, where
                        * it does not run at this one */
    uint32_t channels; /* each carries the same; default 1, PortAudio 2 */
    uint32_t period;   /* NULL sink, PortAudio: frames a callback; default 256
                        * and what suits the device */
    double latency_s;  /* PortAudio: wanted output latency; default the
                        * device's low one */
    double gain_db;

    const char *name;   /* JACK client; default "chatterbox" */
    const char *ports;  /* JACK: comma separated input ports or clients to
                         * connect to, "none", or NULL: the physical ones */
    const char *device; /* PortAudio: index, or a part of the name. Where
                         * PortAudio has no such device (or, for NULL, none
                         * at all) but JACK has such a client (playback
                         * ports), the sink becomes one on JACK */

    const char *path;    /* FILE */
    const char *format;  /* FILE: wav, rf64, flac, ogg, opus, mp3; default by
                          * the path's ending. RAW: f32le (default), s16le */
    const char *subtype; /* FILE wav, rf64, flac: float, 16, 24, 32; default
                          * float, flac 24 */
    int fd;              /* RAW; stays open at close */
} cbx_sink_options;

typedef enum cbx_sink_state {
    CBX_SINK_READY,   /* open, not started */
    CBX_SINK_PLAYING, /* pulling frames */
    CBX_SINK_LOST,    /* device or server gone: trying again and again, no
                       * frame is taken meanwhile */
    CBX_SINK_ENDED,   /* the source ended and its last frame was heard (or
                       * the file is complete) */
    CBX_SINK_STOPPED, /* by cbx_sink_stop */
    CBX_SINK_FAILED,  /* cbx_sink_wait tells why */
} cbx_sink_state;

typedef struct cbx_sink_info {
    cbx_sink_state state;
    cbx_sink_kind kind; /* as it came out, see `device` above */
    uint32_t rate;      /* Hz, now */
    uint32_t period;    /* frames a callback, the latest */
    uint32_t latency;   /* frames from a read until they are heard */
    uint64_t callbacks;
    uint64_t frames;  /* queued frames taken from the source */
    uint64_t starved; /* frames that the source owed: silence in mid-stream */
    uint64_t xruns;   /* reported by the backend; NULL sink: late wake-ups */
    uint64_t reconnects;
} cbx_sink_info;

/* [setup] Finds and opens the device or file, and tells the source its rate.
 * A device that is missing now is CBX_E_DEVICE at once; only one that goes
 * away later is waited for. `source` is copied. */
CBX_CHECK cbx_status cbx_sink_open(const cbx_sink_options *options,
                                   const cbx_source *source, cbx_sink **out,
                                   cbx_error *err);

/* [setup] Once per sink. Frames are pulled from here on. */
CBX_CHECK cbx_status cbx_sink_start(cbx_sink *s, cbx_error *err);

/* [setup] Returns when the sink has ended or was stopped (CBX_OK), has failed
 * (why), or after timeout_s seconds (CBX_OK; negative: no limit). *state says
 * which; NULL is allowed. */
CBX_CHECK cbx_status cbx_sink_wait(cbx_sink *s, double timeout_s,
                                   cbx_sink_state *state, cbx_error *err);

/* [setup] Silence from the next period on, after a fade of 5 ms, and no frame
 * is taken any more. An unfinished file is removed. May be called from another
 * thread than the one in cbx_sink_wait, and more than once. */
void cbx_sink_stop(cbx_sink *s);

/* [any] */
void cbx_sink_poll(const cbx_sink *s, cbx_sink_info *out);

/* [setup] Stops first where need be. NULL is allowed. */
void cbx_sink_close(cbx_sink *s);

/* What cbx_devices_list finds. */
typedef struct cbx_device {
    cbx_sink_kind kind; /* PORTAUDIO: a device; JACK: an input port */
    int index;          /* PortAudio's; -1 for a JACK port */
    char name[320];
    char api[64];      /* PortAudio host API, or "JACK" */
    uint32_t channels; /* outputs */
    uint32_t rate;     /* Hz, the default */
    double latency_s;  /* low output latency */
    bool is_default;   /* where speech goes unless told otherwise; JACK:
                        * physical */
} cbx_device;

/* [setup] PortAudio's output devices and, if a server runs, JACK's audio input
 * ports. *list is the caller's to free(); NULL when there are none. */
CBX_CHECK cbx_status cbx_devices_list(cbx_device **list, size_t *n,
                                      cbx_error *err);

#endif
