#include "tests/check.h"
#include "tests/sinks/source.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { N = 50000 };

typedef struct {
    int fd;
    size_t most; /* stop reading after this many bytes */
    unsigned char *bytes;
    size_t n;
} reader;

static void *read_all(void *arg)
{
    reader *r = arg;
    while (r->n < r->most) {
        /* small and slow: the writer meets a full pipe */
        const ssize_t k = read(r->fd, r->bytes + r->n, 3001);
        if (k <= 0)
            break;
        r->n += (size_t)k;
    }
    close(r->fd);
    return NULL;
}

static void raw_bytes_arrive_whole(const char *format, uint32_t channels,
                                   int nonblock, size_t size)
{
    test_source t;
    int fds[2];
    pthread_t thread;
    CHECK(!pipe(fds));
    if (nonblock)
        CHECK(!fcntl(fds[1], F_SETFL, O_NONBLOCK));
    reader r = {fds[0], SIZE_MAX, calloc(N + 4000, size * channels), 0};
    CHECK(!pthread_create(&thread, NULL, read_all, &r));
    test_source_init(&t, N, 5);
    t.frames[0] = 2.0f;
    t.frames[1] = -2.0f;
    t.most = 777;
    const cbx_sink_options o = {.kind = CBX_SINK_RAW,
                                .fd = fds[1],
                                .format = format,
                                .channels = channels};
    cbx_sink *s = open_sink(&o, &t);
    play_to_the_end(s);
    cbx_sink_close(s);
    CHECK(!close(fds[1])); /* the sink left it open */
    pthread_join(thread, NULL);
    CHECK(r.n == N * size * channels);
    for (size_t i = 0; i < N * channels; i++) {
        const float want = t.frames[i / channels];
        float f;
        int16_t h;
        memcpy(&f, r.bytes + i * size, size == 4 ? 4 : 0);
        memcpy(&h, r.bytes + i * size, 2);
        if (size == 4)
            CHECK(f == want);
        else if (fabsf(want) > 1)
            CHECK(h == (want > 0 ? 32767 : -32768));
        else
            CHECK_NEAR(h, want * 32768, 0.5);
    }
    free(r.bytes);
    test_source_free(&t);
}

static void a_reader_that_leaves_is_an_error_not_a_signal(void)
{
    test_source t;
    int fds[2];
    pthread_t thread;
    cbx_error err = {0};
    cbx_sink_state state;
    CHECK(!pipe(fds));
    reader r = {fds[0], 5000, calloc(N, 4), 0};
    CHECK(!pthread_create(&thread, NULL, read_all, &r));
    test_source_init(&t, N, 6);
    const cbx_sink_options o = {.kind = CBX_SINK_RAW, .fd = fds[1]};
    cbx_sink *s = open_sink(&o, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    CHECK(cbx_sink_wait(s, 20, &state, &err) == CBX_E_FILE);
    CHECK(state == CBX_SINK_FAILED);
    CHECK(strstr(err.text, "closed the pipe"));
    cbx_sink_close(s);
    pthread_join(thread, NULL);
    close(fds[1]);
    free(r.bytes);
    test_source_free(&t);
}

static void stop_does_not_wait_for_a_stuck_reader(void)
{
    test_source t;
    int fds[2];
    cbx_error err = {0};
    CHECK(!pipe(fds));
    test_source_init(&t, N, 7);
    const cbx_sink_options o = {.kind = CBX_SINK_RAW, .fd = fds[1]};
    cbx_sink *s = open_sink(&o, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    nap(0.4); /* the pipe is full to the last byte */
    CHECK(atomic_load(&t.at) > 0 && atomic_load(&t.at) < N);
    const double before = seconds();
    cbx_sink_stop(s);
    CHECK(seconds() - before < 1.0);
    cbx_sink_close(s);
    close(fds[0]);
    close(fds[1]);
    test_source_free(&t);
}

static void frames_that_come_late_are_waited_for(void)
{
    test_source t;
    int fds[2];
    cbx_error err = {0};
    cbx_sink_state state;
    cbx_sink_info info;
    CHECK(!pipe(fds));
    test_source_init(&t, 2000, 8);
    atomic_store(&t.released, 500);
    const cbx_sink_options o = {.kind = CBX_SINK_RAW, .fd = fds[1]};
    cbx_sink *s = open_sink(&o, &t);
    CHECK(cbx_sink_start(s, &err) == CBX_OK);
    CHECK(cbx_sink_wait(s, 0.3, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_PLAYING);
    atomic_store(&t.released, 2000);
    CHECK(cbx_sink_wait(s, 10, &state, &err) == CBX_OK);
    CHECK(state == CBX_SINK_ENDED);
    cbx_sink_poll(s, &info);
    CHECK(info.frames == 2000 && info.starved == 0);
    cbx_sink_close(s);
    close(fds[0]);
    close(fds[1]);
    test_source_free(&t);
}

static void an_unknown_format_is_refused(void)
{
    test_source t;
    cbx_error err = {0};
    cbx_sink *s;
    test_source_init(&t, 1, 9);
    const cbx_source source = test_source_as_source(&t);
    const cbx_sink_options o = {.kind = CBX_SINK_RAW, .fd = 1, .format = "u8"};
    CHECK(cbx_sink_open(&o, &source, &s, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "u8"));
    test_source_free(&t);
}

int main(void)
{
    raw_bytes_arrive_whole("f32le", 1, 0, 4);
    raw_bytes_arrive_whole(NULL, 2, 1, 4);
    raw_bytes_arrive_whole("s16le", 1, 1, 2);
    raw_bytes_arrive_whole("f32le", 8, 0, 4);
    a_reader_that_leaves_is_an_error_not_a_signal();
    stop_does_not_wait_for_a_stuck_reader();
    frames_that_come_late_are_waited_for();
    an_unknown_format_is_refused();
    return 0;
}
