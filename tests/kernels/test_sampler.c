#include "kernels/cpu/sample.h"
#include "kernels/sampling.h"

#include "rt/random.h"
#include "tests/check.h"
#include "tests/kernels/devices.h"

#include <string.h>

enum { V = 97 };

/* Logits, some of them equal, some impossible. */
static void random_logits(float *x)
{
    for (int i = 0; i < V; i++)
        x[i] = pick(0, 4) ? real(-6, 6) : (float)pick(-3, 3);
    for (int i = 0; i < V / 10; i++)
        x[pick(0, V - 1)] = -INFINITY;
}

static void probabilities(const float *x, double *p)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < V; i++)
        most = fmax(most, (double)x[i]);
    for (int i = 0; i < V; i++)
        sum += p[i] = exp((double)x[i] - most);
    for (int i = 0; i < V; i++)
        p[i] /= sum;
}

/* How many are larger: no sort. */
static int rank(const float *x, int i)
{
    int n = 0;
    for (int j = 0; j < V; j++)
        n += x[j] > x[i];
    return n;
}

static void top_k_keeps_the_largest_and_ties(void)
{
    for (int round = 0; round < 500; round++) {
        float x[V], y[V];
        int32_t order[2 * V];
        const int k = pick(0, V + 3);
        random_logits(x);
        memcpy(y, x, sizeof x);
        cbx_top_k(y, V, k, order);
        for (int i = 0; i < V; i++)
            if (k == 0 || rank(x, i) < k)
                CHECK(y[i] == x[i]);
            else
                CHECK(y[i] == -INFINITY);
    }
}

/* The mass of what is smaller, itself included; of equals the smaller id is
 * first. Ids within 1e-5 of the limit may go either way. */
static void top_p_drops_the_unlikely_tail(void)
{
    for (int round = 0; round < 500; round++) {
        float x[V], y[V];
        double p[V];
        int32_t order[2 * V];
        const float top = real(0.05f, 1);
        random_logits(x);
        memcpy(y, x, sizeof x);
        probabilities(x, p);
        cbx_top_p(y, V, top, order);
        int kept = 0;
        for (int i = 0; i < V; i++) {
            double below = 0;
            for (int j = 0; j < V; j++)
                if (x[j] < x[i] || (x[j] == x[i] && j <= i))
                    below += p[j];
            const double over = below - (1.0 - (double)top);
            kept += y[i] > -INFINITY;
            CHECK(y[i] == x[i] || y[i] == -INFINITY);
            if (over > 1e-5)
                CHECK(y[i] == x[i]);
            else if (over < -1e-5)
                CHECK(y[i] == -INFINITY);
        }
        CHECK(kept >= 1);
    }
}

static void min_p_drops_what_is_far_below_the_best(void)
{
    for (int round = 0; round < 500; round++) {
        float x[V], y[V];
        double p[V], most = 0;
        const float least = real(0, 0.5f);
        random_logits(x);
        memcpy(y, x, sizeof x);
        probabilities(x, p);
        for (int i = 0; i < V; i++)
            most = fmax(most, p[i]);
        cbx_min_p(y, V, least);
        for (int i = 0; i < V; i++)
            if (p[i] > (double)least * most * (1 + 1e-6))
                CHECK(y[i] == x[i]);
            else if (p[i] < (double)least * most * (1 - 1e-6))
                CHECK(y[i] == -INFINITY);
    }
}

/* Selection and sort, for a vocabulary of the real size: few equal values, many
 * of them, or nothing else. */
static void selection_drops_what_the_sort_drops(void)
{
    enum { WIDE = 6563 };
    static float x[WIDE], y[WIDE], z[WIDE];
    static int32_t order[2 * WIDE];
    static const float limits[] = {0.5f, 0.95f, 0.999f, 0.01f, 0.9999f};
    for (int round = 0; round < 120; round++) {
        const int n = round % 3 ? WIDE : pick(1, 130);
        for (int i = 0; i < n; i++)
            x[i] = round % 4 == 1   ? (float)pick(-9, 9) / 2
                   : round % 4 == 2 ? 1.0f
                                    : real(-12, 12);
        for (int i = 0; i < n / 3 && round % 2; i++)
            x[pick(0, n - 1)] = -INFINITY;
        memcpy(y, x, sizeof x);
        memcpy(z, x, sizeof x);
        cbx_top_p(y, n, limits[round % 5], order);
        cpu_top_p(z, n, limits[round % 5], order);
        CHECK(!memcmp(y, z, (size_t)n * sizeof *y));
        memcpy(y, x, sizeof x);
        memcpy(z, x, sizeof x);
        cbx_min_p(y, n, 0.05f);
        cpu_min_p(z, n, 0.05f);
        CHECK(!memcmp(y, z, (size_t)n * sizeof *y));
    }
}

static void a_penalty_pulls_seen_ids_down(void)
{
    float x[V], y[V];
    unsigned char seen[V];
    random_logits(x);
    memcpy(y, x, sizeof x);
    for (int i = 0; i < V; i++)
        seen[i] = (unsigned char)pick(0, 1);
    cbx_repetition_penalty(y, V, seen, 1.5f);
    for (int i = 0; i < V; i++)
        CHECK(y[i] == (!seen[i] ? x[i] : x[i] < 0 ? x[i] * 1.5f : x[i] / 1.5f));
}

static void mixing_and_temperature_follow_their_formulas(void)
{
    float x[V], y[V], u[V];
    for (int i = 0; i < V; i++) {
        x[i] = y[i] = real(-5, 5);
        u[i] = real(-5, 5);
    }
    cbx_cfg_mix(y, u, V, 0.5f);
    for (int i = 0; i < V; i++)
        CHECK_NEAR(y[i], x[i] + 0.5f * (x[i] - u[i]), 1e-6);
    memcpy(y, x, sizeof x);
    cbx_temperature(y, V, 1);
    CHECK(!memcmp(x, y, sizeof x));
    cbx_temperature(y, V, 0.8f);
    for (int i = 0; i < V; i++)
        CHECK_NEAR(y[i], x[i] / 0.8f, 1e-6);
}

static void softmax_sums_to_one(void)
{
    float x[V], y[V];
    double p[V], sum = 0;
    random_logits(x);
    memcpy(y, x, sizeof x);
    probabilities(x, p);
    cbx_softmax(y, V);
    for (int i = 0; i < V; i++) {
        CHECK_NEAR(y[i], p[i], 1e-6);
        sum += (double)y[i];
    }
    CHECK_NEAR(sum, 1, 1e-5);
    for (int i = 0; i < V; i++)
        y[i] = -INFINITY;
    cbx_softmax(y, V);
    for (int i = 0; i < V; i++)
        CHECK(y[i] == 0);
}

static void pick_takes_the_first_past_u(void)
{
    const float p[] = {0, 0.25f, 0, 0.5f, 0.25f, 0};
    CHECK(cbx_pick(p, 6, 0) == 1);
    CHECK(cbx_pick(p, 6, 0.2499) == 1);
    CHECK(cbx_pick(p, 6, 0.25) == 3);
    CHECK(cbx_pick(p, 6, 0.7499) == 3);
    CHECK(cbx_pick(p, 6, 0.75) == 4);
    CHECK(cbx_pick(p, 6, 1) == 4);
    CHECK(cbx_pick((const float[]){0, 0}, 2, 0.5) == 0);
}

/* -- the operation --------------------------------------------------------- */

static cbx_sampler *open_sampler(cbx_dev *d)
{
    cbx_error e = {0};
    cbx_sampler *s = NULL;
    CHECK(d->k->sampler_new(d, V, &s, &e) == CBX_OK);
    return s;
}

static cbx_sampling random_sampling(void)
{
    return (cbx_sampling){.order =
                              pick(0, 1) ? CBX_SAMPLE_TURBO : CBX_SAMPLE_LLAMA,
                          .temperature = real(0.5f, 1.5f),
                          .top_p = real(0.5f, 1),
                          .min_p = real(0, 0.2f),
                          .repetition_penalty = real(1, 2),
                          .cfg_weight = 0.5f,
                          .top_k = pick(0, V)};
}

/* The processors one after another, as the header says. */
static int expected(const cbx_sampling *p, const float *logits,
                    const unsigned char *seen, double u)
{
    float x[V];
    int32_t order[2 * V];
    memcpy(x, logits, sizeof x);
    if (p->order == CBX_SAMPLE_TURBO) {
        cbx_temperature(x, V, p->temperature);
        cbx_top_k(x, V, p->top_k, order);
        cbx_top_p(x, V, p->top_p, order);
        cbx_repetition_penalty(x, V, seen, p->repetition_penalty);
    } else {
        cbx_cfg_mix(x, logits + V, V, p->cfg_weight);
        cbx_repetition_penalty(x, V, seen, p->repetition_penalty);
        cbx_temperature(x, V, p->temperature);
        cbx_min_p(x, V, p->min_p);
        cbx_top_p(x, V, p->top_p, order);
    }
    cbx_softmax(x, V);
    return cbx_pick(x, V, u);
}

static void a_token_is_drawn_as_the_reference_draws(cbx_dev *d)
{
    cbx_sampler *s = open_sampler(d);
    for (int round = 0; round < 200; round++) {
        unsigned char seen[V] = {0};
        matrix logits = matrix_new(2, V, 0, 5);
        const bool own = pick(0, 1);
        const cbx_sampling p = random_sampling();
        const double u =
            own ? (double)real(0, 1) : cbx_random_uniform(5, (uint64_t)round);
        int32_t token = -1;
        d->k->sampler_reset(d, s);
        for (int i = 0; i < 20; i++) {
            const int id = pick(0, V - 1);
            seen[id] = 1;
            d->k->sampler_mark(d, s, id);
        }
        for (int step = 0; step < 3; step++) {
            const bool forget = step == 1;
            d->k->sample(d, &(cbx_sample){.logits = logits.m,
                                          .params = p,
                                          .seen = s,
                                          .forget = forget,
                                          .key = 5,
                                          .index = (uint64_t)round,
                                          .u = own ? &u : NULL,
                                          .token = &token});
            d->k->sync(d);
            CHECK(token == expected(&p, logits.m.p, seen, u));
            if (forget)
                memset(seen, 0, sizeof seen);
            seen[token] = 1;
        }
        matrix_free(&logits);
    }
    d->k->sampler_free(d, s);
}

static void hopeless_logits_still_give_an_id(cbx_dev *d)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f};
    cbx_sampler *s = open_sampler(d);
    for (int i = 0; i < 5; i++)
        for (int order = 0; order < 2; order++) {
            matrix logits = matrix_new(2, V, 0, 5);
            cbx_sampling p = random_sampling();
            int32_t token = -1;
            p.order = (cbx_sample_order)order;
            for (int k = 0; k < 2 * V; k++)
                logits.m.p[k] = bad[i];
            d->k->sample(d, &(cbx_sample){.logits = logits.m,
                                          .params = p,
                                          .seen = s,
                                          .token = &token});
            CHECK(token >= 0 && token < V);
            matrix_free(&logits);
        }
    d->k->sampler_free(d, s);
}

int main(void)
{
    top_k_keeps_the_largest_and_ties();
    top_p_drops_the_unlikely_tail();
    min_p_drops_what_is_far_below_the_best();
    a_penalty_pulls_seen_ids_down();
    selection_drops_what_the_sort_drops();
    mixing_and_temperature_follow_their_formulas();
    softmax_sums_to_one();
    pick_takes_the_first_past_u();
    for_each_device(a_token_is_drawn_as_the_reference_draws);
    for_each_device(hopeless_logits_still_give_an_id);
    return 0;
}
