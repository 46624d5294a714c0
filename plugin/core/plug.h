#ifndef CBX_PLUGIN_PLUG_H
#define CBX_PLUGIN_PLUG_H

#include "plugin/core/player.h"

/* One instance of the plugin, whatever the host speaks. The shells (LV2, CLAP)
 * translate; the rest is here: the script and its takes, what is asked from the
 * renderer, and what the audio thread plays.
 *
 * Threads: [audio] the one that processes; [main] any other thread of the
 * host, several at a time are allowed; [setup] no other call on this instance
 * is running. */
typedef struct plug plug;

/* -- parameters ------------------------------------------------------------ */

typedef enum plug_param {
    PLUG_GAIN,     /* dB */
    PLUG_SPEED,    /* 1: as the voice speaks */
    PLUG_PITCH,    /* semitones */
    PLUG_SEED,     /* whole numbers */
    PLUG_NOTE_OFF, /* plug_note_off */
    PLUG_TIMELINE, /* 1: pinned phrases are played */
    PLUG_WAIT,     /* s; offline: without any progress, for the daemon */
    PLUG_PARAMS,
} plug_param;

typedef struct plug_param_info {
    const char *symbol, *name, *unit; /* "": none */
    float least, most, normal;
    bool whole; /* whole numbers only */
} plug_param_info;

extern const plug_param_info plug_params[PLUG_PARAMS];

/* -- lifetime -------------------------------------------------------------- */

/* [setup] rate: the host's, 0 when it is not known yet. The source lives as
 * long as the program; instances with one source share its worker. */
CBX_CHECK cbx_status plug_open(const plug_source *source, uint32_t rate,
                               plug **out, cbx_error *err);
/* [setup] NULL is allowed. */
void plug_close(plug *p);

/* [setup] Before processing starts: the rate from now on. Pinned phrases keep
 * their place in time; what was rendered stays. */
CBX_CHECK cbx_status plug_set_rate(plug *p, uint32_t rate, cbx_error *err);

/* [setup] Sentences for the host's log, from threads that may wait. */
void plug_set_log(plug *p, void (*log)(void *arg, const char *sentence),
                  void *arg);

/* -- what is spoken -------------------------------------------------------- */

/* [main] A script (script.h). On failure nothing has changed. */
CBX_CHECK cbx_status plug_set_script(plug *p, const char *text, size_t n,
                                     cbx_error *err);
/* [main] "": the daemon's own choice. */
CBX_CHECK cbx_status plug_set_voice(plug *p, const char *voice, cbx_error *err);
/* [main] Both at once, with positions that count frames at `rate`: a project
 * is opened. */
CBX_CHECK cbx_status plug_restore(plug *p, const char *script, size_t n,
                                  uint32_t rate, const char *voice,
                                  cbx_error *err);
/* [main] What failed is tried again. */
void plug_retry(plug *p);

/* [main] Copies; the caller frees them. NULL: out of memory. */
char *plug_script_copy(plug *p);
char *plug_voice_copy(plug *p);
char *plug_status_copy(plug *p); /* see plug_scene.status in status.c */
char *plug_voices_copy(plug *p); /* one a line */
/* Numbers of phrases that failed or that the last offline run went without,
 * between spaces; "": none. For projects, so that it is known later. */
char *plug_missing_copy(plug *p);
uint32_t plug_rate(plug *p);

/* [main] Finished takes of the script: calls `see` for each until it returns a
 * failure. The take lives for the call. */
CBX_CHECK cbx_status plug_takes(plug *p,
                                cbx_status (*see)(void *arg, int number,
                                                  const plug_take *take,
                                                  cbx_error *err),
                                void *arg, cbx_error *err);
/* [main] A take from a project: used where its key fits. */
CBX_CHECK cbx_status plug_add_take_file(plug *p, const char *path,
                                        cbx_error *err);
CBX_CHECK cbx_status plug_add_take_bytes(plug *p, const void *bytes, size_t n,
                                         cbx_error *err);

/* [main] Does what waits at once, on this thread; then wakes the worker. */
void plug_serve(plug *p);
/* [setup] The shell calls plug_serve whenever plug_wants_service says so; the
 * worker then looks less often by itself. */
void plug_will_serve(plug *p);

/* -- audio ----------------------------------------------------------------- */

/* [audio] [main] Takes effect at the next block. Values out of range are
 * limited; NaN is ignored. */
CBX_RT void plug_set(plug *p, plug_param which, float value);
CBX_RT float plug_get(const plug *p, plug_param which);

/* [audio] */
CBX_RT const plug_scene *plug_begin(plug *p);
CBX_RT void plug_transport(plug *p, bool playing, int64_t position);
CBX_RT int64_t plug_position(const plug *p); /* of the next frame */
CBX_RT void plug_note(plug *p, int note, float velocity); /* 0: off */
CBX_RT void plug_silence(plug *p);
CBX_RT void plug_fill(plug *p, float *out, uint32_t n);

/* [audio], but not in real time: waits until the renderer has made what the
 * next n frames need; at most PLUG_WAIT seconds without progress, then these
 * phrases are marked and logged, and not waited for again in this run. */
void plug_wait(plug *p, uint32_t n);
/* [audio] An offline run begins or ends. */
CBX_RT void plug_set_offline(plug *p, bool offline);

typedef enum plug_edit {
    PLUG_EDIT_SCRIPT,
    PLUG_EDIT_VOICE,
    PLUG_EDIT_RETRY,
} plug_edit;
/* [audio] The text is copied and taken over by the worker. False: too long, or
 * too much at once; nothing was taken. */
CBX_RT bool plug_edit_later(plug *p, plug_edit what, const char *text,
                            size_t n);
/* [audio] Something waits for the worker: say it once. */
CBX_RT bool plug_wants_service(plug *p);

/* [any] Since the start; the highest sample since the last call. */
CBX_RT uint64_t plug_late(const plug *p);
CBX_RT float plug_peak(plug *p);

#endif
