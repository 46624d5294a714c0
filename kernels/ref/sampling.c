#include "kernels/sampling.h"

#include "kernels/cpu/cpu.h"
#include "kernels/ref/ref.h"
#include "rt/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cbx_cfg_mix(float *x, const float *uncond, int V, float w)
{
    for (int i = 0; i < V; i++)
        x[i] += w * (x[i] - uncond[i]);
}

void cbx_temperature(float *x, int V, float t)
{
    for (int i = 0; i < V && t != 1.0f; i++)
        x[i] /= t;
}

void cbx_repetition_penalty(float *x, int V, const unsigned char *seen,
                            float penalty)
{
    for (int i = 0; i < V; i++)
        if (seen[i])
            x[i] = x[i] < 0 ? x[i] * penalty : x[i] / penalty;
}

static float largest(const float *x, int V)
{
    float most = -INFINITY;
    for (int i = 0; i < V; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

void cbx_softmax(float *x, int V)
{
    const float most = largest(x, V);
    double total = 0;
    for (int i = 0; i < V; i++) {
        x[i] = most == -INFINITY ? 0.0f : expf(x[i] - most);
        total += (double)x[i];
    }
    for (int i = 0; i < V && total > 0; i++)
        x[i] = (float)((double)x[i] / total);
}

/* Ids in ascending order of x by merge sort: equal values stay in the order of
 * their ids, as in a stable sort. */
static void sort_ids(const float *x, int32_t *order, int32_t *spare, int n)
{
    for (int width = 1; width < n; width *= 2) {
        for (int at = 0; at < n; at += 2 * width) {
            const int mid = at + width < n ? at + width : n;
            const int end = at + 2 * width < n ? at + 2 * width : n;
            int a = at, b = mid;
            for (int k = at; k < end; k++) {
                const bool left =
                    a < mid && (b >= end || !(x[order[b]] < x[order[a]]));
                spare[k] = left ? order[a++] : order[b++];
            }
        }
        memcpy(order, spare, (size_t)n * sizeof *order);
    }
}

/* The ids whose value is not -infinity (or NaN), ascending by value. */
static int sorted_ids(const float *x, int V, int32_t *order)
{
    int n = 0;
    for (int i = 0; i < V; i++)
        if (x[i] > -INFINITY)
            order[n++] = i;
    sort_ids(x, order, order + V, n);
    return n;
}

static void swap_ids(int32_t *a, int32_t *b)
{
    const int32_t t = *a;
    *a = *b;
    *b = t;
}

/* The k-th largest value (k = 1: the largest) of the n ids, which change their
 * order: quickselect with the median of three. */
static float kth_largest(const float *x, int32_t *ids, int n, int k)
{
    int from = 0, to = n - 1;
    const int want = k - 1;
    while (from < to) {
        const int mid = from + (to - from) / 2;
        if (x[ids[mid]] > x[ids[from]])
            swap_ids(&ids[mid], &ids[from]);
        if (x[ids[to]] > x[ids[from]])
            swap_ids(&ids[to], &ids[from]);
        if (x[ids[mid]] < x[ids[to]])
            swap_ids(&ids[mid], &ids[to]);
        const float pivot = x[ids[mid]];
        int i = from, j = to;
        while (i <= j) {
            while (x[ids[i]] > pivot)
                i++;
            while (x[ids[j]] < pivot)
                j--;
            if (i <= j)
                swap_ids(&ids[i++], &ids[j--]);
        }
        if (want <= j)
            to = j;
        else if (want >= i)
            from = i;
        else
            break;
    }
    return x[ids[want]];
}

void cbx_top_k(float *x, int V, int k, int32_t *order)
{
    int n = 0;
    if (k <= 0 || k >= V)
        return;
    for (int i = 0; i < V; i++)
        if (x[i] > -INFINITY)
            order[n++] = i;
    const float least = n > k ? kth_largest(x, order, n, k) : -INFINITY;
    for (int i = 0; i < V; i++)
        if (!(x[i] >= least))
            x[i] = -INFINITY;
}

void cbx_top_p(float *x, int V, float p, int32_t *order)
{
    const int n = sorted_ids(x, V, order);
    /* torch.cumsum adds in double and rounds each sum to float */
    double total = 0, sum = 0;
    const float most = n ? x[order[n - 1]] : 0;
    for (int i = 0; i < n; i++)
        total += (double)expf(x[order[i]] - most);
    for (int i = 0; i < n - 1; i++) {
        sum += (double)(float)((double)expf(x[order[i]] - most) / total);
        if (!((float)sum <= 1.0f - p))
            break;
        x[order[i]] = -INFINITY;
    }
}

void cbx_min_p(float *x, int V, float min_p)
{
    /* p < min_p * max(p) with p = e^x / sum: the sum falls out */
    const float most = largest(x, V);
    for (int i = 0; i < V && min_p > 0; i++)
        if (expf(x[i] - most) < min_p)
            x[i] = -INFINITY;
}

int cbx_pick(const float *p, int V, double u)
{
    double total = 0, sum = 0;
    int last = 0;
    for (int i = 0; i < V; i++)
        total += (double)p[i];
    for (int i = 0; i < V; i++) {
        sum += (double)p[i];
        if (p[i] > 0)
            last = i;
        if (sum > u * total)
            return i;
    }
    return last;
}

/* The processors in the reference's order (t3.py: inference,
 * inference_turbo). */
static void process(const cbx_sample *op)
{
    const cbx_sampling *p = &op->params;
    cbx_sampler *s = op->seen;
    const int V = s->vocab;
    if (p->order == CBX_SAMPLE_TURBO) {
        cbx_temperature(s->x, V, p->temperature);
        cbx_top_k(s->x, V, p->top_k, s->order);
        if (p->top_p < 1.0f)
            cbx_top_p(s->x, V, p->top_p, s->order);
        cbx_repetition_penalty(s->x, V, s->seen, p->repetition_penalty);
    } else {
        if (op->logits.rows > 1)
            cbx_cfg_mix(s->x, ref_row(op->logits, 1), V, p->cfg_weight);
        cbx_repetition_penalty(s->x, V, s->seen, p->repetition_penalty);
        cbx_temperature(s->x, V, p->temperature);
        cbx_min_p(s->x, V, p->min_p);
        cbx_top_p(s->x, V, p->top_p, s->order);
    }
}

void ref_sample(cbx_dev *d, const cbx_sample *op)
{
    cbx_sampler *s = op->seen;
    const int V = s->vocab;
    (void)d;
    memcpy(s->x, ref_row(op->logits, 0), (size_t)V * sizeof *s->x);
    for (int i = 0; i < V; i++)
        if (isnan(s->x[i]))
            s->x[i] = -INFINITY;
    process(op);
    cbx_softmax(s->x, V);
    const double u = op->u ? *op->u : cbx_random_uniform(op->key, op->index);
    const int token = cbx_pick(s->x, V, u);
    if (op->forget)
        memset(s->seen, 0, (size_t)V);
    s->seen[token] = 1;
    *op->token = token;
}
