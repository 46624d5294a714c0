#include "models/s3gen/unet.h"

#include <math.h>
#include <stdlib.h>

#define ESTIMATOR "flow.decoder.estimator"

/* What is needed while loading only. */
typedef struct times {
    load setup;    /* owns the weights of the time embedding */
    cbx_mat mish;  /* [steps][4C]: Mish(time embedding) */
    int embed_dim; /* 4C */
} times;

/* flow_matching.py: CausalConditionalCFM.forward */
static void fill_borders(unet *m)
{
    for (int i = 0; i <= m->steps; i++) {
        const float t = (float)i / (float)m->steps;
        m->t[i] = m->meanflow ? t : 1 - cosf(t * 0.5f * (float)M_PI);
    }
}

/* matcha/decoder.py: SinusoidalPosEmb, of every t, then of every r. */
static void fill_sinusoid(const unet *m, float scale, int rows, float *out)
{
    const int half = m->in / 2;
    const float step = -(float)(log(10000.0) / (half - 1));

    for (int i = 0; i < rows; i++) {
        const float t = i < m->steps ? m->t[i] : m->t[i - m->steps + 1];
        for (int c = 0; c < half; c++) {
            const float angle = scale * t * expf((float)c * step);
            out[i * m->in + c] = sinf(angle);
            out[i * m->in + half + c] = cosf(angle);
        }
    }
}

static cbx_mat table(load *l, int rows, int cols)
{
    float *p = load_memory(l, sizeof(float) * (size_t)rows * (size_t)cols);
    return (cbx_mat){p, rows, cols, cols};
}

static void load_sinusoid(load *l, const cbx_config_cfm *config, unet *m)
{
    const int rows = m->meanflow ? 2 * m->steps : m->steps;
    const size_t bytes = sizeof(float) * (size_t)rows * (size_t)m->in;
    float *host = l->status ? NULL : malloc(bytes);

    m->sinusoid = table(l, rows, m->in);
    if (host && m->sinusoid.p) {
        fill_sinusoid(m, config->time_scale, rows, host);
        l->dev->k->upload(l->dev, m->sinusoid.p, host, bytes);
        l->dev->k->sync(l->dev);
    } else if (!l->status) {
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "memory ran out");
    }
    free(host);
}

/* matcha/decoder.py: TimestepEmbedding; decoder.py: time_embed_mixer. All
 * steps at once, so that nothing of it is left for later. */
static void load_times(load *l, const cbx_config_cfm *config, unet *m, times *t)
{
    const cbx_kernels *k = l->dev->k;
    load *s = &t->setup;
    const int e = t->embed_dim =
        load_dim(l, 2, 0, ESTIMATOR ".time_mlp.linear_1");
    const int rows = m->meanflow ? 2 * m->steps : m->steps;
    const cbx_weight *w1, *w2, *mixer = NULL;
    cbx_mat h, time;

    load_sinusoid(l, config, m);
    if (l->status)
        return;
    w1 = load_linear(s, m->in, e, true, ESTIMATOR ".time_mlp.linear_1");
    w2 = load_linear(s, e, e, true, ESTIMATOR ".time_mlp.linear_2");
    if (m->meanflow)
        mixer = load_linear(s, 2 * e, e, false, ESTIMATOR ".time_embed_mixer");
    h = table(s, rows, e);
    t->mish = table(s, m->steps, e);
    m->embedded = time = table(l, rows, e);
    if (m->meanflow)
        m->mixed = time = table(l, m->steps, e);
    if (l->status || s->status)
        return;
    k->linear(l->dev, &(cbx_linear){.x = m->sinusoid,
                                    .w = w1,
                                    .act = {.kind = CBX_ACT_SILU},
                                    .acted = h});
    k->linear(l->dev, &(cbx_linear){.x = h, .w = w2, .out = m->embedded});
    if (m->meanflow) {
        /* a row of t and r side by side: rows i and steps + i */
        cbx_mat both = table(s, m->steps, 2 * e);
        if (s->status)
            return;
        k->copy(l->dev, &(cbx_copy){.src = cbx_rows(m->embedded, 0, m->steps),
                                    .dst = cbx_cols(both, 0, e)});
        k->copy(l->dev,
                &(cbx_copy){.src = cbx_rows(m->embedded, m->steps, m->steps),
                            .dst = cbx_cols(both, e, e)});
        k->linear(l->dev,
                  &(cbx_linear){.x = both, .w = mixer, .out = m->mixed});
    }
    k->activate(l->dev, time, (cbx_act){.kind = CBX_ACT_MISH}, t->mish);
}

static void load_resnet(load *l, const unet *m, times *t, int in, const char *x,
                        unet_resnet *b)
{
    const int c = m->channels;
    const cbx_weight *mlp;

    b->in = in;
    for (int i = 0; i < 2; i++) {
        b->conv[i] = load_conv(l, i ? c : in, c, UNET_TAPS,
                               "%s.0.block%d.block.0", x, i + 1);
        b->norm[i] = load_norm(l, c, 1e-5f, "%s.0.block%d.block.2", x, i + 1);
    }
    b->res = load_conv(l, in, c, 1, "%s.0.res_conv", x);
    b->time = table(l, m->steps, c);
    if (l->status)
        return;
    mlp = load_linear(&t->setup, t->embed_dim, c, true, "%s.0.mlp.1", x);
    if (!t->setup.status)
        l->dev->k->linear(
            l->dev, &(cbx_linear){.x = t->mish, .w = mlp, .out = b->time});
}

static void load_transformer(load *l, const unet *m, const char *x, int i,
                             unet_transformer *b)
{
    static const char *const qkv[3] = {"to_q", "to_k", "to_v"};
    const int c = m->channels;

    b->norm1 = load_norm(l, c, 1e-5f, "%s.1.%d.norm1", x, i);
    b->norm3 = load_norm(l, c, 1e-5f, "%s.1.%d.norm3", x, i);
    b->qkv = load_linears(l, c, m->inner, false, qkv, 3, "%s.1.%d.attn1", x, i);
    b->out = load_linear(l, m->inner, c, true, "%s.1.%d.attn1.to_out.0", x, i);
    b->ff1 = load_linear(l, c, m->ff, true, "%s.1.%d.ff.net.0.proj", x, i);
    b->ff2 = load_linear(l, m->ff, c, true, "%s.1.%d.ff.net.2", x, i);
}

static void load_block(load *l, const unet *m, times *t, int in, const char *x,
                       unet_block *b)
{
    int n = 0;

    load_resnet(l, m, t, in, x, &b->resnet);
    for (; !l->status && load_has(l, "%s.1.%d.attn1.to_q", x, n); n++) {
        if (n == UNET_MAX_TRANSFORMERS) {
            l->status = cbx_fail(l->err, CBX_E_UNSUPPORTED,
                                 "%s: %s has more than %d transformer blocks",
                                 cbx_tensor_file_path(l->file), x, n);
            return;
        }
        load_transformer(l, m, x, n, &b->transformer[n]);
    }
    b->n_transformers = n;
}

static void load_mids(load *l, unet *m, times *t)
{
    char x[64];
    int n = 0;

    for (; !l->status &&
           load_has(l, ESTIMATOR ".mid_blocks.%d.0.block1.block.0", n);
         n++) {
        if (n == UNET_MAX_MIDS) {
            l->status =
                cbx_fail(l->err, CBX_E_UNSUPPORTED,
                         "%s: " ESTIMATOR " has more than %d mid blocks",
                         cbx_tensor_file_path(l->file), n);
            return;
        }
        snprintf(x, sizeof x, ESTIMATOR ".mid_blocks.%d", n);
        load_block(l, m, t, m->channels, x, &m->mid[n]);
    }
    m->n_mids = n;
}

static void load_sizes(load *l, const cbx_config_cfm *config, unet *m)
{
    const char *x = ESTIMATOR ".down_blocks.0";

    m->meanflow = config->meanflow;
    m->steps = config->steps;
    m->heads = config->heads;
    m->in = load_dim(l, 3, 1, "%s.0.block1.block.0", x);
    m->channels = load_dim(l, 3, 0, "%s.0.block1.block.0", x);
    m->mels = load_dim(l, 3, 0, ESTIMATOR ".final_proj");
    m->inner = load_dim(l, 2, 0, "%s.1.0.attn1.to_q", x);
    m->ff = load_dim(l, 2, 0, "%s.1.0.ff.net.0.proj", x);
    if (l->status)
        return;
    if (load_has(l, ESTIMATOR ".down_blocks.1.0.block1.block.0"))
        l->status = cbx_fail(l->err, CBX_E_UNSUPPORTED,
                             "%s: " ESTIMATOR
                             " has more than one down block; only the causal "
                             "form with one is known",
                             cbx_tensor_file_path(l->file));
    else if (m->heads < 1 || m->inner != m->heads * config->head_dim)
        l->status =
            cbx_fail(l->err, CBX_E_SHAPE,
                     "%s: %s.1.0.attn1.to_q.weight has %d rows; the "
                     "config's %d heads of %d need %d",
                     cbx_tensor_file_path(l->file), x, m->inner, m->heads,
                     config->head_dim, m->heads * config->head_dim);
    else if (m->in != 4 * m->mels || m->in < 4)
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: %s.0.block1.block.0.weight has %d inputs; "
                             "four times %d mels are needed",
                             cbx_tensor_file_path(l->file), x, m->in, m->mels);
    else if (m->steps < 1 || m->steps > UNET_MAX_STEPS)
        l->status =
            cbx_fail(l->err, CBX_E_ARG, "%d Euler steps: 1 to %d are possible",
                     m->steps, UNET_MAX_STEPS);
}

static void load_blocks(load *l, const cbx_config_cfm *config, unet *m,
                        times *t)
{
    const int c = m->channels;

    load_times(l, config, m, t);
    if (l->status || t->setup.status)
        return;
    load_block(l, m, t, m->in, ESTIMATOR ".down_blocks.0", &m->down);
    m->down_conv = load_conv(l, c, c, UNET_TAPS, ESTIMATOR ".down_blocks.0.2");
    load_mids(l, m, t);
    load_block(l, m, t, 2 * c, ESTIMATOR ".up_blocks.0", &m->up);
    m->up_conv = load_conv(l, c, c, UNET_TAPS, ESTIMATOR ".up_blocks.0.2");
    m->final_conv =
        load_conv(l, c, c, UNET_TAPS, ESTIMATOR ".final_block.block.0");
    m->final_norm = load_norm(l, c, 1e-5f, ESTIMATOR ".final_block.block.2");
    const cbx_format format = l->format;
    l->format = CBX_FMT_F32; /* the velocity itself */
    m->final_proj = load_conv(l, c, m->mels, 1, ESTIMATOR ".final_proj");
    l->format = format;
}

void unet_load(load *l, const cbx_config_cfm *config, unet *m)
{
    times t = {.setup = *l};

    *m = (unet){.dev = l->dev};
    load_sizes(l, config, m);
    if (l->status)
        return;
    fill_borders(m);
    t.setup.format = CBX_FMT_F32;
    l->status = load_owned_open(l->dev, &t.setup.own, l->err);
    if (l->status)
        return;
    load_blocks(l, config, m, &t);
    l->dev->k->sync(l->dev);
    if (!l->status)
        l->status = t.setup.status;
    load_owned_close(t.setup.own);
}
