#include "models/pipeline/guard.h"

#include "models/text/utf8.h"

#include <string.h>

/* In tokens, 25 a second. */
enum {
    LOOP = 24,         /* a repetition must last this long, */
    LOOP_TIMES = 3,    /* and repeat this often */
    MOST_SILENCE = 30, /* inside a text */
    SOME_SILENCE = 6,  /* is left of it */
    MOST_TAIL = 30,    /* behind the last word */
    SOME_TAIL = 8,     /* is left of it */
    BESIDE = 50,       /* of silence and hesitation in any text */
};

/* Tokens that a character takes at the most and at the least. A digit or a sign
 * can be a few words, a capital a letter's name, an ideograph is a syllable.
 * Speech takes 1.4 to 2 for a letter. */
typedef struct {
    double most, least;
} span;

static span span_of(uint32_t c)
{
    if (c == ' ')
        return (span){2, 0};
    if (c < 'A' && !strchr(".,'-", (int)c))
        return (span){20, 0};
    if (c <= 'Z')
        return (span){12, 0.4};
    if (c < 0x80)
        return (span){4, 0.4};
    if (c >= 0x2e80)
        return (span){12, 1};
    return (span){6, 0.2};
}

void guard_begin(guard *g, const uint8_t *silent, const char *text, size_t n)
{
    double most = BESIDE, least = 0;
    for (size_t at = 0; at < n;) {
        const cbx_codepoint c = cbx_utf8_first(text + at, n - at);
        const span s = span_of(c.code);
        most += s.most;
        least += s.least;
        at += c.bytes;
    }
    *g = (guard){.silent = silent, .least = (int)least, .most = (int)most};
}

static void count(guard *g, const int32_t *tokens, int n)
{
    const int32_t token = tokens[n - 1];
    g->silence = g->silent[token] ? g->silence + 1 : 0;
    for (int p = 1; p <= GUARD_PERIOD; p++)
        g->same[p] = n > p && tokens[n - 1 - p] == token ? g->same[p] + 1 : 0;
}

/* Tokens at the end that only repeat what was before them. */
static int looped(const guard *g)
{
    for (int p = 1; p <= GUARD_PERIOD; p++)
        if (g->same[p] + p >= LOOP && g->same[p] >= (LOOP_TIMES - 1) * p)
            return g->same[p];
    return 0;
}

guard_kind guard_token(guard *g, const int32_t *tokens, int n, double progress,
                       int behind, int *good)
{
    count(g, tokens, n);
    *good = n;
    if (g->silence >= MOST_SILENCE) {
        *good = n - g->silence + SOME_SILENCE;
        return GUARD_SILENCE;
    }
    if (g->silence < LOOP && looped(g)) {
        *good = n - looped(g);
        return GUARD_LOOP;
    }
    if (progress >= 1 && behind >= MOST_TAIL) {
        *good = n - behind + SOME_TAIL;
        return GUARD_TAIL;
    }
    return n >= g->most ? GUARD_ENDLESS : GUARD_NONE;
}

guard_kind guard_stop(const guard *g, int n, double progress)
{
    const bool far = progress < 0 || progress > 0.5;
    return n >= g->least && far ? GUARD_NONE : GUARD_EARLY;
}

void guard_back(guard *g, const int32_t *tokens, int n)
{
    g->silence = 0;
    memset(g->same, 0, sizeof g->same);
    for (int i = 1; i <= n; i++)
        count(g, tokens, i);
}

const char *guard_what(guard_kind kind)
{
    static const char *const what[] = {
        [GUARD_EARLY] = "speech ended before the text can have been said",
        [GUARD_ENDLESS] =
            "speech did not end where the text must have been said",
        [GUARD_LOOP] = "speech repeated itself over and over",
        [GUARD_SILENCE] = "speech fell silent",
        [GUARD_TAIL] = "speech went on behind the last word",
        [GUARD_NONE] = "",
    };
    return what[kind];
}
