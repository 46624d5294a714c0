/* The daemon's client: text to chatterboxd, and sound or events back.
 *
 *   cbx_client *client;  cbx_say say;  uint64_t job;  cbx_client_event event;
 *   cbx_client_open(NULL, &client, &err);
 *   cbx_say_init(&say);
 *   say.text = "Good morning.";
 *   cbx_client_say(client, &say, &job, &err);         spoken by the daemon
 *   while (cbx_client_wait(client, 1000))
 *       while (cbx_client_poll(client, &event))
 *           if (event.kind == CBX_CLIENT_ENDED && event.job == job) ...
 *
 * A client has one thread of its own, which connects, connects again when the
 * daemon went away, and sends what callers left with it. So nobody waits for
 * the daemon unless a function says so. Text is kept until the daemon says that
 * it was spoken; after a crash it is sent again, and the daemon goes on at the
 * frame where the sound broke off.
 *
 * Threads: every function says who may call it.
 *   [setup]  any thread that may wait, for as long as the function says
 *   [any]    any thread, at any time; never waits for the daemon or the disk
 *   [audio]  the one thread that reads a cbx_client_audio; real-time safe: no
 *            allocation, lock, wait or system call
 * A failing call returns a status and, where it takes a cbx_error (NULL is
 * allowed), fills it with one sentence. The protocol: docs/PROTOCOL.md. */
#ifndef CHATTERBOX_CLIENT_H
#define CHATTERBOX_CLIENT_H

#include "chatterbox/chatterbox.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cbx_client cbx_client;             /* a connection that lasts */
typedef struct cbx_client_audio cbx_client_audio; /* sound from the daemon */

/* -- connecting ------------------------------------------------------------ */

/* Zero or NULL means the default. Strings are copied. */
typedef struct cbx_client_options {
    const char *name;    /* in the daemon's lists; default "client" */
    const char *socket;  /* default: see cbx_client_socket_path */
    bool spawn;          /* start the daemon where none listens */
    const char *program; /* the daemon's; default: $CHATTERBOXD, then
                          * chatterboxd beside the running program, in PATH */
    const char *config;  /* spawn: configuration file; default: its own */
    int wait_ms; /* how long cbx_client_open waits for the daemon; 0: not at
                  * all, it is connected to as soon as it is there */
} cbx_client_options;

/* [any] $CHATTERBOX_SOCKET, else $XDG_RUNTIME_DIR/chatterbox/control.sock, else
 * /run/user/UID/chatterbox/control.sock, else
 * /tmp/chatterbox-UID/control.sock. False: longer than size. */
bool cbx_client_socket_path(char *out, size_t size);

/* [setup] Returns after wait_ms at the latest. With wait_ms > 0 and no daemon
 * by then: CBX_E_DEVICE, and there is no client. options may be NULL. */
cbx_status cbx_client_open(const cbx_client_options *options, cbx_client **out,
                           cbx_error *err);

/* [setup] What has not been spoken is cancelled, except where say.keep asks
 * otherwise; takes up to 200 ms to tell the daemon. Audios of this client must
 * have been closed. Accepts NULL. */
void cbx_client_close(cbx_client *client);

/* [any] There is a daemon at the other end, and it speaks our protocol. */
bool cbx_client_connected(const cbx_client *client);

/* -- saying ---------------------------------------------------------------- */

/* SSIP's priorities, per sink (docs/DAEMON.md has the table). */
typedef enum cbx_priority {
    CBX_PRIORITY_IMPORTANT,    /* at once; interrupts all below */
    CBX_PRIORITY_MESSAGE,      /* waits its turn; cancels what is below */
    CBX_PRIORITY_TEXT,         /* the newest one only; cancels what is below */
    CBX_PRIORITY_NOTIFICATION, /* only when nothing else is said */
    CBX_PRIORITY_PROGRESS,     /* the same, but the last one is said */
} cbx_priority;

/* What is said, and how. Strings are copied. Call cbx_say_init first: later
 * versions may add fields. A field that is left alone is the voice's own
 * setting, so that the sound equals that of `chatterbox render`. */
typedef struct cbx_say {
    const char *text; /* UTF-8; what is not becomes U+FFFD */
    size_t bytes;     /* of text; 0: up to its end */
    bool more;        /* more follows: cbx_client_append, cbx_client_finish */
    const char *voice, *model, *language, *sampling; /* NULL: default */
    cbx_markup markup;
    bool normalize, has_normalize; /* numbers, dates, ... as words */
    bool wrapped;                  /* a single line break is a space */
    cbx_priority priority;         /* default CBX_PRIORITY_MESSAGE */
    const char *sink;        /* a sink of the daemon; NULL: its default one */
    cbx_client_audio *audio; /* or: back to us */
    bool keep;  /* the daemon goes on speaking when this client is gone (not
                 * with `audio`) */
    bool quiet; /* no SENTENCE, WORD and MARK events */

    /* NAN, the default: the voice's own. */
    float speed;   /* 0.5 ... 6 */
    float pitch;   /* semitones, -12 ... 12 */
    float gain_db; /* -60 ... 24 */
    uint64_t seed;
    bool has_seed;
    int latency; /* a cbx_latency; -1: the voice's */
    int flow;    /* a cbx_flow_mode; -1: the voice's */
    /* NAN: the voice's. top_k -1: the voice's. */
    float temperature, top_p, min_p, repetition_penalty, cfg_weight,
        exaggeration;
    int top_k;
} cbx_say;

/* [any] The defaults. */
void cbx_say_init(cbx_say *say);

/* [any] Takes it, whether the daemon is there or not; *job names it from here
 * on (> 0, growing, unique in this client). CBX_E_LIMIT: over 4 MiB of text or
 * 256 jobs of this client are waiting. CBX_E_ARG: a value out of range. What
 * only the daemon can judge (no such voice) comes as CBX_CLIENT_ERROR. */
cbx_status cbx_client_say(cbx_client *client, const cbx_say *say, uint64_t *job,
                          cbx_error *err);

/* [any] More text for a job with say.more, cut anywhere; then its end. */
cbx_status cbx_client_append(cbx_client *client, uint64_t job, const char *text,
                             size_t bytes, cbx_error *err);
void cbx_client_finish(cbx_client *client, uint64_t job);

/* [any] While it is spoken; a job that has ended ignores it. */
typedef enum cbx_live {
    CBX_LIVE_SPEED,
    CBX_LIVE_PITCH,
    CBX_LIVE_GAIN
} cbx_live;
void cbx_client_set(cbx_client *client, uint64_t job, cbx_live what,
                    float value);

/* [any] Ends one job; all jobs of this client (job 0); or those of one
 * priority. An audio is silent from its next read on, after a fade of 5 ms,
 * without asking the daemon. Each job that was not over yet ends with
 * CBX_CLIENT_CANCELLED. */
void cbx_client_stop(cbx_client *client, uint64_t job);
void cbx_client_stop_priority(cbx_client *client, cbx_priority priority);
/* [any] Everybody's jobs on a sink of the daemon (NULL: on all sinks). */
void cbx_client_stop_sink(cbx_client *client, const char *sink);

/* [any] Holds and goes on, with a short fade; nothing is lost. job 0: all of
 * this client. */
void cbx_client_pause(cbx_client *client, uint64_t job, bool on);

/* -- events ---------------------------------------------------------------- */

typedef enum cbx_client_event_kind {
    CBX_CLIENT_CONNECTED, /* text: the daemon's name and version */
    CBX_CLIENT_LOST,      /* text: why; it is being connected to again */
    CBX_CLIENT_QUEUED,    /* the daemon has the job: value = jobs before it */
    CBX_CLIENT_STARTED,   /* the first frame is being heard */
    CBX_CLIENT_SENTENCE,  /* text_from, text_to */
    CBX_CLIENT_WORD,      /* text_from, text_to */
    CBX_CLIENT_MARK,      /* text: the mark's name; text_from */
    CBX_CLIENT_PAUSED,
    CBX_CLIENT_RESUMED,
    CBX_CLIENT_NOTICE,   /* text: something is not as it was asked for */
    CBX_CLIENT_UNDERRUN, /* value: frames that were missing */
    CBX_CLIENT_AUDIO,    /* frames can be read: cbx_client_audio_notify */
    /* One of these three is the last event of each job. */
    CBX_CLIENT_ENDED,     /* it was spoken; frame: its length */
    CBX_CLIENT_CANCELLED, /* text: "stop", "priority", "shutdown", "client" */
    CBX_CLIENT_ERROR,     /* text: a sentence; what was spoken before, was */
} cbx_client_event_kind;

/* `frame` counts the job's own frames, at `rate`. On a sink of the daemon an
 * event comes when the listener is there. Of a job whose sound comes back as
 * audio it comes before that frame can be read: who takes
 *     n = cbx_client_audio_available(audio);
 *     while (cbx_client_poll(client, &event)) ...
 *     cbx_client_audio_read(audio, out, n, NULL);
 * has seen every event that belongs to these n frames. ENDED then says that all
 * frames are there to read. */
typedef struct cbx_client_event {
    cbx_client_event_kind kind;
    uint64_t job;            /* 0: none */
    cbx_client_audio *audio; /* CBX_CLIENT_AUDIO; the job's; or NULL */
    uint64_t frame;
    uint32_t rate;
    uint64_t text_from, text_to; /* bytes of the job's text */
    int64_t value;
    cbx_status status; /* of CBX_CLIENT_ERROR */
    char text[256];
} cbx_client_event;

/* [any] Readable while there are events: for poll() in an event loop. Owned by
 * the client: neither read nor close it. */
int cbx_client_fd(const cbx_client *client);

/* [any, one thread at a time] The next event; false: none. 1024 are kept; of
 * more, SENTENCE, WORD, MARK and AUDIO events are dropped, never others. */
bool cbx_client_poll(cbx_client *client, cbx_client_event *out);

/* [setup] Waits up to timeout_ms for an event; says whether there is one. */
bool cbx_client_wait(cbx_client *client, int timeout_ms);

/* -- sound ----------------------------------------------------------------- */

/* A ring in sealed shared memory that the daemon writes and we read: jobs with
 * say.audio follow each other in it, in a queue of its own. It outlives the
 * daemon: what was written can be read, and the next daemon goes on in it. */

/* [setup] Mono, at `rate` Hz (8000 ... 192000; 24000 is native), room for
 * `frames` (256 ... 2^24, rounded up to a power of two); the daemon holds its
 * work while it is full. Does not wait for the daemon. */
cbx_status cbx_client_audio_open(cbx_client *client, uint32_t rate,
                                 uint32_t frames, cbx_client_audio **out,
                                 cbx_error *err);
/* [setup] Cancels its jobs. Nobody may be reading. Accepts NULL. */
void cbx_client_audio_close(cbx_client_audio *audio);

/* [audio] Fills all of out[0..n), with silence where there is nothing. Returns
 * the frames of speech. *owed (NULL is allowed): frames that were missing in
 * mid-speech. */
uint32_t cbx_client_audio_read(cbx_client_audio *audio, float *out, uint32_t n,
                               uint32_t *owed);

/* [audio] As read, but stops at the end of a job, so that the frames returned
 * are one job's; *job is which (0 and 0 frames: nothing is there), *frame the
 * job's own number of out[0]. For who has to tell jobs apart. */
uint32_t cbx_client_audio_take(cbx_client_audio *audio, float *out, uint32_t n,
                               uint64_t *job, uint64_t *frame);

/* [any, also audio] Frames that can be read now. */
uint32_t cbx_client_audio_available(const cbx_client_audio *audio);

/* [any, also audio] Every job that was given to this audio is over, and all its
 * frames have been read. */
bool cbx_client_audio_idle(const cbx_client_audio *audio);

/* [any, also audio] Drops everything that was said to this audio up to now:
 * silent from the next read on, after a fade of 5 ms; what is said next is
 * heard as soon as it comes. The daemon learns it from the shared memory. */
void cbx_client_audio_drop(cbx_client_audio *audio);

/* [any] One CBX_CLIENT_AUDIO event as soon as at least one frame can be read or
 * a job is over; at once if that is so already. */
void cbx_client_audio_notify(cbx_client_audio *audio);

/* [setup] Waits up to timeout_ms for a frame, or for the audio to be idle; says
 * whether one of them is so. */
bool cbx_client_audio_wait(cbx_client_audio *audio, int timeout_ms);

/* -- rendering ------------------------------------------------------------- */

/* Both may be NULL, and return false to stop. Called on the caller's thread. */
typedef struct cbx_render_to {
    bool (*frames)(void *user, const float *frames, uint32_t n);
    /* SENTENCE, WORD, MARK, NOTICE, each before its frame. */
    bool (*event)(void *user, const cbx_client_event *event);
    void *user;
} cbx_render_to;

/* [setup] The whole sound of say.text as fast as it comes; say.audio, sink and
 * priority do not count. Waits until the end; with no daemon, or no frame for
 * patience_ms (0: for ever), CBX_E_DEVICE. A callback's false: CBX_OK. */
cbx_status cbx_client_render(cbx_client *client, const cbx_say *say,
                             uint32_t rate, const cbx_render_to *to,
                             int patience_ms, cbx_error *err);

/* -- asking ---------------------------------------------------------------- */

/* [setup] A request of docs/PROTOCOL.md as JSON ({"do":"queue"}: also voices,
 * models, sinks, parameters, stats, reload, shutdown); *reply is its answer as
 * JSON, for the caller to free(). Waits up to timeout_ms: CBX_E_DEVICE. A
 * refusal is its status and sentence. */
cbx_status cbx_client_request(cbx_client *client, const char *request,
                              int timeout_ms, char **reply, cbx_error *err);

/* [setup] Calls `see` for each voice; strings live for the call. */
cbx_status cbx_client_voices(cbx_client *client, int timeout_ms,
                             void (*see)(void *user, const cbx_preset *preset),
                             void *user, cbx_error *err);

#ifdef __cplusplus
}
#endif

#endif
