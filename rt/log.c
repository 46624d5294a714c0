#include "rt/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The queue is Dmitry Vyukov's bounded queue: each cell has a turn number.
 * Position `at` may be filled when turn == at and read when turn == at + 1;
 * the reader sets it to at + CELLS for the next round. Pushers race for
 * positions with compare-exchange and never wait for one another. */
enum { CELLS = 256, LINE = 512 };

typedef struct cell {
    _Atomic uint32_t turn; /* minus the cell's index, so that 0 starts right */
    cbx_log_level level;
    int n;
    const char *fmt;
    cbx_log_value values[CBX_LOG_ARGS];
} cell;

static cell cells[CELLS];
static _Alignas(64) _Atomic uint32_t pushed;
static _Alignas(64) _Atomic uint64_t dropped;

/* Held by whoever hands lines to the sink; never by cbx_log_queue. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t popped;
static uint64_t dropped_told;
static cbx_log_sink *sink;
static void *sink_arg;
static _Atomic int most_level = -1; /* -1: no sink */

static CBX_RT bool wanted(cbx_log_level level)
{
    return (int)level <=
           atomic_load_explicit(&most_level, memory_order_relaxed);
}

CBX_RT void cbx_log_queue(cbx_log_level level, const char *fmt, int n,
                          const cbx_log_value *values)
{
    if (!wanted(level) || n < 0)
        return;
    uint32_t at = atomic_load_explicit(&pushed, memory_order_relaxed);
    for (;;) {
        cell *c = &cells[at % CELLS];
        /* acquire: the reader is done with the cell */
        const uint32_t turn =
            atomic_load_explicit(&c->turn, memory_order_acquire) + at % CELLS;
        if ((int32_t)(turn - at) < 0) {
            atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
            return;
        }
        if (turn != at) {
            at = atomic_load_explicit(&pushed, memory_order_relaxed);
            continue;
        }
        if (atomic_compare_exchange_weak_explicit(&pushed, &at, at + 1,
                                                  memory_order_relaxed,
                                                  memory_order_relaxed))
            break;
    }
    cell *c = &cells[at % CELLS];
    c->level = level;
    c->fmt = fmt;
    c->n = n > CBX_LOG_ARGS ? CBX_LOG_ARGS : n;
    for (int i = 0; i < c->n; i++)
        c->values[i] = values[i];
    /* release: the message is complete before it is its reader's turn */
    atomic_store_explicit(&c->turn, at + 1 - at % CELLS, memory_order_release);
}

static bool pop(cell *out)
{
    cell *c = &cells[popped % CELLS];
    /* acquire: the message is complete */
    const uint32_t turn =
        atomic_load_explicit(&c->turn, memory_order_acquire) + popped % CELLS;
    if (turn != popped + 1)
        return false;
    out->level = c->level;
    out->fmt = c->fmt;
    out->n = c->n;
    memcpy(out->values, c->values, sizeof out->values);
    /* release: it is copied before the cell is free for the next round */
    atomic_store_explicit(&c->turn, popped + CELLS - popped % CELLS,
                          memory_order_release);
    popped++;
    return true;
}

static size_t print_value(char *to, size_t room, cbx_log_value v)
{
    const int len = v.kind == CBX_LOG_INT ? snprintf(to, room, "%" PRId64, v.i)
                                          : snprintf(to, room, "%g", v.d);
    return len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

static void format(const cell *c, char line[LINE])
{
    size_t at = 0;
    int next = 0;
    for (const char *f = c->fmt; *f && at < LINE - 1; f++) {
        if (f[0] == '{' && f[1] == '}' && next < c->n) {
            at += print_value(line + at, LINE - at, c->values[next++]);
            f++;
        } else {
            line[at++] = *f;
        }
    }
    line[at] = '\0';
}

static void tell(cbx_log_level level, const char *line)
{
    if (sink && wanted(level))
        sink(sink_arg, level, line);
}

static void tell_drops(void)
{
    const uint64_t total = cbx_log_dropped();
    if (total == dropped_told)
        return;
    char line[LINE];
    snprintf(line, sizeof line, "%" PRIu64 " log lines were dropped",
             total - dropped_told);
    dropped_told = total;
    tell(CBX_LOG_WARNING, line);
}

/* With the lock held. At most one round of the queue, so that a thread that
 * logs without end cannot keep this one. */
static int drain(void)
{
    int n = 0;
    cell c;
    char line[LINE];
    while (n < CELLS && pop(&c)) {
        format(&c, line);
        tell(c.level, line);
        n++;
    }
    tell_drops();
    return n;
}

int cbx_log_drain(void)
{
    pthread_mutex_lock(&lock);
    const int n = drain();
    pthread_mutex_unlock(&lock);
    return n;
}

void cbx_log(cbx_log_level level, const char *fmt, ...)
{
    if (!wanted(level))
        return;
    char line[LINE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);

    pthread_mutex_lock(&lock);
    drain();
    tell(level, line);
    pthread_mutex_unlock(&lock);
}

void cbx_log_set_sink(cbx_log_sink *to, void *arg, cbx_log_level most)
{
    pthread_mutex_lock(&lock);
    drain();
    sink = to;
    sink_arg = arg;
    atomic_store_explicit(&most_level, to ? (int)most : -1,
                          memory_order_relaxed);
    pthread_mutex_unlock(&lock);
}

CBX_RT uint64_t cbx_log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}
