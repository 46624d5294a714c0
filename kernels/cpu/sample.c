/* `sample` without a sort of the vocabulary. Every result is that of the plain
 * filters (kernels/sampling.h): where sums in another order could decide
 * otherwise, those are asked. */
#include "kernels/cpu/sample.h"

#include "kernels/sampling.h"
#include "rt/random.h"

#include <math.h>
#include <string.h>

enum { FEW = 48 }; /* ids that are sorted */

/* Ids by value, the smaller id first of two that are equal. */
static bool before(const float *x, int32_t a, int32_t b)
{
    return x[a] < x[b] || (x[a] == x[b] && a < b);
}

static void sort_few(const float *x, int32_t *ids, int n)
{
    for (int i = 1; i < n; i++) {
        const int32_t id = ids[i];
        int k = i;
        for (; k > 0 && before(x, id, ids[k - 1]); k--)
            ids[k] = ids[k - 1];
        ids[k] = id;
    }
}

static float median_of_three(float a, float b, float c)
{
    return fmaxf(fminf(a, b), fminf(fmaxf(a, b), c));
}

/* A stretch of ids, in whose order nothing is known but that all before it are
 * smaller, with `below` of the probability, and all behind it larger. */
typedef struct {
    int32_t *ids, *spare;
    int n;
    double below;
} stretch;

/* ids[0..n) into those below, at and above the pivot; ids stay in order. mass:
 * of the first two. */
static void partition(const float *x, const stretch *s, float pivot,
                      int count[3], double mass[2], float most)
{
    int at[3] = {0};
    memset(count, 0, 3 * sizeof *count);
    for (int i = 0; i < s->n; i++)
        count[(x[s->ids[i]] >= pivot) + (x[s->ids[i]] > pivot)]++;
    at[1] = count[0];
    at[2] = count[0] + count[1];
    mass[0] = 0;
    mass[1] = count[1] * (double)expf(pivot - most);
    for (int i = 0; i < s->n; i++) {
        const float v = x[s->ids[i]];
        s->spare[at[(v >= pivot) + (v > pivot)]++] = s->ids[i];
        if (v < pivot)
            mass[0] += (double)expf(v - most);
    }
    memcpy(s->ids, s->spare, (size_t)s->n * sizeof *s->ids);
}

/* Narrows s to at most FEW ids, or to equal ones, among which the running sum
 * passes `limit`. */
static void narrow(const float *x, stretch *s, double limit, float most)
{
    while (s->n > FEW) {
        int count[3];
        double mass[2];
        const float pivot = median_of_three(x[s->ids[0]], x[s->ids[s->n / 2]],
                                            x[s->ids[s->n - 1]]);
        partition(x, s, pivot, count, mass, most);
        if (s->below + mass[0] > limit) {
            s->n = count[0];
            continue;
        }
        s->below += mass[0];
        s->ids += count[0];
        s->n -= count[0];
        if (s->below + mass[1] > limit || count[2] == 0) {
            s->n = count[1];
            return;
        }
        s->below += mass[1];
        s->ids += count[1];
        s->n -= count[1];
    }
    sort_few(x, s->ids, s->n);
}

/* The first id that stays, by value; -1: it is a matter of rounding. `limit` is
 * of the whole, which is `total`. */
static int first_kept(const float *x, const stretch *s, bool at_the_end,
                      double limit, double total, float most)
{
    /* each probability is rounded to a float, and so is each sum */
    const double doubt = total * 0x1p-21;
    double sum = s->below;
    for (int i = 0; i < s->n; i++) {
        if (at_the_end && i == s->n - 1)
            return s->ids[i];
        sum += (double)expf(x[s->ids[i]] - most);
        if (sum > limit + doubt)
            return s->ids[i];
        if (sum > limit - doubt)
            return -1;
    }
    return -1;
}

void cpu_top_p(float *x, int V, float p, int32_t *order)
{
    float most = -INFINITY;
    double total = 0;
    int n = 0;
    for (int i = 0; i < V; i++)
        if (x[i] > -INFINITY) {
            order[n++] = i;
            most = x[i] > most ? x[i] : most;
        }
    if (n < 2 || !isfinite(most) || !(p < 1.0f)) {
        /* of p = 1 only what has no probability at all is dropped, and that is
         * never drawn */
        if (p < 1.0f)
            cbx_top_p(x, V, p, order);
        return;
    }
    for (int i = 0; i < n; i++)
        total += (double)expf(x[order[i]] - most);
    const double limit = (double)(1.0f - p) * total;
    stretch s = {order, order + V, n, 0};
    narrow(x, &s, limit, most);
    const bool at_the_end = s.ids + s.n == order + n;
    const int32_t id = first_kept(x, &s, at_the_end, limit, total, most);
    if (id < 0) {
        cbx_top_p(x, V, p, order);
        return;
    }
    const float least = x[id];
    for (int32_t i = 0; i < V; i++)
        if (x[i] < least || (x[i] == least && i < id))
            x[i] = -INFINITY;
}

void cpu_min_p(float *x, int V, float min_p)
{
    float most = -INFINITY;
    if (!(min_p > 0))
        return;
    for (int i = 0; i < V; i++)
        most = x[i] > most ? x[i] : most;
    /* far below it no exponential is needed */
    const float surely = most + logf(min_p) - 0.01f;
    for (int i = 0; i < V; i++)
        if (x[i] < surely || expf(x[i] - most) < min_p)
            x[i] = -INFINITY;
}

static void process(const cbx_sample *op)
{
    const cbx_sampling *p = &op->params;
    cbx_sampler *s = op->seen;
    const int V = s->vocab;
    if (p->order == CBX_SAMPLE_TURBO) {
        cbx_temperature(s->x, V, p->temperature);
        cbx_top_k(s->x, V, p->top_k, s->order);
        if (p->top_p < 1.0f)
            cpu_top_p(s->x, V, p->top_p, s->order);
        cbx_repetition_penalty(s->x, V, s->seen, p->repetition_penalty);
    } else {
        if (op->logits.rows > 1)
            cbx_cfg_mix(s->x, op->logits.p + op->logits.ld, V, p->cfg_weight);
        cbx_repetition_penalty(s->x, V, s->seen, p->repetition_penalty);
        cbx_temperature(s->x, V, p->temperature);
        cpu_min_p(s->x, V, p->min_p);
        cpu_top_p(s->x, V, p->top_p, s->order);
    }
}

/* cbx_softmax; what was dropped needs no exponential. */
static void softmax(float *x, int V)
{
    float most = -INFINITY;
    double total = 0;
    for (int i = 0; i < V; i++)
        most = x[i] > most ? x[i] : most;
    for (int i = 0; i < V; i++) {
        x[i] = x[i] == -INFINITY ? 0.0f : expf(x[i] - most);
        total += (double)x[i];
    }
    for (int i = 0; i < V && total > 0; i++)
        x[i] = (float)((double)x[i] / total);
}

void cpu_sample(cbx_dev *d, const cbx_sample *op)
{
    cbx_sampler *s = op->seen;
    const int V = s->vocab;
    (void)d;
    memcpy(s->x, op->logits.p, (size_t)V * sizeof *s->x);
    for (int i = 0; i < V; i++)
        if (isnan(s->x[i]))
            s->x[i] = -INFINITY;
    process(op);
    softmax(s->x, V);
    const double u = op->u ? *op->u : cbx_random_uniform(op->key, op->index);
    const int token = cbx_pick(s->x, V, u);
    if (op->forget)
        memset(s->seen, 0, (size_t)V);
    s->seen[token] = 1;
    *op->token = token;
}
