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

static void min_p(chain *c)
{
    cbx_min_p(c->x, c->V, c->params.min_p);
}

static void penalty(chain *c)
{
    cbx_repetition_penalty(c->x, c->V, c->seen, c->params.repetition_penalty);
}

static void softmax(chain *c)
{
    cbx_softmax(c->x, c->V);
}

enum { N_PROCESSORS = 5 };

/* Turbo and nano (t3.py: inference_turbo). */
static const processor turbo[N_PROCESSORS] = {
    {"1_temperature", temperature}, {"2_top_k", top_k},   {"3_top_p", top_p},
    {"4_rep_penalty", penalty},     {"5_probs", softmax},
};

/* Original and multilingual (t3.py: inference), behind 0_cfg. */
static const processor llama[N_PROCESSORS] = {
    {"1_rep_penalty", penalty}, {"2_temperature", temperature},
    {"3_min_p", min_p},         {"4_top_p", top_p},
    {"5_probs", softmax},
};

static const processor *processors_of(const chain *c)
{
    return c->params.order == CBX_SAMPLE_TURBO ? turbo : llama;
}

static void run_all(chain *c)
{
    for (int i = 0; i < N_PROCESSORS; i++)
        processors_of(c)[i].run(c);
}

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

static cbx_status read_order(parity *p, const char *set, cbx_sampling *out,
                             cbx_error *err)
{
    float k = 0;
    cbx_status st;
    if (p->config.t3.gpt2) {
        out->order = CBX_SAMPLE_TURBO;
        st = read_param(p, set, "top_k", &k, err);
        if (!st && !(k >= 1 && k <= 1 << 24))
            st = cbx_fail(err, CBX_E_ARG, "sample.%s.param.top_k is %g", set,
                          (double)k);
        out->top_k = (int)k;
        return st;
    }
    out->order = CBX_SAMPLE_LLAMA;
    st = read_param(p, set, "min_p", &out->min_p, err);
    return st ? st : read_param(p, set, "cfg_weight", &out->cfg_weight, err);
}

static cbx_status read_params(parity *p, const char *set, cbx_sampling *out,
                              cbx_error *err)
{
    cbx_status st;
    *out = (cbx_sampling){0};
    if ((st = read_param(p, set, "temperature", &out->temperature, err)) ||
        (st = read_param(p, set, "top_p", &out->top_p, err)) ||
        (st = read_param(p, set, "repetition_penalty", &out->repetition_penalty,
                         err)) ||
        (st = read_order(p, set, out, err)))
        return st;
    if (!(out->temperature > 0 && out->top_p > 0 &&
          out->repetition_penalty > 0))
        return cbx_fail(err, CBX_E_ARG,
                        "sample.%s.param: the parameters are out of range",
                        set);
    return CBX_OK;
}

cbx_sampling golden_sampling(parity *p)
{
    const cbx_config_sampling *c = &p->config.sampling;
    cbx_sampling s;
    cbx_error err;
    if (read_params(p, "default", &s, &err))
        s = (cbx_sampling){.order = p->config.t3.gpt2 ? CBX_SAMPLE_TURBO
                                                      : CBX_SAMPLE_LLAMA,
                           .temperature = c->temperature,
                           .top_p = c->top_p,
                           .min_p = c->min_p,
                           .repetition_penalty = c->repetition_penalty,
                           .cfg_weight = c->cfg_weight,
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

/* The logits of a stage ("prefill", "step3") as the processors get them: for
 * Llama, mixed from the rows of guidance. out: c->x. */
static cbx_status start_from(parity *p, chain *c, const char *stage,
                             cbx_error *err)
{
    const bool guided = c->params.order == CBX_SAMPLE_LLAMA;
    const float *cond, *uncond;
    int V = 0;
    char key[64];
    cbx_status st;
    snprintf(key, sizeof key, "t3.%s.logits%s", stage, guided ? "_cond" : "");
    if ((st = read_logits(p, key, &cond, &V, err)))
        return st;
    if (V != c->V)
        return cbx_fail(err, CBX_E_SHAPE, "%s has %d logits, not %d", key, V,
                        c->V);
    memcpy(c->x, cond, (size_t)V * sizeof *cond);
    if (!guided)
        return CBX_OK;
    int64_t dims[1] = {V};
    snprintf(key, sizeof key, "t3.%s.logits_uncond", stage);
    if (!(st = golden_floats(&p->golden, key, 1, dims, &uncond, err)))
        cbx_cfg_mix(c->x, uncond, V, c->params.cfg_weight);
    return st;
}

/* sample.SET.0_cfg: the mixed logits of the last step. */
static void run_mix(parity *p, const char *set, chain *c)
{
    char key[128], stage[32];
    cbx_error err;
    snprintf(key, sizeof key, "sample.%s.0_cfg", set);
    if (!golden_find(&p->golden, key))
        return;
    snprintf(stage, sizeof stage, "step%d", golden_last_step(p));
    if (start_from(p, c, stage, &err))
        report_fail(&p->report, key, "%s", err.text);
    else
        report_floats(&p->report, key, c->x, (size_t)c->V, TOL_STAGE);
}

/* Each processor from the golden before it. */
static void run_apart(parity *p, const char *set, chain *c, const float *logits)
{
    const float *from = logits;
    const processor *processors = processors_of(c);
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
    run_all(c);
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
    const char *start = p->config.t3.gpt2 ? "0_logits" : "0_cfg";
    snprintf(key, sizeof key, "sample.%s.%s", set, start);
    if (!golden_find(&p->golden, key))
        snprintf(key, sizeof key, "sample.default.%s", start);
    if ((st = read_logits(p, key, &logits, &V, err)))
        return st;
    snprintf(key, sizeof key, "sample.%s.history", set);
    if ((st = golden_ids(&p->golden, key, &n, &history, err)))
        return st;
    chain_open(&c, &params, V);
    if (!(st = mark(&c, history, n, err))) {
        run_mix(p, set, &c);
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

/* What step k penalises. GPT-2: the start token at first, then what was
 * generated, without it; Llama: both. */
static cbx_status mark_history(parity *p, chain *c, int k, cbx_error *err)
{
    const int32_t *forced, start = p->config.t3.start_speech;
    int n;
    cbx_status st =
        golden_ids(&p->golden, "t3.in.forced_tokens", &n, &forced, err);
    if (st)
        return st;
    if (k > n)
        return cbx_fail(err, CBX_E_SHAPE,
                        "t3.in.forced_tokens has %d tokens, step %d needs more",
                        n, k);
    if ((!k || !p->config.t3.gpt2) && (st = mark(c, &start, 1, err)))
        return st;
    return mark(c, forced, k, err);
}

/* The whole chain on the reference's logits of step k. */
static cbx_status run_probs(parity *p, int k, const char *to, cbx_error *err)
{
    const cbx_sampling params = golden_sampling(p);
    char stage[32] = "prefill", key[64];
    const float *logits;
    int V = 0;
    chain c;
    cbx_status st;
    if (k > 0)
        snprintf(stage, sizeof stage, "step%d", k);
    snprintf(key, sizeof key, "t3.%s.logits%s", stage,
             p->config.t3.gpt2 ? "" : "_cond");
    if ((st = read_logits(p, key, &logits, &V, err)))
        return st;
    chain_open(&c, &params, V);
    if (!(st = mark_history(p, &c, k, err)) &&
        !(st = start_from(p, &c, stage, err))) {
        run_all(&c);
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
