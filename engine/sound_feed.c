#include "engine/sound_feed.h"

#include "dsp/resample.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TOKENS = 750,       /* 30 s: what the tokenizer takes at once */
    LIVE_LEAST_TOKENS = 200, /* a live segment may end in a pause after 8 s */
    BLOCK = 4096,
    QUIET = SOUND_TOKEN, /* samples over which loudness is looked at */
};
/* A pause, live: this much below the loudest of the segment. */
static const double pause_ratio = 1e-4; /* 40 dB */

struct sound_feed {
    pthread_mutex_t lock;
    cbx_resampler *resampler;
    uint64_t cancels;
    bool live, finished;
    int most; /* tokens of a segment */
    float *x; /* [room]; x[0] is sample `base` */
    size_t room, n;
    uint64_t base;
    uint64_t from; /* where the segment begins */
    int given;     /* tokens of it that were given */
    bool open;     /* it has begun */
    double loudest;
    float *piece; /* [room] the reader's */
};

cbx_status sound_feed_open(uint32_t rate, int max_tokens, bool live,
                           sound_feed **out, cbx_error *err)
{
    sound_feed *f = calloc(1, sizeof *f);
    if (!f)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a conversion");
    pthread_mutex_init(&f->lock, NULL);
    f->live = live;
    f->most = max_tokens < MOST_TOKENS ? max_tokens : MOST_TOKENS;
    f->room = live ? (size_t)(SOUND_WINDOW + 200) * SOUND_TOKEN
                   : (size_t)(MOST_TOKENS + 100) * SOUND_TOKEN;
    f->x = calloc(f->room, sizeof *f->x);
    f->piece = calloc(f->room, sizeof *f->piece);
    cbx_status st = f->x && f->piece ? CBX_OK
                                     : cbx_fail(err, CBX_E_NOMEM,
                                                "no memory for a conversion");
    if (!st)
        st = cbx_resampler_open(rate, SOUND_RATE, CBX_RESAMPLE_HQ,
                                &f->resampler, err);
    if (st) {
        sound_feed_close(f);
        return st;
    }
    *out = f;
    return CBX_OK;
}

void sound_feed_close(sound_feed *f)
{
    if (!f)
        return;
    cbx_resampler_close(f->resampler);
    pthread_mutex_destroy(&f->lock);
    free(f->piece);
    free(f->x);
    free(f);
}

/* Enters with the lock held when the caller's count is the newest. */
static bool enter(sound_feed *f, uint64_t cancels)
{
    cbx_error ignored;
    pthread_mutex_lock(&f->lock);
    if (cancels > f->cancels) {
        if (cbx_resampler_reset(f->resampler, &ignored))
            f->finished = true; /* nothing comes out of it any more */
        f->cancels = cancels;
        f->finished = f->open = false;
        f->n = 0;
        f->base = f->from = 0;
        f->given = 0;
    }
    if (cancels == f->cancels)
        return true;
    pthread_mutex_unlock(&f->lock);
    return false;
}

static void leave(sound_feed *f)
{
    pthread_mutex_unlock(&f->lock);
}

/* -- writing --------------------------------------------------------------- */

cbx_status sound_feed_push(sound_feed *f, uint64_t cancels, const float *x,
                           size_t n, size_t *taken, cbx_error *err)
{
    float clean[BLOCK];
    cbx_status st = CBX_OK;
    *taken = 0;
    if (!enter(f, cancels))
        return CBX_OK; /* cancelled meanwhile: the caller tries again */
    if (f->finished)
        st = cbx_fail(err, CBX_E_ARG,
                      "sound after the end: the stream was finished");
    while (!st && *taken < n && f->n < f->room) {
        const size_t left = n - *taken, k = left < BLOCK ? left : BLOCK;
        size_t used, made;
        for (size_t i = 0; i < k; i++)
            clean[i] = isfinite(x[*taken + i]) ? x[*taken + i] : 0;
        st = cbx_resampler_push(f->resampler, clean, k, &used, f->x + f->n,
                                f->room - f->n, &made, err);
        *taken += used;
        f->n += made;
        if (!st && !used && !made)
            break;
    }
    leave(f);
    return st;
}

/* What the resampler holds back is some milliseconds: room is kept for it. */
cbx_status sound_feed_finish(sound_feed *f, uint64_t cancels, cbx_error *err)
{
    cbx_status st = CBX_OK;
    bool done = false;
    if (!enter(f, cancels))
        return CBX_OK;
    while (!st && !done && !f->finished && f->n < f->room) {
        size_t made;
        st = cbx_resampler_flush(f->resampler, f->x + f->n, f->room - f->n,
                                 &made, &done, err);
        f->n += made;
    }
    f->finished = true;
    leave(f);
    return st;
}

/* -- segments -------------------------------------------------------------- */

static double power(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / (double)n;
}

/* Samples from the segment's begin that are there. */
static size_t there(const sound_feed *f)
{
    return (size_t)(f->base + f->n - f->from);
}

static const float *segment(const sound_feed *f)
{
    return f->x + (f->from - f->base);
}

/* Whole: the length of the segment, in samples; 0: not known yet. */
static size_t whole_length(const sound_feed *f)
{
    const size_t most = (size_t)f->most * SOUND_TOKEN, n = there(f);
    if (n <= most)
        return f->finished ? n : 0;
    size_t best = most;
    double least = INFINITY;
    for (size_t at = most / 2; at + QUIET <= most; at += QUIET / 4) {
        const double p = power(segment(f) + at, QUIET);
        if (p <= least) {
            least = p;
            best = at + QUIET / 2;
        }
    }
    return best;
}

/* Forgets what no later window sees. */
static void forget(sound_feed *f, uint64_t before)
{
    if (before <= f->base)
        return;
    const size_t gone = (size_t)(before - f->base);
    memmove(f->x, f->x + gone, (f->n - gone) * sizeof *f->x);
    f->n -= gone;
    f->base = before;
}

static bool take_whole(sound_feed *f, sound_piece *out)
{
    const size_t n = whole_length(f);
    if (!n)
        return false;
    memcpy(f->piece, segment(f), n * sizeof *f->piece);
    *out = (sound_piece){
        .x = f->piece, .n = n, .take = -1, .first = true, .last = true};
    f->from += n;
    forget(f, f->from);
    return true;
}

/* A pause in the hop that begins at token `at`: the tokens up to its quietest
 * one, or 0. */
static int pause_in_hop(sound_feed *f, int at)
{
    int best = 0;
    double least = INFINITY;
    for (int i = 0; i < SOUND_HOP; i++) {
        const double p =
            power(segment(f) + (size_t)(at + i) * SOUND_TOKEN, SOUND_TOKEN);
        f->loudest = fmax(f->loudest, p);
        if (p < least) {
            least = p;
            best = i + 1;
        }
    }
    return least <= pause_ratio * f->loudest ? best : 0;
}

static bool take_live(sound_feed *f, sound_piece *out)
{
    const size_t n = there(f);
    const int known = (int)(n / SOUND_TOKEN);
    const bool enough = known >= f->given + SOUND_HOP + SOUND_AFTER;
    if (!enough && !f->finished)
        return false;
    int take = SOUND_HOP, to = f->given + SOUND_HOP + SOUND_AFTER;
    bool last = false;
    if (!enough) { /* the rest, shorter than a window */
        take = -1;
        last = true;
    } else {
        const int pause = pause_in_hop(f, f->given);
        if (pause && f->given + pause >= LIVE_LEAST_TOKENS) {
            take = pause;
            last = true;
        } else if (f->given + 2 * SOUND_HOP > f->most) {
            last = true;
        }
    }
    /* the window begins on the segment's grid of tokens, maybe before it */
    const uint64_t end =
        take < 0 ? f->from + n : f->from + (uint64_t)to * SOUND_TOKEN;
    const uint64_t grid = f->from % SOUND_TOKEN;
    uint64_t begin = f->base > grid ? (f->base - grid + SOUND_TOKEN - 1) /
                                              SOUND_TOKEN * SOUND_TOKEN +
                                          grid
                                    : grid;
    if (end > begin + SOUND_WINDOW * SOUND_TOKEN)
        begin = f->from + (uint64_t)f->given * SOUND_TOKEN +
                (SOUND_HOP + SOUND_AFTER) * SOUND_TOKEN -
                SOUND_WINDOW * SOUND_TOKEN;
    const uint64_t at = f->from + (uint64_t)f->given * SOUND_TOKEN;
    const size_t length = (size_t)(end - begin);
    memcpy(f->piece, f->x + (begin - f->base), length * sizeof *f->piece);
    *out = (sound_piece){.x = f->piece,
                         .n = length,
                         .skip = (int)((at - begin) / SOUND_TOKEN),
                         .take = take,
                         .first = !f->open,
                         .last = last};
    f->open = !last;
    f->given += take > 0 ? take : 0;
    if (last) {
        f->from = take < 0 ? end : f->from + (uint64_t)f->given * SOUND_TOKEN;
        f->given = 0;
        f->loudest = 0;
    }
    /* what the next window may see */
    const uint64_t next = f->from + (uint64_t)f->given * SOUND_TOKEN,
                   back = SOUND_WINDOW * SOUND_TOKEN;
    forget(f, next > back ? next - back : 0);
    return true;
}

sound_answer sound_feed_next(sound_feed *f, uint64_t cancels, sound_piece *out)
{
    sound_answer answer = SOUND_NONE;
    if (!enter(f, cancels))
        return SOUND_NONE;
    if (f->finished && !f->open && there(f) == 0)
        answer = SOUND_END;
    else if (f->live ? take_live(f, out) : take_whole(f, out))
        answer = SOUND_PIECE;
    leave(f);
    return answer;
}

bool sound_feed_ready(sound_feed *f, uint64_t cancels)
{
    if (!enter(f, cancels))
        return false;
    const bool ready =
        f->finished ||
        (f->live ? there(f) / SOUND_TOKEN >=
                       (size_t)(f->given + SOUND_HOP + SOUND_AFTER)
                 : there(f) > (size_t)f->most * SOUND_TOKEN);
    leave(f);
    return ready;
}
