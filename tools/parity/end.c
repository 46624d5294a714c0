#include "tools/parity/parity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* End to end, by the way that speech takes: no probes, so with every
 * operation fused as it is when speaking. */

static void compare_logits(parity *p, const t3_state *s, float *logits,
                           int step)
{
    char key[64] = "t3.prefill.logits", name[80];
    const int V = t3_get_info(p->t3)->speech_vocab;
    int64_t dims[1] = {V};
    const float *want;
    cbx_error err;
    if (step > 0)
        snprintf(key, sizeof key, "t3.step%d.logits", step);
    snprintf(name, sizeof name, "end.%s", key);
    if (!golden_find(&p->golden, key))
        return;
    if (golden_floats(&p->golden, key, 1, dims, &want, &err)) {
        report_fail(&p->report, name, "%s", err.text);
        return;
    }
    t3_read_logits(p->t3, s, logits);
    report_named(&p->report, name, logits, want, (size_t)V, TOL_END);
}

/* Voice, text and forced tokens by t3_begin and t3_feed. */
static cbx_status run_t3(parity *p, cbx_error *err)
{
    t3_inputs in;
    t3_voice *voice = NULL;
    t3_state *state = NULL;
    cbx_status st = t3_inputs_read(p, "t3.in.text_ids", &in, err);
    if (!st)
        st = parity_open_t3(p, err);
    if (!st)
        st = t3_voice_open(p->t3, &in.conds, &voice, err);
    if (!st)
        st = t3_state_open(
            p->t3, t3_voice_positions(voice) + in.segment.n + 1 + in.n_forced,
            &state, err);
    if (!st)
        st = t3_begin(p->t3, state, voice, &in.segment, err);
    if (!st) {
        float *logits =
            need((size_t)t3_get_info(p->t3)->speech_vocab, sizeof *logits);
        compare_logits(p, state, logits, 0);
        for (int i = 0; i < in.n_forced && !st; i++)
            if (!(st = t3_feed(p->t3, state, in.forced[i], err)))
                compare_logits(p, state, logits, i + 1);
        free(logits);
    }
    t3_state_close(state);
    t3_voice_close(voice);
    return st;
}

static void compare_mel(parity *p, cbx_mat mel)
{
    int64_t dims[2] = {mel.cols, mel.rows};
    const size_t n = (size_t)mel.rows * (size_t)mel.cols;
    const float *want;
    cbx_error err;
    if (golden_floats(&p->golden, "flow.out_mel", 2, dims, &want, &err)) {
        report_fail(&p->report, "end.mel", "%s", err.text);
        return;
    }
    float *rows = need(2 * n, sizeof *rows), *turned = rows + n;
    for (int i = 0; i < mel.rows; i++)
        p->dev->k->download(p->dev, rows + (size_t)i * (size_t)mel.cols,
                            mel.p + (ptrdiff_t)i * mel.ld,
                            (size_t)mel.cols * sizeof *rows);
    transpose(rows, (size_t)mel.rows, (size_t)mel.cols, turned);
    report_named(&p->report, "end.mel", turned, want, n, TOL_END);
    free(rows);
}

static cbx_status compare_wav(parity *p, const char *name, cbx_mat mel,
                              cbx_error *err)
{
    hift_inputs in = {0};
    int64_t dims[1];
    const float *want;
    float *pcm = NULL;
    size_t n;
    cbx_status st = hift_inputs_read(p, &in, err);
    if (!st)
        st = hift_speak(p, &in, mel, NULL, &pcm, &n, err);
    if (!st) {
        dims[0] = (int64_t)n;
        st = golden_floats(&p->golden, "hift.wav", 1, dims, &want, err);
    }
    if (!st) {
        s3gen_trim_fade(p->s3gen, 0, pcm, (int)n);
        report_named(&p->report, name, pcm, want, n, TOL_END);
    }
    free(pcm);
    hift_inputs_free(&in);
    return st;
}

/* The reference's mel to PCM. */
static cbx_status run_hift(parity *p, cbx_error *err)
{
    cbx_mat mel = {0};
    cbx_status st = parity_open_s3gen(p, err);
    if (!st)
        st = upload_mel(p, &mel, err);
    if (!st) {
        st = compare_wav(p, "end.wav_of_mel", mel, err);
        p->dev->k->mem_free(p->dev, mel.p);
    }
    return st;
}

/* Tokens to mel to PCM. */
static cbx_status run_s3gen(parity *p, cbx_error *err)
{
    flow_inputs in = {0};
    flow_setup s = {0};
    cbx_mat mel;
    cbx_status st = flow_inputs_read(p, &in, err);
    const flow_cell cell = {.tokens = in.tokens,
                            .known = in.n_tokens,
                            .final = true,
                            .to = in.n_tokens,
                            .z = in.z};
    if (!st)
        st = parity_open_s3gen(p, err);
    if (!st)
        st = flow_setup_open(p, &in, false, &s, err);
    if (!st)
        st = flow_run(s3gen_flow(p->s3gen), s.state, s.voice, &cell, NULL, &mel,
                      err);
    if (!st) {
        compare_mel(p, mel);
        if (golden_find(&p->golden, "hift.wav"))
            st = compare_wav(p, "end.wav", mel, err);
    }
    flow_setup_close(&s);
    free(in.z);
    return st;
}

void parity_end(parity *p)
{
    cbx_error err;
    if (golden_has(&p->golden, "t3.") && run_t3(p, &err))
        report_fail(&p->report, "end.t3", "%s", err.text);
    if (golden_has(&p->golden, "flow.") && run_s3gen(p, &err))
        report_fail(&p->report, "end.s3gen", "%s", err.text);
    if (golden_find(&p->golden, "hift.wav") && run_hift(p, &err))
        report_fail(&p->report, "end.hift", "%s", err.text);
}
