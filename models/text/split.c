#include "models/text/split.h"

#include "models/text/cut.h"
#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Characters go one by one from the reader into `text`, where they wait until a
 * rule in cut.c says where the next segment ends. All of it is driven by single
 * bytes, so the cuts of the pushes leave no trace. What the markup says comes
 * between them: cues wait in `cues` with their place in `text`. */

typedef enum phase {
    IN_SENTENCE,
    AFTER_TERMINATOR, /* and its closing quotes */
    AFTER_SPACE,      /* that followed a terminator */
} phase;

struct cbx_splitter {
    cbx_split_options options;
    reader *reader;
    cbx_status failed;
    cbx_error error;

    reader_item item; /* from the reader, not yet in `text` */
    bool has_item;
    bool flush, finish;

    unit *text;
    size_t n, room;
    phase phase;
    sentence_end end;
    int newlines; /* in the white space at the end */

    size_t known; /* the sentence is text[0..known); 0: not known yet */
    cbx_pause known_pause;

    cbx_cue cues[CBX_SEGMENT_CUES]; /* `at` is a place in `text` */
    int n_cues;
    bool cues_full; /* and there is no text that they could go with */
    char language[16];
    cbx_prosody prosody;
    int break_before; /* -1: none */

    char *out;
    cbx_source *source;
    unsigned silent_before;
    uint64_t spoken, silent;
};

cbx_status cbx_splitter_open(const cbx_split_options *options,
                             cbx_splitter **out, cbx_error *err)
{
    const int max = options->max_chars;
    if (max < 16 || max > 2000)
        return cbx_fail(err, CBX_E_ARG,
                        "segments of %d characters are not possible: from 16 "
                        "to 2000",
                        max);
    cbx_splitter *s = calloc(1, sizeof *s);
    cbx_status st = CBX_OK;
    if (s) {
        st = reader_open(&(reader_options){.ssml = options->ssml,
                                           .english = options->english,
                                           .max_run = CBX_SPLIT_MAX_RUN},
                         &s->reader, err);
        /* a run is waited for; then text is cut at 3/2 of the limit */
        s->room = CBX_SPLIT_MAX_RUN + 2 * (size_t)max + 64;
        s->text = calloc(s->room, sizeof *s->text);
        s->out = malloc(4 * (size_t)max + 1);
        s->source = malloc((size_t)max * sizeof *s->source);
    }
    if (!s || st || !s->text || !s->out || !s->source) {
        cbx_splitter_close(s);
        return cbx_fail(err, CBX_E_NOMEM, "no memory to split text");
    }
    s->options = *options;
    cbx_splitter_reset(s);
    *out = s;
    return CBX_OK;
}

void cbx_splitter_close(cbx_splitter *s)
{
    if (!s)
        return;
    reader_close(s->reader);
    free(s->text);
    free(s->out);
    free(s->source);
    free(s);
}

void cbx_splitter_reset(cbx_splitter *s)
{
    const cbx_splitter kept = *s;
    reader_reset(s->reader);
    *s = (cbx_splitter){.options = kept.options,
                        .reader = kept.reader,
                        .text = kept.text,
                        .room = kept.room,
                        .out = kept.out,
                        .source = kept.source,
                        .prosody = {.rate = 1},
                        .break_before = -1};
}

/* ---- characters into text ---- */

static void append(cbx_splitter *s, const unit *u)
{
    s->text[s->n++] = *u;
}

static void append_space(cbx_splitter *s, const unit *u)
{
    if (s->n == 0 || s->text[s->n - 1].code == ' ')
        return;
    append(s, &(unit){u->begin, ' ', u->bytes});
}

static void end_sentence(cbx_splitter *s, size_t end, cbx_pause pause)
{
    s->known = end;
    s->known_pause = pause;
    s->phase = IN_SENTENCE;
}

static bool is_line_break(cbx_splitter *s, uint32_t code)
{
    if (code == '\f' || code == 0x2029)
        return true;
    if (code != '\n' && code != 0x85 && code != 0x2028)
        return false;
    return ++s->newlines > 1 || !s->options.wrapped;
}

static void feed_space(cbx_splitter *s, const unit *u)
{
    if (is_line_break(s, u->code)) {
        if (s->n)
            end_sentence(s, s->n, CBX_PAUSE_PARAGRAPH);
        return;
    }
    append_space(s, u);
    if (s->phase == AFTER_TERMINATOR && s->end.direct)
        end_sentence(s, s->end.end, CBX_PAUSE_SENTENCE);
    else if (s->phase == AFTER_TERMINATOR)
        s->phase = AFTER_SPACE;
}

/* One more terminator or closing mark. */
static void extend_end(cbx_splitter *s, const unit *u)
{
    append(s, u);
    s->end.end = s->n;
    if (cut_is_terminator(u->code)) {
        s->end.run |= u->code == '.' || u->code == 0x2026;
        s->end.direct |= cut_is_direct(u->code);
    } else {
        s->end.closed = true;
    }
}

static void start_end(cbx_splitter *s, uint32_t code)
{
    s->phase = AFTER_TERMINATOR;
    s->end = (sentence_end){.term = s->n - 1,
                            .end = s->n,
                            .direct = cut_is_direct(code),
                            .run = code == 0x2026};
}

/* False when u ended the sentence before it and has to be fed again. */
static bool feed_char(cbx_splitter *s, const unit *u)
{
    const bool ends = cut_is_terminator(u->code);
    if (cbx_is_space(u->code)) {
        feed_space(s, u);
        return true;
    }
    s->newlines = 0;
    if (s->phase == AFTER_TERMINATOR && (ends || cut_is_closer(u->code))) {
        extend_end(s, u);
        return true;
    }
    if ((s->phase == AFTER_TERMINATOR && s->end.direct) ||
        (s->phase == AFTER_SPACE &&
         cut_ends_sentence(s->text, &s->end, u->code))) {
        end_sentence(s, s->end.end, CBX_PAUSE_SENTENCE);
        return false;
    }
    s->phase = IN_SENTENCE;
    append(s, u);
    if (ends)
        start_end(s, u->code);
    return true;
}

/* ---- markup into text ---- */

/* The text so far is a segment. True: there is none, and the item can be used.
 */
static bool end_before(cbx_splitter *s, cbx_pause pause)
{
    if (s->n)
        end_sentence(s, s->n, pause);
    return !s->n;
}

static bool feed_cue(cbx_splitter *s, const reader_item *i, cbx_cue_kind kind)
{
    if (s->n_cues == CBX_SEGMENT_CUES) { /* what is there has to go first */
        s->cues_full = end_before(s, CBX_PAUSE_NONE);
        return false;
    }
    cbx_cue *c = &s->cues[s->n_cues++];
    c->kind = kind;
    c->at = (int)s->n;
    c->from = i->begin;
    memcpy(c->text, i->text, sizeof c->text);
    return true;
}

static bool feed_break(cbx_splitter *s, int ms)
{
    enum { MOST = 60000 }; /* however many there are */
    if (!end_before(s, CBX_PAUSE_SENTENCE))
        return false;
    const int before = s->break_before > 0 ? s->break_before : 0;
    s->break_before = ms > MOST - before ? MOST : before + ms;
    return true;
}

/* False: a segment has to be taken first, then the item is fed again. */
static bool feed(cbx_splitter *s, const reader_item *i)
{
    switch (i->kind) {
    case READER_CHAR:
        return feed_char(s, &(unit){i->begin, i->code, i->bytes});
    case READER_SENTENCE:
        return end_before(s, CBX_PAUSE_SENTENCE);
    case READER_PARAGRAPH:
        return end_before(s, CBX_PAUSE_PARAGRAPH);
    case READER_BREAK:
        return feed_break(s, i->ms);
    case READER_LANGUAGE:
        if (!end_before(s, CBX_PAUSE_NONE))
            return false;
        memcpy(s->language, i->text, sizeof s->language - 1);
        return true;
    case READER_MARK:
        return feed_cue(s, i, CBX_CUE_MARK);
    case READER_PROSODY: /* a segment is spoken in one way */
        if (!end_before(s, CBX_PAUSE_NONE))
            return false;
        s->prosody = i->prosody;
        return true;
    case READER_NOTICE:
        return feed_cue(s, i, CBX_CUE_NOTICE);
    }
    return true;
}

/* ---- text into segments ---- */

static size_t without_space(const cbx_splitter *s, size_t n)
{
    return n - (n > 0 && s->text[n - 1].code == ' ');
}

/* How many units the next segment takes; 0: more text is needed. */
static size_t next_length(const cbx_splitter *s, cbx_pause *pause)
{
    const size_t max = (size_t)s->options.max_chars;
    const bool whole = s->known > 0;
    const size_t n = without_space(s, whole ? s->known : s->n);
    if (whole && n <= max) {
        *pause = s->known_pause;
        return s->known;
    }
    if (!whole && n <= max + max / 2)
        return 0;
    const size_t cut = cut_best(s->text, n, whole, max, pause);
    if (cut)
        return cut;
    /* a long run: wait for its end, it may grow too long to be text */
    const bool ended = whole || n < s->n || cbx_is_punct(s->text[n - 1].code) ||
                       s->n + 1 >= s->room; /* of characters by number */
    *pause = CBX_PAUSE_NONE;
    return ended ? cut_anywhere(s->text, n, max) : 0;
}

static void drop(cbx_splitter *s, size_t n)
{
    while (n < s->n && s->text[n].code == ' ')
        n++;
    memmove(s->text, s->text + n, (s->n - n) * sizeof *s->text);
    s->n -= n;
    s->known -= s->known < n ? s->known : n;
    s->end.term -= s->end.term < n ? s->end.term : n;
    s->end.end -= s->end.end < n ? s->end.end : n;
    if (s->end.end == 0)
        s->phase = IN_SENTENCE;
    for (int i = 0; i < s->n_cues; i++)
        s->cues[i].at -= s->cues[i].at < (int)n ? s->cues[i].at : (int)n;
}

/* Hands over the cues in front of text[last]. */
static void take_cues(cbx_splitter *s, size_t last, cbx_segment *out)
{
    int n = 0;
    while (n < s->n_cues && s->cues[n].at <= (int)last) {
        out->cues[n] = s->cues[n];
        if (out->cues[n].at > out->chars) /* behind a space */
            out->cues[n].at = out->chars;
        n++;
    }
    out->n_cues = n;
    s->n_cues -= n;
    memmove(s->cues, s->cues + n, (size_t)s->n_cues * sizeof *s->cues);
    s->cues_full = false;
}

static void fill(cbx_splitter *s, cbx_segment *out)
{
    memcpy(out->language, s->language, sizeof out->language);
    out->prosody = s->prosody;
    out->silent_before = s->silent_before;
    out->break_before = s->break_before;
    s->silent_before = 0;
    s->break_before = -1;
}

/* There is something to say without any text. */
static bool silence_is_ready(const cbx_splitter *s)
{
    return !s->n && (s->n_cues || s->break_before >= 0) &&
           (s->flush || s->finish || s->cues_full);
}

static void take_silence(cbx_splitter *s, cbx_segment *out)
{
    const uint64_t at = reader_offset(s->reader);
    s->out[0] = 0;
    *out = (cbx_segment){
        .text = s->out, .source = s->source, .begin = at, .end = at};
    take_cues(s, 0, out);
    fill(s, out);
}

static bool can_be_spoken(const unit *u, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cbx_is_letter(u[i].code) || cbx_is_number(u[i].code))
            return true;
    return false;
}

static bool take(cbx_splitter *s, size_t n, cbx_pause pause, cbx_segment *out)
{
    const size_t chars = without_space(s, n);
    const bool spoken = can_be_spoken(s->text, chars);
    if (spoken) {
        char *p = s->out;
        for (size_t i = 0; i < chars; i++) {
            const unit *u = &s->text[i];
            p += cbx_utf8_encode(u->code, p);
            s->source[i] = (cbx_source){u->begin, u->begin + u->bytes};
        }
        *p = 0;
        *out = (cbx_segment){.text = s->out,
                             .source = s->source,
                             .len = (size_t)(p - s->out),
                             .chars = (int)chars,
                             .begin = s->source[0].from,
                             .end = s->source[chars - 1].to,
                             .pause = pause};
        take_cues(s, n == s->n ? n : chars, out);
        fill(s, out);
        s->spoken++;
    } else {
        s->silent_before++;
        s->silent++;
    }
    drop(s, n);
    return spoken;
}

/* Moves items into the text until a segment is ready; 0: all is moved, or only
 * a silence is ready. */
static size_t advance(cbx_splitter *s, cbx_pause *pause)
{
    for (;;) {
        const size_t n = next_length(s, pause);
        if (n)
            return n;
        if (s->has_item || reader_next(s->reader, &s->item)) {
            s->has_item = !feed(s, &s->item);
            if (s->cues_full && !s->n)
                return 0;
        } else if ((s->flush || s->finish) && s->n) {
            const bool sentence = s->finish || s->phase != IN_SENTENCE;
            end_sentence(s, s->n,
                         sentence ? CBX_PAUSE_SENTENCE : CBX_PAUSE_CLAUSE);
        } else {
            s->flush = s->flush && silence_is_ready(s);
            return 0;
        }
    }
}

bool cbx_splitter_next(cbx_splitter *s, cbx_segment *out)
{
    cbx_pause pause = CBX_PAUSE_NONE;
    for (size_t n; (n = advance(s, &pause));)
        if (take(s, n, pause, out))
            return true;
    if (!silence_is_ready(s))
        return false;
    take_silence(s, out);
    return true;
}

/* ---- bytes ---- */

/* A run that is no text is not spoken, whatever comes next. */
static void forget_run(cbx_splitter *s)
{
    const uint64_t begin = reader_run_begin(s->reader);
    while (s->n && s->text[s->n - 1].begin >= begin)
        s->n--;
    s->known = s->known < s->n ? s->known : s->n;
    if (s->end.end > s->n)
        s->phase = IN_SENTENCE;
    for (int i = 0; i < s->n_cues; i++)
        if (s->cues[i].at > (int)s->n)
            s->cues[i].at = (int)s->n;
}

cbx_status cbx_splitter_push(cbx_splitter *s, const void *bytes, size_t n,
                             size_t *taken, cbx_error *err)
{
    const unsigned char *p = bytes;
    cbx_pause pause;
    *taken = 0;
    while (!s->failed && *taken < n && !advance(s, &pause) &&
           !silence_is_ready(s)) {
        s->failed = reader_push(s->reader, p[*taken], &s->error);
        if (s->failed)
            forget_run(s);
        *taken += s->failed == CBX_OK;
    }
    return s->failed ? cbx_fail(err, s->failed, "%s", s->error.text) : CBX_OK;
}

void cbx_splitter_flush(cbx_splitter *s)
{
    s->flush = true;
}

void cbx_splitter_finish(cbx_splitter *s)
{
    if (!s->finish && !s->failed)
        reader_finish(s->reader);
    s->finish = true;
}

uint64_t cbx_splitter_replaced(const cbx_splitter *s)
{
    return reader_replaced(s->reader);
}

uint64_t cbx_splitter_spoken(const cbx_splitter *s)
{
    return s->spoken;
}

uint64_t cbx_splitter_silent(const cbx_splitter *s)
{
    return s->silent;
}
