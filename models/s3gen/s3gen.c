#include "models/s3gen/s3gen.h"

#include "models/s3gen/load.h"

#include <math.h>
#include <stdlib.h>

struct s3gen {
    s3gen_info info;
    load_owned *own;
    flow *flow;
    hift *hift;
};

static void fill_info(s3gen *m)
{
    const flow_info f = flow_get_info(m->flow);
    const hift_info h = hift_get_info(m->hift);

    m->info = (s3gen_info){
        .mels = f.mels,
        .codes = f.codes,
        .max_tokens = f.max_tokens,
        .lookahead = f.lookahead,
        .frames_per_token = f.frames_per_token,
        .samples_per_frame = h.samples_per_frame,
        .sample_rate = h.sample_rate,
        .hift_delay = h.delay,
        .speaker_dim = f.speaker_dim,
        .weight_bytes = load_owned_bytes(m->own),
    };
}

cbx_status s3gen_open(cbx_dev *dev, const cbx_tensor_file *file,
                      const cbx_config *config, cbx_format format,
                      int max_tokens, s3gen **out, cbx_error *err)
{
    load l = {.dev = dev, .file = file, .format = format, .err = err};
    s3gen *m;

    if (max_tokens < 1 || max_tokens > S3GEN_MAX_TOKENS)
        return cbx_fail(err, CBX_E_ARG,
                        "%d speech tokens for a segment: 1 to %d are possible",
                        max_tokens, S3GEN_MAX_TOKENS);
    m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    l.status = load_owned_open(dev, &m->own, err);
    l.own = m->own;
    flow_load(&l, config, max_tokens, &m->flow);
    hift_load(&l, config, &m->hift);
    if (!l.status) {
        fill_info(m);
        if (hift_get_info(m->hift).mels != m->info.mels)
            l.status = cbx_fail(err, CBX_E_SHAPE,
                                "%s: the flow makes %d mel channels, "
                                "mel2wav.conv_pre takes %d",
                                cbx_tensor_file_path(file), m->info.mels,
                                hift_get_info(m->hift).mels);
    }
    if (l.status) {
        s3gen_close(m);
        return l.status;
    }
    *out = m;
    return CBX_OK;
}

void s3gen_close(s3gen *m)
{
    if (!m)
        return;
    flow_close(m->flow);
    hift_close(m->hift);
    load_owned_close(m->own);
    free(m);
}

const s3gen_info *s3gen_get_info(const s3gen *m)
{
    return &m->info;
}

const flow *s3gen_flow(const s3gen *m)
{
    return m->flow;
}

const hift *s3gen_hift(const s3gen *m)
{
    return m->hift;
}

void s3gen_trim_fade(const s3gen *m, int64_t first, float *pcm, int n)
{
    const int64_t half = m->info.sample_rate / 50;

    for (int i = 0; i < n && first + i < 2 * half; i++) {
        const int64_t at = first + i - half;
        const double angle = M_PI * (1 - (double)at / (double)(half - 1));
        pcm[i] *= at < 0 ? 0 : (float)((cos(angle) + 1) / 2);
    }
}
