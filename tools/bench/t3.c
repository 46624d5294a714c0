/* T3: prefill, and steps at two lengths of the cache and several batches. */
#include "rt/clock.h"
#include "tools/bench/parts.h"
#include "tools/bench/profile.h"

#include <stdlib.h>

enum { TEXT = 40, STEPS = 24, MOST_STATES = 16 };

typedef struct t3_bench {
    bench *b;
    parts p;
    cbx_format format;
    t3 *m;
    t3_voice *voice;
    int n_text; /* ids that bring the cache to its length */
    int32_t *text;
    int steps;
} t3_bench;

static t3_segment segment_of(const t3_bench *t, int n)
{
    const cbx_config_sampling *c = &t->p.config.sampling;
    return (t3_segment){
        .text = t->text,
        .n = n,
        .sampling = {.order = t->p.config.t3.gpt2 ? CBX_SAMPLE_TURBO
                                                  : CBX_SAMPLE_LLAMA,
                     .temperature = c->temperature,
                     .top_p = c->top_p,
                     .min_p = c->min_p,
                     .repetition_penalty = c->repetition_penalty,
                     .cfg_weight = c->cfg_weight,
                     .top_k = c->top_k}};
}

/* Bytes that one step must read: weights, and keys and values. */
static double step_bytes(const t3_bench *t, int states, int rows, int kv)
{
    const t3_info *i = t3_get_info(t->m);
    const double both = t->format == CBX_FMT_F32 ? 8 : 4;
    return (double)i->weight_bytes +
           both * i->layers * i->width * (double)kv * states * rows;
}

/* Draws `steps` tokens for each of n states; seconds of each step. */
static cbx_status draw(t3_bench *t, t3_state **states, int n, double *s,
                       uint64_t *allocations, cbx_error *err)
{
    int32_t tokens[MOST_STATES];
    cbx_status st = t3_step(t->m, states, n, NULL, tokens, err);
    const uint64_t before = bench_allocations();
    for (int i = 0; i < t->steps && !st; i++) {
        const int64_t t0 = cbx_clock_ns();
        st = t3_step(t->m, states, n, NULL, tokens, err);
        s[i] = 1e-9 * (double)(cbx_clock_ns() - t0);
    }
    *allocations = bench_allocations() - before;
    return st;
}

/* kv: the cache's length in the middle of the run. */
static cbx_status measure_steps(t3_bench *t, int n, int kv, double read_gb_s,
                                double *one, cbx_error *err)
{
    t3_state *states[MOST_STATES] = {0};
    double s[STEPS];
    uint64_t allocations;
    const t3_segment segment = segment_of(t, t->n_text);
    const int positions =
        t3_voice_positions(t->voice) + t->n_text + t->steps + 2;
    cbx_status st = CBX_OK;
    for (int i = 0; i < n && !st; i++)
        if (!(st = t3_state_open(t->m, positions, &states[i], err)))
            st = t3_begin(t->m, states[i], t->voice, &segment, err);
    if (!st && !(st = draw(t, states, n, s, &allocations, err))) {
        const timing d = bench_summary(s, t->steps);
        const double bytes = step_bytes(t, n, t3_rows(states[0]), kv);
        if (n == 1)
            *one = d.median;
        bench_row(
            t->b, "t3_step",
            json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, "
                      "s:I}",
                      "format", cbx_format_name(t->format), "kv", kv, "streams",
                      n, "ms", 1e3 * d.median, "ms_min", 1e3 * d.min, "ms_max",
                      1e3 * d.max, "tokens_s", n / d.median, "mb", 1e-6 * bytes,
                      "gb_s", 1e-9 * bytes / d.median, "of_read",
                      1e-9 * bytes / d.median / read_gb_s, "times_one_stream",
                      d.median / *one, "allocations", (json_int_t)allocations));
    }
    for (int i = 0; i < n; i++)
        t3_state_close(states[i]);
    return st;
}

/* A voice whose prompt leaves room for the text below a cache of kv. */
static cbx_status open_voice(t3_bench *t, int kv, cbx_error *err)
{
    cbx_conds c = *t->p.conds;
    const int text_and_steps = TEXT + STEPS / 2 + 4;
    cbx_status st = t3_voice_open(t->m, &c, &t->voice, err);
    if (st)
        return st;
    const int over = t3_voice_positions(t->voice) + text_and_steps - kv;
    if (over > 0 && c.n_t3_tokens > over) {
        t3_voice_close(t->voice);
        t->voice = NULL;
        c.n_t3_tokens -= over;
        if ((st = t3_voice_open(t->m, &c, &t->voice, err)))
            return st;
    }
    const int n = kv - t3_voice_positions(t->voice) - t->steps / 2;
    t->n_text = n < 1 ? 1 : n;
    return CBX_OK;
}

static cbx_status measure_kv(t3_bench *t, int kv, int most, cbx_error *err)
{
    double median, max, one = 0;
    cbx_status st = open_voice(t, kv, err);
    const int real =
        st ? 0 : t3_voice_positions(t->voice) + t->n_text + t->steps / 2;
    if (!st)
        st = bench_bandwidth(t->b, (size_t)step_bytes(t, 1, 1, real), &median,
                             &max, err);
    for (int n = 1; n <= most && !st; n *= n < 4 ? 2 : 4)
        st = measure_steps(t, n, real, median, &one, err);
    t3_voice_close(t->voice);
    t->voice = NULL;
    return st;
}

typedef struct prefill_job {
    t3_bench *t;
    t3_state *state;
    cbx_status st;
    cbx_error *err;
} prefill_job;

static void run_prefill(void *arg)
{
    prefill_job *j = arg;
    const t3_segment segment = segment_of(j->t, TEXT);
    if (!j->st)
        j->st = t3_begin(j->t->m, j->state, j->t->voice, &segment, j->err);
}

/* 40 ids behind the voice's own prompt, whose keys are there already. */
static cbx_status measure_prefill(t3_bench *t, cbx_error *err)
{
    prefill_job j = {.t = t, .err = err};
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = t3_voice_open(t->m, t->p.conds, &t->voice, err);
    const double voice_s = 1e-9 * (double)(cbx_clock_ns() - t0);
    if (!st)
        st = t3_state_open(t->m, t3_voice_positions(t->voice) + TEXT + 8,
                           &j.state, err);
    if (!st) {
        const uint64_t before = bench_allocations();
        const timing d = bench_time(t->b, 2, run_prefill, &j);
        st = j.st;
        if (!st)
            bench_row(t->b, "t3_prefill",
                      json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:I}", "format",
                                cbx_format_name(t->format), "ids", (int)TEXT,
                                "behind", t3_voice_positions(t->voice), "ms",
                                1e3 * d.median, "ms_min", 1e3 * d.min,
                                "voice_ms", 1e3 * voice_s, "allocations",
                                (json_int_t)(bench_allocations() - before)));
    }
    t3_state_close(j.state);
    t3_voice_close(t->voice);
    t->voice = NULL;
    return st;
}

static cbx_status measure_all(t3_bench *t, cbx_error *err)
{
    enum { MOST_IDS = 1000 };
    const t3_info *info = t3_get_info(t->m);
    cbx_status st;
    if (!(t->text = malloc(MOST_IDS * sizeof *t->text)))
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a text");
    for (int i = 0; i < MOST_IDS; i++)
        t->text[i] =
            (i * 37 + 3) % (info->text_vocab < 250 ? info->text_vocab : 250);
    if ((st = measure_prefill(t, err)))
        return st;
    if ((st = measure_kv(t, 100, t->b->quick ? 2 : MOST_STATES, err)))
        return st;
    return t->b->quick ? CBX_OK : measure_kv(t, 500, 2, err);
}

static cbx_status measure_format(t3_bench *t, cbx_format f, cbx_error *err)
{
    const int64_t t0 = cbx_clock_ns();
    cbx_status st = t3_open(t->p.dev, t->p.file, &t->p.config, f, &t->m, err);
    t->format = f;
    if (!st) {
        const t3_info *i = t3_get_info(t->m);
        bench_row(t->b, "t3_load",
                  json_pack("{s:s, s:i, s:i, s:s, s:f, s:f}", "family",
                            cbx_family_name(t->p.config.family), "layers",
                            i->layers, "width", i->width, "format",
                            cbx_format_name(f), "mb",
                            1e-6 * (double)i->weight_bytes, "seconds",
                            1e-9 * (double)(cbx_clock_ns() - t0)));
        if (t->b->profile)
            profile_begin(t->p.dev);
        st = measure_all(t, err);
        if (t->b->profile)
            profile_end(t->b, t->p.dev, cbx_format_name(f));
    }
    free(t->text);
    t->text = NULL;
    t3_close(t->m);
    t->m = NULL;
    return st;
}

cbx_status bench_t3(bench *b, cbx_error *err)
{
    static const cbx_format all[] = {CBX_FMT_F32, CBX_FMT_BF16, CBX_FMT_I8,
                                     CBX_FMT_I4};
    t3_bench t = {.b = b, .steps = b->quick ? 2 : STEPS};
    const int only = bench_format(b->weights, false);
    cbx_status st = parts_open(b, PARTS_T3, &t.p, err);
    for (int i = 0; i < 4 && !st; i++)
        if (only < 0 || only == (int)all[i])
            st = measure_format(&t, all[i], err);
    parts_close(&t.p);
    return st;
}
