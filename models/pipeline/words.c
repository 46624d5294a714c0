#include "models/pipeline/words.h"

#include "models/pipeline/word_places.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_IDS = 1024, /* longer texts are not followed */
    MOST_JUMP = 8,   /* ids that one token passes over */
};

/* Less attention than this on the way, on average: nothing is followed. The
 * built-in model's good heads have 0.7 to 0.9, heads that look elsewhere below
 * 0.26. */
#define FAINT 0.3

/* Each id that is passed over costs this much (natural logarithm), and where
 * nobody looks is as good as this share of attention. */
#define JUMP_COST 0.3f
#define NOBODY 1e-3f

/* Without a way: tokens for a character, before a segment has told, and those
 * before the first and behind the last one. */
#define FIRST_RATE 1.35
enum { HEAD = 2, TAIL = 6 };

/* What is taken back with words_back. */
typedef struct {
    float score[MOST_IDS]; /* of the best way to each id */
    double share;          /* attention at the head of the way, sum */
    int tokens, at_end;    /* at_end: first token at the last id, or -1 */
    bool followed;         /* every token came with a look */
} progress;

struct words {
    int max_tokens;
    word_places *places;
    int settled, given; /* words */
    int edge;           /* token up to which words are settled */
    bool done;
    double rate; /* tokens for a character */
    progress now, kept, spare;
    uint8_t *jumps; /* [max_tokens][ids] of the best way to each id */
    int *way;       /* [max_tokens] */
};

cbx_status words_open(int max_bytes, int max_tokens, words **out,
                      cbx_error *err)
{
    words *w = calloc(1, sizeof *w);
    if (!w)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's words");
    w->max_tokens = max_tokens;
    w->jumps = malloc((size_t)max_tokens * MOST_IDS); /* mostly untouched */
    w->way = malloc((size_t)max_tokens * sizeof *w->way);
    const cbx_status st =
        w->jumps && w->way
            ? word_places_open(max_bytes, &w->places, err)
            : cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's words");
    if (st) {
        words_close(w);
        return st;
    }
    words_reset(w);
    *out = w;
    return CBX_OK;
}

void words_close(words *w)
{
    if (!w)
        return;
    word_places_close(w->places);
    free(w->way);
    free(w->jumps);
    free(w);
}

void words_reset(words *w)
{
    w->rate = FIRST_RATE;
    w->places->n = 0;
}

void words_begin(words *w, const words_text *text)
{
    word_places_find(w->places, text);
    w->settled = w->given = w->edge = 0;
    w->done = false;
    w->now.share = 0;
    w->now.tokens = 0;
    w->now.at_end = -1;
    w->now.followed = text->n_ids > 0 && text->n_ids <= MOST_IDS;
    w->kept = w->now;
}

/* -- the way --------------------------------------------------------------- */

/* Scores behind one more token, from those before it; the first token begins
 * at the first id. */
static void go_on(words *w, const float *look)
{
    const int n = w->places->ids;
    uint8_t *jumps = w->jumps + (size_t)w->now.tokens * (size_t)n;
    float *next = w->spare.score;
    for (int j = 0; j < n; j++) {
        float best = -INFINITY;
        jumps[j] = 0;
        for (int d = 0; d <= MOST_JUMP && d <= j; d++) {
            const float before = w->now.tokens ? w->now.score[j - d]
                                 : d == j      ? 0.0f
                                               : -INFINITY;
            const float x = before - (d > 1 ? JUMP_COST * (float)(d - 1) : 0);
            if (x > best) {
                best = x;
                jumps[j] = (uint8_t)d;
            }
        }
        next[j] = best + logf(look[j] + NOBODY);
    }
    memcpy(w->now.score, next, (size_t)n * sizeof *next);
}

static int head_of(const words *w)
{
    int best = 0;
    for (int j = 1; j < w->places->ids; j++)
        if (w->now.score[j] > w->now.score[best])
            best = j;
    return best;
}

void words_token(words *w, const float *look)
{
    progress *now = &w->now;
    if (now->tokens == w->max_tokens)
        return;
    now->followed = now->followed && look;
    if (now->followed) {
        go_on(w, look);
        const int head = head_of(w);
        now->share += look[head];
        if (now->at_end < 0 && head >= w->places->end)
            now->at_end = now->tokens;
    }
    now->tokens++;
}

static bool follows(const words *w)
{
    return w->now.followed && w->now.tokens > 0 &&
           w->now.share >= FAINT * w->now.tokens;
}

void words_back(words *w, int n)
{
    if (n >= w->now.tokens)
        return;
    w->now = w->kept;
}

/* -- settling -------------------------------------------------------------- */

/* The way up to the newest token: `way` from the last settle on. */
static void trace(words *w)
{
    const int n = w->places->ids;
    int j = head_of(w);
    for (int t = w->now.tokens - 1; t >= w->kept.tokens; t--) {
        w->way[t] = j;
        j -= w->jumps[(size_t)t * (size_t)n + (size_t)j];
    }
}

/* The first token whose place is at that id or behind it, or -1. */
static int first_at(const words *w, int id)
{
    for (int t = 0; t < w->now.tokens; t++)
        if (w->way[t] >= id)
            return t;
    return -1;
}

/* The words that are left, over the tokens that are left. */
static void spread(words *w, int tokens)
{
    const word_places *p = w->places;
    int from = w->edge;
    if (w->settled > 0 && p->word[w->settled - 1].token > from)
        from = p->word[w->settled - 1].token;
    const int first = w->settled ? p->word[w->settled - 1].from : 0;
    const int tail = tokens - from > 2 * TAIL ? TAIL : 0;
    const int chars = p->chars - first, left = tokens - tail - from;
    for (; w->settled < p->n; w->settled++) {
        word *at = &p->word[w->settled];
        at->token =
            from +
            (left > 0 && chars > 0 ? left * (at->from - first) / chars : 0);
    }
}

void words_settle(words *w, int end, bool final)
{
    const word_places *p = w->places;
    const bool way = follows(w);
    if (way)
        trace(w);
    while (w->settled < p->n) {
        word *at = &p->word[w->settled];
        int token = way ? first_at(w, p->id[w->settled])
                        : HEAD + (int)(w->rate * at->from);
        if (token < 0 || token >= end || (final && !way))
            break;
        at->token = token > w->edge ? token : w->edge;
        w->settled++;
    }
    if (final) {
        spread(w, end);
        if (p->chars > 8 && end > HEAD + TAIL)
            w->rate = 0.5 * (w->rate + (double)(end - HEAD - TAIL) / p->chars);
        w->done = true;
    }
    w->edge = end;
    w->kept = w->now;
}

bool words_next(words *w, word *out)
{
    if (w->given == w->settled)
        return false;
    *out = w->places->word[w->given++];
    return true;
}

double words_progress(const words *w)
{
    const int end = w->places->end;
    if (!follows(w) || end < 1)
        return -1;
    const int head = head_of(w);
    return head < end ? (double)head / end : 1;
}

int words_behind_end(const words *w)
{
    return follows(w) && w->now.at_end >= 0 ? w->now.tokens - w->now.at_end : 0;
}

int words_token_of(const words *w, int at)
{
    const word_places *p = w->places;
    for (int i = 0; i < w->settled; i++)
        if (p->word[i].to > at)
            return p->word[i].token;
    return w->done ? w->edge : -1;
}
