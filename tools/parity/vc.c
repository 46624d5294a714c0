#include "models/voice/s3tok.h"
#include "tools/parity/parity.h"
#include "tools/parity/watch.h"

#include <stdlib.h>

/* vc.*: what somebody said, in another voice (vc.py: ChatterboxVC.generate):
 * speech tokens of a recording, then S3Gen with the voice's prompt. */

/* Tokens of the recording, by the speech tokenizer alone. */
static cbx_status run_tokens(parity *p, cbx_error *err)
{
    char path[4096];
    const float *wav;
    size_t n;
    cbx_tensor_file *file;
    s3tok *m;
    voice_rows mel;
    int32_t *tokens;
    cbx_status st = golden_signal(&p->golden, "vc.in.wav16", &wav, &n, err);
    if (st ||
        (st = path_in(p->folder, p->config.files.s3tokenizer, path, sizeof path,
                      err)) ||
        (st = cbx_tensor_file_open(path, &file, err)))
        return st;
    st = s3tok_open(p->dev, file, &p->config.s3tok, &m, err);
    cbx_tensor_file_close(file);
    if (st)
        return st;
    if (!(st = voice_token_mel(wav, n, &mel, err))) {
        st = s3tok_encode(m, &mel, mel.rows, NULL, &tokens, err);
        if (!st) {
            report_ids(&p->report, "vc.flow.in.tokens", tokens,
                       (size_t)s3tok_count(mel.rows));
            free(tokens);
        }
        free(mel.v);
    }
    s3tok_close(m);
    return st;
}

static cbx_status run_flow(parity *p, flow_inputs *in, cbx_error *err)
{
    flow_setup s;
    watch w;
    cbx_mat mel;
    const flow_cell cell = {.tokens = in->tokens,
                            .known = in->n_tokens,
                            .final = true,
                            .to = in->n_tokens,
                            .z = in->z};
    cbx_status st = flow_setup_open(p, in, true, &s, err);
    if (st)
        return st;
    watch_open(&w, p->dev, false);
    w.prefix = "vc.";
    st = flow_run(s3gen_flow(p->s3gen), s.state, s.voice, &cell, &w.probe, &mel,
                  err);
    if (!st)
        watch_report(&w, &p->report);
    watch_close(&w);
    flow_setup_close(&s);
    return st;
}

/* Each stage from what the reference had before it, as in hift.*. */
static cbx_status run_hift(parity *p, const hift_inputs *in, cbx_mat mel,
                           cbx_error *err)
{
    watch w;
    float *pcm;
    size_t n;
    watch_open(&w, p->dev, true);
    w.prefix = "vc.";
    w.swaps[0].name = "hift.f0";
    w.swaps[1].name = "hift.source";
    cbx_status st = golden_signal(&p->golden, "vc.hift.f0", &w.swaps[0].v,
                                  &w.swaps[0].n, err);
    if (!st)
        st = golden_signal(&p->golden, "vc.hift.source", &w.swaps[1].v,
                           &w.swaps[1].n, err);
    if (!st)
        st = hift_speak(p, in, mel, &w.probe, &pcm, &n, err);
    if (!st) {
        watch_report(&w, &p->report);
        s3gen_trim_fade(p->s3gen, 0, pcm, (int)n);
        report_floats(&p->report, "vc.hift.wav", pcm, n, TOL_STAGE);
        free(pcm);
    }
    watch_close(&w);
    return st;
}

void parity_vc(parity *p)
{
    flow_inputs in = {0};
    hift_inputs random = {0};
    cbx_mat mel = {0};
    cbx_error err;
    cbx_status st = run_tokens(p, &err);
    if (!st)
        st = flow_inputs_read(p, "vc.", &in, &err);
    if (!st)
        st = parity_open_s3gen(p, &err);
    if (!st)
        st = run_flow(p, &in, &err);
    if (!st)
        st = hift_inputs_read(p, "vc.hift.in.", &random, &err);
    if (!st)
        st = parity_upload_mel(p, "vc.flow.out_mel", &mel, &err);
    if (!st)
        st = run_hift(p, &random, mel, &err);
    if (st)
        report_not_run(&p->report, "vc.", "%s", err.text);
    if (mel.p)
        p->dev->k->mem_free(p->dev, mel.p);
    hift_inputs_free(&random);
    free(in.z);
}
