/* The tap GEMM (kernels/kernels.h: cbx_linear) in all formats: divides the work
 * among kernels (multiply.h) and threads. */
#include "kernels/cpu/run.h"
#include "kernels/cpu/simd/epilogue.h"
#include "kernels/cpu/simd/multiply.h"
#include "kernels/cpu/simd/round.h"

enum {
    CHUNK_FLOATS = 48 * 1024,  /* of X for each task: stays in L2 */
    TASKS_FOR_EACH_THREAD = 4, /* so that threads end together */
};

typedef struct {
    const cbx_linear *op;
    const multiply_set *set;
    cbx_mat x; /* normalised, if there is a norm */
    rounded r; /* where the kernels read that */
    int width; /* outputs of a panel */
    size_t tap_bytes;
    int rows, panels;
    int row_chunks, panel_chunks; /* tasks = their product */
} gemm;

/* Rows [m, m + rows) of panels [p, p + panels), one kernel call. */
static void multiply_tile(const gemm *g, int m, int rows, int p, int panels)
{
    const cbx_weight *w = g->op->w;
    const int dilation = g->op->dilation ? g->op->dilation : 1;
    const size_t panel = (size_t)w->taps * g->tap_bytes;
    const size_t from = (size_t)m;
    tile t = {
        .x = row_of(g->x, m),
        .ld = g->x.ld,
        .tap = (ptrdiff_t)dilation * g->x.ld,
        .tap_rows = (size_t)dilation,
        .taps = w->taps,
        .in = w->in,
        .w = (const char *)w->data + (size_t)p * panel,
        .tap_bytes = g->tap_bytes,
        .panel_bytes = panel,
    };
    _Alignas(64) float acc[MOST_ROWS * 2 * PANEL];
    if (g->set->rounds)
        t.r = rounded_from(&g->r, from);
    if (panels > 1)
        g->set->kernel[rows].some(&t, acc);
    else
        g->set->kernel[rows].one(&t, acc);
    const int n = p * g->width, left = w->out - n;
    const int cols = left < panels * g->width ? left : panels * g->width;
    FN(epilogue)(g->op, acc, panels * g->width, m, rows, n, cols);
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
    const int blocks = (rows + g->set->rows - 1) / g->set->rows;
    const int end = part(g->panels, g->panel_chunks, pc + 1);
    const int most = (rows + blocks - 1) / blocks;
    (void)worker;
    for (int p = part(g->panels, g->panel_chunks, pc); p < end;) {
        const int some = g->set->kernel[most].panels;
        const int panels = p + some <= end ? some : 1;
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
    const int blocks = (g->rows + g->set->rows - 1) / g->set->rows;
    const int most = (g->rows + blocks - 1) / blocks;
    const int group = g->set->kernel[most].panels;
    g->row_chunks = (g->rows + fit - 1) / fit;
    g->panel_chunks = (wanted + g->row_chunks - 1) / g->row_chunks;
    if (g->panel_chunks > g->panels / group)
        g->panel_chunks = at_least_one(g->panels / group);
    if (g->row_chunks * g->panel_chunks < wanted)
        g->row_chunks = wanted / g->panel_chunks;
    if (g->row_chunks > blocks)
        g->row_chunks = blocks;
}

static const multiply_set *set_of(cbx_format f)
{
    switch (f) {
    case CBX_FMT_F32:
        return &FN(multiply_f32);
    case CBX_FMT_BF16:
    case CBX_FMT_BF16A:
        return &FN(multiply_bf16);
    case CBX_FMT_I8:
        return &FN(multiply_i8);
    case CBX_FMT_I4:
        return &FN(multiply_i4);
    case CBX_FMT_I8A:
        return &FN(multiply_i8a);
    }
    return NULL;
}

/* Normalised and rounded inputs, in the device's scratch. */
static void prepare_inputs(cbx_dev *d, gemm *g)
{
    const cbx_linear *op = g->op;
    const cbx_weight *w = op->w;
    const int history = (w->taps - 1) * (op->dilation ? op->dilation : 1);
    const cbx_mat x = {op->x.p, g->rows + history, w->in, op->x.ld};
    const bool norm = op->norm.kind != CBX_NORM_NONE;
    const size_t normed = norm ? whole_lines(g->rows, w->in) : 0;
    const size_t more = FN(round_floats)(w->format, g->set, x.rows, w->in);
    g->x = x;
    if (!normed && !more)
        return;
    float *p = cpu_scratch(d, normed + more);
    if (norm) {
        g->x = (cbx_mat){p, g->rows, w->in, w->in};
        FN(norm_rows)(d, &op->norm, x, g->x);
    }
    if (more)
        FN(round_rows)(d, w->format, g->set, &g->x, p + normed, &g->r);
}

void FN(linear_by)(cbx_dev *d, const cbx_linear *op, const multiply_set *set)
{
    const cbx_weight *w = op->w;
    gemm g = {.op = op,
              .set = set,
              .width = panel_width(w->format),
              .tap_bytes = cpu_tap_bytes(w->format, w->in),
              .rows = (op->out.p ? op->out.rows : op->acted.rows)};
    if (g.rows <= 0)
        return;
    prepare_inputs(d, &g);
    g.panels = (w->out + g.width - 1) / g.width;
    divide(&g, d->threads);
    cpu_run(d, gemm_task, &g, g.row_chunks * g.panel_chunks,
            (double)g.rows * w->taps * w->in * w->out / 8);
}

void FN(linear)(cbx_dev *d, const cbx_linear *op)
{
    FN(linear_by)(d, op, set_of(op->w->format));
}
