#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "daemon/speechd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's pipe would hold 1.4 s of sound, which the server reads byte by
 * byte before it sees what comes behind it. */
enum { PIPE_BYTES = 4096 };

void sd_output_init(sd_output *out, int fd)
{
    struct stat st;
    *out = (sd_output){.fd = fd};
    if (fstat(fd, &st) || !S_ISFIFO(st.st_mode))
        return;
    const int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}

void sd_output_free(sd_output *out)
{
    cbx_buffer_free(&out->bytes);
}

static void add(sd_output *out, const void *bytes, size_t n)
{
    if (!cbx_buffer_add(&out->bytes, bytes, n))
        out->broken = true;
}

void sd_output_lines(sd_output *out, const char *lines)
{
    add(out, lines, strlen(lines));
}

static void named(sd_output *out, const char *before, const char *name,
                  const char *after)
{
    add(out, before, strlen(before));
    add(out, name, strlen(name));
    add(out, after, strlen(after));
}

void sd_output_mark(sd_output *out, const char *name)
{
    named(out, "700-", name, "\n700 INDEX MARK\n");
}

void sd_output_icon(sd_output *out, const char *file)
{
    named(out, "706-", file, "\n706 ICON\n");
}

/* Like HDLC: 0x0a and 0x7d become 0x7d and the byte with bit 5 turned over. */
void sd_output_audio(sd_output *out, const int16_t *frames, size_t n,
                     unsigned rate)
{
    char head[128];
    const int size =
        snprintf(head, sizeof head,
                 "705-bits=16\n705-num_channels=1\n705-sample_rate=%u\n"
                 "705-num_samples=%zu\n705-big_endian=%d\n705-AUDIO",
                 rate, n, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    add(out, head, (size_t)size + 1); /* with its zero */
    if (!cbx_buffer_reserve(&out->bytes, 4 * n)) {
        out->broken = true;
        return;
    }
    const unsigned char *from = (const unsigned char *)frames;
    char *to = out->bytes.data + out->bytes.n;
    for (size_t i = 0; i < n * sizeof *frames; i++) {
        if (from[i] == 0x0a || from[i] == 0x7d) {
            *to++ = 0x7d;
            *to++ = (char)(from[i] ^ 0x20);
        } else {
            *to++ = (char)from[i];
        }
    }
    out->bytes.n = (size_t)(to - out->bytes.data);
    sd_output_lines(out, "\n705 AUDIO\n");
}

void sd_output_write(sd_output *out)
{
    while (out->bytes.n && !out->broken) {
        const ssize_t n = write(out->fd, out->bytes.data, out->bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            out->broken = true;
        if (n <= 0)
            return;
        cbx_buffer_drop(&out->bytes, (size_t)n);
    }
}

void sd_output_flush(sd_output *out, int timeout_ms)
{
    struct pollfd p = {.fd = out->fd, .events = POLLOUT};
    sd_output_write(out);
    while (sd_output_waits(out) && !out->broken && poll(&p, 1, timeout_ms) > 0)
        sd_output_write(out);
}
