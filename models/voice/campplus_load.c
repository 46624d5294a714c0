#include "models/voice/campplus_model.h"

#include <math.h>
#include <stdlib.h>

#define HEAD "speaker_encoder.head."
#define XVECTOR "speaker_encoder.xvector."

enum { NAME = 160, KERNEL = 3, TDNN_TAPS = 5, MAX_WIDTH = 8192 };

static const float bn_eps = 1e-5f;

static void no_memory(load *l)
{
    if (!l->status)
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "no memory for a model");
}

/* Batch norm `x` of n channels as y = scale * in + shift. */
typedef struct batch_norm {
    float *scale, *shift;
} batch_norm;

static batch_norm read_norm(load *l, int n, const char *x)
{
    const size_t count = (size_t)n;
    char name[NAME];
    float *mean = load_numbers(l, count, "%s.running_mean", x);
    float *var = load_numbers(l, count, "%s.running_var", x);
    float *w = NULL, *b = NULL;

    snprintf(name, sizeof name, "%s.weight", x);
    if (!l->status && cbx_tensor_find(l->file, name)) {
        w = load_numbers(l, count, "%s.weight", x);
        b = load_numbers(l, count, "%s.bias", x);
    }
    for (size_t i = 0; !l->status && i < count; i++) {
        const double s = 1 / sqrt((double)var[i] + (double)bn_eps);
        const double scale = w ? s * (double)w[i] : s;
        const double shift = (b ? (double)b[i] : 0) - (double)mean[i] * scale;
        var[i] = (float)scale;
        mean[i] = (float)shift;
    }
    free(w);
    free(b);
    return (batch_norm){var, mean};
}

static void free_norm(batch_norm b)
{
    free(b.scale);
    free(b.shift);
}

static cam_norm load_cam_norm(load *l, int n, const char *x)
{
    const batch_norm b = read_norm(l, n, x);
    const cam_norm norm = {load_host_vec(l, n, b.scale),
                           load_host_vec(l, n, b.shift)};
    free_norm(b);
    return norm;
}

/* A convolution without bias in the file's order [out][in][taps], to be packed
 * as wanted. */
typedef struct conv {
    int in, out, taps;
    float *w, *bias; /* bias: [out], of the folded norm */
} conv;

static conv read_conv(load *l, int in, int out, int taps, const char *x,
                      const char *norm)
{
    const size_t per_out = (size_t)in * (size_t)taps;
    conv c = {.in = in, .out = out, .taps = taps};

    c.w = load_numbers(l, (size_t)out * per_out, "%s.weight", x);
    if (!norm) {
        if (!(c.bias = calloc((size_t)out + 1, sizeof *c.bias)))
            no_memory(l);
        return c;
    }
    const batch_norm b = read_norm(l, out, norm);
    c.bias = b.shift;
    for (size_t o = 0; !l->status && o < (size_t)out; o++)
        for (size_t i = 0; i < per_out; i++)
            c.w[o * per_out + i] *= b.scale[o];
    free(b.scale);
    return c;
}

static void free_conv(conv c)
{
    free(c.w);
    free(c.bias);
}

static const cbx_weight *pack(load *l, const conv *c)
{
    if (l->status)
        return NULL;
    return load_packed(
        l, &(cbx_weight_spec){.taps = c->taps,
                              .in = c->in,
                              .out = c->out,
                              .w = c->w,
                              .tap_stride = 1,
                              .in_stride = c->taps,
                              .out_stride = (ptrdiff_t)c->in * c->taps,
                              .bias = c->bias,
                              .format = l->format});
}

/* 1-D convolution x, then batch norm `norm` (or NULL). */
static const cbx_weight *load_normed(load *l, int in, int out, int taps,
                                     const char *x, const char *norm)
{
    const conv c = read_conv(l, in, out, taps, x, norm);
    const cbx_weight *w = pack(l, &c);
    free_conv(c);
    return w;
}

/* -- the head -------------------------------------------------------------- */

/* 2-D convolution x, [out][in][mel][time] in the file: taps are time, and the
 * inputs of a tap are the cells around a mel. */
static const cbx_weight *load_2d(load *l, int in, int out, const char *x,
                                 const char *norm)
{
    conv c = read_conv(l, in * KERNEL, out, KERNEL, x, norm);
    float *w = calloc((size_t)c.in * (size_t)out * KERNEL + 1, sizeof *w);
    const cbx_weight *packed = NULL;

    if (!w)
        no_memory(l);
    if (!l->status) {
        const ptrdiff_t n_in = in;
        for (ptrdiff_t o = 0; o < out; o++)
            for (ptrdiff_t i = 0; i < n_in; i++)
                for (ptrdiff_t k = 0; k < KERNEL; k++)
                    for (ptrdiff_t t = 0; t < KERNEL; t++)
                        w[((o * KERNEL + k) * n_in + i) * KERNEL + t] =
                            c.w[((o * n_in + i) * KERNEL + k) * KERNEL + t];
        free(c.w);
        c.w = w;
        w = NULL;
        packed = pack(l, &c);
    }
    free(w);
    free_conv(c);
    return packed;
}

static cam_residual load_residual(load *l, int C, const char *layer, int i)
{
    char x[NAME / 2], conv_name[NAME], norm[NAME];
    cam_residual r = {.stride = i == 0 ? 2 : 1};

    snprintf(x, sizeof x, HEAD "%s.%d", layer, i);
    snprintf(conv_name, sizeof conv_name, "%s.conv1", x);
    snprintf(norm, sizeof norm, "%s.bn1", x);
    r.conv1 = load_2d(l, C, C, conv_name, norm);
    snprintf(conv_name, sizeof conv_name, "%s.conv2", x);
    snprintf(norm, sizeof norm, "%s.bn2", x);
    r.conv2 = load_2d(l, C, C, conv_name, norm);
    snprintf(conv_name, sizeof conv_name, "%s.shortcut.0", x);
    snprintf(norm, sizeof norm, "%s.shortcut.1", x);
    if (r.stride == 2 || load_has(l, "%s", conv_name))
        r.shortcut = load_normed(l, C, C, 1, conv_name, norm);
    return r;
}

static const float *load_mask(load *l, const campplus *m, int level)
{
    const int n = m->pitch[level] * m->channels;
    float *mask = calloc((size_t)n + 1, sizeof *mask);
    const float *p;

    if (!mask)
        no_memory(l);
    for (int i = 0; mask && i < m->mels[level] * m->channels; i++)
        mask[i] = 1;
    p = load_host_vec(l, n, mask);
    free(mask);
    return p;
}

static void load_head(load *l, campplus *m)
{
    const int C = m->channels;
    for (int i = 0; i < CAM_LEVELS; i++)
        m->mask[i] = load_mask(l, m, i);
    m->first = load_2d(l, 1, C, HEAD "conv1", HEAD "bn1");
    for (int i = 0; i < 4; i++)
        m->residual[i] =
            load_residual(l, C, i < 2 ? "layer1" : "layer2", i % 2);
    m->last = load_2d(l, C, C, HEAD "conv2", HEAD "bn2");
}

/* -- over time ------------------------------------------------------------- */

/* Channel c of mel k is input c * mels + k in the file (FCM.forward) and
 * k * channels + c of a line here; the five taps of stride 2 lie side by side.
 */
static const cbx_weight *load_tdnn(load *l, const campplus *m)
{
    const int mels = m->mels[CAM_LEVELS - 1];
    const int line = m->pitch[CAM_LEVELS - 1] * m->channels;
    conv c =
        read_conv(l, mels * m->channels, m->init, TDNN_TAPS,
                  XVECTOR "tdnn.linear", XVECTOR "tdnn.nonlinear.batchnorm");
    const size_t n = (size_t)line * TDNN_TAPS;
    float *w = calloc(n * (size_t)m->init + 1, sizeof *w);
    const cbx_weight *packed = NULL;

    if (!w)
        no_memory(l);
    if (!l->status) {
        const float *from = c.w;
        for (size_t o = 0; o < (size_t)m->init; o++)
            for (int ch = 0; ch < m->channels; ch++)
                for (int k = 0; k < mels; k++)
                    for (int t = 0; t < TDNN_TAPS; t++)
                        w[o * n + (size_t)(t * line + k * m->channels + ch)] =
                            *from++;
        packed = load_packed(l, &(cbx_weight_spec){.taps = 1,
                                                   .in = (int)n,
                                                   .out = m->init,
                                                   .w = w,
                                                   .in_stride = 1,
                                                   .out_stride = (ptrdiff_t)n,
                                                   .bias = c.bias,
                                                   .format = l->format});
    }
    free(w);
    free_conv(c);
    return packed;
}

/* A linear layer that the file has as a convolution with one tap, with bias. */
static const cbx_weight *load_pointwise(load *l, int in, int out, const char *x)
{
    return load_conv(l, in, out, 1, "%s", x);
}

static void load_layer(load *l, const campplus *m, int in, const char *x,
                       cam_layer *layer)
{
    char a[NAME], b[NAME];
    snprintf(a, sizeof a, "%s.nonlinear1.batchnorm", x);
    layer->norm = load_cam_norm(l, in, a);
    snprintf(a, sizeof a, "%s.linear1", x);
    snprintf(b, sizeof b, "%s.nonlinear2.batchnorm", x);
    layer->enter = load_normed(l, in, m->bottleneck, 1, a, b);
    snprintf(a, sizeof a, "%s.cam_layer.linear_local", x);
    layer->local = load_normed(l, m->bottleneck, m->growth, KERNEL, a, NULL);
    snprintf(a, sizeof a, "%s.cam_layer.linear1", x);
    layer->gate1 = load_pointwise(l, m->bottleneck, m->gate, a);
    snprintf(a, sizeof a, "%s.cam_layer.linear2", x);
    layer->gate2 = load_pointwise(l, m->gate, m->growth, a);
}

/* Returns the channels that come out. The last block's transit layer is
 * followed by a norm of its own. */
static int load_block(load *l, const campplus *m, int i, int in, cam_block *b)
{
    char x[NAME / 2], norm[NAME];
    b->in = in;
    for (b->n = 0; b->n < CAM_MAX_LAYERS && !l->status; b->n++) {
        snprintf(x, sizeof x, XVECTOR "block%d.tdnnd%d", i + 1, b->n + 1);
        if (!load_has(l, "%s.linear1", x))
            break;
        load_layer(l, m, in + b->n * m->growth, x, &b->layers[b->n]);
    }
    const int wide = in + b->n * m->growth;
    const int out = load_dim(l, 3, 0, XVECTOR "transit%d.linear", i + 1);
    snprintf(norm, sizeof norm, XVECTOR "transit%d.nonlinear.batchnorm", i + 1);
    b->norm = load_cam_norm(l, wide, norm);
    snprintf(x, sizeof x, XVECTOR "transit%d.linear", i + 1);
    b->leave = load_normed(
        l, wide, out, 1, x,
        i + 1 < CAM_BLOCKS ? NULL : XVECTOR "out_nonlinear.batchnorm");
    return out;
}

static void load_sizes(load *l, campplus *m)
{
    const char *layer = XVECTOR "block1.tdnnd1";
    m->channels = load_dim(l, 4, 0, HEAD "conv1");
    m->init = load_dim(l, 3, 0, XVECTOR "tdnn.linear");
    m->growth = load_dim(l, 3, 0, "%s.cam_layer.linear_local", layer);
    m->bottleneck = load_dim(l, 3, 0, "%s.linear1", layer);
    m->gate = load_dim(l, 3, 0, "%s.cam_layer.linear1", layer);
    m->dim = load_dim(l, 3, 0, XVECTOR "dense.linear");
    const int flat = load_dim(l, 3, 1, XVECTOR "tdnn.linear");
    if (l->status)
        return;
    /* what is left of the mels after they were halved three times */
    const int mels = flat / m->channels;
    if (m->channels > 512 || mels < 1 || mels > 64 || flat % m->channels ||
        m->init > MAX_WIDTH || m->growth > MAX_WIDTH ||
        m->bottleneck > MAX_WIDTH || m->gate > MAX_WIDTH) {
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: the sizes of the speaker encoder are out of "
                             "range",
                             cbx_tensor_file_path(l->file));
        return;
    }
    for (int i = 0; i < CAM_LEVELS; i++) {
        m->mels[i] = mels << (CAM_LEVELS - 1 - i);
        m->pitch[i] = (mels + 1) << (CAM_LEVELS - 1 - i);
    }
}

void campplus_load(load *l, const cbx_config_campplus *config, campplus *m)
{
    load_sizes(l, m);
    if (l->status)
        return;
    m->segment = config->segment;
    load_head(l, m);
    m->tdnn = load_tdnn(l, m);
    m->out = m->init;
    for (int i = 0; i < CAM_BLOCKS && !l->status; i++) {
        m->blocks[i].dilation = config->dilations[i];
        m->out = load_block(l, m, i, m->out, &m->blocks[i]);
    }
    m->dense = load_normed(l, 2 * m->out, m->dim, 1, XVECTOR "dense.linear",
                           XVECTOR "dense.nonlinear.batchnorm");
}
