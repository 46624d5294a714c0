/* Word events, with the built-in model. */
#include "tests/engine/spoken.h"

static const char TEXT[] = "Good morning, the sun is out. The river at the "
                           "caf\xc3\xa9 was high - and we sat on the bank";
static const char *const WORDS[] = {
    "Good",  "morning,", "the", "sun",         "is",  "out.", "The",
    "river", "at",       "the", "caf\xc3\xa9", "was", "high", "and",
    "we",    "sat",      "on",  "the",         "bank"};
enum { N_WORDS = sizeof WORDS / sizeof *WORDS, MOST = 64 };

typedef struct heard {
    cbx_event words[MOST];
    int n;
    uint64_t sentences[MOST], frames;
    int n_sentences;
} heard;

static heard listen(const world *w, const cbx_params *p, size_t piece)
{
    cbx_stream *s = open_stream(w, p);
    heard h = {0};
    cbx_event e;
    pcm out = speak_pieces(s, TEXT, piece, 333);
    while (cbx_stream_poll(s, &e)) {
        CHECK(h.n < MOST && h.n_sentences < MOST);
        if (e.kind == CBX_EVENT_WORD)
            h.words[h.n++] = e;
        if (e.kind == CBX_EVENT_SENTENCE)
            h.sentences[h.n_sentences++] = e.frame;
        CHECK(e.kind != CBX_EVENT_GUARD);
    }
    h.frames = out.n;
    free(out.x);
    cbx_stream_close(s);
    return h;
}

static void every_word_is_told_once_in_order(const world *w)
{
    const cbx_params p = params_of(w, 5);
    const heard h = listen(w, &p, 0);
    uint64_t last = 0;
    CHECK(h.n == N_WORDS && h.n_sentences >= 2);
    for (int i = 0; i < h.n; i++) {
        const cbx_event *e = &h.words[i];
        CHECK(e->text_to - e->text_from == strlen(WORDS[i]));
        CHECK(!memcmp(TEXT + e->text_from, WORDS[i], strlen(WORDS[i])));
        CHECK(e->frame >= last && e->frame < h.frames);
        last = e->frame;
    }
    /* "the" (3rd word) begins inside the first sentence, not at its ends */
    CHECK(h.words[2].frame > h.sentences[0] + 24000 / 4);
    CHECK(h.words[5].frame < h.sentences[1]);
    CHECK(h.words[6].frame >= h.sentences[1]);
}

static void times_scale_with_the_rate_and_not_with_the_cuts(const world *w)
{
    cbx_params p = params_of(w, 5);
    const heard a = listen(w, &p, 0), b = listen(w, &p, 3);
    p.sample_rate = 48000;
    const heard c = listen(w, &p, 0);
    CHECK(a.n == b.n && a.n == c.n);
    for (int i = 0; i < a.n; i++) {
        CHECK(a.words[i].frame == b.words[i].frame);
        CHECK(2 * a.words[i].frame == c.words[i].frame);
    }
}

int main(void)
{
    world w = open_world(0);
    every_word_is_told_once_in_order(&w);
    times_scale_with_the_rate_and_not_with_the_cuts(&w);
    close_world(&w);
    return 0;
}
