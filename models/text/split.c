#include "models/text/split.h"

#include "models/text/cut.h"
#include "models/text/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Characters go one by one from the decoder through `queue` into `text`, where
 * they wait until a rule in cut.c says where the next segment ends. All of it
 * is driven by single bytes, so the cuts of the pushes leave no trace. */

typedef enum phase {
    IN_SENTENCE,
    AFTER_TERMINATOR, /* and its closing quotes */
    AFTER_SPACE,      /* that followed a terminator */
} phase;

struct cbx_splitter {
    cbx_split_options options;
    cbx_utf8 decoder;
    uint64_t offset; /* bytes taken */
    size_t run;      /* bytes since white space or punctuation */
    cbx_status failed;
    cbx_error error;

    unit queue[4]; /* decoded, not yet in `text` */
    int queued;
    bool flush, finish;

    unit *text;
    size_t n, room;
    phase phase;
    sentence_end end;
    int newlines; /* in the white space at the end */

    size_t known; /* the sentence is text[0..known); 0: not known yet */
    cbx_pause known_pause;

    char *out;
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
    if (s) {
        /* a run is waited for; then text is cut at 3/2 of the limit */
        s->room = CBX_SPLIT_MAX_RUN + 2 * (size_t)max + 64;
        s->text = calloc(s->room, sizeof *s->text);
        s->out = malloc(4 * (size_t)max + 1);
    }
    if (!s || !s->text || !s->out) {
        cbx_splitter_close(s);
        return cbx_fail(err, CBX_E_NOMEM, "no memory to split text");
    }
    s->options = *options;
    *out = s;
    return CBX_OK;
}

void cbx_splitter_close(cbx_splitter *s)
{
    if (!s)
        return;
    free(s->text);
    free(s->out);
    free(s);
}

void cbx_splitter_reset(cbx_splitter *s)
{
    const cbx_splitter kept = *s;
    *s = (cbx_splitter){.options = kept.options,
                        .text = kept.text,
                        .room = kept.room,
                        .out = kept.out};
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
static bool feed(cbx_splitter *s, const unit *u)
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
    const bool ended = whole || n < s->n || cbx_is_punct(s->text[n - 1].code);
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
        for (size_t i = 0; i < chars; i++)
            p += cbx_utf8_encode(s->text[i].code, p);
        *p = 0;
        *out = (cbx_segment){.text = s->out,
                             .len = (size_t)(p - s->out),
                             .chars = (int)chars,
                             .begin = s->text[0].begin,
                             .end = s->text[chars - 1].begin +
                                    s->text[chars - 1].bytes,
                             .pause = pause,
                             .silent_before = s->silent_before};
        s->silent_before = 0;
        s->spoken++;
    } else {
        s->silent_before++;
        s->silent++;
    }
    drop(s, n);
    return spoken;
}

/* Moves the queue into the text until a segment is ready; 0: all is moved. */
static size_t advance(cbx_splitter *s, cbx_pause *pause)
{
    for (;;) {
        const size_t n = next_length(s, pause);
        if (n)
            return n;
        if (s->queued) {
            if (feed(s, &s->queue[0]))
                memmove(s->queue, s->queue + 1,
                        (size_t)--s->queued * sizeof *s->queue);
        } else if ((s->flush || s->finish) && s->n) {
            const bool sentence = s->finish || s->phase != IN_SENTENCE;
            end_sentence(s, s->n,
                         sentence ? CBX_PAUSE_SENTENCE : CBX_PAUSE_CLAUSE);
        } else {
            s->flush = false;
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
    return false;
}

/* ---- bytes into the queue ---- */

static void enqueue(cbx_splitter *s, const cbx_codepoint *c, int count)
{
    uint64_t begin = s->offset;
    for (int i = 0; i < count; i++)
        begin -= c[i].bytes;
    begin -= s->decoder.want ? s->decoder.have : 0;
    for (int i = 0; i < count; i++) {
        const bool mark = c[i].code == 0xFEFF && begin == 0; /* BOM */
        if (!mark)
            s->queue[s->queued++] = (unit){begin, c[i].code, c[i].bytes};
        begin += c[i].bytes;
        if (cbx_is_space(c[i].code) || cbx_is_punct(c[i].code))
            s->run = 0;
        else
            s->run += c[i].bytes;
    }
}

/* A run that is no text is not spoken, whatever comes next. */
static void forget_run(cbx_splitter *s)
{
    const uint64_t begin = s->offset - s->run;
    s->queued = 0;
    while (s->n && s->text[s->n - 1].begin >= begin)
        s->n--;
    s->known = s->known < s->n ? s->known : s->n;
    if (s->end.end > s->n)
        s->phase = IN_SENTENCE;
}

static cbx_status take_byte(cbx_splitter *s, unsigned char byte)
{
    cbx_codepoint c[2];
    if (byte == 0)
        return cbx_fail(&s->error, CBX_E_TEXT,
                        "byte %llu of the text is NUL, which cannot be spoken",
                        (unsigned long long)s->offset);
    const int count = cbx_utf8_push(&s->decoder, byte, c);
    s->offset++;
    enqueue(s, c, count);
    if (s->run <= CBX_SPLIT_MAX_RUN)
        return CBX_OK;
    forget_run(s);
    return cbx_fail(&s->error, CBX_E_TEXT,
                    "the text has more than %d bytes without white space or "
                    "punctuation before byte %llu; that is no language",
                    CBX_SPLIT_MAX_RUN, (unsigned long long)s->offset);
}

cbx_status cbx_splitter_push(cbx_splitter *s, const void *bytes, size_t n,
                             size_t *taken, cbx_error *err)
{
    const unsigned char *p = bytes;
    cbx_pause pause;
    *taken = 0;
    while (!s->failed && *taken < n && !advance(s, &pause)) {
        s->failed = take_byte(s, p[*taken]);
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
    cbx_codepoint c;
    const int count = cbx_utf8_finish(&s->decoder, &c);
    enqueue(s, &c, count);
    s->finish = true;
}

uint64_t cbx_splitter_replaced(const cbx_splitter *s)
{
    return s->decoder.replaced;
}

uint64_t cbx_splitter_spoken(const cbx_splitter *s)
{
    return s->spoken;
}

uint64_t cbx_splitter_silent(const cbx_splitter *s)
{
    return s->silent;
}
