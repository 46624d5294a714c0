#include "tools/parity/parity.h"
#include "tools/parity/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* hift.*: mel to PCM in one piece, from the reference's mel and its random
 * numbers. The source runs from the reference's f0, and what is behind it from
 * the reference's source: an error of 1e-7 in f0 is one of 1e-4 in the source
 * after seconds, as it adds up in the phase. */

enum { MELS = 80 };

cbx_status hift_inputs_read(parity *p, const char *prefix, hift_inputs *out,
                            cbx_error *err)
{
    char phase_key[64], noise_key[64];
    golden *g = &p->golden;
    hift_inputs in = {.harmonics = p->config.hift.nb_harmonics + 1};
    int64_t n[1] = {in.harmonics}, size[2] = {in.harmonics, -1};
    const float *phase, *noise;
    cbx_status st;
    snprintf(phase_key, sizeof phase_key, "%sphase", prefix);
    snprintf(noise_key, sizeof noise_key, "%snoise", prefix);
    if ((st = golden_floats(g, phase_key, 1, n, &phase, err)) ||
        (st = golden_floats(g, noise_key, 2, size, &noise, err)))
        return st;
    in.samples = size[1];
    in.phase = need((size_t)in.harmonics, sizeof *in.phase);
    in.noise =
        need((size_t)in.harmonics * (size_t)in.samples, sizeof *in.noise);
    memcpy(in.phase, phase, (size_t)in.harmonics * sizeof *phase);
    in.phase[0] = 0; /* hifigan.py: SineGen.forward */
    transpose(noise, (size_t)in.harmonics, (size_t)in.samples, in.noise);
    *out = in;
    return CBX_OK;
}

void hift_inputs_free(hift_inputs *in)
{
    free(in->phase);
    free(in->noise);
    *in = (hift_inputs){0};
}

cbx_status hift_speak(parity *p, const hift_inputs *in, cbx_mat mel,
                      const cbx_probe *probe, float **pcm, size_t *samples,
                      cbx_error *err)
{
    const hift *m = s3gen_hift(p->s3gen);
    const int hop = s3gen_get_info(p->s3gen)->samples_per_frame;
    hift_state *s;
    if (in->samples != (int64_t)mel.rows * hop)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the golden's noise is for %lld samples, %d frames of "
                        "mel make %lld",
                        (long long)in->samples, mel.rows,
                        (long long)mel.rows * hop);
    const cbx_status st = hift_state_open(m, mel.rows, probe != NULL, &s, err);
    if (st)
        return st;
    hift_begin(m, s, &(hift_segment){.phase = in->phase, .noise = in->noise});
    *samples = (size_t)hift_samples(m, s, mel.rows, true);
    *pcm = need(*samples, sizeof **pcm);
    hift_run(m, s, mel, true, probe, *pcm);
    hift_state_close(s);
    return CBX_OK;
}

cbx_status parity_upload_mel(parity *p, const char *key, cbx_mat *out,
                             cbx_error *err)
{
    int64_t dims[2] = {MELS, -1};
    const float *golden_mel;
    const cbx_status st =
        golden_floats(&p->golden, key, 2, dims, &golden_mel, err);
    if (st)
        return st;
    if (dims[1] < 1 || dims[1] > 1 << 20)
        return cbx_fail(err, CBX_E_SHAPE, "%s: %lld frames", key,
                        (long long)dims[1]);
    const size_t n = (size_t)dims[1] * MELS;
    cbx_mat mel = {p->dev->k->mem_new(p->dev, n * sizeof *mel.p), (int)dims[1],
                   MELS, MELS};
    if (!mel.p)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a mel");
    float *rows = need(n, sizeof *rows);
    transpose(golden_mel, MELS, (size_t)dims[1], rows);
    p->dev->k->upload(p->dev, mel.p, rows, n * sizeof *rows);
    p->dev->k->sync(p->dev);
    free(rows);
    *out = mel;
    return CBX_OK;
}

static void report_fade(parity *p)
{
    const cbx_file_tensor *t = golden_find(&p->golden, "hift.trim_fade");
    if (!t || t->numel > 1 << 20)
        return;
    float *ones = need(t->numel, sizeof *ones);
    for (size_t i = 0; i < t->numel; i++)
        ones[i] = 1;
    s3gen_trim_fade(p->s3gen, 0, ones, (int)t->numel);
    report_floats(&p->report, "hift.trim_fade", ones, t->numel, TOL_STAGE);
    free(ones);
}

/* Ours is exact where the reference rounds its phase, which is about 1e-4 of
 * the signal after seconds: that much is added to ours, and said. */
static cbx_status report_source(parity *p, const hift_inputs *in,
                                const watch *w, cbx_error *err)
{
    const watch_entry *ours = watch_find(w, "hift.source");
    const float *f0, *want;
    size_t frames, n;
    double lost = 0, norm = 0;
    cbx_status st = golden_signal(&p->golden, "hift.f0", &f0, &frames, err);
    if (!st)
        st = golden_signal(&p->golden, "hift.source", &want, &n, err);
    if (st)
        return st;
    if (!ours || ours->cols != 1 || ours->rows != n)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%zu samples, where the golden has %zu",
                        ours ? ours->rows : 0, n);
    float *v = need(n, sizeof *v);
    if (!(st = source_loss(p, in, f0, frames, v, err))) {
        for (size_t i = 0; i < n; i++) {
            lost += (double)v[i] * (double)v[i];
            norm += (double)want[i] * (double)want[i];
            v[i] += ours->v[i];
        }
        report_floats(&p->report, "hift.source", v, n, TOL_STAGE);
        report_note(&p->report,
                    "hift.source: the reference rounds its running phase to "
                    "f32, relative L2 %.2e here; taken into account",
                    norm > 0 ? sqrt(lost / norm) : 0.0);
    }
    free(v);
    return st;
}

/* f0 and source are replaced by the reference's once they have been seen. */
static cbx_status trace(parity *p, const hift_inputs *in, cbx_mat mel,
                        cbx_error *err)
{
    watch w;
    float *pcm;
    size_t n;
    cbx_error why;
    cbx_status st;
    watch_open(&w, p->dev, true);
    w.ignore = "hift.source";
    for (int i = 0; i < 2; i++) {
        watch_swap *s = &w.swaps[i];
        s->name = i ? "hift.source" : "hift.f0";
        if (golden_find(&p->golden, s->name) &&
            (st = golden_signal(&p->golden, s->name, &s->v, &s->n, err)))
            goto close;
    }
    if ((st = hift_speak(p, in, mel, &w.probe, &pcm, &n, err)))
        goto close;
    watch_report(&w, &p->report);
    if (golden_find(&p->golden, "hift.source") &&
        report_source(p, in, &w, &why))
        report_fail(&p->report, "hift.source", "%s", why.text);
    report_floats(&p->report, "hift.wav_nofade", pcm, n, TOL_STAGE);
    s3gen_trim_fade(p->s3gen, 0, pcm, (int)n);
    report_floats(&p->report, "hift.wav", pcm, n, TOL_STAGE);
    report_fade(p);
    free(pcm);
close:
    watch_close(&w);
    return st;
}

void parity_hift(parity *p)
{
    hift_inputs in = {0};
    cbx_mat mel = {0};
    cbx_error err;
    cbx_status st = hift_inputs_read(p, "hift.in.", &in, &err);
    if (!st)
        st = parity_open_s3gen(p, &err);
    if (!st)
        st = parity_upload_mel(p, "flow.out_mel", &mel, &err);
    if (!st)
        st = trace(p, &in, mel, &err);
    if (st)
        report_not_run(&p->report, "hift.", "%s", err.text);
    if (mel.p)
        p->dev->k->mem_free(p->dev, mel.p);
    hift_inputs_free(&in);
}
