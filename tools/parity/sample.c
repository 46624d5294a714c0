#include "kernels/sampling.h"
#include "tools/parity/parity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sample.<set>: every logits processor in the reference's order, each from the
 * reference's result of the one before; then all of them in a row. */

/* What one set of parameters works on. */
typedef struct chain {
    cbx_sampling params;
    unsigned char *seen; /* [V] */
    int32_t *order;      /* [2 * V], scratch */
    float *x;            /* [V] */
    int V;
} chain;

/* The stages of turbo and nano (t3.py: inference_turbo). */
typedef struct processor {
    const char *name;
    void (*run)(chain *c);
} processor;

static void temperature(chain *c)
{
    cbx_temperature(c->x, c->V, c->params.temperature);
}

static void top_k(chain *c)
{
    cbx_top_k(c->x, c->V, c->params.top_k, c->order);
}

static void top_p(chain *c)
{
    cbx_top_p(c->x, c->V, c->params.top_p, c->order);
}

static void penalty(chain *c)
{
    cbx_repetition_penalty(c->x, c->V, c->seen, c->params.repetition_penalty);
}

static void softmax(chain *c)
{
    cbx_softmax(c->x, c->V);
}

static const processor processors[] = {
    {"1_temperature", temperature}, {"2_top_k", top_k},   {"3_top_p", top_p},
    {"4_rep_penalty", penalty},     {"5_probs", softmax},
};
enum { N_PROCESSORS = sizeof processors / sizeof *processors };

static void chain_open(chain *c, const cbx_sampling *params, int V)
{
    *c = (chain){.params = *params, .V = V};
    c->seen = need((size_t)V, 1);
    c->order = need(2 * (size_t)V, sizeof *c->order);
    c->x = need((size_t)V, sizeof *c->x);
}

static void chain_close(chain *c)
{
    free(c->seen);
    free(c->order);
    free(c->x);
}

static cbx_status mark(chain *c, const int32_t *ids, int n, cbx_error *err)
{
    for (int i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= c->V)
            return cbx_fail(err, CBX_E_ARG, "id %d in the history of %d logits",
                            (int)ids[i], c->V);
        c->seen[ids[i]] = 1;
    }
    return CBX_OK;
}

/* -- parameters ------------------------------------------------------------ */

static cbx_status read_param(parity *p, const char *set, const char *name,
                             float *out, cbx_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "sample.%s.param.%s", set, name);
    return golden_number(&p->golden, key, out, err);
}

static cbx_status read_params(parity *p, const char *set, cbx_sampling *out,
                              cbx_error *err)
{
    float k;
    cbx_status st;
    *out = (cbx_sampling){.order = CBX_SAMPLE_TURBO};
    if ((st = read_param(p, set, "temperature", &out->temperature, err)) ||
        (st = read_param(p, set, "top_k", &k, err)) ||
        (st = read_param(p, set, "top_p", &out->top_p, err)) ||
        (st = read_param(p, set, "repetition_penalty", &out->repetition_penalty,
                         err)))
        return st;
    if (!(out->temperature > 0 && k >= 1 && k <= 1 << 24 && out->top_p > 0 &&
          out->repetition_penalty > 0))
        return cbx_fail(err, CBX_E_ARG,
                        "sample.%s.param: the parameters are out of range",
                        set);
    out->top_k = (int)k;
    return CBX_OK;
}

cbx_sampling golden_sampling(parity *p)
{
    const cbx_config_sampling *c = &p->config.sampling;
    cbx_sampling s;
    cbx_error err;
    if (read_params(p, "default", &s, &err))
        s = (cbx_sampling){.order = CBX_SAMPLE_TURBO,
                           .temperature = c->temperature,
                           .top_p = c->top_p,
                           .repetition_penalty = c->repetition_penalty,
                           .top_k = c->top_k};
    return s;
}

/* -- a set ----------------------------------------------------------------- */

/* Logits of `key`; they decide the size of the vocabulary. */
static cbx_status read_logits(parity *p, const char *key, const float **out,
                              int *V, cbx_error *err)
{
    int64_t dims[1] = {-1};
    const cbx_status st = golden_floats(&p->golden, key, 1, dims, out, err);
    if (st)
        return st;
    if (dims[0] < 1 || dims[0] > 1 << 24)
        return cbx_fail(err, CBX_E_SHAPE, "%s: no logits for a vocabulary",
                        key);
    *V = (int)dims[0];
    return CBX_OK;
}

/* Each processor from the golden before it. */
static void run_apart(parity *p, const char *set, chain *c, const float *logits)
{
    const float *from = logits;
    for (int i = 0; i < N_PROCESSORS; i++) {
        char key[128];
        cbx_error err;
        int64_t dims[1] = {c->V};
        memcpy(c->x, from, (size_t)c->V * sizeof *from);
        processors[i].run(c);
        snprintf(key, sizeof key, "sample.%s.%s", set, processors[i].name);
        report_floats(&p->report, key, c->x, (size_t)c->V, TOL_STAGE);
        if (golden_floats(&p->golden, key, 1, dims, &from, &err)) {
            report_fail(&p->report, key, "%s", err.text);
            return;
        }
    }
}

static void run_in_a_row(parity *p, const char *set, chain *c,
                         const float *logits)
{
    char key[128], name[128];
    const float *want;
    cbx_error err;
    int64_t dims[1] = {c->V};
    snprintf(key, sizeof key, "sample.%s.5_probs", set);
    snprintf(name, sizeof name, "end.sample.%s", set);
    memcpy(c->x, logits, (size_t)c->V * sizeof *logits);
    for (int i = 0; i < N_PROCESSORS; i++)
        processors[i].run(c);
    if (!golden_floats(&p->golden, key, 1, dims, &want, &err))
        report_named(&p->report, name, c->x, want, (size_t)c->V, TOL_STAGE);
}

static cbx_status run_set(parity *p, const char *set, cbx_error *err)
{
    char key[128];
    cbx_sampling params;
    const int32_t *history;
    const float *logits;
    int n, V = 0;
    chain c;
    cbx_status st = read_params(p, set, &params, err);
    if (st)
        return st;
    /* the exporter writes the logits, which are the same, once */
    snprintf(key, sizeof key, "sample.%s.0_logits", set);
    if (!golden_find(&p->golden, key))
        snprintf(key, sizeof key, "sample.default.0_logits");
    if ((st = read_logits(p, key, &logits, &V, err)))
        return st;
    snprintf(key, sizeof key, "sample.%s.history", set);
    if ((st = golden_ids(&p->golden, key, &n, &history, err)))
        return st;
    chain_open(&c, &params, V);
    if (!(st = mark(&c, history, n, err))) {
        run_apart(p, set, &c, logits);
        run_in_a_row(p, set, &c, logits);
    }
    chain_close(&c);
    return st;
}

void parity_sample(parity *p)
{
    char done[64] = "";
    for (size_t i = 0; i < p->golden.n; i++) {
        const char *key = cbx_tensor_at(p->golden.file, i)->name;
        char set[64], prefix[80];
        cbx_error err;
        if (sscanf(key, "sample.%63[^.].", set) != 1 || !strcmp(set, done))
            continue;
        snprintf(prefix, sizeof prefix, "sample.%s.", set);
        if (p->golden.fates[i] == GOLDEN_UNTOUCHED && run_set(p, set, &err))
            report_not_run(&p->report, prefix, "%s", err.text);
        snprintf(done, sizeof done, "%s", set);
    }
}

/* -- t3.stepN.probs -------------------------------------------------------- */

/* The whole chain on the reference's logits of step k. The history is the
 * start token at first, then what was generated, without it. */
static cbx_status run_probs(parity *p, int k, const char *to, cbx_error *err)
{
    const cbx_sampling params = golden_sampling(p);
    const int32_t *forced;
    const int32_t start = p->config.t3.start_speech;
    const float *logits;
    char from[64] = "t3.prefill.logits";
    int n, V = 0;
    chain c;
    cbx_status st;
    if (k > 0)
        snprintf(from, sizeof from, "t3.step%d.logits", k);
    if ((st = read_logits(p, from, &logits, &V, err)) ||
        (st = golden_ids(&p->golden, "t3.in.forced_tokens", &n, &forced, err)))
        return st;
    if (k > n)
        return cbx_fail(err, CBX_E_SHAPE,
                        "t3.in.forced_tokens has %d tokens, step %d needs more",
                        n, k);
    chain_open(&c, &params, V);
    if (!(st = k ? mark(&c, forced, k, err) : mark(&c, &start, 1, err))) {
        memcpy(c.x, logits, (size_t)V * sizeof *logits);
        for (int i = 0; i < N_PROCESSORS; i++)
            processors[i].run(&c);
        report_floats(&p->report, to, c.x, (size_t)V, TOL_STAGE);
    }
    chain_close(&c);
    return st;
}

void parity_probs(parity *p)
{
    for (size_t i = 0; i < p->golden.n; i++) {
        const char *key = cbx_tensor_at(p->golden.file, i)->name;
        int k, end = 0;
        cbx_error err;
        if (sscanf(key, "t3.step%4d.probs%n", &k, &end) == 1 && end > 0 &&
            !key[end] && k >= 0 && run_probs(p, k, key, &err))
            report_not_run(&p->report, key, "%s", err.text);
    }
}
