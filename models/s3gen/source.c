#include "models/s3gen/source.h"

#include <math.h>
#include <stdlib.h>

/* The periodic Hann window times the transform's cosines and sines, as one
 * matrix [n_fft][n_fft + 2]. */
static void load_stft(load *l, source *m)
{
    const int n = m->n_fft, bins = n / 2 + 1;
    float *w = calloc((size_t)n * (size_t)(2 * bins), sizeof *w);

    if (!w) {
        l->status = cbx_fail(l->err, CBX_E_NOMEM, "memory ran out");
        return;
    }
    for (int i = 0; i < n; i++) {
        const double window = 0.5 - 0.5 * cos(2 * M_PI * i / n);
        for (int b = 0; b < bins; b++) {
            const double angle = 2 * M_PI * ((i * b) % n) / n;
            w[i * 2 * bins + b] = (float)(window * cos(angle));
            w[i * 2 * bins + bins + b] = (float)(-window * sin(angle));
        }
    }
    m->stft = load_matrix(l, n, 2 * bins, w);
    free(w);
}

void source_load(load *l, const cbx_config_hift *config, int samples, source *m)
{
    const char *x = "mel2wav.m_source.l_linear";

    *m = (source){
        .harmonics = config->nb_harmonics + 1,
        .samples = samples,
        .n_fft = config->n_fft,
        .hop = config->hop,
        .rate = (float)config->sample_rate,
        .amp = config->sine_amp,
        .noise_std = config->noise_std,
        .gate = config->voiced_threshold,
    };
    m->w = load_vec(l, m->harmonics, "%s.weight", x);
    m->bias = load_vec(l, 1, "%s.bias", x);
    if (!l->status)
        load_stft(l, m);
}

void source_init(const source *m, source_state *s, int f0_lag, int pad,
                 int keep)
{
    const int half = m->n_fft / 2, lag = f0_lag * m->samples;

    rows_init(&s->signal, 1, m->samples, lag, half);
    s->signal.keep = m->n_fft;
    /* spectrum i is of samples hop * i - half ... hop * i + half - 1 */
    rows_init(&s->spec, m->n_fft + 2, m->samples / m->hop,
              (lag + half) / m->hop, pad);
    s->spec.extra = 1;
    s->spec.keep = keep;
}

void source_place(const source *m, source_state *s, cbx_dmem *mem)
{
    rows_place(&s->signal, mem);
    rows_place(&s->spec, mem);
    s->phase = cbx_dmem_take(mem, (size_t)m->harmonics * sizeof *s->phase);
    s->phase0 = cbx_dmem_take(mem, (size_t)m->harmonics * sizeof *s->phase0);
}

void source_reset(const source *m, source_state *s, cbx_dev *dev,
                  const float *phase)
{
    const size_t n = (size_t)m->harmonics;

    rows_reset(&s->signal, dev);
    rows_reset(&s->spec, dev);
    /* doubles of 0 are twice as many floats of 0 */
    dev->k->zero(
        dev, (cbx_mat){(float *)(void *)s->phase, 1, 2 * (int)n, 2 * (int)n});
    dev->k->upload(dev, s->phase0, phase, n * sizeof *phase);
}

static cbx_mat noise(const source *m, const source_state *s,
                     const rows_step *st, rows_new n)
{
    const cbx_kernels *k = st->dev->k;
    cbx_mat z = space_mat(st->mem, n.n, m->harmonics);

    if (s->noise)
        k->upload(st->dev, z.p, s->noise + n.from * m->harmonics,
                  sizeof(float) * (size_t)n.n * (size_t)m->harmonics);
    else
        k->normal(st->dev, z, s->noise_key, (uint64_t)n.from);
    return z;
}

/* torch.stft(center=True): sample -i is sample i, and the same at the end. */
static void mirror(const rows *x, const rows_step *st, rows_new n)
{
    const cbx_kernels *k = st->dev->k;
    const int pad = x->before;

    if (n.from == 0)
        k->copy(st->dev, &(cbx_copy){.src = rows_at(x, 1, pad),
                                     .dst = rows_at(x, -pad, pad),
                                     .reverse = true});
    if (st->final)
        k->copy(st->dev, &(cbx_copy){.src = rows_at(x, x->end - 1 - pad, pad),
                                     .dst = rows_at(x, x->end, pad),
                                     .reverse = true});
}

static void run_sines(const source *m, source_state *s, const rows_step *st,
                      cbx_mat f0, rows_new n)
{
    st->dev->k->sine_source(
        st->dev, &(cbx_sine_source){.f0 = f0,
                                    .hop = m->samples,
                                    .rate = m->rate,
                                    .amp = m->amp,
                                    .noise_std = m->noise_std,
                                    .gate = m->gate,
                                    .harmonics = m->harmonics,
                                    .phase = s->phase,
                                    .phase0 = s->phase0,
                                    .noise = noise(m, s, st, n),
                                    .w = m->w,
                                    .bias = m->bias,
                                    .out = rows_at(&s->signal, n.from, n.n)});
    cbx_probe_see(st->probe, "hift.source", rows_at(&s->signal, n.from, n.n));
}

void source_run(const source *m, source_state *s, const rows_step *st,
                cbx_mat f0)
{
    const int half = m->n_fft / 2;
    rows_new n = rows_grow(&s->signal, st);
    cbx_mat frames;

    if (n.n) {
        if (s->f0)
            st->dev->k->upload(st->dev, f0.p, s->f0 + n.from / m->samples,
                               sizeof(float) * (size_t)f0.rows);
        run_sines(m, s, st, f0, n);
        if (s->signal_given)
            st->dev->k->upload(st->dev, rows_at(&s->signal, n.from, n.n).p,
                               s->signal_given + n.from,
                               sizeof(float) * (size_t)n.n);
        mirror(&s->signal, st, n);
    }
    n = rows_grow(&s->spec, st);
    if (n.n) {
        frames = rows_at(&s->signal, n.from * m->hop - half,
                         (n.n - 1) * m->hop + m->n_fft);
        frames = (cbx_mat){frames.p, n.n, m->n_fft, m->hop};
        st->dev->k->linear(
            st->dev, &(cbx_linear){.x = frames,
                                   .w = m->stft,
                                   .out = rows_at(&s->spec, n.from, n.n)});
        cbx_probe_see(st->probe, "hift.stft", rows_at(&s->spec, n.from, n.n));
    }
    rows_keep(&s->signal, st);
}
