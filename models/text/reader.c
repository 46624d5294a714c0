#include "models/text/reader.h"

#include "models/text/reader_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cbx_status reader_open(const reader_options *options, reader **out,
                       cbx_error *err)
{
    reader *r = malloc(sizeof *r);
    if (!r)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to read text");
    r->options = *options;
    reader_reset(r);
    *out = r;
    return CBX_OK;
}

void reader_close(reader *r)
{
    free(r);
}

void reader_reset(reader *r)
{
    const reader_options kept = r->options;
    memset(r, 0, sizeof *r);
    r->options = kept;
    r->state.prosody.rate = 1;
}

/* -- what comes out -------------------------------------------------------- */

reader_item *reader_put(reader *r, reader_kind kind, uint64_t begin,
                        uint64_t end)
{
    if (r->count == READER_QUEUE)
        return NULL;
    reader_item *i = &r->queue[(r->head + r->count++) % READER_QUEUE];
    i->kind = kind;
    i->begin = begin;
    i->bytes = (uint32_t)(end - begin);
    i->text[0] = 0;
    return i;
}

void reader_put_char(reader *r, const reader_char *c)
{
    reader_item *i = reader_put(r, READER_CHAR, c->begin, c->begin + c->bytes);
    if (i)
        i->code = c->code;
}

void reader_put_alias(reader *r, const char *text, uint64_t begin, uint64_t end)
{
    size_t n = strlen(text);
    if (r->alias_at == r->alias_count)
        r->alias_at = r->alias_count = 0;
    r->alias_begin = begin;
    r->alias_bytes = (uint32_t)(end - begin);
    while (n && r->alias_count < READER_ALIAS) {
        const cbx_codepoint c = cbx_utf8_first(text, n);
        r->alias[r->alias_count++] = c.code;
        text += c.bytes;
        n -= c.bytes;
    }
}

void reader_notice(reader *r, unsigned bit, uint64_t begin, uint64_t end,
                   const char *sentence, const char *name)
{
    if (r->told >> bit & 1)
        return;
    r->told |= 1u << bit;
    reader_item *i = reader_put(r, READER_NOTICE, begin, end);
    if (i)
        snprintf(i->text, sizeof i->text, sentence, name);
}

void reader_put_break(reader *r, double ms, uint64_t begin, uint64_t end)
{
    if (ms > READER_MAX_BREAK) {
        reader_notice(r, 0, begin, end, "a pause is at most 10 s long%s", "");
        ms = READER_MAX_BREAK;
    }
    reader_item *i = reader_put(r, READER_BREAK, begin, end);
    if (i)
        i->ms = (int)(ms + 0.5);
}

bool reader_next(reader *r, reader_item *out)
{
    if (r->count) {
        *out = r->queue[r->head];
        r->head = (r->head + 1) % READER_QUEUE;
        r->count--;
        return true;
    }
    if (r->alias_at == r->alias_count)
        return false;
    out->kind = READER_CHAR;
    out->begin = r->alias_begin;
    out->bytes = r->alias_bytes;
    out->code = r->alias[r->alias_at++];
    return true;
}

double reader_time(const char *text, size_t n)
{
    double value = 0, unit = 1;
    size_t i = 0, digits = 0;
    for (; i < n && text[i] >= '0' && text[i] <= '9' && digits < 7; i++) {
        value = 10 * value + (text[i] - '0');
        digits++;
    }
    if (i < n && text[i] == '.')
        for (i++; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
            unit /= 10;
            value += unit * (text[i] - '0');
            digits++;
        }
    if (!digits)
        return -1;
    if (i == n || (i + 1 == n && (text[i] | 32) == 's'))
        return 1000 * value;
    return i + 2 == n && (text[i] | 32) == 'm' && (text[i + 1] | 32) == 's'
               ? value
               : -1;
}

/* -- plain text ------------------------------------------------------------ */

static void release_held(reader *r)
{
    for (int i = 0; i < r->n_held; i++)
        reader_put_char(r, &r->held[i]);
    r->n_held = 0;
}

/* Whether what is held can still become a pause. */
static bool may_be_pause(const reader *r)
{
    static const char want[] = "[pause:";
    for (int i = 0; i < r->n_held; i++) {
        const uint32_t c = r->held[i].code;
        if (i < 7 ? (c | (i ? 32 : 0)) != (uint32_t)want[i]
                  : c > 127 || (!strchr("0123456789.msMS", (int)c) && c != ']'))
            return false;
    }
    return r->n_held < READER_PAUSE_TAG;
}

void reader_put_plain(reader *r, const reader_char *c)
{
    if (c->code != '[' && !r->n_held) {
        reader_put_char(r, c);
        return;
    }
    if (c->code == '[')
        release_held(r);
    r->held[r->n_held++] = *c;
    if (!may_be_pause(r)) {
        release_held(r);
    } else if (c->code == ']') {
        char text[READER_PAUSE_TAG];
        const int n = r->n_held - 8;
        for (int i = 0; i < n; i++)
            text[i] = (char)r->held[7 + i].code;
        const double ms = n > 0 ? reader_time(text, (size_t)n) : -1;
        if (ms >= 0) {
            reader_put_break(r, ms, r->held[0].begin, c->begin + c->bytes);
            r->n_held = 0;
        } else {
            release_held(r);
        }
    }
}

/* -- bytes ----------------------------------------------------------------- */

/* A run counts bytes of text: a tag is its end. */
static void count_run(reader *r, const reader_char *c)
{
    const bool text = r->place == SSML_TEXT && !cbx_is_space(c->code) &&
                      !cbx_is_punct(c->code) && c->code != '<';
    if (text && !r->in_run)
        r->run_begin = c->begin;
    r->in_run = text;
}

static bool run_is_too_long(const reader *r)
{
    return r->in_run && r->offset - r->run_begin > r->options.max_run;
}

static cbx_status take_char(reader *r, const reader_char *c, cbx_error *err)
{
    if (c->code == 0xFEFF && c->begin == 0)
        return CBX_OK; /* a byte order mark */
    count_run(r, c);
    if (r->options.ssml)
        return ssml_push(r, c, err);
    reader_put_plain(r, c);
    return CBX_OK;
}

cbx_status reader_push(reader *r, unsigned char byte, cbx_error *err)
{
    cbx_codepoint c[2];
    if (byte == 0)
        return cbx_fail(err, CBX_E_TEXT,
                        "byte %llu of the text is NUL, which cannot be spoken",
                        (unsigned long long)r->offset);
    const int count = cbx_utf8_push(&r->decoder, byte, c);
    uint64_t begin = ++r->offset;
    begin -= r->decoder.want ? r->decoder.have : 0;
    for (int i = 0; i < count; i++)
        begin -= c[i].bytes;
    for (int i = 0; i < count; i++) {
        const cbx_status st =
            take_char(r, &(reader_char){begin, c[i].code, c[i].bytes}, err);
        if (st) {
            r->offset--;
            return st;
        }
        begin += c[i].bytes;
    }
    if (!run_is_too_long(r))
        return CBX_OK;
    r->count = r->alias_at = r->alias_count = 0;
    return cbx_fail(err, CBX_E_TEXT,
                    "the text has more than %zu bytes without white space or "
                    "punctuation before byte %llu; that is no language",
                    r->options.max_run, (unsigned long long)r->offset);
}

void reader_finish(reader *r)
{
    cbx_codepoint c;
    cbx_error ignored;
    if (cbx_utf8_finish(&r->decoder, &c)) {
        const reader_char last = {r->offset - c.bytes, c.code, c.bytes};
        /* a broken character ends no tag, so this cannot fail */
        if (take_char(r, &last, &ignored))
            return;
    }
    release_held(r);
    if (r->options.ssml)
        ssml_finish(r);
}

uint64_t reader_offset(const reader *r)
{
    return r->offset;
}

uint64_t reader_run_begin(const reader *r)
{
    return run_is_too_long(r) ? r->run_begin : r->offset;
}

uint64_t reader_replaced(const reader *r)
{
    return r->decoder.replaced;
}
