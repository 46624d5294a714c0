/* The tap GEMM in f32 (kernels/kernels.h: cbx_linear).
 *
 * Every kernel sums one output in one accumulator, from zero, by FMA over taps
 * and then channels; it only differs how many rows and panels go side by side.
 * So no bit depends on the rows, their place or the threads. */
#include "kernels/cpu/avx2/avx2.h"
#include "kernels/cpu/avx2/epilogue.h"

#include <immintrin.h>

enum {
    MAX_ROWS = 6,              /* of a kernel: 12 accumulators */
    MAX_PANELS = 4,            /* of a kernel, for one row */
    CHUNK_FLOATS = 48 * 1024,  /* of X for each task: stays in L2 */
    AHEAD = 2048,              /* floats to prefetch ahead, in all panels */
    TASKS_FOR_EACH_THREAD = 4, /* so that threads end together */
};

/* The input rows of a kernel and one panel (or some, `panel` floats apart). */
typedef struct {
    const float *x;
    ptrdiff_t ld, tap; /* floats from row to row, from tap to tap */
    int taps, in;
    const float *w;
    size_t panel;
} tile;

/* acc[r][16 p ... 16 p + 15] for R rows and P panels; both constants. */
static inline __attribute__((always_inline)) void
multiply(const tile *t, float *acc, const int R, const int P)
{
    __m256 sum[MAX_ROWS * 2 + 2];
    const float *w = t->w;
#pragma GCC unroll 16
    for (int i = 0; i < R * P * 2; i++)
        sum[i] = _mm256_setzero_ps();
    for (int tap = 0; tap < t->taps; tap++) {
        const float *x = t->x + tap * t->tap;
        for (int c = 0; c < t->in; c++, x++, w += PANEL) {
#pragma GCC unroll 16
            for (int p = 0; p < P; p++) {
                const float *at = w + (size_t)p * t->panel;
                const __m256 w0 = _mm256_load_ps(at);
                const __m256 w1 = _mm256_load_ps(at + 8);
                if (R < MAX_ROWS)
                    _mm_prefetch((const char *)(at + AHEAD / P), _MM_HINT_T0);
#pragma GCC unroll 16
                for (int r = 0; r < R; r++) {
                    const __m256 a = _mm256_broadcast_ss(x + r * t->ld);
                    __m256 *s = sum + (r * P + p) * 2;
                    s[0] = _mm256_fmadd_ps(a, w0, s[0]);
                    s[1] = _mm256_fmadd_ps(a, w1, s[1]);
                }
            }
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < R * P * 2; i++)
        _mm256_store_ps(acc + i * 8, sum[i]);
}

#define KERNEL(R, P)                                          \
    static void multiply_##R##x##P(const tile *t, float *acc) \
    {                                                         \
        multiply(t, acc, R, P);                               \
    }
KERNEL(1, 1)
KERNEL(2, 1)
KERNEL(3, 1)
KERNEL(4, 1)
KERNEL(5, 1)
KERNEL(6, 1)
KERNEL(3, 2)
KERNEL(2, 2)
KERNEL(1, 4)

/* By rows: the kernel for one panel, and that for as many panels as give
 * eight or more accumulators. */
static const struct {
    void (*one)(const tile *t, float *acc);
    void (*some)(const tile *t, float *acc);
    int panels;
} kernels[MAX_ROWS + 1] = {
    {NULL, NULL, 0},
    {multiply_1x1, multiply_1x4, 4},
    {multiply_2x1, multiply_2x2, 2},
    {multiply_3x1, multiply_3x2, 2},
    {multiply_4x1, multiply_4x1, 1},
    {multiply_5x1, multiply_5x1, 1},
    {multiply_6x1, multiply_6x1, 1},
};

typedef struct {
    const cbx_linear *op;
    cbx_mat x; /* normalised, if there is a norm */
    int rows, panels;
    int row_chunks, panel_chunks; /* tasks = their product */
} gemm;

/* Rows [m, m + rows) of panels [p, p + panels), one kernel call. */
static void multiply_tile(const gemm *g, int m, int rows, int p, int panels)
{
    const cbx_weight *w = g->op->w;
    const int dilation = g->op->dilation ? g->op->dilation : 1;
    const size_t panel = (size_t)w->taps * (size_t)w->in * PANEL;
    const tile t = {
        .x = row_of(g->x, m),
        .ld = g->x.ld,
        .tap = (ptrdiff_t)dilation * g->x.ld,
        .taps = w->taps,
        .in = w->in,
        .w = (const float *)w->data + (size_t)p * panel,
        .panel = panel,
    };
    _Alignas(64) float acc[MAX_ROWS * MAX_PANELS * PANEL];
    if (panels > 1)
        kernels[rows].some(&t, acc);
    else
        kernels[rows].one(&t, acc);
    const int n = p * PANEL, left = w->out - n;
    const int cols = left < panels * PANEL ? left : panels * PANEL;
    avx2_epilogue(g->op, acc, panels * PANEL, m, rows, n, cols);
}

/* Where part i of `parts` nearly equal parts of n begins. */
static int part(int n, int parts, int i)
{
    return (int)((int64_t)n * i / parts);
}

static void gemm_task(void *arg, int task, int worker)
{
    const gemm *g = arg;
    const int rc = task / g->panel_chunks, pc = task % g->panel_chunks;
    const int m0 = part(g->rows, g->row_chunks, rc);
    const int rows = part(g->rows, g->row_chunks, rc + 1) - m0;
    const int blocks = (rows + MAX_ROWS - 1) / MAX_ROWS;
    const int end = part(g->panels, g->panel_chunks, pc + 1);
    const int most = (rows + blocks - 1) / blocks;
    (void)worker;
    for (int p = part(g->panels, g->panel_chunks, pc); p < end;) {
        const int some = kernels[most].panels;
        const int panels = blocks == 1 && p + some <= end ? some : 1;
        for (int b = 0; b < blocks; b++) {
            const int m = part(rows, blocks, b);
            multiply_tile(g, m0 + m, part(rows, blocks, b + 1) - m, p, panels);
        }
        p += panels;
    }
}

static int at_least_one(int n)
{
    return n > 1 ? n : 1;
}

/* Chunks of rows that stay in L2, then enough chunks of panels, then of rows,
 * to keep the threads busy. */
static void divide(gemm *g, int threads)
{
    const int wanted = threads > 1 ? threads * TASKS_FOR_EACH_THREAD : 1;
    const int fit = at_least_one(CHUNK_FLOATS / at_least_one(g->op->w->in));
    const int blocks = (g->rows + MAX_ROWS - 1) / MAX_ROWS;
    const int group = g->rows < MAX_ROWS ? kernels[g->rows].panels : 1;
    g->row_chunks = (g->rows + fit - 1) / fit;
    g->panel_chunks = (wanted + g->row_chunks - 1) / g->row_chunks;
    if (g->panel_chunks > g->panels / group)
        g->panel_chunks = at_least_one(g->panels / group);
    if (g->row_chunks * g->panel_chunks < wanted)
        g->row_chunks = wanted / g->panel_chunks;
    if (g->row_chunks > blocks)
        g->row_chunks = blocks;
}

void avx2_linear(cbx_dev *d, const cbx_linear *op)
{
    const cbx_weight *w = op->w;
    gemm g = {.op = op,
              .x = op->x,
              .rows = (op->out.p ? op->out.rows : op->acted.rows)};
    if (g.rows <= 0)
        return;
    if (op->norm.kind != CBX_NORM_NONE) {
        float *p = cpu_scratch(d, (size_t)g.rows * (size_t)w->in);
        g.x = (cbx_mat){p, g.rows, w->in, w->in};
        const cbx_mat x = {op->x.p, g.rows, w->in, op->x.ld};
        avx2_norm_rows(d, &op->norm, x, g.x);
    }
    g.panels = (w->out + PANEL - 1) / PANEL;
    divide(&g, d->threads);
    avx2_run(d, gemm_task, &g, g.row_chunks * g.panel_chunks,
             (double)g.rows * w->taps * w->in * w->out / 8);
}
