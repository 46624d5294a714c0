#include "daemon/speechd/input.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal's flags belong to the shell as well: leave them. Reading after
 * poll() does not wait there. */
static void no_waiting(int fd)
{
    struct stat st;
    if (fstat(fd, &st) || (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
        return;
    const int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void sd_input_init(sd_input *in, int fd)
{
    *in = (sd_input){.fd = fd};
    no_waiting(fd);
}

void sd_input_free(sd_input *in)
{
    cbx_buffer_free(&in->bytes);
}

void sd_input_fill(sd_input *in)
{
    char chunk[16384];
    const ssize_t n = read(in->fd, chunk, sizeof chunk);
    cbx_buffer_drop(&in->bytes, in->at);
    in->seen -= in->at;
    in->at = 0;
    if (n == 0)
        in->ended = true;
    else if (n < 0)
        in->ended = errno != EAGAIN && errno != EINTR;
    else if (!cbx_buffer_add(&in->bytes, chunk, (size_t)n))
        in->ended = true; /* no memory for a line: nothing more can be done */
}

/* Hands out n bytes from in->at. */
static bool hand_out(sd_input *in, size_t n, cbx_buffer *line)
{
    line->n = 0;
    if (!cbx_buffer_add(line, in->bytes.data + in->at, n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!line->data[i])
            line->data[i] = ' ';
    return true;
}

/* No end yet: what is too long keeps its beginning as a line of its own, and
 * the rest of it is dropped as it comes. */
static bool unended(sd_input *in, cbx_buffer *line)
{
    const size_t n = in->bytes.n - in->at;
    bool found = false;
    if (!in->too_long && n > SD_LINE_MOST) {
        found = hand_out(in, SD_LINE_MOST, line);
        in->too_long = true;
    }
    in->seen = in->bytes.n;
    if (in->too_long)
        in->at = in->bytes.n;
    return found;
}

bool sd_input_line(sd_input *in, cbx_buffer *line)
{
    for (;;) {
        const size_t left = in->bytes.n - in->seen;
        const char *end =
            left ? memchr(in->bytes.data + in->seen, '\n', left) : NULL;
        if (!end)
            return unended(in, line);
        size_t n = (size_t)(end - in->bytes.data) - in->at;
        if (n > SD_LINE_MOST)
            n = SD_LINE_MOST;
        const bool found = !in->too_long && hand_out(in, n, line);
        in->at = in->seen = (size_t)(end - in->bytes.data) + 1;
        in->too_long = false;
        if (found)
            return true;
    }
}
