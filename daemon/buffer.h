#ifndef CBX_DAEMON_BUFFER_H
#define CBX_DAEMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that grow. Zeroed is empty; there is always a zero byte behind data,
 * which n does not count. */
typedef struct cbx_buffer {
    char *data;
    size_t n, room;
} cbx_buffer;

/* [any] Room for n more bytes and a zero. False: memory ran out, nothing
 * changed. */
static inline bool cbx_buffer_reserve(cbx_buffer *b, size_t n)
{
    if (n >= SIZE_MAX / 4 - b->n)
        return false;
    const size_t need = b->n + n + 1;
    if (need <= b->room)
        return true;
    size_t room = b->room ? b->room : 256;
    while (room < need)
        room *= 2;
    char *data = realloc(b->data, room);
    if (!data)
        return false;
    b->data = data;
    b->room = room;
    return true;
}

static inline bool cbx_buffer_add(cbx_buffer *b, const void *bytes, size_t n)
{
    if (!cbx_buffer_reserve(b, n))
        return false;
    if (n)
        memcpy(b->data + b->n, bytes, n);
    b->n += n;
    b->data[b->n] = '\0';
    return true;
}

static inline bool cbx_buffer_adds(cbx_buffer *b, const char *text)
{
    return cbx_buffer_add(b, text, strlen(text));
}

/* [any] Drops the first n bytes. */
static inline void cbx_buffer_drop(cbx_buffer *b, size_t n)
{
    b->n -= n;
    if (b->data)
        memmove(b->data, b->data + n, b->n + 1);
}

static inline void cbx_buffer_free(cbx_buffer *b)
{
    free(b->data);
    *b = (cbx_buffer){0};
}

#endif
