/* Softmax attention (kernels/kernels.h: cbx_attention), six query rows of a
 * head at a time, three of them in registers.
 *
 * A score is the sum of VL lanes, lane l over channels l, l + VL, ... by FMA,
 * then a fixed tree; an output is one FMA chain over the keys. So neither the
 * rows beside a query nor the keys it does not see change its bits. */
#include "kernels/cpu/run.h"
#include "kernels/cpu/simd/act.h"
#include "kernels/cpu/simd/attend.h"
#include "kernels/cpu/simd/simd.h"
#include "kernels/formats.h"

#include <string.h>

enum {
    SIDE = 3,           /* query rows in registers */
    QUERIES = 2 * SIDE, /* of a group, which share the keys in L1 */
    KEYS = 4,           /* side by side */
    BLOCK = 16,         /* values that stay in L1 for a group */
    GROUPS_A_TASK = 4,
    AHEAD = 8, /* keys to prefetch ahead */
};

typedef struct {
    const cbx_attention *op;
    bool causal, half;
    int D, tasks_a_head, groups_a_task;
    int front; /* keys that every row sees */
    /* [worker]: [QUERIES][keys] scores, [2][QUERIES][width] queries */
    float *scratch;
    size_t keys, width; /* whole vectors */
    size_t behind;      /* of `keys`: where the others start */
} job;

/* Some query rows of one head. */
typedef struct {
    int row, rows, at;            /* at: the head's first column */
    int lo[QUERIES], hi[QUERIES]; /* keys that each row sees */
    int first, end;               /* of all rows */
    float *p[QUERIES]; /* [keys] scores: of the front, then from `first` */
    float *q[2];       /* [QUERIES][width] q + u, q + v_bias, then zeros */
    float *wide;       /* [BLOCK][width] keys or values that were bf16 */
} group;

static int clamp(int x, int low, int high)
{
    return x < low ? low : x > high ? high : x;
}

/* out[r][i] = q[r] . k[i], R constant; rows of q are `width` apart. */
static inline __attribute__((always_inline)) void
dot(const float *q, size_t width, const float *const k[KEYS], int D, f4 *out,
    const int R)
{
    vf s[SIDE][KEYS];
#pragma GCC unroll 16
    for (int i = 0; i < R * KEYS; i++)
        s[i / KEYS][i % KEYS] = v_zero();
    int e = 0;
    for (; e + VL <= D; e += VL) {
        vf x[SIDE];
#pragma GCC unroll 4
        for (int r = 0; r < R; r++)
            x[r] = v_loadu(q + r * width + e);
#pragma GCC unroll 4
        for (int i = 0; i < KEYS; i++) {
            const vf key = v_loadu(k[i] + e);
#pragma GCC unroll 4
            for (int r = 0; r < R; r++)
                s[r][i] = v_fma(x[r], key, s[r][i]);
        }
    }
    if (e < D)
        for (int i = 0; i < KEYS; i++) {
            const vf x = v_load(k[i] + e, D - e);
            for (int r = 0; r < R; r++)
                s[r][i] = v_fma(v_loadu(q + r * width + e), x, s[r][i]);
        }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
        out[r] = v_sum4(s[r]);
}

static void dots(const job *j, const float *q, int rows,
                 const float *const k[KEYS], f4 *out)
{
    if (rows >= 3)
        dot(q, j->width, k, j->D, out, 3);
    else if (rows == 2)
        dot(q, j->width, k, j->D, out, 2);
    else
        dot(q, j->width, k, j->D, out, 1);
}

/* The rows of m for four keys from j, or the last one where there is none. */
static inline void four_rows(cbx_mat m, int j, int end, int at,
                             const float *k[KEYS])
{
    for (int i = 0; i < KEYS; i++)
        k[i] = row_of(m, clamp(j + i, 0, end - 1)) + at;
}

/* Scores of rows [first, end) of keys, to `to` of each row's; what a row does
 * not see is garbage. q0: index of query row 0 among the keys. */
static void score(const job *j, group *g, cbx_mat keys, int first, int end,
                  int q0, size_t to)
{
    const cbx_attention *op = j->op;
    for (int key = first; key < end; key += KEYS) {
        const float *k[KEYS];
        f4 s[QUERIES], pos;
        four_rows(keys, key, end, g->at, k);
        for (int e = 0; e < j->D && key + AHEAD + KEYS < end; e += 16)
            for (int i = 0; i < KEYS; i++)
                __builtin_prefetch(k[i] + AHEAD * keys.ld + e);
        for (int r = 0; r < g->rows; r += SIDE)
            dots(j, g->q[0] + (size_t)r * j->width, g->rows - r, k, s + r);
        for (int r = 0; r < g->rows; r++) {
            if (op->rel.pos.p) {
                const int i = g->row + r;
                four_rows(op->rel.pos, op->rel.zero - (q0 + i - key),
                          op->rel.pos.rows, g->at, k);
                dots(j, g->q[1] + (size_t)r * j->width, 1, k, &pos);
                s[r] += pos;
            }
            s[r] *= op->scale;
            memcpy(g->p[r] + to + (key - first), &s[r], sizeof s[r]);
        }
    }
}

/* Rows [from, from + n) of this head, n <= BLOCK, as floats. */
static cbx_mat widen(const job *j, const group *g, cbx_mat m, int from, int n)
{
    const uint16_t *at = (const uint16_t *)(const void *)m.p + g->at;
    for (int i = 0; i < n; i++) {
        const uint16_t *x = at + (ptrdiff_t)(from + i) * m.ld;
        float *to = g->wide + (size_t)i * j->width;
        int e = 0;
        for (; e + VL <= j->D; e += VL) {
            __builtin_prefetch(x + BLOCK * (ptrdiff_t)m.ld + e);
            v_storeu(to + e, v_load_bf16(x + e));
        }
        for (; e < j->D; e++)
            to[e] = cbx_bf16_value(x[e]);
    }
    /* so that the head's columns lie where they do in m */
    return (cbx_mat){g->wide - g->at, n, m.cols, (int)j->width};
}

static void score_half(const job *j, group *g)
{
    for (int key = g->first; key < g->end; key += BLOCK) {
        const int n = g->end - key < BLOCK ? g->end - key : BLOCK;
        score(j, g, widen(j, g, j->op->k, key, n), 0, n, 0,
              j->behind + (size_t)(key - g->first));
    }
}

static float largest(const float *p, int n, float than)
{
    vf most = v_set(than);
    int i = 0;
    for (; i + VL <= n; i += VL)
        most = v_max(most, v_loadu(p + i));
    float top = v_largest(most);
    for (; i < n; i++)
        top = p[i] > top ? p[i] : top;
    return top;
}

/* p[0..n) becomes e^(p - top), which is added to sum. */
static vf exponentials(float *p, int n, float top, vf sum)
{
    for (int i = 0; i < n; i += VL) {
        vf e = v_exp(v_sub(v_load(p + i, n - i), v_set(top)));
        e = v_keep(v_first(n - i), e);
        v_store(p + i, n - i, e);
        sum = v_add(sum, e);
    }
    return sum;
}

/* Weights of row r: 0 for the keys that others of the group see. */
static float soften(const job *j, group *g, int r)
{
    float *p = g->p[r], *rest = p + j->behind;
    const bool none = g->hi[r] <= g->lo[r];
    const int lo = none ? 0 : g->lo[r] - g->first;
    const int hi = none ? 0 : g->hi[r] - g->first;
    const int n = g->end - g->first;
    const float top =
        largest(rest + lo, hi - lo, largest(p, j->front, -INFINITY));
    vf sum = exponentials(p, j->front, top, v_zero());
    memset(rest, 0, (size_t)lo * sizeof *p);
    memset(rest + hi, 0, (size_t)(n - hi) * sizeof *p);
    return v_sum(exponentials(rest + lo, hi - lo, top, sum));
}

/* to[r][0 .. 8V) += p[r] . v for R rows, V vectors and n values; constants. A
 * single vector may be of `cols` < VL columns. */
static inline __attribute__((always_inline)) void
blend(float *const *p, int n, const float *v, ptrdiff_t ld, int cols, float *to,
      size_t width, const int R, const int V)
{
    vf s[SIDE][4];
#pragma GCC unroll 16
    for (int i = 0; i < R * V; i++)
        s[i / V][i % V] = v_loadu(to + i / V * width + i % V * VL);
    for (int key = 0; key < n; key++, v += ld) {
        vf weight[SIDE];
#pragma GCC unroll 4
        for (int r = 0; r < R; r++)
            weight[r] = v_set(*(p[r] + key));
#pragma GCC unroll 4
        for (int i = 0; i < V; i++) {
            const vf x = V == 1 ? v_load(v, cols) : v_loadu(v + VL * i);
#pragma GCC unroll 4
            for (int r = 0; r < R; r++)
                s[r][i] = v_fma(weight[r], x, s[r][i]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < R * V; i++)
        v_storeu(to + i / V * width + i % V * VL, s[i / V][i % V]);
}

/* The same for all columns of up to SIDE rows. */
static void blends(const job *j, float *const *p, int n, const float *v,
                   ptrdiff_t ld, float *to, int rows)
{
    int e = 0;
    for (; e + 4 * VL <= j->D; e += 4 * VL)
        if (rows >= 3)
            blend(p, n, v + e, ld, VL, to + e, j->width, 3, 4);
        else if (rows == 2)
            blend(p, n, v + e, ld, VL, to + e, j->width, 2, 4);
        else
            blend(p, n, v + e, ld, VL, to + e, j->width, 1, 4);
    for (; e < j->D; e += VL) {
        const int cols = j->D - e;
        if (rows >= 3)
            blend(p, n, v + e, ld, cols, to + e, j->width, 3, 1);
        else if (rows == 2)
            blend(p, n, v + e, ld, cols, to + e, j->width, 2, 1);
        else
            blend(p, n, v + e, ld, cols, to + e, j->width, 1, 1);
    }
}

/* Adds rows [first, end) of v, block by block; weights from `from` on. */
static void add_values(const job *j, const group *g, cbx_mat v, int first,
                       int end, size_t from, float *sums)
{
    for (int key = first; key < end; key += BLOCK) {
        const int n = end - key < BLOCK ? end - key : BLOCK;
        const cbx_mat block =
            j->half ? widen(j, g, v, key, n) : cbx_rows(v, key, n);
        for (int r = 0; r < g->rows; r += SIDE) {
            float *p[SIDE];
            for (int i = 0; i < SIDE; i++)
                p[i] = g->p[r + i] + from + (key - first);
            blends(j, p, n, block.p + g->at, block.ld,
                   sums + (size_t)r * j->width, g->rows - r);
        }
    }
}

/* The outputs; sums take the place of q. */
static void mix_values(const job *j, const group *g, const float *factor)
{
    float *sums = g->q[0];
    memset(sums, 0, QUERIES * j->width * sizeof *sums);
    add_values(j, g, j->op->front.v, 0, j->front, 0, sums);
    add_values(j, g, j->op->v, g->first, g->end, j->behind, sums);
    for (int r = 0; r < g->rows; r++) {
        float *out = row_of(j->op->out, g->row + r) + g->at;
        for (int e = 0; e < j->D; e++)
            out[e] = factor[r] * sums[(size_t)r * j->width + (size_t)e];
    }
}

/* to = q + bias, then zeros */
static void load_query(const job *j, float *to, const float *q,
                       const float *bias)
{
    for (int e = 0; e < j->D; e++)
        to[e] = bias ? q[e] + bias[e] : q[e];
    memset(to + j->D, 0, (j->width - (size_t)j->D) * sizeof *to);
}

static void begin(const job *j, group *g)
{
    const cbx_attention *op = j->op;
    g->first = op->k.rows;
    g->end = 0;
    for (int r = 0; r < g->rows; r++) {
        const int i = g->row + r;
        const float *q = row_of(op->q, i) + g->at;
        const bool rel = op->rel.pos.p;
        const size_t to = (size_t)r * j->width;
        load_query(j, g->q[0] + to, q, rel ? op->rel.u + g->at : NULL);
        if (rel)
            load_query(j, g->q[1] + to, q, op->rel.v_bias + g->at);
        const int hi = op->visible ? op->visible[2 * i + 1] : op->k.rows;
        g->lo[r] = op->visible ? op->visible[2 * i] : 0;
        g->hi[r] = j->causal ? op->rel.q0 + i + 1 : hi;
        if (g->hi[r] <= g->lo[r])
            continue;
        g->first = g->lo[r] < g->first ? g->lo[r] : g->first;
        g->end = g->hi[r] > g->end ? g->hi[r] : g->end;
    }
    if (g->end < g->first) /* nothing to see */
        g->end = g->first = 0;
}

static void attend(const job *j, group *g)
{
    float factor[QUERIES];
    begin(j, g);
    score(j, g, j->op->front.k, 0, j->front, j->op->front.q0, 0);
    if (j->half)
        score_half(j, g);
    else
        score(j, g, j->op->k, g->first, g->end, j->op->rel.q0, j->behind);
    for (int r = 0; r < g->rows; r++) {
        const float total = soften(j, g, r);
        factor[r] = total > 0 ? 1 / total : 0;
    }
    mix_values(j, g, factor);
}

static size_t worker_floats(const job *j)
{
    return QUERIES * (j->keys + 2 * j->width) + BLOCK * j->width;
}

static void attend_task(void *arg, int task, int worker)
{
    const job *j = arg;
    const int rows = j->op->q.rows;
    const int from = task % j->tasks_a_head * j->groups_a_task * QUERIES;
    const int end = from + j->groups_a_task * QUERIES;
    float *p = j->scratch + (size_t)worker * worker_floats(j);
    group g = {.at = task / j->tasks_a_head * j->D};
    for (int r = 0; r < QUERIES; r++, p += j->keys)
        g.p[r] = p;
    g.q[0] = p;
    g.q[1] = p + QUERIES * j->width;
    g.wide = p + 2 * QUERIES * j->width;
    for (g.row = from; g.row < end && g.row < rows; g.row += QUERIES) {
        g.rows = rows - g.row < QUERIES ? rows - g.row : QUERIES;
        attend(j, &g);
    }
}

/* Rounded up to whole vectors. */
static size_t whole(size_t n)
{
    return (n + VL - 1) / VL * VL;
}

void FN(attend)(cbx_dev *d, const cbx_attention *op, attend_kind kind)
{
    const int rows = op->q.rows, groups = (rows + QUERIES - 1) / QUERIES;
    job j = {.op = op,
             .causal = kind != ATTEND_ALL,
             .half = kind == ATTEND_CAUSAL_BF16,
             .D = op->q.cols / op->heads};
    j.groups_a_task = groups < GROUPS_A_TASK ? groups : GROUPS_A_TASK;
    if (rows <= 0)
        return;
    j.tasks_a_head = (groups + j.groups_a_task - 1) / j.groups_a_task;
    j.front = op->front.k.p ? op->front.k.rows : 0;
    j.behind = whole((size_t)j.front);
    j.keys = j.behind + whole((size_t)op->k.rows + KEYS);
    j.width = whole((size_t)j.D);
    j.scratch = cpu_scratch(d, (size_t)cbx_pool_threads(cpu_of(d)->pool) *
                                   worker_floats(&j));
    cpu_run(d, attend_task, &j, j.tasks_a_head * op->heads,
            (double)rows * (j.front + op->k.rows) * op->q.cols / 4);
}

void FN(attention)(cbx_dev *d, const cbx_attention *op)
{
    FN(attend)(d, op, ATTEND_ALL);
}
