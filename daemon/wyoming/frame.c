#include "daemon/wyoming/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* -- reading --------------------------------------------------------------- */

void frame_reader_init(frame_reader *r, int fd)
{
    *r = (frame_reader){.fd = fd};
}

void frame_reader_close(frame_reader *r)
{
    free(r->bytes);
    *r = (frame_reader){.fd = -1};
}

/* More bytes. False: the end, or no memory. */
static bool fill(frame_reader *r)
{
    if (r->from > 0) {
        memmove(r->bytes, r->bytes + r->from, r->to - r->from);
        r->to -= r->from;
        r->from = 0;
    }
    if (r->to == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 4096;
        char *bytes = realloc(r->bytes, capacity);
        if (!bytes)
            return false;
        r->bytes = bytes;
        r->capacity = capacity;
    }
    ssize_t n;
    do
        n = recv(r->fd, r->bytes + r->to, r->capacity - r->to, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    r->to += (size_t)n;
    return true;
}

/* The next line without its end, in place; NULL: the connection ended (*long
 * false) or the line is too long. */
static char *take_line(frame_reader *r, bool *too_long)
{
    *too_long = false;
    for (size_t seen = 0;;) {
        char *start = r->bytes ? r->bytes + r->from : NULL;
        char *end =
            start ? memchr(start + seen, '\n', r->to - r->from - seen) : NULL;
        if (end) {
            *end = 0;
            r->from += (size_t)(end - start) + 1;
            return start;
        }
        seen = r->to - r->from;
        if (seen > FRAME_LINE_MAX) {
            *too_long = true;
            return NULL;
        }
        if (!fill(r))
            return NULL;
    }
}

/* n bytes in place, or NULL. */
static char *take_bytes(frame_reader *r, size_t n)
{
    while (r->to - r->from < n)
        if (!fill(r))
            return NULL;
    r->from += n;
    return r->bytes + r->from - n;
}

static bool pass_over(frame_reader *r, size_t n)
{
    while (n > 0) {
        const size_t have = r->to - r->from;
        const size_t part = have < n ? have : n;
        r->from += part;
        n -= part;
        if (n > 0 && !fill(r))
            return false;
    }
    return true;
}

/* A length of the head: 0 where it is not there, negative where it is bad. */
static long length_of(const json_t *head, const char *name, long most)
{
    const json_t *v = json_object_get(head, name);
    if (!v || json_is_null(v))
        return 0;
    const json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;
    return n >= 0 && n <= most ? (long)n : -1;
}

/* data_length bytes, merged over what stands in the line. */
static cbx_status take_data(frame_reader *r, json_t *head, long n, json_t **out,
                            cbx_error *err)
{
    json_t *inline_data = json_object_get(head, "data");
    json_t *data =
        json_is_object(inline_data) ? json_incref(inline_data) : json_object();
    if (n > 0) {
        const char *bytes = take_bytes(r, (size_t)n);
        json_t *more = bytes ? json_loadb(bytes, (size_t)n, 0, NULL) : NULL;
        if (!json_is_object(more) || json_object_update(data, more)) {
            json_decref(more);
            json_decref(data);
            return cbx_fail(err, CBX_E_FORMAT,
                            "wyoming: the data of an event is no JSON object");
        }
        json_decref(more);
    }
    *out = data;
    return CBX_OK;
}

cbx_status frame_read(frame_reader *r, char **type, json_t **data,
                      cbx_error *err)
{
    bool too_long;
    *type = NULL;
    *data = NULL;
    const char *line = take_line(r, &too_long);
    if (!line)
        return too_long ? cbx_fail(err, CBX_E_LIMIT,
                                   "wyoming: a line is longer than 1 MiB")
                        : CBX_OK;
    json_t *head = json_loads(line, 0, NULL);
    const char *name = json_string_value(json_object_get(head, "type"));
    const long n = length_of(head, "data_length", FRAME_LINE_MAX);
    const long payload = length_of(head, "payload_length", FRAME_PAYLOAD_MAX);
    cbx_status st = CBX_OK;
    if (!name || n < 0 || payload < 0)
        st = cbx_fail(err, CBX_E_FORMAT,
                      "wyoming: a line is no event with a type and lengths of "
                      "up to 1 MiB");
    if (!st)
        st = take_data(r, head, n, data, err);
    if (!st && !pass_over(r, (size_t)payload)) {
        json_decref(*data);
        *data = NULL; /* it ended in mid-payload */
    } else if (!st) {
        *type = strdup(name);
    }
    json_decref(head);
    return st;
}

/* -- writing --------------------------------------------------------------- */

static bool wait_writable(int fd, bool (*given_up)(void *user), void *user)
{
    enum { LOOK_MS = 50, MOST = 600 };
    for (int i = 0; i < MOST; i++) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        const int n = poll(&p, 1, LOOK_MS);
        if (n > 0)
            return !(p.revents & (POLLERR | POLLNVAL));
        if (n < 0 && errno != EINTR)
            return false;
        if (given_up && given_up(user))
            return false;
    }
    return false;
}

static bool send_all(int fd, const void *bytes, size_t n,
                     bool (*given_up)(void *user), void *user)
{
    const char *at = bytes;
    while (n > 0) {
        const ssize_t sent = send(fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            n -= (size_t)sent;
        } else if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK &&
                   errno != EINTR) {
            return false;
        } else if (!wait_writable(fd, given_up, user)) {
            return false;
        }
    }
    return true;
}

bool frame_write(int fd, const char *type, json_t *data, const void *payload,
                 size_t n, bool (*given_up)(void *user), void *user)
{
    char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
    const size_t length = text ? strlen(text) : 0;
    json_t *head = json_pack("{s:s, s:s}", "type", type, "version", "1.5.4");
    if (length)
        json_object_set_new(head, "data_length",
                            json_integer((json_int_t)length));
    if (n)
        json_object_set_new(head, "payload_length",
                            json_integer((json_int_t)n));
    char *line = head ? json_dumps(head, JSON_COMPACT) : NULL;
    const bool ok = line && (!data || text) &&
                    send_all(fd, line, strlen(line), given_up, user) &&
                    send_all(fd, "\n", 1, given_up, user) &&
                    send_all(fd, text, length, given_up, user) &&
                    send_all(fd, payload, n, given_up, user);
    free(line);
    free(text);
    json_decref(head);
    json_decref(data);
    return ok;
}
