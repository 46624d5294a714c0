#include "tools/parity/parity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* source.*: the harmonic source alone, on a given f0 (hifigan.py: SineGen,
 * SourceModuleHnNSF). */

/* Device memory of one run. */
typedef struct run {
    cbx_dev *dev;
    int harmonics, frames, hop;
    double *phase;
    float *phase0, *w, *bias, *f0, *noise, *out;
} run;

static void close_run(run *r)
{
    void *const all[] = {r->phase, r->phase0, r->w,  r->bias,
                         r->f0,    r->noise,  r->out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i])
            r->dev->k->mem_free(r->dev, all[i]);
}

static cbx_status open_run(parity *p, int frames, run *r, cbx_error *err)
{
    const size_t H = (size_t)p->config.hift.nb_harmonics + 1;
    const size_t hop = (size_t)s3gen_get_info(p->s3gen)->samples_per_frame;
    const size_t n = (size_t)frames * hop;
    cbx_dev *d = p->dev;
    *r =
        (run){.dev = d, .harmonics = (int)H, .frames = frames, .hop = (int)hop};
    r->phase = d->k->mem_new(d, H * sizeof *r->phase);
    r->phase0 = d->k->mem_new(d, H * sizeof(float));
    r->w = d->k->mem_new(d, H * sizeof(float));
    r->bias = d->k->mem_new(d, sizeof(float));
    r->f0 = d->k->mem_new(d, (size_t)frames * sizeof(float));
    r->noise = d->k->mem_new(d, n * H * sizeof(float));
    r->out = d->k->mem_new(d, n * sizeof(float));
    if (!r->phase || !r->phase0 || !r->w || !r->bias || !r->f0 || !r->noise ||
        !r->out) {
        close_run(r);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a source");
    }
    return CBX_OK;
}

static void go(parity *p, const run *r, float *out)
{
    const cbx_config_hift *c = &p->config.hift;
    const int n = r->frames * r->hop;
    p->dev->k->sine_source(
        p->dev,
        &(cbx_sine_source){.f0 = {r->f0, r->frames, 1, 1},
                           .hop = r->hop,
                           .rate = (float)c->sample_rate,
                           .amp = c->sine_amp,
                           .noise_std = c->noise_std,
                           .gate = c->voiced_threshold,
                           .harmonics = r->harmonics,
                           .phase = r->phase,
                           .phase0 = r->phase0,
                           .noise = {r->noise, n, r->harmonics, r->harmonics},
                           .w = r->w,
                           .bias = r->bias,
                           .out = {r->out, n, 1, 1}});
    p->dev->k->download(p->dev, out, r->out, (size_t)n * sizeof *out);
}

static cbx_status upload_weights(parity *p, const run *r, cbx_error *err)
{
    const int64_t one[1] = {1}, row[2] = {1, r->harmonics};
    const cbx_file_tensor *tw, *tb;
    float bias, *w = need((size_t)r->harmonics, sizeof *w);
    cbx_status st = cbx_tensor_need(
        p->s3gen_file, "mel2wav.m_source.l_linear.weight", 2, row, &tw, err);
    if (!st)
        st = cbx_tensor_need(p->s3gen_file, "mel2wav.m_source.l_linear.bias", 1,
                             one, &tb, err);
    if (!st && !(st = cbx_tensor_f32(tw, w, err)) &&
        !(st = cbx_tensor_f32(tb, &bias, err))) {
        p->dev->k->upload(p->dev, r->w, w, (size_t)r->harmonics * sizeof *w);
        p->dev->k->upload(p->dev, r->bias, &bias, sizeof bias);
        p->dev->k->sync(p->dev);
    }
    free(w);
    return st;
}

/* A few frames, with those at the gate, from the reference's random numbers. */
static cbx_status run_short(parity *p, cbx_error *err)
{
    const float *f0;
    size_t frames;
    hift_inputs in;
    run r;
    cbx_status st =
        golden_signal(&p->golden, "source.in.f0", &f0, &frames, err);
    if (st || (st = hift_inputs_read(p, "source.in.", &in, err)))
        return st;
    st = open_run(p, (int)frames, &r, err);
    if (!st && in.samples != (int64_t)r.frames * r.hop)
        st = cbx_fail(err, CBX_E_SHAPE, "source.in.noise: %lld samples",
                      (long long)in.samples);
    if (!st && !(st = upload_weights(p, &r, err))) {
        const size_t n = (size_t)in.samples, H = (size_t)in.harmonics;
        float *out = need(2 * n, sizeof *out), *loss = out + n;
        float *voiced = need(frames, sizeof *voiced);
        p->dev->k->upload(p->dev, r.f0, f0, frames * sizeof *f0);
        p->dev->k->upload(p->dev, r.phase0, in.phase, H * sizeof(float));
        p->dev->k->upload(p->dev, r.noise, in.noise, n * H * sizeof(float));
        p->dev->k->sync(p->dev);
        go(p, &r, out);
        if (!(st = source_loss(p, &in, f0, frames, loss, err))) {
            for (size_t i = 0; i < n; i++)
                out[i] += loss[i];
            for (size_t i = 0; i < frames; i++)
                voiced[i] = f0[i] > p->config.hift.voiced_threshold;
            report_floats(&p->report, "source.out", out, n, TOL_STAGE);
            report_floats(&p->report, "source.uv_per_frame", voiced, frames,
                          TOL_EXACT);
        }
        free(voiced);
        free(out);
    }
    close_run(&r);
    hift_inputs_free(&in);
    return st;
}

/* Adds to the last n samples of one harmonic what the reference's rounding of
 * the phase does to them (source.c says more). Returns the largest of it. */
static double add_loss(double amp, double step, int samples, float *out, int n)
{
    double sum = 0, most = 0;
    for (int i = 0; i < samples; i++) {
        sum += step;
        if (i < samples - n)
            continue;
        const double rounded = (double)fmodf((float)sum, 1);
        const double loss =
            amp * (sin(2 * M_PI * rounded) - sin(2 * M_PI * fmod(sum, 1)));
        out[i - (samples - n)] += (float)loss;
        most = fmax(most, fabs(loss));
    }
    return most;
}

/* One harmonic alone, without noise, after 12 s: tanh is taken back. */
static cbx_status run_long(parity *p, cbx_error *err)
{
    enum { LAST = 480 };
    const char *const key = "source.long.sines_last_480";
    const cbx_config_hift *c = &p->config.hift;
    const int H = c->nb_harmonics + 1;
    const int32_t *samples;
    int count;
    float f0;
    run r;
    cbx_status st = golden_number(&p->golden, "source.long.f0", &f0, err);
    if (!st)
        st = golden_ids(&p->golden, "source.long.n", &count, &samples, err);
    if (st)
        return st;
    const int hop = s3gen_get_info(p->s3gen)->samples_per_frame;
    if (count != 1 || samples[0] < LAST || samples[0] > 1 << 22 ||
        samples[0] % hop)
        return cbx_fail(err, CBX_E_SHAPE, "source.long.n: not a length");
    const int n = samples[0];
    float *out = need((size_t)n, sizeof *out);
    float *f0s = need((size_t)(n / hop), sizeof *f0s);
    float *sines = need((size_t)H * LAST, sizeof *sines);
    double most = 0;
    for (int i = 0; i < n / hop; i++)
        f0s[i] = f0;
    for (int h = 0; h < H && !st; h++) {
        const float one = 1;
        if ((st = open_run(p, n / hop, &r, err)))
            break;
        p->dev->k->upload(p->dev, r.f0, f0s, (size_t)(n / hop) * sizeof f0);
        p->dev->k->upload(p->dev, r.w + h, &one, sizeof one);
        p->dev->k->sync(p->dev);
        go(p, &r, out);
        close_run(&r);
        const double step =
            (double)(f0 * (float)(h + 1) / (float)c->sample_rate);
        float *last = sines + h * LAST;
        for (int i = 0; i < LAST; i++)
            last[i] = (float)atanh((double)out[n - LAST + i]);
        most = fmax(most, add_loss((double)c->sine_amp, step, n, last, LAST));
    }
    if (!st) {
        report_floats(&p->report, key, sines, (size_t)H * LAST, TOL_STAGE);
        report_note(&p->report,
                    "%s: the reference rounds its running phase to f32, up to "
                    "%.1e at an amplitude of %.1f; taken into account",
                    key, most, (double)c->sine_amp);
    }
    free(sines);
    free(f0s);
    free(out);
    return st;
}

void parity_source(parity *p)
{
    cbx_error err;
    cbx_status st = parity_open_s3gen(p, &err);
    if (!st)
        st = run_short(p, &err);
    if (!st)
        st = run_long(p, &err);
    if (st)
        report_not_run(&p->report, "source.", "%s", err.text);
}
