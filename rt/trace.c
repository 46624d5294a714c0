#include "rt/trace.h"

#include "rt/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 1 << 20, MOST_THREADS = 256 };

typedef struct record {
    const char *name;
    int64_t start_ns;
    int64_t ns; /* of a span; -1: a counter */
    int32_t value;
    uint32_t thread;
} record;

static struct {
    _Atomic bool on;
    _Atomic uint64_t used; /* records claimed, with those that had no room */
    _Atomic uint32_t threads;
    const char *_Atomic names[MOST_THREADS];
    record *records;
    int64_t opened_ns;
    FILE *file;
} trace;

/* Of this thread, from its first record on; 0: none yet. */
static _Thread_local uint32_t me;

cbx_status cbx_trace_open(const char *path, cbx_error *err)
{
    if (trace.records)
        return cbx_fail(err, CBX_E_ARG, "there is a trace already");
    record *records = malloc(RECORDS * sizeof *records);
    if (!records)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a trace");
    trace.file = fopen(path, "w");
    if (!trace.file) {
        free(records);
        return cbx_fail(err, CBX_E_FILE, "%s: %s", path, strerror(errno));
    }
    memset(records, 0,
           RECORDS * sizeof *records); /* no page is missing later */
    trace.records = records;
    trace.opened_ns = cbx_clock_ns();
    atomic_store(&trace.used, 0);
    /* release: the records are there */
    atomic_store_explicit(&trace.on, true, memory_order_release);
    return CBX_OK;
}

CBX_RT int64_t cbx_trace_start(void)
{
    return atomic_load_explicit(&trace.on, memory_order_acquire)
               ? cbx_clock_ns()
               : 0;
}

static CBX_RT uint32_t my_number(const char *thread)
{
    if (me == 0) {
        me =
            atomic_fetch_add_explicit(&trace.threads, 1, memory_order_relaxed) +
            1;
        if (me < MOST_THREADS)
            atomic_store_explicit(&trace.names[me], thread,
                                  memory_order_relaxed);
    }
    return me;
}

static CBX_RT void keep(const char *thread, record r)
{
    const uint64_t at =
        atomic_fetch_add_explicit(&trace.used, 1, memory_order_relaxed);
    r.thread = my_number(thread);
    if (at < RECORDS)
        trace.records[at] = r;
}

CBX_RT void cbx_trace_span(const char *thread, const char *name, int64_t start,
                           int64_t value)
{
    if (start && atomic_load_explicit(&trace.on, memory_order_acquire))
        keep(thread,
             (record){name, start, cbx_clock_ns() - start, (int32_t)value, 0});
}

CBX_RT void cbx_trace_count(const char *thread, const char *name, int64_t value)
{
    const int64_t now = cbx_trace_start();
    if (now)
        keep(thread, (record){name, now, -1, (int32_t)value, 0});
}

/* -- the file -------------------------------------------------------------- */

static void write_record(const record *r)
{
    const double at = 1e-3 * (double)(r->start_ns - trace.opened_ns);
    if (r->ns < 0)
        fprintf(trace.file,
                "{\"ph\":\"C\",\"pid\":1,\"tid\":%" PRIu32
                ",\"name\":\"%s\",\"ts\":%.3f,\"args\":{\"value\":%" PRId32
                "}}",
                r->thread, r->name, at, r->value);
    else
        fprintf(trace.file,
                "{\"ph\":\"X\",\"pid\":1,\"tid\":%" PRIu32
                ",\"name\":\"%s\",\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"n\":"
                "%" PRId32 "}}",
                r->thread, r->name, at, 1e-3 * (double)r->ns, r->value);
}

static void write_all(uint64_t n, uint64_t dropped)
{
    const uint32_t threads = atomic_load(&trace.threads);
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n", trace.file);
    fputs("{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\","
          "\"args\":{\"name\":\"chatterbox\"}}",
          trace.file);
    for (uint32_t i = 1; i <= threads && i < MOST_THREADS; i++)
        fprintf(trace.file,
                ",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%" PRIu32
                ",\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}",
                i, atomic_load(&trace.names[i]));
    for (uint64_t i = 0; i < n; i++) {
        fputs(",\n", trace.file);
        write_record(&trace.records[i]);
    }
    fprintf(trace.file, "\n],\"otherData\":{\"dropped\":\"%" PRIu64 "\"}}\n",
            dropped);
}

cbx_status cbx_trace_close(uint64_t *dropped, cbx_error *err)
{
    if (!trace.records)
        return CBX_OK;
    atomic_store(&trace.on, false);
    const uint64_t used = atomic_load(&trace.used);
    const uint64_t n = used < RECORDS ? used : RECORDS;
    write_all(n, used - n);
    if (dropped)
        *dropped = used - n;
    const bool bad = ferror(trace.file) != 0;
    const bool unclosed = fclose(trace.file) != 0;
    free(trace.records);
    trace.records = NULL;
    trace.file = NULL;
    return bad || unclosed ? cbx_fail(err, CBX_E_FILE, "trace: %s",
                                      strerror(errno ? errno : EIO))
                           : CBX_OK;
}
