#include "models/s3gen/hift_model.h"

#include <stdlib.h>

static void fail_shape(load *l, const char *name, const char *why)
{
    if (!l->status)
        l->status = cbx_fail(l->err, CBX_E_SHAPE, "%s: mel2wav.%s %s",
                             cbx_tensor_file_path(l->file), name, why);
}

static void load_up(load *l, hift_stage *s, int in, int i)
{
    s->channels = load_dim(l, 3, 1, "mel2wav.ups.%d", i);
    s->up_taps = load_dim(l, 3, 2, "mel2wav.ups.%d", i);
    s->up_pad = (s->up_taps - s->up_stride) / 2;
    s->up_packed = (s->up_taps + s->up_stride - 1) / s->up_stride;
    if (s->up_taps < s->up_stride || (s->up_taps - s->up_stride) % 2)
        fail_shape(l, "ups", "has kernels that do not go with the rates");
    s->up = load_conv_transposed(l, in, s->channels, s->up_taps, s->up_stride,
                                 "mel2wav.ups.%d", i);
}

/* hifigan.py: source_downs; twice the stride wide, except at stride 1. */
static void load_down(load *l, hift_stage *s, int bins, int i)
{
    const int stride = s->down_stride;

    s->down_taps = stride == 1 ? 1 : 2 * stride;
    s->down_pad = stride == 1 ? 0 : stride / 2;
    s->down = load_conv_folded(l, bins, s->channels, s->down_taps,
                               "mel2wav.source_downs.%d", i);
}

static void load_stage(load *l, const cbx_config_hift *config, const hift *m,
                       int in, int i, hift_stage *s)
{
    s->rate = s->down_stride = 1;
    for (int j = 0; j < m->n_stages; j++)
        *(j <= i ? &s->rate : &s->down_stride) *= config->upsample_rates[j];
    s->extra = i == m->n_stages - 1;
    s->up_stride = config->upsample_rates[i];
    load_up(l, s, in, i);
    load_down(l, s, m->n_fft + 2, i);
    resblock_load(l, config, s->channels, &s->source,
                  "mel2wav.source_resblocks.%d", i);
    for (int j = 0; j < m->n_kernels; j++)
        resblock_load(l, config, s->channels, &s->res[j],
                      "mel2wav.resblocks.%d", i * m->n_kernels + j);
}

static void load_sizes(load *l, const cbx_config_hift *config, hift *m)
{
    int n = 0;

    m->base = load_dim(l, 3, 0, "mel2wav.conv_pre");
    m->mels = load_dim(l, 3, 1, "mel2wav.conv_pre");
    m->n_stages = config->n_stages;
    m->slope = config->lrelu_slope;
    m->limit = config->audio_limit;
    m->n_fft = config->n_fft;
    m->hop = m->samples = config->hop;
    for (int i = 0; i < m->n_stages; i++) {
        m->samples *= config->upsample_rates[i];
        if (config->upsample_rates[i] < 2)
            fail_shape(l, "ups", "cannot have a rate below 2");
    }
    while (!l->status && load_has(l, "mel2wav.resblocks.%d.convs1.0", n))
        n++;
    m->n_kernels = m->n_stages ? n / m->n_stages : 0;
    if (m->n_stages < 1 || m->n_kernels < 1 ||
        m->n_kernels > HIFT_MAX_KERNELS || n % m->n_stages)
        fail_shape(l, "resblocks",
                   "are not one to four for each upsampling stage");
    if (config->nb_harmonics < 0 || config->nb_harmonics >= HIFT_MAX_HARMONICS)
        fail_shape(l, "m_source", "has too many harmonics");
    if (m->hop < 1 || m->n_fft % (2 * m->hop) || m->samples <= m->n_fft)
        fail_shape(l, "conv_post",
                   "goes with an n_fft that is a multiple of "
                   "two hops and below one frame");
}

void hift_load(struct load *l, const cbx_config *config, hift **out)
{
    hift *m = l->status ? NULL : calloc(1, sizeof *m);
    int in;

    if (!m) {
        if (!l->status)
            l->status = cbx_fail(l->err, CBX_E_NOMEM, "memory ran out");
        return;
    }
    *out = m;
    m->dev = l->dev;
    load_sizes(l, &config->hift, m);
    if (l->status)
        return;
    m->pre = conv_load(l, m->mels, m->base, 1, "mel2wav.conv_pre");
    in = m->base;
    for (int i = 0; i < m->n_stages; in = m->stage[i++].channels)
        load_stage(l, &config->hift, m, in, i, &m->stage[i]);
    /* Log magnitudes, phases and pitch: what is rounded here is heard. */
    const cbx_format format = l->format;
    l->format = CBX_FMT_F32;
    m->post = conv_load(l, in, m->n_fft + 2, 1, "mel2wav.conv_post");
    f0_load(l, m->mels, &m->f0);
    l->format = format;
    source_load(l, &config->hift, m->samples, &m->src);
    if (!l->status) {
        hift_state *s = calloc(1, sizeof *s);
        if (s)
            m->delay = hift_layout(m, s);
        else
            l->status = cbx_fail(l->err, CBX_E_NOMEM, "memory ran out");
        free(s);
    }
}

void hift_close(hift *m)
{
    free(m);
}

hift_info hift_get_info(const hift *m)
{
    return (hift_info){.mels = m->mels,
                       .samples_per_frame = m->samples,
                       .sample_rate = (int)m->src.rate,
                       .harmonics = m->src.harmonics,
                       .delay = m->delay};
}
