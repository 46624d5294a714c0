#include "daemon/http/pipe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct byte_pipe {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool ended, left;
    size_t capacity, from, n;
    char bytes[];
};

byte_pipe *byte_pipe_open(size_t capacity)
{
    pthread_condattr_t monotonic;
    byte_pipe *p = calloc(1, sizeof *p + capacity);
    if (!p)
        return NULL;
    p->capacity = capacity;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return p;
}

void byte_pipe_close(byte_pipe *p)
{
    if (!p)
        return;
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Waits for a change, until the time; false: it is over. */
static bool sleep_until(byte_pipe *p, const struct timespec *until)
{
    return pthread_cond_timedwait(&p->moved, &p->lock, until) == 0;
}

static struct timespec in_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* As much as there is room for. */
static size_t store(byte_pipe *p, const char *bytes, size_t n)
{
    const size_t room = p->capacity - p->n;
    const size_t part = n < room ? n : room;
    const size_t at = (p->from + p->n) % p->capacity;
    const size_t head = part < p->capacity - at ? part : p->capacity - at;
    memcpy(p->bytes + at, bytes, head);
    memcpy(p->bytes, bytes + head, part - head);
    p->n += part;
    return part;
}

bool byte_pipe_put(byte_pipe *p, const void *bytes, size_t n,
                   bool (*abandoned)(void *user), void *user)
{
    const char *at = bytes;
    bool gone = false;
    pthread_mutex_lock(&p->lock);
    while (n > 0 && !p->left && !gone) {
        const size_t part = store(p, at, n);
        at += part;
        n -= part;
        if (part > 0) {
            pthread_cond_broadcast(&p->moved);
            continue;
        }
        const struct timespec until = in_ms(50);
        sleep_until(p, &until);
        pthread_mutex_unlock(&p->lock);
        gone = abandoned(user);
        pthread_mutex_lock(&p->lock);
    }
    gone |= p->left;
    pthread_mutex_unlock(&p->lock);
    return !gone;
}

void byte_pipe_end(byte_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}

static bool wait_locked(byte_pipe *p, int ms)
{
    const struct timespec until = in_ms(ms);
    while (p->n == 0 && !p->ended && sleep_until(p, &until))
        ;
    return p->n > 0 || p->ended;
}

bool byte_pipe_wait(byte_pipe *p, int ms)
{
    pthread_mutex_lock(&p->lock);
    const bool there = wait_locked(p, ms);
    pthread_mutex_unlock(&p->lock);
    return there;
}

bool byte_pipe_is_empty(byte_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    const bool empty = p->n == 0;
    pthread_mutex_unlock(&p->lock);
    return empty;
}

size_t byte_pipe_take(byte_pipe *p, void *bytes, size_t n, int ms, bool *ended)
{
    pthread_mutex_lock(&p->lock);
    wait_locked(p, ms);
    size_t part = n < p->n ? n : p->n;
    if (part > p->capacity - p->from)
        part = p->capacity - p->from;
    memcpy(bytes, p->bytes + p->from, part);
    p->from = (p->from + part) % p->capacity;
    p->n -= part;
    *ended = part == 0 && p->ended;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return part;
}

void byte_pipe_leave(byte_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    p->left = true;
    pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}
