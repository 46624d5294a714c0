#include "daemon/sinks/internal.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* A pipe that poll calls writable takes this much without blocking, so the
 * thread stays free to stop. POSIX: PIPE_BUF is at least 512, Linux 4096. */
enum { SLICE_BYTES = 4096, LOOK_MS = 50, BLOCK_FRAMES = 256 };

typedef struct {
    cbx_sink sink;
    sink_writer writer;
    uint32_t channels;
    bool s16;
} raw_sink;

static cbx_status write_bytes(raw_sink *r, const unsigned char *at, size_t left,
                              cbx_error *err)
{
    const int fd = r->sink.options.fd;
    while (left && !atomic_load(&r->sink.stopping)) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        const int ready = poll(&p, 1, LOOK_MS);
        if (ready == 0)
            continue;
        const ssize_t n =
            ready < 0 ? -1
                      : write(fd, at, left < SLICE_BYTES ? left : SLICE_BYTES);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return cbx_fail(err, CBX_E_FILE, "raw output: %s",
                            errno == EPIPE ? "its reader has closed the pipe"
                                           : strerror(errno));
        at += n;
        left -= (size_t)n;
    }
    return CBX_OK;
}

static int16_t to_s16(float x)
{
    const float scaled = x * 32768.0f;
    if (!(scaled > -32768.0f)) /* NaN too */
        return scaled == scaled ? INT16_MIN : 0;
    return scaled < 32767.0f ? (int16_t)lrintf(scaled) : INT16_MAX;
}

/* Little endian whatever the machine is. */
static unsigned char *put(unsigned char *at, uint32_t bits, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (unsigned char)(bits >> (8 * i));
    return at;
}

static unsigned char *put_sample(const raw_sink *r, unsigned char *at, float x)
{
    uint32_t bits;
    if (r->s16)
        return put(at, (uint16_t)to_s16(x), 2);
    memcpy(&bits, &x, sizeof bits);
    return put(at, bits, 4);
}

static cbx_status raw_write(cbx_sink *s, const float *frames, uint32_t n,
                            cbx_error *err)
{
    raw_sink *r = (raw_sink *)s;
    unsigned char bytes[BLOCK_FRAMES * SINK_MAX_CHANNELS * 4];
    cbx_status st = CBX_OK;
    for (uint32_t i = 0; i < n && !st;) {
        unsigned char *at = bytes;
        for (uint32_t k = 0; k < BLOCK_FRAMES && i < n; k++, i++)
            for (uint32_t c = 0; c < r->channels; c++)
                at = put_sample(r, at, frames[i]);
        st = write_bytes(r, bytes, (size_t)(at - bytes), err);
    }
    return st;
}

static cbx_status raw_finish(cbx_sink *s, cbx_error *err)
{
    (void)s;
    (void)err;
    return CBX_OK;
}

static cbx_status raw_connect(cbx_sink *s, cbx_error *err)
{
    raw_sink *r = (raw_sink *)s;
    const char *format = s->options.format ? s->options.format : "f32le";
    r->s16 = !strcmp(format, "s16le");
    if (!r->s16 && strcmp(format, "f32le"))
        return cbx_fail(err, CBX_E_ARG,
                        "raw output: format '%s' is unknown: use f32le or "
                        "s16le",
                        format);
    r->channels = s->options.channels ? s->options.channels : 1;
    atomic_store(&s->rate,
                 s->options.rate ? s->options.rate : SINK_DEFAULT_RATE);
    return CBX_OK;
}

static cbx_status raw_activate(cbx_sink *s, cbx_error *err)
{
    raw_sink *r = (raw_sink *)s;
    r->writer =
        (sink_writer){.write = raw_write, .finish = raw_finish, .sink = s};
    return sink_writer_start(&r->writer, err);
}

static void raw_disconnect(cbx_sink *s)
{
    sink_writer_join(&((raw_sink *)s)->writer);
}

const sink_ops sink_raw_ops = {
    .size = sizeof(raw_sink),
    .connect = raw_connect,
    .activate = raw_activate,
    .disconnect = raw_disconnect,
};
