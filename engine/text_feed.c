#include "engine/text_feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Segments that wait in front of the decode thread; the splitter holds more. */
enum { SLOTS = 32 };

typedef struct {
    cbx_segment segment;
    char *text; /* [slot_bytes] */
} slot;

struct text_feed {
    pthread_mutex_t lock;
    cbx_splitter *splitter;
    uint64_t cancels;
    bool finished;
    uint64_t replaced_before; /* by earlier uses of the splitter */
    size_t slot_bytes;
    slot slots[SLOTS + 1]; /* the last one is the reader's */
    int head, count;
};

cbx_status text_feed_open(int max_chars, bool wrapped, text_feed **out,
                          cbx_error *err)
{
    const cbx_split_options options = {.max_chars = max_chars,
                                       .wrapped = wrapped};
    text_feed *f = calloc(1, sizeof *f);
    if (!f)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
    pthread_mutex_init(&f->lock, NULL);
    f->slot_bytes = 4 * (size_t)max_chars + 1;
    bool complete = true;
    for (int i = 0; i <= SLOTS; i++)
        complete &= (f->slots[i].text = malloc(f->slot_bytes)) != NULL;
    const cbx_status st =
        complete ? cbx_splitter_open(&options, &f->splitter, err)
                 : cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
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
    cbx_splitter_close(f->splitter);
    for (int i = 0; i <= SLOTS; i++)
        free(f->slots[i].text);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

/* Enters with the lock held when the caller's count is the newest. */
static bool enter(text_feed *f, uint64_t cancels)
{
    pthread_mutex_lock(&f->lock);
    if (cancels > f->cancels) {
        f->replaced_before += cbx_splitter_replaced(f->splitter);
        cbx_splitter_reset(f->splitter);
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
    to->segment = *s;
    to->segment.text = to->text;
}

/* Moves finished segments out of the splitter. */
static void drain(text_feed *f)
{
    cbx_segment s;
    while (f->count < SLOTS && cbx_splitter_next(f->splitter, &s)) {
        copy_segment(&f->slots[(f->head + f->count) % SLOTS], &s);
        f->count++;
    }
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
    while (!st && *taken < n) {
        size_t step = 0;
        st = cbx_splitter_push(f->splitter, text + *taken, n - *taken, &step,
                               err);
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
    cbx_splitter_flush(f->splitter);
    drain(f);
    leave(f);
}

void text_feed_finish(text_feed *f, uint64_t cancels)
{
    if (!enter(f, cancels))
        return;
    if (!f->finished)
        cbx_splitter_finish(f->splitter);
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
    const uint64_t n = f->replaced_before + cbx_splitter_replaced(f->splitter);
    pthread_mutex_unlock(&f->lock);
    return n;
}
