#include "engine/text_feed.h"

#include "rt/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Segments that wait in front of the decode thread; the script holds more. */
enum { SLOTS = 32 };

typedef struct {
    cbx_segment segment;
    char *text;         /* [4 * max_chars + 1] */
    cbx_source *source; /* [max_chars] */
} slot;

/* A dictionary is looked at again this often, at the most. */
#define REFRESH_NS CBX_NS_PER_S

struct text_feed {
    pthread_mutex_t lock;
    cbx_script *script;
    void (*warn)(void *user, const char *sentence);
    void *warn_user;
    int64_t refreshed_ns;
    uint64_t cancels;
    bool finished;
    uint64_t replaced_before; /* by earlier uses of the script */
    slot slots[SLOTS + 1];    /* the last one is the reader's */
    int head, count;
};

static bool open_slots(text_feed *f, size_t max_chars)
{
    bool complete = true;
    for (int i = 0; i <= SLOTS; i++) {
        f->slots[i].text = malloc(4 * max_chars + 1);
        f->slots[i].source = malloc(max_chars * sizeof *f->slots[i].source);
        complete &= f->slots[i].text && f->slots[i].source;
    }
    return complete;
}

cbx_status text_feed_open(const cbx_script_options *options,
                          pronounce *dictionary,
                          void (*warn)(void *user, const char *sentence),
                          void *warn_user, text_feed **out, cbx_error *err)
{
    text_feed *f = calloc(1, sizeof *f);
    if (!f) {
        pronounce_close(dictionary);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
    }
    pthread_mutex_init(&f->lock, NULL);
    f->warn = warn;
    f->warn_user = warn_user;
    cbx_status st = cbx_script_open(options, dictionary, &f->script, err);
    if (!st && !open_slots(f, (size_t)options->max_chars))
        st = cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
    if (st) {
        text_feed_close(f);
        return st;
    }
    *out = f;
    return CBX_OK;
}

void text_feed_close(text_feed *f)
{
    if (!f)
        return;
    cbx_script_close(f->script);
    for (int i = 0; i <= SLOTS; i++) {
        free(f->slots[i].text);
        free(f->slots[i].source);
    }
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* Enters with the lock held when the caller's count is the newest. */
static bool enter(text_feed *f, uint64_t cancels)
{
    pthread_mutex_lock(&f->lock);
    if (cancels > f->cancels) {
        f->replaced_before += cbx_script_replaced(f->script);
        cbx_script_reset(f->script);
        f->cancels = cancels;
        f->finished = false;
        f->head = f->count = 0;
    }
    if (cancels == f->cancels)
        return true;
    pthread_mutex_unlock(&f->lock);
    return false;
}

static void leave(text_feed *f)
{
    pthread_mutex_unlock(&f->lock);
}

static void copy_segment(slot *to, const cbx_segment *s)
{
    memcpy(to->text, s->text, s->len + 1);
    memcpy(to->source, s->source, (size_t)s->chars * sizeof *s->source);
    to->segment = *s;
    to->segment.text = to->text;
    to->segment.source = to->source;
}

/* Moves finished segments out of the script. */
static void drain(text_feed *f)
{
    cbx_segment s;
    while (f->count < SLOTS && cbx_script_next(f->script, &s)) {
        copy_segment(&f->slots[(f->head + f->count) % SLOTS], &s);
        f->count++;
    }
}

/* Between segments, so that one is spoken by one dictionary. */
static void refresh(text_feed *f)
{
    cbx_error err;
    const int64_t now = cbx_clock_ns();
    if (f->refreshed_ns && now - f->refreshed_ns < REFRESH_NS)
        return;
    f->refreshed_ns = now;
    if (cbx_script_refresh(f->script, &err) && f->warn)
        f->warn(f->warn_user, err.text);
}

cbx_status text_feed_push(text_feed *f, uint64_t cancels, const char *text,
                          size_t n, size_t *taken, cbx_error *err)
{
    cbx_status st = CBX_OK;
    *taken = 0;
    if (!enter(f, cancels))
        return CBX_OK; /* cancelled meanwhile: the caller tries again */
    if (f->finished)
        st = cbx_fail(err, CBX_E_ARG,
                      "text after the end: the stream was finished");
    refresh(f);
    while (!st && *taken < n) {
        size_t step = 0;
        st = cbx_script_push(f->script, text + *taken, n - *taken, &step, err);
        *taken += step;
        drain(f);
        if (f->count == SLOTS)
            break;
    }
    leave(f);
    return st;
}

void text_feed_flush(text_feed *f, uint64_t cancels)
{
    if (!enter(f, cancels))
        return;
    cbx_script_flush(f->script);
    drain(f);
    leave(f);
}

void text_feed_finish(text_feed *f, uint64_t cancels)
{
    if (!enter(f, cancels))
        return;
    if (!f->finished)
        cbx_script_finish(f->script);
    f->finished = true;
    drain(f);
    leave(f);
}

feed_answer text_feed_next(text_feed *f, uint64_t cancels, cbx_segment *out)
{
    feed_answer answer = FEED_NONE;
    if (!enter(f, cancels))
        return FEED_NONE;
    drain(f);
    if (f->count > 0) {
        slot *mine = &f->slots[SLOTS];
        copy_segment(mine, &f->slots[f->head].segment);
        f->head = (f->head + 1) % SLOTS;
        f->count--;
        *out = mine->segment;
        answer = FEED_SEGMENT;
    } else if (f->finished) {
        answer = FEED_END;
    }
    leave(f);
    return answer;
}

bool text_feed_ready(text_feed *f, uint64_t cancels)
{
    if (!enter(f, cancels))
        return false;
    drain(f);
    const bool ready = f->count > 0 || f->finished;
    leave(f);
    return ready;
}

uint64_t text_feed_replaced(text_feed *f)
{
    pthread_mutex_lock(&f->lock);
    const uint64_t n = f->replaced_before + cbx_script_replaced(f->script);
    pthread_mutex_unlock(&f->lock);
    return n;
}
