#include "models/voice/ve.h"

#include "models/s3gen/load.h"
#include "models/voice/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 3, BATCH = 32 /* windows at a time */ };

struct ve {
    cbx_dev *dev;
    load_owned *own;
    int mels, hidden, dim;
    int window, step; /* frames */
    float coverage;   /* of the last window that is kept */
    /* gates in the order i, f, o, g */
    const cbx_weight *input[LAYERS], *recurrent[LAYERS];
    const cbx_weight *proj;
    cbx_norm unit; /* x / |x| */
};

/* -- loading --------------------------------------------------------------- */

/* Rows of [4H][n] in PyTorch's order i, f, g, o: the last two change places,
 * so that the three sigmoids lie side by side. */
static void swap_gates(float *w, int hidden, int n)
{
    const size_t block = (size_t)hidden * (size_t)n;
    for (size_t i = 0; i < block; i++) {
        const float g = w[2 * block + i];
        w[2 * block + i] = w[3 * block + i];
        w[3 * block + i] = g;
    }
}

/* kind: "ih" or "hh". The input half carries both biases. */
static const cbx_weight *load_gates(load *l, const ve *m, const char *kind,
                                    int layer, int in)
{
    const int out = 4 * m->hidden;
    const bool biased = !strcmp(kind, "ih");
    const size_t n = (size_t)out;
    float *w =
        load_numbers(l, n * (size_t)in, "lstm.weight_%s_l%d", kind, layer);
    float *b = load_numbers(l, n, "lstm.bias_ih_l%d", layer);
    float *b2 = load_numbers(l, n, "lstm.bias_hh_l%d", layer);
    const cbx_weight *packed = NULL;

    if (!l->status) {
        for (int i = 0; i < out; i++)
            b[i] += b2[i];
        swap_gates(w, m->hidden, in);
        swap_gates(b, m->hidden, 1);
        packed = load_packed(l, &(cbx_weight_spec){.taps = 1,
                                                   .in = in,
                                                   .out = out,
                                                   .w = w,
                                                   .in_stride = 1,
                                                   .out_stride = in,
                                                   .bias = biased ? b : NULL,
                                                   .format = CBX_FMT_F32});
    }
    free(w);
    free(b);
    free(b2);
    return packed;
}

/* x / |x| is an RMS norm whose gamma is 1 / sqrt(dim). */
static cbx_norm load_unit(load *l, int dim)
{
    cbx_norm norm = {.kind = CBX_NORM_RMS};
    float *gamma = calloc((size_t)dim + 1, sizeof *gamma);

    if (!gamma && !l->status)
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "no memory for a model");
    for (int i = 0; gamma && i < dim; i++)
        gamma[i] = (float)(1 / sqrt(dim));
    norm.gamma = load_host_vec(l, dim, gamma);
    free(gamma);
    return norm;
}

static void load_all(load *l, ve *m)
{
    m->mels = load_tensor_dim(l, 2, 1, "lstm.weight_ih_l0");
    m->hidden = load_tensor_dim(l, 2, 1, "lstm.weight_hh_l0");
    m->dim = load_dim(l, 2, 0, "proj");
    for (int i = 0; i < LAYERS; i++) {
        m->input[i] = load_gates(l, m, "ih", i, i ? m->hidden : m->mels);
        m->recurrent[i] = load_gates(l, m, "hh", i, m->hidden);
    }
    m->proj = load_linear(l, m->hidden, m->dim, true, "proj");
    m->unit = load_unit(l, m->dim);
}

cbx_status ve_open(cbx_dev *dev, const cbx_tensor_file *file,
                   const cbx_config_ve *config, ve **out, cbx_error *err)
{
    const double step = (double)VOICE_RATE_16K / (double)config->rate;
    ve *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a model");
    m->dev = dev;
    m->window = config->partial_frames;
    m->step = (int)rint(step / m->window);
    m->coverage = config->min_coverage;
    cbx_status st = load_owned_open(dev, &m->own, err);
    if (!st && (m->step < 1 || m->step > m->window))
        st = cbx_fail(err, CBX_E_FORMAT,
                      "windows of %d frames at %g each second leave gaps",
                      m->window, (double)config->rate);
    if (!st) {
        load l = {
            .dev = dev, .file = file, .own = m->own, .format = CBX_FMT_F32};
        l.err = err;
        load_all(&l, m);
        st = l.status;
    }
    if (st) {
        ve_close(m);
        return st;
    }
    *out = m;
    return CBX_OK;
}

void ve_close(ve *m)
{
    if (!m)
        return;
    load_owned_close(m->own);
    free(m);
}

int ve_dim(const ve *m)
{
    return m->dim;
}

int ve_partials(const ve *m, int frames)
{
    const int span = frames - m->window + m->step;
    const int n = span > 0 ? span / m->step : 0;
    const int left = span > 0 ? span % m->step : 0;
    const float covered =
        (float)(left + m->window - m->step) / (float)m->window;
    return n == 0 || covered >= m->coverage ? n + 1 : n;
}

/* -- running --------------------------------------------------------------- */

/* Memory of one batch of up to BATCH windows. Step t of window i is row
 * t * windows + i of a sequence; a sequence begins with one step of zeros. */
typedef struct work {
    cbx_mat mel;    /* [frames][mels], of all windows */
    cbx_mat framed; /* [frames of a batch][4H]: layer 0, by frame */
    cbx_mat inputs; /* [window * BATCH][4H]: the other layers, by step */
    cbx_mat states[2];
    cbx_mat gates, cell, fresh; /* [BATCH][4H], [BATCH][H], [BATCH][H] */
    cbx_mat embeds;             /* [windows][dim] */
    cbx_mat mean;               /* [1][dim] */
} work;

static void take_work(const ve *m, scratch *s, int partials, work *w)
{
    const int H = m->hidden, batch = partials < BATCH ? partials : BATCH;
    const int framed = m->window + m->step * (batch - 1);
    w->framed = scratch_mat(s, framed, 4 * H);
    w->inputs = scratch_mat(s, m->window * batch, 4 * H);
    for (int i = 0; i < 2; i++)
        w->states[i] = scratch_mat(s, (m->window + 1) * batch, H);
    w->gates = scratch_mat(s, batch, 4 * H);
    w->cell = scratch_mat(s, batch, H);
    w->fresh = scratch_mat(s, batch, H);
    w->embeds = scratch_mat(s, partials, m->dim);
    w->mean = scratch_mat(s, 1, m->dim);
}

/* c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c) */
static void lstm_step(const ve *m, int layer, const work *w, cbx_mat input,
                      cbx_mat before, cbx_mat after)
{
    const cbx_kernels *k = m->dev->k;
    const int H = m->hidden, n = input.rows;
    const cbx_mat gates = cbx_rows(w->gates, 0, n);
    const cbx_mat cell = cbx_rows(w->cell, 0, n);
    const cbx_mat fresh = cbx_rows(w->fresh, 0, n);
    const cbx_mat i = cbx_cols(gates, 0, H), f = cbx_cols(gates, H, H);
    const cbx_mat o = cbx_cols(gates, 2 * H, H), g = cbx_cols(gates, 3 * H, H);
    const cbx_act sigmoid = {.kind = CBX_ACT_SIGMOID};
    const cbx_act tangent = {.kind = CBX_ACT_TANH};
    const cbx_mat sigmoids = cbx_cols(gates, 0, 3 * H);

    k->linear(m->dev, &(cbx_linear){.x = before,
                                    .w = m->recurrent[layer],
                                    .add = input,
                                    .out = gates});
    k->activate(m->dev, sigmoids, sigmoid, sigmoids);
    k->activate(m->dev, g, tangent, g);
    k->muladd(m->dev, &(cbx_muladd){.a = i, .b = g, .out = fresh});
    k->muladd(m->dev,
              &(cbx_muladd){.a = f, .b = cell, .c = fresh, .out = cell});
    k->activate(m->dev, cell, tangent, fresh);
    k->muladd(m->dev, &(cbx_muladd){.a = o, .b = fresh, .out = after});
}

/* What step t of a layer takes in, one row for each window. Windows overlap,
 * and layer 0 knows nothing of the past, so its rows are those of frames. */
static cbx_mat step_input(const ve *m, int layer, const work *w, int n, int t)
{
    if (layer)
        return cbx_rows(w->inputs, t * n, n);
    return (cbx_mat){w->framed.p + (ptrdiff_t)t * w->framed.ld, n,
                     w->framed.cols, m->step * w->framed.ld};
}

/* Windows [first, first + n) to rows of embeds. */
static void run_batch(const ve *m, const work *w, int first, int n)
{
    const cbx_kernels *k = m->dev->k;
    const int frames = m->window + m->step * (n - 1);
    const cbx_mat mel = cbx_rows(w->mel, first * m->step, frames);
    const cbx_mat out = cbx_rows(w->embeds, first, n);
    const cbx_mat *states = w->states;

    for (int layer = 0; layer < LAYERS; layer++) {
        const cbx_mat in = states[(layer + 1) % 2], to = states[layer % 2];
        k->linear(
            m->dev,
            &(cbx_linear){.x = layer ? cbx_rows(in, n, m->window * n) : mel,
                          .w = m->input[layer],
                          .out = layer ? cbx_rows(w->inputs, 0, m->window * n)
                                       : cbx_rows(w->framed, 0, frames)});
        k->zero(m->dev, cbx_rows(to, 0, n));
        k->zero(m->dev, w->cell);
        for (int t = 0; t < m->window; t++)
            lstm_step(m, layer, w, step_input(m, layer, w, n, t),
                      cbx_rows(to, t * n, n), cbx_rows(to, (t + 1) * n, n));
    }
    k->linear(m->dev, &(cbx_linear){.x = cbx_rows(states[(LAYERS - 1) % 2],
                                                  m->window * n, n),
                                    .w = m->proj,
                                    .act = {.kind = CBX_ACT_RELU},
                                    .acted = out});
    k->normalize(m->dev,
                 &(cbx_normalize){.x = out, .norm = m->unit, .out = out});
}

/* The mel on the device, with zeros behind it up to the last window's end. */
static cbx_mat upload_mel(const ve *m, scratch *s, const voice_rows *mel,
                          int partials)
{
    const int all = m->window + m->step * (partials - 1);
    const int rows = mel->rows < all ? mel->rows : all;
    const cbx_mat dst = scratch_mat(s, all, mel->cols);
    if (dst.p)
        m->dev->k->upload(m->dev, dst.p, mel->v,
                          (size_t)rows * (size_t)mel->cols * sizeof *mel->v);
    return dst;
}

static cbx_status check_embedding(const float *v, int n, cbx_error *err)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return cbx_fail(err, CBX_E_ARG,
                            "the voice encoder hears nobody in the recording; "
                            "is it silent?");
    return CBX_OK;
}

cbx_status ve_embed(const ve *m, const voice_rows *mel, const cbx_probe *probe,
                    float *out, cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    scratch s = scratch_on(m->dev);
    const int n = ve_partials(m, mel->rows);
    work w = {0};
    cbx_status st;

    if (mel->cols != m->mels)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the voice encoder takes %d mels, not %d", m->mels,
                        mel->cols);
    w.mel = upload_mel(m, &s, mel, n);
    take_work(m, &s, n, &w);
    if (!(st = scratch_status(&s, err))) {
        for (int i = 0; i < n; i += BATCH)
            run_batch(m, &w, i, n - i < BATCH ? n - i : BATCH);
        cbx_probe_see(probe, "voice.ve.partial_embeds", w.embeds);
        k->time_stats(m->dev, &(cbx_time_stats){.x = w.embeds, .mean = w.mean});
        k->normalize(m->dev, &(cbx_normalize){
                                 .x = w.mean, .norm = m->unit, .out = w.mean});
        cbx_probe_see(probe, "voice.ve.out", w.mean);
        k->download(m->dev, out, w.mean.p, (size_t)m->dim * sizeof *out);
        st = check_embedding(out, m->dim, err);
    }
    scratch_close(&s);
    return st;
}
