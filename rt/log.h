#ifndef CBX_RT_LOG_H
#define CBX_RT_LOG_H

#include "rt/annotate.h"

#include <stdint.h>

/* The log of the process, for any thread. Libraries never print: they hand
 * lines to the sink that the program set, and without a sink lines vanish.
 * The audio thread queues a pointer and numbers; a normal thread turns them
 * into text later (cbx_log_drain). */
typedef enum cbx_log_level {
    CBX_LOG_ERROR,
    CBX_LOG_WARNING,
    CBX_LOG_INFO,
    CBX_LOG_DEBUG,
} cbx_log_level;

/* Called from one thread at a time; `line` has no newline and is valid during
 * the call. It may not call the log. */
typedef void cbx_log_sink(void *arg, cbx_log_level level, const char *line);

/* [setup] Lines of `most` and graver go to `sink` (NULL: nowhere). When it
 * returns, no other thread is in the old sink. */
void cbx_log_set_sink(cbx_log_sink *sink, void *arg, cbx_log_level most);

/* [any but audio] Formats at once, after what the audio threads queued. Lines
 * longer than 511 bytes are cut. */
CBX_PRINTF(2, 3) void cbx_log(cbx_log_level level, const char *fmt, ...);

enum { CBX_LOG_ARGS = 4 };

typedef struct cbx_log_value {
    enum { CBX_LOG_INT, CBX_LOG_REAL } kind;
    union {
        int64_t i;
        double d;
    };
} cbx_log_value;

/* [audio] [any] Queues a line; each {} in `fmt` stands for the next of n <=
 * CBX_LOG_ARGS values. `fmt` must live as long as the program: a literal. A
 * full queue drops the line and counts it. Use CBX_LOG_RT. */
CBX_RT void cbx_log_queue(cbx_log_level level, const char *fmt, int n,
                          const cbx_log_value *values);

CBX_RT static inline cbx_log_value cbx_log_int(int64_t i)
{
    return (cbx_log_value){.kind = CBX_LOG_INT, .i = i};
}

CBX_RT static inline cbx_log_value cbx_log_real(double d)
{
    return (cbx_log_value){.kind = CBX_LOG_REAL, .d = d};
}

/* CBX_LOG_RT(CBX_LOG_WARNING, "{} frames late by {} ms", cbx_log_int(n),
 *            cbx_log_real(ms)); one to four values */
#define CBX_LOG_RT(level, fmt, ...)                                            \
    cbx_log_queue(                                                             \
        level, fmt,                                                            \
        (int)(sizeof((cbx_log_value[]){__VA_ARGS__}) / sizeof(cbx_log_value)), \
        (cbx_log_value[]){__VA_ARGS__})

/* [any but audio] Sends the queued lines to the sink, and one line with the
 * number of drops if there were any. Returns how many lines were queued. */
int cbx_log_drain(void);

/* [any] Lines dropped since the program started. */
CBX_RT uint64_t cbx_log_dropped(void);

#endif
