/* The trace: nothing that the audio thread must not do, from any number of
 * threads. */
#include "rt/clock.h"
#include "rt/trace.h"
#include "tests/check.h"
#include "tests/rt/rtcheck.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4, SPANS = 2000 };

static void *record(void *arg)
{
    (void)arg;
    rtcheck_enter();
    for (int i = 0; i < SPANS; i++) {
        const int64_t t0 = cbx_trace_start();
        cbx_trace_span("worker", "span", t0, i);
        cbx_trace_count("worker", "count", i);
    }
    rtcheck_leave();
    return NULL;
}

static void run_threads(void)
{
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, record, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(t[i], NULL) == 0);
}

static int lines_with(const char *path, const char *text)
{
    char line[512];
    int n = 0;
    FILE *f = fopen(path, "r");
    CHECK(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    fclose(f);
    return n;
}

int main(void)
{
    char path[] = "/tmp/cbx-trace-XXXXXX";
    cbx_error err;
    uint64_t dropped = 1;
    const int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(cbx_trace_start() == 0);
    run_threads(); /* off: nothing is kept */
    CHECK(cbx_trace_close(NULL, &err) == CBX_OK);
    CHECK(cbx_trace_open("/no/such/folder/t", &err) == CBX_E_FILE);

    CHECK(cbx_trace_open(path, &err) == CBX_OK);
    CHECK(cbx_trace_open(path, &err) == CBX_E_ARG);
    rtcheck_reset();
    run_threads();
    CHECK(rtcheck_violations() == 0);
    CHECK(cbx_trace_close(&dropped, &err) == CBX_OK && dropped == 0);
    CHECK(lines_with(path, "\"name\":\"span\"") == THREADS * SPANS);
    CHECK(lines_with(path, "\"name\":\"count\"") == THREADS * SPANS);
    CHECK(lines_with(path, "\"name\":\"worker\"") == THREADS);
    unlink(path);
    return 0;
}
