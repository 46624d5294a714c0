#ifndef CBX_DAEMON_CLI_SPEAK_H
#define CBX_DAEMON_CLI_SPEAK_H

#include "chatterbox/chatterbox.h"
#include "daemon/cli/options.h"
#include "daemon/cli/times.h"
#include "daemon/sinks/sink.h"

#include <stdatomic.h>
#include <stdint.h>

/* One run of say or render: an engine, a voice, a stream, and where the sound
 * goes. */
typedef struct speech {
    const cli_options *options;
    int64_t started_ns; /* of the program */

    cbx_engine *engine;
    cbx_model *model;
    cbx_voice *voice;
    cbx_stream *stream;
    cbx_sink *sink;
    cbx_sink_kind sink_kind;

    _Atomic int64_t
        first_frame_ns; /* first frame that the sink took; 0: none */

    cbx_params params;
    const char *output; /* one of many; NULL: as the options say */
    const char *text;   /* that is spoken; NULL: as the options say */
    size_t text_len;
    times *times; /* NULL: nobody asked */

    uint64_t text_given; /* bytes that the stream took */
    struct {             /* convert */
        float *x;        /* [n] mono */
        size_t n, at;
        uint32_t rate;
    } sound;
    bool failed; /* decoding failed, and it was reported */
} speech;

/* Opens the engine and the voice, and settles the parameters. */
cbx_status speech_open(speech *s, const cli_options *o, cbx_error *err);
void speech_close(speech *s);

/* A stream for one text. Closing takes the sink with it. */
cbx_status speech_open_stream(speech *s, cbx_error *err);
void speech_close_stream(speech *s);

/* The sound goes to a device, not to a file or a pipe. */
bool speech_is_live(const speech *s);

/* The stream has ended without a sound: there is nothing to make a file of. */
bool speech_is_empty(const speech *s);

/* Opens and starts the sink that the options ask for. */
cbx_status speech_connect(speech *s, cbx_error *err);

/* From here on Ctrl-C and SIGTERM end the run in an orderly way: before
 * speech_connect, so that no unfinished file is left behind. */
void speech_catch_signals(void);

/* Feeds text until it ends, then waits for the sound to end; CLI_INTERRUPTED
 * after Ctrl-C. */
int speech_run(speech *s);

/* convert: reads the recording and opens the stream for it. */
cbx_status hearing_open(speech *s, const cbx_params *params, cbx_error *err);
void hearing_close(speech *s);
/* As much as the stream takes; *ended: that was all. */
cbx_status hearing_feed(speech *s, bool *ended, cbx_error *err);

/* --stats */
void speech_print_stats(const speech *s, FILE *to);

/* Progress of render on a terminal; ends the line at `done`. */
void speech_progress(const speech *s, bool done);

#endif
