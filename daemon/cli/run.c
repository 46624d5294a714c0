/* say and render: feeding text while it arrives, and waiting for the sound. */
#define _GNU_SOURCE /* pipe2 */
#include "daemon/cli/speak.h"

#include "daemon/cli/cli.h"
#include "rt/clock.h"
#include "rt/status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* -- Ctrl-C ---------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;
static int wake[2] = {-1, -1};       /* the handler writes, poll() wakes */
static cbx_stream *_Atomic speaking; /* the handler silences it */

static void on_signal(int number)
{
    const int saved = errno;
    (void)number;
    if (interrupted)
        _exit(CLI_INTERRUPTED); /* the second time means it */
    interrupted = 1;
    cbx_stream *stream = atomic_load(&speaking);
    if (stream)
        cbx_stream_cancel(stream);
    const ssize_t n = write(wake[1], "", 1);
    (void)n;
    errno = saved;
}

void speech_catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK))
        wake[0] = wake[1] = -1;
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* -- text ------------------------------------------------------------------ */

enum { PIECE = 1 << 14 };

/* Bytes on their way from the command line or a file to the stream. */
typedef struct {
    char *const *words;
    int n_words, word; /* the next word, and where in it */
    size_t at;
    int fd; /* standard input, or -1 where words are spoken */
    bool ended;
    char piece[PIECE];
    size_t from, to; /* of the piece: read, and not yet taken */
} text_input;

static void open_text(const speech *s, text_input *t)
{
    const cli_options *o = s->options;
    const bool words = o->n_words && strcmp(o->words[0], "-") != 0;
    *t = (text_input){.words = o->words, .fd = words ? -1 : STDIN_FILENO};
    t->n_words = words ? o->n_words : 0;
    if (s->text)
        t->fd = -1;
}

/* Text that is in memory. */
static void read_memory(const speech *s, text_input *t)
{
    const size_t left = s->text_len - t->at;
    t->to = left < PIECE ? left : PIECE;
    memcpy(t->piece, s->text + t->at, t->to);
    t->at += t->to;
    t->ended = t->at == s->text_len;
}

/* The words, with a space between them. */
static void read_words(text_input *t)
{
    while (t->to < PIECE && t->word < t->n_words) {
        const char c = t->words[t->word][t->at++];
        t->piece[t->to++] = c ? c : ' ';
        if (!c) {
            t->word++;
            t->at = 0;
        }
    }
    t->ended = t->word == t->n_words;
}

/* What is there now; called when poll() said so. */
static cbx_status read_file(text_input *t, cbx_error *err)
{
    const ssize_t n = read(t->fd, t->piece, PIECE);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return cbx_fail(err, CBX_E_FILE, "standard input: %s", strerror(errno));
    t->to = n > 0 ? (size_t)n : 0;
    t->ended = n == 0;
    return CBX_OK;
}

/* Hands over what the stream takes. */
static cbx_status push_piece(speech *s, text_input *t, cbx_error *err)
{
    size_t taken = 0;
    const cbx_status st = cbx_stream_push(s->stream, t->piece + t->from,
                                          t->to - t->from, &taken, err);
    times_text(s->times, t->piece + t->from, taken);
    t->from += taken;
    s->text_given += taken;
    return st;
}

/* Sleeps until there is text or a signal, at most `ms`. */
static bool text_is_there(const text_input *t, int ms)
{
    struct pollfd p[2] = {{.fd = wake[0], .events = POLLIN},
                          {.fd = t->fd, .events = POLLIN}};
    return poll(p, 2, ms) > 0 && p[1].revents;
}

/* -- the loop -------------------------------------------------------------- */

enum { TICK_MS = 50 };

static void watch(speech *s)
{
    cbx_event e;
    while (cbx_stream_poll(s->stream, &e)) {
        times_event(s->times, &e);
        if (e.kind == CBX_EVENT_ERROR) {
            cbx_error err;
            cbx_fail(&err, CBX_E_DEVICE, "%s", e.text);
            cli_complain(&err);
            s->failed = true;
        } else if (e.kind == CBX_EVENT_NOTICE && !s->options->quiet) {
            char sentence[200];
            snprintf(sentence, sizeof sentence, "byte %" PRIu64 ": %s",
                     e.text_from, e.text);
            cli_warn(sentence);
        }
    }
    speech_progress(s, false);
}

/* Nobody takes frames any more, so the stream would stay full for ever. */
static bool sink_failed(const speech *s)
{
    cbx_sink_info info;
    cbx_sink_poll(s->sink, &info);
    return info.state == CBX_SINK_FAILED;
}

/* Feeds everything. The text ends at its end, at Ctrl-C, or at an error; what
 * was taken before an error is still spoken. */
static cbx_status feed(speech *s, cbx_error *err)
{
    text_input t;
    cbx_status st = CBX_OK;
    open_text(s, &t);
    while (!interrupted && !s->failed && !st && !sink_failed(s)) {
        if (t.from == t.to) {
            t.from = t.to = 0;
            if (t.ended)
                break;
            if (s->text)
                read_memory(s, &t);
            else if (t.fd < 0)
                read_words(&t);
            else if (text_is_there(&t, TICK_MS))
                st = read_file(&t, err);
        } else {
            const size_t before = t.from;
            st = push_piece(s, &t, err);
            if (!st && t.from == before) /* the stream is full: wait a little */
                poll(&(struct pollfd){.fd = wake[0], .events = POLLIN}, 1,
                     TICK_MS / 5);
        }
        watch(s);
    }
    return st;
}

/* Waits for the last sound. After Ctrl-C that is the end of the fade. */
static cbx_status wait_for_sound(speech *s, cbx_error *err)
{
    cbx_sink_state state = CBX_SINK_PLAYING;
    cbx_status st = CBX_OK;
    bool cancelled = false;
    const int64_t patience = CBX_NS_PER_S / 2; /* for a device that hangs */
    int64_t cancelled_at = 0;
    while (!st && state != CBX_SINK_ENDED && state != CBX_SINK_STOPPED) {
        if (interrupted && !speech_is_live(s)) {
            cbx_sink_stop(s->sink); /* removes the unfinished file */
            break;
        }
        if (interrupted && !cancelled) {
            cbx_stream_cancel(s->stream);
            cancelled_at = cbx_clock_ns();
            cancelled = true;
        }
        if (cancelled && cbx_clock_ns() - cancelled_at > patience)
            break;
        st = cbx_sink_wait(s->sink, cancelled ? 0.005 : 1e-3 * TICK_MS, &state,
                           err);
        watch(s);
        if (speech_is_empty(s))
            break;
    }
    if (cancelled || speech_is_empty(s))
        cbx_sink_stop(s->sink); /* leaves no unfinished file */
    return st;
}

static cbx_status check_spoken(const speech *s, cbx_error *err)
{
    cbx_stream_stats stats;
    cbx_stream_get_stats(s->stream, &stats);
    if (stats.segments)
        return CBX_OK;
    if (s->options->command == CLI_CONVERT)
        return cbx_fail(err, CBX_E_FORMAT,
                        "there is no sound in it that could be converted");
    return cbx_fail(err, CBX_E_TEXT,
                    "there is nothing to speak: the text has no letter and no "
                    "number");
}

static void warn_about_text(const speech *s)
{
    cbx_stream_stats stats;
    char sentence[128];
    cbx_stream_get_stats(s->stream, &stats);
    if (!stats.bad_bytes || s->options->quiet)
        return;
    snprintf(sentence, sizeof sentence,
             "the text is not all UTF-8; bytes that were replaced: %" PRIu64,
             stats.bad_bytes);
    cli_warn(sentence);
}

/* The same with sound. */
static cbx_status feed_sound(speech *s, cbx_error *err)
{
    cbx_status st = CBX_OK;
    bool ended = false;
    while (!interrupted && !s->failed && !st && !sink_failed(s) && !ended) {
        st = hearing_feed(s, &ended, err);
        if (!st && !ended)
            poll(&(struct pollfd){.fd = wake[0], .events = POLLIN}, 1,
                 TICK_MS / 5);
        watch(s);
    }
    return st;
}

static int write_times(speech *s)
{
    cbx_error err;
    cbx_sink_info info;
    const char *output = s->output ? s->output : s->options->output;
    if (!s->times)
        return CLI_OK;
    watch(s); /* what the last frames brought */
    cbx_sink_poll(s->sink, &info);
    return times_write(s->times, output, info.rate, info.frames, &err)
               ? cli_complain(&err)
               : CLI_OK;
}

int speech_run(speech *s)
{
    cbx_error text_err, sound_err;
    if (speech_is_live(s)) /* a silenced file would look complete */
        atomic_store(&speaking, s->stream);
    const cbx_status text = s->options->command == CLI_CONVERT
                                ? feed_sound(s, &text_err)
                                : feed(s, &text_err);
    cbx_stream_finish(s->stream);
    const cbx_status sound = wait_for_sound(s, &sound_err);
    atomic_store(&speaking, NULL);
    speech_progress(s, true);
    warn_about_text(s);

    if (interrupted)
        return CLI_INTERRUPTED;
    if (s->failed) /* and reported */
        return CLI_FAILED;
    if (sound)
        return cli_complain(&sound_err);
    if (text || check_spoken(s, &text_err))
        return cli_complain(&text_err);
    return write_times(s);
}
