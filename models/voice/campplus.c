#include "models/voice/campplus.h"

#include "models/voice/campplus_model.h"
#include "models/voice/scratch.h"

#include <stdlib.h>

static const cbx_act relu = {.kind = CBX_ACT_RELU};

cbx_status campplus_open(cbx_dev *dev, const cbx_tensor_file *file,
                         const cbx_config_campplus *config, campplus **out,
                         cbx_error *err)
{
    campplus *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a model");
    m->dev = dev;
    cbx_status st = load_owned_open(dev, &m->own, err);
    if (!st) {
        load l = {
            .dev = dev, .file = file, .own = m->own, .format = CBX_FMT_F32};
        l.err = err;
        campplus_load(&l, config, m);
        st = l.status;
    }
    if (st) {
        campplus_close(m);
        return st;
    }
    *out = m;
    return CBX_OK;
}

void campplus_close(campplus *m)
{
    if (!m)
        return;
    load_owned_close(m->own);
    free(m);
}

int campplus_dim(const campplus *m)
{
    return m->dim;
}

/* One row for every row. */
static cbx_mat everywhere(const float *v, int rows, int cols)
{
    return (cbx_mat){(float *)v, rows, cols, 0};
}

/* -- the head -------------------------------------------------------------- */

/* A level's signal (campplus_model.h), with a line of zeros at either end. */
typedef struct grid {
    int level, T, channels, pitch;
    float *p;
} grid;

enum { SLACK = 4 /* cells that the last taps read past the end */ };

static grid new_grid(const campplus *m, scratch *s, int level, int T,
                     int channels)
{
    const int pitch = m->pitch[level];
    const cbx_mat all = scratch_mat(s, (T + 2) * pitch + SLACK, channels);
    return (grid){level, T, channels, pitch, all.p};
}

/* The cell of the first mel of the first time step. */
static float *first_cell(const grid *g)
{
    return g->p ? g->p + (ptrdiff_t)(g->pitch + 1) * g->channels : NULL;
}

static cbx_mat cells(const grid *g)
{
    return (cbx_mat){first_cell(g), g->T * g->pitch, g->channels, g->channels};
}

/* Everything between the mels is junk after a convolution: ReLU, and zeros
 * there. `lines` starts with the first mel. */
static void settle(const campplus *m, int level, cbx_mat lines)
{
    m->dev->k->activate(m->dev, lines, relu, lines);
    m->dev->k->muladd(
        m->dev,
        &(cbx_muladd){.a = lines,
                      .b = everywhere(m->mask[level], lines.rows, lines.cols),
                      .out = lines});
}

static void settle_grid(const campplus *m, const grid *g)
{
    const int line = g->pitch * g->channels;
    settle(m, g->level, (cbx_mat){first_cell(g), g->T, line, line});
}

/* 3 x 3; the stride along mel is the ratio of the pitches. out: cells of the
 * wanted level. */
static void conv_2d(const campplus *m, const grid *in, const cbx_weight *w,
                    int out_pitch, cbx_mat add, cbx_mat out)
{
    const int stride = in->pitch / out_pitch;
    const cbx_mat x = {in->p, (in->T + 2) * out_pitch, 3 * in->channels,
                       stride * in->channels};
    m->dev->k->linear(
        m->dev,
        &(cbx_linear){
            .x = x, .dilation = out_pitch, .w = w, .add = add, .out = out});
}

/* xvector.py: BasicResBlock.forward */
static grid residual(const campplus *m, scratch *s, const cam_residual *r,
                     const grid *in)
{
    const int C = m->channels, level = in->level + (r->stride == 2);
    const grid mid = new_grid(m, s, level, in->T, C);
    const grid out = new_grid(m, s, level, in->T, C);
    cbx_mat add = cells(in);

    if (r->shortcut)
        add = scratch_mat(s, in->T * out.pitch, C);
    if (s->failed)
        return out;
    if (r->shortcut)
        m->dev->k->linear(m->dev, &(cbx_linear){.x = {first_cell(in), add.rows,
                                                      C, r->stride * C},
                                                .w = r->shortcut,
                                                .out = add});
    conv_2d(m, in, r->conv1, mid.pitch, (cbx_mat){0}, cells(&mid));
    settle_grid(m, &mid);
    conv_2d(m, &mid, r->conv2, out.pitch, add, cells(&out));
    settle_grid(m, &out);
    return out;
}

/* The golden files have channels outside, mels inside: [channel * mels + mel]
 * of each line. For a probe only. */
static void show_lines(const campplus *m, scratch *s, const char *name,
                       int level, int channels, cbx_mat lines,
                       const cbx_probe *probe)
{
    const int mels = m->mels[level], C = m->channels;
    const cbx_mat turned = scratch_mat(s, lines.rows, channels * mels);
    if (!probe || s->failed)
        return;
    for (int c = 0; c < channels; c++)
        for (int k = 0; k < mels; k++)
            m->dev->k->copy(
                m->dev, &(cbx_copy){.src = cbx_cols(lines, k * C + c, 1),
                                    .dst = cbx_cols(turned, c * mels + k, 1)});
    cbx_probe_see(probe, name, turned);
}

static void show_grid(const campplus *m, scratch *s, const char *name,
                      const grid *g, int channels, const cbx_probe *probe)
{
    const int line = g->pitch * g->channels;
    if (probe && !s->failed)
        show_lines(m, s, name, g->level, channels,
                   (cbx_mat){first_cell(g), g->T, line, line}, probe);
}

static void upload_features(const campplus *m, const voice_rows *feat,
                            const grid *g)
{
    for (int t = 0; t < feat->rows; t++)
        m->dev->k->upload(m->dev, first_cell(g) + (ptrdiff_t)t * g->pitch,
                          feat->v + (ptrdiff_t)t * feat->cols,
                          (size_t)feat->cols * sizeof *feat->v);
}

/* xvector.py: FCM.forward. *lines: what comes out, with room for `pad` lines of
 * zeros at either end and the first line behind them. */
static void run_head(const campplus *m, scratch *s, const voice_rows *feat,
                     int pad, cbx_mat *lines, const cbx_probe *probe)
{
    const int T = feat->rows, C = m->channels, end = CAM_LEVELS - 1;
    const int line = m->pitch[end] * C;
    const grid in = new_grid(m, s, 0, T, 1);
    grid g = new_grid(m, s, 0, T, C);
    *lines = scratch_mat(s, T + 2 * pad, line);
    if (s->failed)
        return;
    upload_features(m, feat, &in);
    conv_2d(m, &in, m->first, g.pitch, (cbx_mat){0}, cells(&g));
    settle_grid(m, &g);
    for (int i = 0; i < 4 && !s->failed; i++) {
        g = residual(m, s, &m->residual[i], &g);
        if (i == 1)
            show_grid(m, s, "voice.xvec.fcm_layer1_ch01", &g, 2, probe);
    }
    if (s->failed)
        return;
    const cbx_mat out = cbx_rows(*lines, pad, T);
    conv_2d(m, &g, m->last, m->pitch[end], (cbx_mat){0},
            (cbx_mat){out.p, T * m->pitch[end], C, C});
    settle(m, end, out);
    if (probe)
        show_lines(m, s, "voice.xvec.fcm", end, C, out, probe);
}

/* -- over time ------------------------------------------------------------- */

static void norm_relu(const campplus *m, const cam_norm *norm, cbx_mat x,
                      cbx_mat out)
{
    m->dev->k->muladd(
        m->dev, &(cbx_muladd){.a = x,
                              .b = everywhere(norm->scale, x.rows, x.cols),
                              .c = everywhere(norm->shift, x.rows, x.cols),
                              .act = relu,
                              .out = out});
}

/* Matrices of T rows, but for `padded` (zeros at either end) and those of the
 * S segments. */
typedef struct work {
    int T, S;
    cbx_mat fresh;          /* as wide as the widest block */
    cbx_mat padded;         /* [T + 2 * widest dilation][bottleneck] */
    cbx_mat local, gates;   /* [T][growth] */
    cbx_mat context, mean;  /* [S][bottleneck], [1][bottleneck] */
    cbx_mat squeezed, gate; /* [S][gate], [S][growth] */
} work;

static void take_work(const campplus *m, scratch *s, int T, work *w)
{
    int widest = 0, dilation = 0;
    for (int i = 0; i < CAM_BLOCKS; i++) {
        const cam_block *b = &m->blocks[i];
        const int wide = b->in + b->n * m->growth;
        widest = wide > widest ? wide : widest;
        dilation = b->dilation > dilation ? b->dilation : dilation;
    }
    w->T = T;
    w->S = (T + m->segment - 1) / m->segment;
    w->fresh = scratch_mat(s, T, widest);
    w->padded = scratch_mat(s, T + 2 * dilation, m->bottleneck);
    w->local = scratch_mat(s, T, m->growth);
    w->gates = scratch_mat(s, T, m->growth);
    w->context = scratch_mat(s, w->S, m->bottleneck);
    w->mean = scratch_mat(s, 1, m->bottleneck);
    w->squeezed = scratch_mat(s, w->S, m->gate);
    w->gate = scratch_mat(s, w->S, m->growth);
}

/* xvector.py: CAMLayer.forward: the local result, gated by what goes on in the
 * segment and in the whole recording. */
static void gated(const campplus *m, const cam_layer *layer, int dilation,
                  const work *w, cbx_mat out)
{
    const cbx_kernels *k = m->dev->k;
    const cbx_mat x = cbx_rows(w->padded, dilation, w->T);

    k->linear(m->dev,
              &(cbx_linear){.x = cbx_rows(w->padded, 0, w->T + 2 * dilation),
                            .dilation = dilation,
                            .w = layer->local,
                            .out = w->local});
    k->time_stats(
        m->dev,
        &(cbx_time_stats){.x = x, .segment = m->segment, .mean = w->context});
    k->time_stats(m->dev, &(cbx_time_stats){.x = x, .mean = w->mean});
    k->muladd(m->dev,
              &(cbx_muladd){.a = w->context,
                            .c = everywhere(w->mean.p, w->S, m->bottleneck),
                            .out = w->context});
    k->linear(m->dev, &(cbx_linear){.x = w->context,
                                    .w = layer->gate1,
                                    .act = relu,
                                    .acted = w->squeezed});
    k->linear(m->dev, &(cbx_linear){.x = w->squeezed,
                                    .w = layer->gate2,
                                    .act = {.kind = CBX_ACT_SIGMOID},
                                    .acted = w->gate});
    k->copy(m->dev,
            &(cbx_copy){.src = w->gate, .dst = w->gates, .repeat = m->segment});
    k->muladd(m->dev, &(cbx_muladd){.a = w->local, .b = w->gates, .out = out});
}

/* xvector.py: CAMDenseTDNNBlock.forward. wide: [T][in + n * growth], its first
 * `in` columns filled; each layer appends its own. */
static void run_block(const campplus *m, const cam_block *b, const work *w,
                      cbx_mat wide)
{
    const cbx_kernels *k = m->dev->k;
    k->zero(m->dev, w->padded);
    for (int i = 0; i < b->n; i++) {
        const int in = b->in + i * m->growth;
        const cbx_mat normed = cbx_cols(w->fresh, 0, in);
        norm_relu(m, &b->layers[i].norm, cbx_cols(wide, 0, in), normed);
        k->linear(m->dev, &(cbx_linear){
                              .x = normed,
                              .w = b->layers[i].enter,
                              .act = relu,
                              .acted = cbx_rows(w->padded, b->dilation, w->T)});
        gated(m, &b->layers[i], b->dilation, w, cbx_cols(wide, in, m->growth));
    }
}

/* xvector.py: TransitLayer.forward */
static void leave_block(const campplus *m, const cam_block *b, const work *w,
                        cbx_mat wide, cbx_act act, cbx_mat out)
{
    const cbx_mat normed = cbx_cols(w->fresh, 0, wide.cols);
    norm_relu(m, &b->norm, wide, normed);
    m->dev->k->linear(
        m->dev,
        &(cbx_linear){.x = normed, .w = b->leave, .act = act, .acted = out});
}

static void run_blocks(const campplus *m, const work *w, const cbx_mat *wide,
                       cbx_mat out, const cbx_probe *probe)
{
    const cbx_act none = {.kind = CBX_ACT_NONE};
    for (int i = 0; i < CAM_BLOCKS; i++) {
        const cam_block *b = &m->blocks[i];
        const bool last = i + 1 == CAM_BLOCKS;
        const cbx_mat next =
            last ? out : cbx_cols(wide[i + 1], 0, m->blocks[i + 1].in);
        run_block(m, b, w, wide[i]);
        if (i == 0)
            cbx_probe_see(probe, "voice.xvec.block1_layer1",
                          cbx_cols(wide[0], b->in, m->growth));
        cbx_probe_seef(probe, wide[i], "voice.xvec.block%d", i + 1);
        leave_block(m, b, w, wide[i], last ? relu : none, next);
        if (!last) /* the last one's norm belongs to what follows it */
            cbx_probe_seef(probe, next, "voice.xvec.transit%d", i + 1);
    }
}

/* Half as many rows: five taps, stride 2. lines: two of zeros at either end. */
static void run_tdnn(const campplus *m, cbx_mat lines, cbx_mat out)
{
    m->dev->k->linear(
        m->dev,
        &(cbx_linear){.x = {lines.p, out.rows, 5 * lines.cols, 2 * lines.cols},
                      .w = m->tdnn,
                      .act = relu,
                      .acted = out});
}

/* Mean and deviation of x over time to the speaker. */
static void run_dense(const campplus *m, cbx_mat x, cbx_mat stats, cbx_mat out,
                      const cbx_probe *probe)
{
    const cbx_kernels *k = m->dev->k;
    k->time_stats(m->dev,
                  &(cbx_time_stats){.x = x,
                                    .mean = cbx_cols(stats, 0, m->out),
                                    .std = cbx_cols(stats, m->out, m->out)});
    cbx_probe_see(probe, "voice.xvec.stats", stats);
    k->linear(m->dev, &(cbx_linear){.x = stats, .w = m->dense, .out = out});
}

cbx_status campplus_embed(const campplus *m, const voice_rows *feat,
                          const cbx_probe *probe, float *out, cbx_error *err)
{
    enum { TDNN_PAD = 2 };
    const int T = (feat->rows + 1) / 2;
    scratch s = scratch_on(m->dev);
    cbx_mat wide[CAM_BLOCKS], lines;
    work w;
    cbx_status st;

    if (feat->cols != m->mels[0])
        return cbx_fail(err, CBX_E_SHAPE,
                        "the speaker encoder takes %d mels, not %d", m->mels[0],
                        feat->cols);
    for (int i = 0; i < CAM_BLOCKS; i++)
        wide[i] =
            scratch_mat(&s, T, m->blocks[i].in + m->blocks[i].n * m->growth);
    const cbx_mat last = scratch_mat(&s, T, m->out);
    const cbx_mat stats = scratch_mat(&s, 1, 2 * m->out);
    const cbx_mat dense = scratch_mat(&s, 1, m->dim);
    take_work(m, &s, T, &w);
    run_head(m, &s, feat, TDNN_PAD, &lines, probe);
    if (!(st = scratch_status(&s, err))) {
        const cbx_mat first = cbx_cols(wide[0], 0, m->init);
        run_tdnn(m, lines, first);
        cbx_probe_see(probe, "voice.xvec.tdnn", first);
        run_blocks(m, &w, wide, last, probe);
        run_dense(m, last, stats, dense, probe);
        m->dev->k->download(m->dev, out, dense.p, (size_t)m->dim * sizeof *out);
    }
    scratch_close(&s);
    return st;
}
