#include "tools/parity/parity.h"

#include <math.h>
#include <stdlib.h>

/* The harmonic source in double precision, once with the phase as the
 * reference rounds it (torch's cumsum on a CPU adds in fp64 and stores f32)
 * and once without (hifigan.py: SineGen.forward, SourceModuleHnNSF.forward). */

typedef struct sines {
    const cbx_config_hift *config;
    const float *phase; /* [harmonics] at the start, radians */
    float *w, bias;     /* l_linear */
    int harmonics;
} sines;

static cbx_status read_weights(parity *p, int harmonics, float *w, float *bias,
                               cbx_error *err)
{
    const int64_t one[1] = {1}, row[2] = {1, harmonics};
    const cbx_file_tensor *tw, *tb;
    cbx_status st;
    if ((st = cbx_tensor_need(p->s3gen_file, "mel2wav.m_source.l_linear.weight",
                              2, row, &tw, err)) ||
        (st = cbx_tensor_need(p->s3gen_file, "mel2wav.m_source.l_linear.bias",
                              1, one, &tb, err)) ||
        (st = cbx_tensor_f32(tw, w, err)))
        return st;
    return cbx_tensor_f32(tb, bias, err);
}

/* One sample: the two sums over harmonics, before tanh. sum: [harmonics]
 * cycles so far. */
static void add_harmonics(const sines *s, float f0, const float *noise,
                          double *sum, double *rounded, double *exact)
{
    const cbx_config_hift *c = s->config;
    const bool voiced = f0 > c->voiced_threshold;
    const double std = (double)(voiced ? c->noise_std : c->sine_amp / 3);
    const double amp = voiced ? (double)c->sine_amp : 0;
    *rounded = *exact = (double)s->bias;
    for (int h = 0; h < s->harmonics; h++) {
        const double w = (double)s->w[h], z = std * (double)noise[h];
        sum[h] += (double)(f0 * (float)(h + 1) / (float)c->sample_rate);
        const double a = fmod(sum[h], 1.0);
        const double b = (double)fmodf((float)sum[h], 1.0f);
        const double start = (double)s->phase[h];
        *exact += w * (amp * sin(2 * M_PI * a + start) + z);
        *rounded += w * (amp * sin(2 * M_PI * b + start) + z);
    }
}

cbx_status source_loss(parity *p, const hift_inputs *in, const float *f0,
                       size_t frames, float *out, cbx_error *err)
{
    const size_t hop = (size_t)s3gen_get_info(p->s3gen)->samples_per_frame;
    const int H = in->harmonics;
    sines s = {.config = &p->config.hift, .phase = in->phase, .harmonics = H};
    if ((int64_t)(frames * hop) != in->samples)
        return cbx_fail(err, CBX_E_SHAPE,
                        "hift.f0 has %zu frames, hift.in.noise %lld samples",
                        frames, (long long)in->samples);
    s.w = need((size_t)H, sizeof *s.w);
    double *sum = need((size_t)H, sizeof *sum);
    const cbx_status st = read_weights(p, H, s.w, &s.bias, err);
    for (size_t i = 0; i < frames * hop && !st; i++) {
        double rounded, exact;
        add_harmonics(&s, f0[i / hop], in->noise + i * (size_t)H, sum, &rounded,
                      &exact);
        out[i] = (float)(tanh(rounded) - tanh(exact));
    }
    free(sum);
    free(s.w);
    return st;
}
