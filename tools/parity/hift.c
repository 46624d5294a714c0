#include "tools/parity/parity.h"
#include "tools/parity/watch.h"

#include <stdlib.h>
#include <string.h>

/* hift.*: mel to PCM in one piece, from the reference's mel and its random
 * numbers. */

enum { MELS = 80 };

cbx_status hift_inputs_read(parity *p, hift_inputs *out, cbx_error *err)
{
    golden *g = &p->golden;
    hift_inputs in = {.harmonics = p->config.hift.nb_harmonics + 1};
    int64_t n[1] = {in.harmonics}, size[2] = {in.harmonics, -1};
    const float *phase, *noise;
    cbx_status st;
    if ((st = golden_floats(g, "hift.in.phase", 1, n, &phase, err)) ||
        (st = golden_floats(g, "hift.in.noise", 2, size, &noise, err)))
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
                        "hift.in.noise is for %lld samples, %d frames of mel "
                        "make %lld",
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

/* The golden's mel in device memory, to be freed with mem_free. */
static cbx_status upload_mel(parity *p, cbx_mat *out, cbx_error *err)
{
    int64_t dims[2] = {MELS, -1};
    const float *golden_mel;
    const cbx_status st =
        golden_floats(&p->golden, "flow.out_mel", 2, dims, &golden_mel, err);
    if (st)
        return st;
    if (dims[1] < 1 || dims[1] > 1 << 20)
        return cbx_fail(err, CBX_E_SHAPE, "flow.out_mel: %lld frames",
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

static cbx_status trace(parity *p, const hift_inputs *in, cbx_error *err)
{
    cbx_mat mel;
    watch w;
    float *pcm;
    size_t n;
    cbx_status st = upload_mel(p, &mel, err);
    if (st)
        return st;
    watch_open(&w, p->dev, true);
    if (!(st = hift_speak(p, in, mel, &w.probe, &pcm, &n, err))) {
        watch_report(&w, &p->report);
        report_floats(&p->report, "hift.wav_nofade", pcm, n, TOL_STAGE);
        s3gen_trim_fade(p->s3gen, 0, pcm, (int)n);
        report_floats(&p->report, "hift.wav", pcm, n, TOL_STAGE);
        report_fade(p);
        free(pcm);
    }
    watch_close(&w);
    p->dev->k->mem_free(p->dev, mel.p);
    return st;
}

void parity_hift(parity *p)
{
    hift_inputs in = {0};
    cbx_error err;
    cbx_status st = hift_inputs_read(p, &in, &err);
    if (!st)
        st = parity_open_s3gen(p, &err);
    if (!st)
        st = trace(p, &in, &err);
    if (st)
        report_not_run(&p->report, "hift.", "%s", err.text);
    hift_inputs_free(&in);
}
