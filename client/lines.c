#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC, memrchr */
#include "client/lines.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 1 << 14, PIECES = 4, FDS = 4 };

void cbx_line_reader_init(cbx_line_reader *r)
{
    *r = (cbx_line_reader){.fd = -1};
}

void cbx_line_reader_close(cbx_line_reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    free(r->data);
    cbx_line_reader_init(r);
}

static bool make_room(cbx_line_reader *r)
{
    if (r->size - r->used >= PIECE)
        return true;
    const size_t size = r->size ? 2 * r->size : 2 * PIECE;
    char *data = realloc(r->data, size);
    if (!data)
        return false;
    r->data = data;
    r->size = size;
    return true;
}

static void keep_fd(cbx_line_reader *r, int fd)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = fd;
}

/* Descriptors beyond the room in the message are closed by the kernel. */
static ssize_t receive(cbx_line_reader *r, int socket, bool take_fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(FDS * sizeof(int))];
    } control;
    struct iovec io = {.iov_base = r->data + r->used, .iov_len = PIECE};
    struct msghdr message = {.msg_iov = &io,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room};
    if (!take_fd)
        return recv(socket, io.iov_base, io.iov_len, MSG_DONTWAIT);
    const ssize_t n =
        recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return n;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c;
         c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            keep_fd(r, fd);
        }
    }
    return n;
}

cbx_lines_state cbx_line_reader_read(cbx_line_reader *r, int socket,
                                     bool take_fd)
{
    for (int i = 0; i < PIECES; i++) {
        if (r->used > LINE_MAX_BYTES)
            return LINES_MORE; /* cbx_line_reader_next complains */
        if (!make_room(r))
            return LINES_ENDED;
        const ssize_t n = receive(r, socket, take_fd);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return LINES_ENDED;
        if (n < 0)
            return LINES_MORE;
        r->used += (size_t)n;
        if (r->fd >= 0)
            return LINES_MORE; /* before another one takes its place */
    }
    return LINES_MORE;
}

static void forget(cbx_line_reader *r, size_t bytes)
{
    memmove(r->data, r->data + bytes, r->used - bytes);
    r->used -= bytes;
    r->seen = 0;
    if (r->used == 0 && r->size > 4 * PIECE) {
        free(r->data); /* one long line must not cost memory for ever */
        r->data = NULL;
        r->size = 0;
    }
}

bool cbx_line_reader_next(cbx_line_reader *r, json_t **out, bool *bad,
                          cbx_error *err)
{
    json_error_t why;
    *bad = false;
    char *end = r->used > r->seen
                    ? memchr(r->data + r->seen, '\n', r->used - r->seen)
                    : NULL;
    r->seen = r->used;
    const size_t length = end ? (size_t)(end - r->data) : r->used;
    if (length >= LINE_MAX_BYTES) {
        *bad = true;
        cbx_fail(err, CBX_E_LIMIT, "a line of more than %d bytes",
                 LINE_MAX_BYTES);
        return false;
    }
    if (!end)
        return false;
    /* jansson limits the depth itself, and refuses what is not UTF-8 */
    *out = json_loadb(r->data, length, JSON_REJECT_DUPLICATES, &why);
    if (!*out || !json_is_object(*out)) {
        *bad = true;
        cbx_fail(err, CBX_E_FORMAT,
                 "a line that is no JSON object, at its byte %d",
                 *out ? 0 : why.position);
        json_decref(*out);
        return false;
    }
    forget(r, length + 1);
    return true;
}

char *cbx_line_of(json_t *object, size_t *bytes)
{
    char *line = NULL;
    const size_t n = object ? json_dumpb(object, NULL, 0, JSON_COMPACT) : 0;
    if (n > 0)
        line = malloc(n + 2);
    if (line) {
        json_dumpb(object, line, n, JSON_COMPACT);
        line[n] = '\n';
        line[n + 1] = 0;
        *bytes = n + 1;
    }
    json_decref(object);
    return line;
}

/* -- UTF-8 ----------------------------------------------------------------- */

/* Length of the character at s[0..n): > 0; 0: it is cut off; -1: none. */
static int character(const unsigned char *s, size_t n)
{
    static const unsigned char low[5] = {0, 0, 0x80, 0xa0, 0x90};
    if (s[0] < 0x80)
        return 1;
    const int length = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
                       : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                       : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                     : -1;
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= n)
            return 0;
        unsigned from = 0x80, to = 0xbf;
        if (i == 1 && (s[0] == 0xe0 || s[0] == 0xf0))
            from = low[length];
        if (i == 1 && s[0] == 0xed)
            to = 0x9f; /* surrogates */
        if (i == 1 && s[0] == 0xf4)
            to = 0x8f;
        if (s[i] < from || s[i] > to)
            return -1;
    }
    return length;
}

char *cbx_text_repaired(const char *text, size_t bytes, size_t *length,
                        size_t *changed)
{
    const unsigned char *s = (const unsigned char *)text;
    char *out = malloc(3 * bytes + 1);
    size_t n = 0;
    *changed = 0;
    for (size_t i = 0; out && i < bytes;) {
        const int c = character(s + i, bytes - i);
        if (c > 0) {
            memcpy(out + n, s + i, (size_t)c);
            n += (size_t)c;
            i += (size_t)c;
        } else {
            memcpy(out + n, "\xef\xbf\xbd", 3);
            n += 3;
            i++;
            ++*changed;
        }
    }
    if (out)
        out[n] = 0;
    *length = n;
    return out;
}

size_t cbx_text_whole(const char *text, size_t bytes)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t back = 1; back <= 3 && back <= bytes; back++)
        if (s[bytes - back] >= 0xc0)
            return character(s + bytes - back, back) == 0 ? bytes - back
                                                          : bytes;
    return bytes;
}
