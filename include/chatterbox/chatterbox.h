/* chatterbox: text in, live speech out.
 *
 *   cbx_engine *engine;  cbx_model *model;  cbx_voice *voice;
 *   cbx_stream *stream;  cbx_error err;     cbx_params params;
 *   cbx_engine_open(NULL, &engine, &err);
 *   cbx_model_open(engine, "builtin", &model, &err);
 *   cbx_voice_open(model, NULL, &voice, &err);
 *   cbx_voice_params(voice, &params);
 *   params.sample_rate = 48000;
 *   cbx_stream_open(voice, &params, &stream, &err);
 *   cbx_stream_push(stream, text, strlen(text), &taken, &err);
 *   cbx_stream_finish(stream);
 *   ... the audio callback calls cbx_stream_read(stream, out, frames) ...
 *
 * Threads: every function says who may call it.
 *   [setup]  any thread that may wait; not at the same time as another [setup]
 *            call on the same object
 *   [text]   the one thread that feeds a stream; never waits
 *   [audio]  the one thread that reads a stream; real-time safe: no
 *            allocation, lock, wait or system call
 *   [any]    any thread, at any time
 * A failing call returns a status and, where it takes a cbx_error (NULL is
 * allowed), fills it with one sentence that says what, where and what to do. */
#ifndef CHATTERBOX_CHATTERBOX_H
#define CHATTERBOX_CHATTERBOX_H

#include "chatterbox/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cbx_engine cbx_engine; /* a device and its decode thread */
typedef struct cbx_model cbx_model;   /* a checkpoint's weights, shared */
typedef struct cbx_voice cbx_voice;   /* a speaker, prepared for one model */
typedef struct cbx_stream cbx_stream; /* text going in, sound coming out */

/* "0.1.0" [any] */
const char *cbx_version(void);

/* -- engine ---------------------------------------------------------------- */

typedef struct cbx_engine_options {
    int threads;         /* for computing; 0: one for each core */
    const char *kernels; /* CPU variant; NULL: the best this CPU has */
    /* How models hold T3's weights: "f32", "bf16", "int8", "int4"; NULL or
     * "auto": int8, and f32 for a small model. Part of the sound. */
    const char *weights;
    /* Arithmetic of flow and vocoder: "f32"; "bf16" and "int8" round weights
     * and inputs and are faster where the CPU has instructions for them. NULL
     * or "auto": f32. Part of the sound. */
    const char *compute;
    int max_streams; /* 0: 64 */
    /* Warnings in plain language (no priority, locked memory refused, ...),
     * called from the thread that met them. NULL: dropped. */
    void (*warn)(void *user, const char *sentence);
    void *warn_user;
} cbx_engine_options;

/* [setup] options may be NULL. */
cbx_status cbx_engine_open(const cbx_engine_options *options, cbx_engine **out,
                           cbx_error *err);
/* [setup] After every stream, voice and model of it. Accepts NULL. */
void cbx_engine_close(cbx_engine *engine);
/* [any] The kernels in use ("avx2") and the number of threads. */
const char *cbx_engine_kernels(const cbx_engine *engine);
int cbx_engine_threads(const cbx_engine *engine);

/* -- models and voices ----------------------------------------------------- */

/* [setup] A checkpoint folder, or the name of a model found in the data
 * folders (see cbx_data_folders). */
cbx_status cbx_model_open(cbx_engine *engine, const char *name_or_folder,
                          cbx_model **out, cbx_error *err);
void cbx_model_close(cbx_model *model);

typedef struct cbx_model_info {
    const char *family; /* "turbo", "nano", ... */
    const char *folder;
    size_t weight_bytes; /* packed weights in memory */
    const char *weights; /* their format in T3: "int8" */
    const char *compute; /* in flow and vocoder: "f32", "bf16a", "int8a" */
    uint32_t sample_rate;
    double load_seconds;
} cbx_model_info;
/* [any] Strings live as long as the model. */
void cbx_model_get_info(const cbx_model *model, cbx_model_info *out);

/* [setup] A voice preset's name, a conds.pt or .safetensors or preset file, or
 * NULL for the model's own voice. */
cbx_status cbx_voice_open(cbx_model *model, const char *name_or_file,
                          cbx_voice **out, cbx_error *err);
void cbx_voice_close(cbx_voice *voice);
/* [any] Lives as long as the voice. */
const char *cbx_voice_name(const cbx_voice *voice);

/* [setup] The model that a voice preset asks for ("builtin"), written into
 * model[0..size). A voice given as a file, or no voice: the default model. */
cbx_status cbx_voice_model(const char *name_or_file, char *model, size_t size,
                           cbx_error *err);

typedef struct cbx_preset {
    const char *name, *description, *language, *model, *file;
} cbx_preset;
/* [setup] Calls `see` for each voice preset found; the strings live for the
 * call. The first of two with one name counts. Returns their number. A preset
 * that cannot be read is reported through `bad` (NULL: dropped). */
int cbx_voices(void (*see)(void *user, const cbx_preset *preset),
               void (*bad)(void *user, const char *sentence), void *user);

typedef struct cbx_model_entry {
    const char *name, *family, *folder;
    uint64_t bytes; /* of its files */
} cbx_model_entry;
/* [setup] The same for models/NAME in the data folders. */
int cbx_models(void (*see)(void *user, const cbx_model_entry *model),
               void (*bad)(void *user, const char *sentence), void *user);

/* [setup] Folders that are searched for presets and models, in order:
 * $CHATTERBOX_DATA (colon-separated), $XDG_DATA_HOME/chatterbox, the folder
 * that belongs to the running program (build tree or install prefix), and the
 * folder compiled in. Writes a colon-separated list. */
void cbx_data_folders(char *out, size_t size);

typedef struct cbx_tensor_info {
    const char *file, *name, *dtype, *shape; /* "F16", "[6563, 256]" */
    size_t bytes;
} cbx_tensor_info;

/* [setup] Lists the tensors of a checkpoint folder, a safetensors file or a
 * .pt file, in the order of the files; nothing is loaded. family: "turbo", ...
 * for a folder, else ""; size is family's room. */
cbx_status cbx_inspect(const char *path,
                       void (*see)(void *user, const cbx_tensor_info *tensor),
                       void *user, char *family, size_t size, cbx_error *err);

/* -- voices of one's own --------------------------------------------------- */

/* They lie in $XDG_DATA_HOME/chatterbox/voices as NAME.ini (a preset) and
 * NAME.safetensors, are written whole or not at all, and only these can be
 * renamed and deleted. A name is up to 60 bytes of letters, digits and -_.+
 * or spaces. */

/* What somebody who clones a voice states. */
#define CBX_CONSENT                                                            \
    "I am the speaker of this recording, or the speaker has agreed that this " \
    "voice is cloned and used for synthetic speech."

typedef struct cbx_clone_options {
    const char *name;
    /* The statement that was agreed to, such as CBX_CONSENT: it is kept in the
     * voice, with the date. Without one nothing is cloned. */
    const char *consent;
    const char *description; /* NULL: the date */
    bool replace;            /* a voice of one's own with this name */
    /* What is wrong with the recording, and what to do about it, where that
     * does not forbid to use it. NULL: dropped. */
    void (*warn)(void *user, const char *sentence);
    void *warn_user;
} cbx_clone_options;

typedef struct cbx_clone_report {
    char file[1024];  /* the preset that was written */
    double recording; /* seconds of it */
    double read_seconds, load_seconds, make_seconds; /* what it took */
} cbx_clone_report;

/* [setup] Makes a voice for this model from a recording of one person: any file
 * that libsndfile reads. Takes seconds, in which the streams of the engine
 * wait. CBX_E_UNSUPPORTED: the model came without what it takes to learn a
 * voice. report: NULL is allowed. */
cbx_status cbx_voice_clone(cbx_model *model, const char *recording,
                           const cbx_clone_options *options,
                           cbx_clone_report *report, cbx_error *err);

/* [setup] */
cbx_status cbx_voice_rename(const char *name, const char *new_name,
                            cbx_error *err);
cbx_status cbx_voice_delete(const char *name, cbx_error *err);

/* [setup] Any voice that has a file, as FILE.safetensors, or as FILE.pt for the
 * reference (which has no room for the statement of consent). */
cbx_status cbx_voice_export(const char *name, const char *file, bool replace,
                            cbx_error *err);

/* [setup] A conds.pt or .safetensors file becomes a voice. model: a name or
 * folder; NULL: what the file says. */
cbx_status cbx_voice_import(const char *file, const char *name,
                            const char *model, bool replace, cbx_error *err);

/* -- the watermark ----------------------------------------------------------
 */

/* [setup] How sure the detector is that a recording (any file that libsndfile
 * reads) carries the watermark: 0 to 1; the reference calls 0.5 and more yes.
 * CBX_E_UNSUPPORTED: its weights are not in the data folders. */
cbx_status cbx_watermark_detect(cbx_engine *engine, const char *recording,
                                float *sure, cbx_error *err);

/* [setup] Reads resemble-perth's perth_net_250000.pth.tar and writes
 * DATA/watermark/perth.safetensors. */
cbx_status cbx_watermark_import(const char *weights, const char *data_folder,
                                cbx_error *err);

/* -- parameters ------------------------------------------------------------ */

typedef enum cbx_latency {
    CBX_LATENCY_LOWEST,
    CBX_LATENCY_BALANCED,
    CBX_LATENCY_SAFEST,
} cbx_latency;

/* How the cells of a sentence see each other (docs/STREAMING.md). */
typedef enum cbx_flow_mode {
    CBX_FLOW_AUTO,   /* causal behind a prompt of over 4 s, else prefix */
    CBX_FLOW_FULL,   /* one cell: the reference, and no sound before its end */
    CBX_FLOW_PREFIX, /* each cell computes everything before it anew */
    CBX_FLOW_CAUSAL, /* each cell computes itself only */
} cbx_flow_mode;

/* What the text that is pushed may hold (docs/TEXT.md). It is never guessed. */
typedef enum cbx_markup {
    CBX_MARKUP_PLAIN, /* text, and pauses such as [pause:0.5s] */
    CBX_MARKUP_SSML,  /* SSML: break, mark, sub, say-as, prosody, lang, p, s */
} cbx_markup;

/* What the sound depends on, besides model, voice and text. The names are
 * those of the reference's generate(). */
typedef struct cbx_params {
    uint64_t seed;
    float temperature;        /* > 0 */
    int top_k;                /* 0: all */
    float top_p;              /* (0, 1] */
    float min_p;              /* [0, 1) */
    float repetition_penalty; /* >= 1 */
    float cfg_weight;         /* original, multilingual */
    float exaggeration;       /* original, multilingual */
    cbx_latency latency;      /* picks the chunk grid */
    cbx_flow_mode flow;
    int flow_history;     /* causal: mel frames (20 ms) of finished cells that a
                           * cell sees; 0: all of them */
    int look_ahead;       /* mel frames that the vocoder waits for: 0 to 20, the
                           * reference's; -1: 4, 8 or 20, as latency says */
    bool guards;          /* stop or repeat speech that goes wrong: see
                           * CBX_EVENT_GUARD; off: the reference */
    uint32_t sample_rate; /* of the frames that are read; 24000 is native */
    bool wrapped;         /* a single line break in the text is a space */
    char language[16];    /* multilingual models: \"de\"; \"\": none is named */
    cbx_markup markup;
    bool normalize; /* English: numbers, dates, abbreviations, ... as words */
    /* Resemble's Perth watermark, where its weights are in the data folders
     * (docs/WATERMARK.md). ahead: ms, 0 to 150 in steps of 10, that it waits
     * for beyond the 66 ms that it needs; 150 gives the reference's samples. */
    bool watermark;
    int watermark_ahead;
    /* A file that says how words are spoken, besides those of the user and the
     * voice (docs/TEXT.md); "": none. Read again when it changes. */
    char dictionary[1024];
    /* Of the sound that was made, and free to change while it is heard: see
     * cbx_stream_set_speed. */
    float speed;   /* times as fast, the pitch kept: 0.5 to 6 */
    float pitch;   /* semitones higher, the speed kept: -12 to 12 */
    float gain_db; /* louder, -60 to 24: peaks are kept below -1 dBTP */
} cbx_params;

/* [any] The voice's own settings: reference defaults, then the model's, then
 * the preset's. */
void cbx_voice_params(const cbx_voice *voice, cbx_params *out);
/* [setup] Overrides from a sampling preset (name or INI file). */
cbx_status cbx_params_preset(cbx_params *params, const char *name_or_file,
                             cbx_error *err);

/* -- streams --------------------------------------------------------------- */

/* [setup] Allocates all that the stream will ever need. */
cbx_status cbx_stream_open(cbx_voice *voice, const cbx_params *params,
                           cbx_stream **out, cbx_error *err);
/* [setup] Silences it at once; nobody may be reading. Accepts NULL. */
void cbx_stream_close(cbx_stream *stream);

/* [text] Takes as much of text[0..n) as fits and says how much; what was taken
 * will be spoken. UTF-8, cut anywhere. Speaking starts at the first sentence
 * end that no later byte can undo. CBX_E_TEXT: the text cannot be spoken (NUL
 * byte, endless word); what was taken before it is still spoken. */
cbx_status cbx_stream_push(cbx_stream *stream, const char *text, size_t n,
                           size_t *taken, cbx_error *err);
/* [text] Speak what is there, even without a sentence end. */
void cbx_stream_flush(cbx_stream *stream);
/* [text] No more text: flush, and end after the last sound. */
void cbx_stream_finish(cbx_stream *stream);

/* Voice conversion: speech instead of text (docs/CONVERSION.md). The voice says
 * what is said in the sound, as it is said there; reading, cancelling, events
 * and the watermark are those of any stream. */
typedef struct cbx_convert_options {
    uint32_t rate; /* of what is pushed, 4000 to 768000 */
    /* Sound that arrives while it is spoken: converted in windows, a fixed
     * time behind. Else the model hears up to 30 seconds at once, and the
     * result is the reference's. */
    bool live;
} cbx_convert_options;

/* [setup] CBX_E_UNSUPPORTED: the model came without a speech tokenizer. */
cbx_status cbx_stream_open_convert(cbx_voice *voice, const cbx_params *params,
                                   const cbx_convert_options *options,
                                   cbx_stream **out, cbx_error *err);
/* [text] Takes as much of x[0..n), mono, as fits. cbx_stream_finish ends it. */
cbx_status cbx_stream_push_sound(cbx_stream *stream, const float *x, size_t n,
                                 size_t *taken, cbx_error *err);

/* [any], also [audio]: drop all text and sound accepted so far. The reader
 * fades out within 5 ms and is silent from then on; the stream then takes text
 * anew, from the same state as when it was opened. */
void cbx_stream_cancel(cbx_stream *stream);
/* [text] cancel, then push: the first word of text[0..n) takes no longer than
 * on a stream that was just opened. What does not fit (*taken) is pushed
 * afterwards. */
cbx_status cbx_stream_replace(cbx_stream *stream, const char *text, size_t n,
                              size_t *taken, cbx_error *err);
/* [any], also [audio]: hold, and go on, with a short fade; nothing is lost. */
void cbx_stream_pause(cbx_stream *stream, bool on);

/* [audio] Fills all of out[0..n), mono, at the stream's rate; silence where
 * there is nothing. Returns how many frames of speech there were. *owed (NULL
 * is allowed) is how many were due in mid-speech and not there: an underrun. */
uint32_t cbx_stream_read(cbx_stream *stream, float *out, uint32_t n,
                         uint32_t *owed);
/* [any], also [audio]: frames of speech that the next read can have. A reader
 * that waits for frames asks for no more than this, and never meets an
 * underrun. */
uint32_t cbx_stream_available(const cbx_stream *stream);
/* [any], also [audio]: finished or cancelled, and every frame has been read. */
bool cbx_stream_ended(const cbx_stream *stream);

/* [any], also [audio]: as the fields of cbx_params, in mid-speech; values
 * beyond their range become its end. They stay when the stream is cancelled. 1,
 * 0 and 0 leave every bit of the sound as it is. */
void cbx_stream_set_speed(cbx_stream *stream, float speed);
void cbx_stream_set_pitch(cbx_stream *stream, float semitones);
void cbx_stream_set_gain(cbx_stream *stream, float db);

/* [setup] The device runs at another rate from now on: what was not read yet is
 * resampled anew; no frame is lost or heard twice. Nobody may read meanwhile.
 */
cbx_status cbx_stream_set_rate(cbx_stream *stream, uint32_t rate,
                               cbx_error *err);

/* [setup] Waits until a read brings something: frames, the fade of a cancel, or
 * the end; or until timeout_ms have passed. False: they passed. For readers
 * that are not real-time (files, sockets). Where there was nothing to hear, and
 * after a cancel, nothing is available and a read, even of no frames, is what
 * ends the stream. */
bool cbx_stream_wait(cbx_stream *stream, int timeout_ms);

typedef enum cbx_event_kind {
    CBX_EVENT_STARTED,  /* the first frame is being heard */
    CBX_EVENT_SENTENCE, /* a sentence begins: text_from, text_to */
    CBX_EVENT_ENDED,    /* the last frame was heard */
    CBX_EVENT_CANCELLED,
    CBX_EVENT_UNDERRUN, /* the reader found nothing: value = frames missed */
    CBX_EVENT_CUT,      /* end of speech was missing: value = tokens */
    CBX_EVENT_BAD_UTF8, /* value = bytes that were replaced */
    CBX_EVENT_ERROR,    /* decoding failed: text */
    CBX_EVENT_MARK,     /* a mark of the markup: text = its name, text_from */
    CBX_EVENT_WORD,     /* a word begins: text_from, text_to */
    CBX_EVENT_GUARD,    /* speech went wrong: value = cbx_guard, text says what
                         * was done */
    CBX_EVENT_NOTICE,   /* a part of the markup was passed over: text says
                         * which and why, text_from where */
    CBX_EVENT_CHANGED,  /* from here on another speed, pitch or gain is heard;
                         * of several at once the last one is told */
} cbx_event_kind;

/* What CBX_EVENT_GUARD found. */
typedef enum cbx_guard {
    CBX_GUARD_EARLY,   /* it ended long before the text can have been said */
    CBX_GUARD_ENDLESS, /* it did not end where the text must have been said */
    CBX_GUARD_LOOP,    /* the same tokens over and over */
    CBX_GUARD_SILENCE, /* a long silence */
    CBX_GUARD_TAIL,    /* it went on behind the last word */
} cbx_guard;

typedef struct cbx_event {
    cbx_event_kind kind;
    uint64_t frame; /* at the stream's rate, since start or cancel */
    uint64_t text_from, text_to; /* bytes pushed since start or cancel */
    int64_t value;
    char text[160];
} cbx_event;

/* [any] one thread at a time: the next event that the listener has reached.
 * False: none is due. */
bool cbx_stream_poll(cbx_stream *stream, cbx_event *out);

typedef struct cbx_stream_stats {
    /* From the first text of an utterance to the first frame in the ring. */
    double first_audio_ms;
    /* From opening the engine to the first frame ever. */
    double since_open_ms;
    uint64_t frames_made, frames_read; /* at the stream's rate */
    double audio_seconds;              /* made, at 24 kHz */
    double text_seconds, t3_seconds, flow_seconds, vocoder_seconds,
        resample_seconds, watermark_seconds;
    double watermark_delay_ms; /* 0: no watermark */
    uint64_t tokens, segments, cells;
    uint64_t text_spoken; /* bytes pushed whose sound has been made */
    uint64_t underruns, underrun_frames;
    uint64_t bad_bytes;   /* invalid UTF-8 that was replaced */
    uint64_t cuts;        /* segments that ended at the token limit */
    uint64_t guards;      /* times that a guard stepped in */
    uint64_t events_lost; /* nobody polled, and the queue was full */
} cbx_stream_stats;
/* [any] */
void cbx_stream_get_stats(const cbx_stream *stream, cbx_stream_stats *out);

#ifdef __cplusplus
}
#endif

#endif
