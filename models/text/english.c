#include "models/text/english.h"

#define PCRE2_CODE_UNIT_WIDTH 32
#include "models/text/rules.h"
#include "models/text/utf8.h"

#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* -- the patterns ---------------------------------------------------------- */

enum { MOST_RULES = 128, PATTERN = 1024 };

static struct {
    const rule *rule;
    pcre2_code *code;
} compiled[MOST_RULES];
static int n_compiled;
static const char *broken; /* a pattern that did not compile: a bug */

static bool compile(const rule *r)
{
    uint32_t pattern[PATTERN];
    size_t n = 0;
    int error;
    PCRE2_SIZE at;
    if (n_compiled == MOST_RULES)
        return false;
    for (const char *p = r->pattern; *p && n < PATTERN; n++) {
        const cbx_codepoint c = cbx_utf8_first(p, strlen(p));
        pattern[n] = c.code;
        p += c.bytes;
    }
    pcre2_code *code = pcre2_compile(
        pattern, n, PCRE2_UTF | PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, &error,
        &at, NULL);
    if (!code)
        return false;
    compiled[n_compiled].rule = r;
    compiled[n_compiled++].code = code;
    return true;
}

static void compile_all(void)
{
    static const rule *const lists[] = {
        markdown_rules, link_rules, date_rules, money_rules,
        number_rules,   word_rules, sign_rules};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const rule *r = lists[i]; r->pattern; r++)
            if (!compile(r))
                broken = r->pattern;
}

/* -- open and close -------------------------------------------------------- */

struct english {
    pcre2_match_data *match;
    pcre2_match_context *limits;
    job job;
};

cbx_status english_open(english **out, cbx_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, compile_all);
    if (broken)
        return cbx_fail(err, CBX_E_NOMEM,
                        "a rule for English cannot be compiled: %s", broken);
    english *e = calloc(1, sizeof *e);
    if (e) {
        e->match = pcre2_match_data_create(RULE_GROUPS, NULL);
        e->limits = pcre2_match_context_create(NULL);
    }
    if (!e || !e->match || !e->limits) {
        english_close(e);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a stream's text");
    }
    /* a rule that needs more than this does not match */
    pcre2_set_match_limit(e->limits, 20000);
    pcre2_set_depth_limit(e->limits, 2000);
    *out = e;
    return CBX_OK;
}

void english_close(english *e)
{
    if (!e)
        return;
    pcre2_match_data_free(e->match);
    pcre2_match_context_free(e->limits);
    free(e);
}

/* -- a match --------------------------------------------------------------- */

uint32_t job_before(const job *j)
{
    return j->from ? j->in->code[j->from - 1] : 0;
}

uint32_t job_behind(const job *j)
{
    return j->to < j->in->n ? j->in->code[j->to] : 0;
}

bool job_has(const job *j, int i)
{
    return i < j->groups && j->group[i].to > j->group[i].from;
}

void job_say(job *j, int i, void (*say)(words *, const char *, size_t))
{
    say(&j->w, j->group[i].text, j->group[i].len);
}

static void fill_group(job *j, int i, size_t from, size_t to)
{
    size_t len = 0;
    const bool matched = from != PCRE2_UNSET && from <= to;
    j->group[i].from = matched ? from : 0;
    j->group[i].to = matched ? to : 0;
    for (size_t at = j->group[i].from; at < j->group[i].to; at++) {
        if (len + 5 > GROUP_BYTES)
            break;
        len += (size_t)cbx_utf8_encode(j->in->code[at], j->group[i].text + len);
    }
    j->group[i].text[len] = 0;
    j->group[i].len = len;
}

static bool matches(english *e, pcre2_code *code, const text_line *in,
                    size_t at)
{
    job *j = &e->job;
    const int count =
        pcre2_match(code, in->code, in->n, at,
                    PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, e->match, e->limits);
    if (count <= 0)
        return false;
    const PCRE2_SIZE *o = pcre2_get_ovector_pointer(e->match);
    j->in = in;
    j->from = at;
    j->to = o[1];
    j->groups = RULE_GROUPS;
    for (int i = 1; i < RULE_GROUPS; i++)
        fill_group(j, i, i < count ? o[2 * i] : PCRE2_UNSET,
                   i < count ? o[2 * i + 1] : 0);
    j->w.len = 0;
    j->w.full = false;
    j->w.text[0] = 0;
    return j->to > at;
}

/* -- the line -------------------------------------------------------------- */

static char class_of(const text_line *in, size_t at)
{
    const uint32_t c = in->code[at];
    if (c >= '0' && c <= '9')
        return at && cbx_is_letter(in->code[at - 1]) ? 'c' : 'd';
    if (!cbx_is_letter(c))
        return 's';
    const uint32_t before = at ? in->code[at - 1] : ' ';
    return cbx_is_letter(before) || cbx_is_number(before) ? 'l' : 'L';
}

static bool is_first(const rule *r, char class)
{
    return strchr(r->first, class) || (class == 'L' && strchr(r->first, 'l'));
}

static bool is_fixed(const text_line *in, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (in->fixed[i])
            return true;
    return false;
}

/* What follows goes on with a letter: "3D", "5kg-bag". */
static bool joins(const job *j)
{
    const uint32_t next = job_behind(j);
    return j->w.len && (cbx_is_letter(next) || cbx_is_number(next)) &&
           j->w.text[j->w.len - 1] != ' ';
}

/* The characters that a rule at `at` stood for, or 0. */
static size_t apply_at(english *e, const text_line *in, size_t at,
                       bool is_english, text_line *out)
{
    const char class = class_of(in, at);
    job *j = &e->job;
    for (int i = 0; i < n_compiled; i++) {
        const rule *r = compiled[i].rule;
        if ((!is_english && !r->every) || !is_first(r, class) ||
            !matches(e, compiled[i].code, in, at))
            continue;
        if (r->say && !r->say(j))
            continue;
        /* a full stop at the end also ends the sentence */
        if (j->to == in->n && j->to > at + 1 && in->code[j->to - 1] == '.')
            j->to--;
        if (j->w.full || is_fixed(in, at, j->to))
            continue;
        if (joins(j))
            words_put(&j->w, " ");
        if (line_replace(out, in, at, j->to, j->w.text, j->w.len, false))
            return j->to - at;
    }
    return 0;
}

void english_apply(english *e, const text_line *in, bool is_english,
                   text_line *out)
{
    e->job.link_text = e->job.link_end = 0;
    for (size_t at = 0; at < in->n;) {
        if (e->job.link_end && at == e->job.link_text) {
            at = e->job.link_end;
            e->job.link_end = 0;
            continue;
        }
        const size_t n =
            in->fixed[at] ? 0 : apply_at(e, in, at, is_english, out);
        if (!n)
            line_copy(out, in, at);
        at += n ? n : 1;
    }
    while (out->n && out->code[out->n - 1] == ' ')
        out->n--;
}
