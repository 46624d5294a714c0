#include "models/voice/prepare.h"
#include "tools/parity/sound.h"
#include "tools/parity/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* End to end, by the way that speech takes: no probes, so with every
 * operation fused as it is when speaking. */

/* logits: [speech_vocab]; row: "" or what stands behind the key. */
static void compare_row(parity *p, const float *logits, const char *row,
                        int step)
{
    char key[64], name[80];
    const int V = t3_get_info(p->t3)->speech_vocab;
    int64_t dims[1] = {V};
    const float *want;
    cbx_error err;
    if (step > 0)
        snprintf(key, sizeof key, "t3.step%d.logits%s", step, row);
    else
        snprintf(key, sizeof key, "t3.prefill.logits%s", row);
    snprintf(name, sizeof name, "end.%s", key);
    if (!golden_find(&p->golden, key))
        return;
    if (golden_floats(&p->golden, key, 1, dims, &want, &err))
        report_fail(&p->report, name, "%s", err.text);
    else
        report_named(&p->report, name, logits, want, (size_t)V, TOL_END);
}

/* logits: scratch, [T3_MAX_ROWS][speech_vocab] */
static void compare_logits(parity *p, const t3_state *s, float *logits,
                           int step)
{
    t3_read_logits(p->t3, s, logits);
    if (p->config.t3.gpt2) {
        compare_row(p, logits, "", step);
        return;
    }
    compare_row(p, logits, "_cond", step);
    if (t3_rows(s) > 1)
        compare_row(p, logits + t3_get_info(p->t3)->speech_vocab, "_uncond",
                    step);
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
            need(T3_MAX_ROWS * (size_t)t3_get_info(p->t3)->speech_vocab,
                 sizeof *logits);
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

/* One way from mel to PCM, fade included. */
typedef enum way {
    UNPROBED, /* as speech is made */
    PROBED,
    THEIR_SOURCE, /* with the reference's source in the place of ours */
} way;

static cbx_status speak(parity *p, const hift_inputs *in, cbx_mat mel, way how,
                        float **pcm, size_t *n, cbx_error *err)
{
    watch w;
    cbx_status st = CBX_OK;
    watch_open(&w, p->dev, true);
    w.swaps[0].name = "hift.source";
    if (how == THEIR_SOURCE)
        st = golden_signal(&p->golden, "hift.source", &w.swaps[0].v,
                           &w.swaps[0].n, err);
    if (!st)
        st = hift_speak(p, in, mel, how == UNPROBED ? NULL : &w.probe, pcm, n,
                        err);
    if (!st)
        s3gen_trim_fade(p->s3gen, 0, *pcm, (int)*n);
    watch_close(&w);
    return st;
}

/* The phase of the harmonics is the sum of f0 over all samples so far, and the
 * network behind it multiplies what differs. The reference's f0 itself is 4e-7
 * to 1e-6 from what f64 gives for its mel (measured on six goldens), which is
 * more than 1e-3 at the end; so the end is judged with the reference's source,
 * and stated with our own. */
static cbx_status compare_wav(parity *p, cbx_mat mel, cbx_error *err)
{
    hift_inputs in = {0};
    float *pcm[3] = {NULL};
    size_t n[3], n_want = 0;
    const float *want;
    cbx_status st = hift_inputs_read(p, "hift.in.", &in, err);
    for (int i = 0; i < 3 && !st; i++)
        st = speak(p, &in, mel, (way)i, &pcm[i], &n[i], err);
    if (!st)
        st = golden_signal(&p->golden, "hift.wav", &want, &n_want, err);
    if (!st && n[0] != n_want)
        st = cbx_fail(err, CBX_E_SHAPE, "%zu samples, where the golden has %zu",
                      n[0], n_want);
    if (!st) {
        report_named(&p->report, "end.wav", pcm[THEIR_SOURCE], want, n_want,
                     TOL_END);
        report_named(&p->report, "end.wav_unprobed", pcm[UNPROBED], pcm[PROBED],
                     n_want, TOL_STAGE);
        report_apart(&p->report, "end.wav_own_source", pcm[UNPROBED], want,
                     n_want, "the f32 errors of both f0 add up in the phase");
    }
    for (int i = 0; i < 3; i++)
        free(pcm[i]);
    hift_inputs_free(&in);
    return st;
}

/* Tokens to mel to PCM. */
static cbx_status run_s3gen(parity *p, cbx_error *err)
{
    flow_inputs in = {0};
    flow_setup s = {0};
    cbx_mat mel;
    cbx_status st = flow_inputs_read(p, "", &in, err);
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
            st = compare_wav(p, mel, err);
    }
    flow_setup_close(&s);
    free(in.z);
    return st;
}

/* A recording to a voice, all at once. */
static cbx_status compare_conds(parity *p, const cbx_conds *c, cbx_error *err)
{
    const struct {
        const char *key, *name;
        const float *v;
        size_t n;
    } floats[] = {
        {"voice.gen.prompt_feat", "end.voice.prompt_feat", c->prompt_feat,
         (size_t)c->n_prompt_frames * (size_t)c->n_mels},
        {"voice.gen.embedding", "end.voice.embedding", c->embedding,
         (size_t)c->embedding_dim},
        {"voice.ve.out", "end.voice.speaker_emb", c->speaker_emb,
         (size_t)c->speaker_dim},
    };
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
        int64_t dims[2] = {-1, -1};
        const float *want;
        const cbx_status st =
            golden_floats(&p->golden, floats[i].key, 2, dims, &want, err);
        if (st)
            return st;
        if ((size_t)(dims[0] * dims[1]) != floats[i].n)
            return cbx_fail(
                err, CBX_E_SHAPE, "%s: %zu values, where the golden has %lld",
                floats[i].name, floats[i].n, (long long)(dims[0] * dims[1]));
        report_named(&p->report, floats[i].name, floats[i].v, want, floats[i].n,
                     TOL_END);
    }
    return CBX_OK;
}

static void compare_tokens(parity *p, const char *key, const char *name,
                           const int32_t *got, int n)
{
    const int32_t *want;
    int n_want;
    cbx_error err;
    if (golden_ids(&p->golden, key, &n_want, &want, &err))
        report_fail(&p->report, name, "%s", err.text);
    else if (n != n_want)
        report_fail(&p->report, name, "%d tokens, where the golden has %d", n,
                    n_want);
    else
        report_named_ids(&p->report, name, got, want, (size_t)n);
}

static cbx_status run_voice(parity *p, cbx_error *err)
{
    cbx_voice_maker *m;
    cbx_conds *c;
    float *wav;
    size_t n;
    cbx_status st = sound_recording(p, &wav, &n, err);
    if (st)
        return st;
    if (!(st = cbx_voice_maker_open(p->dev, p->folder, &p->config, &m, err))) {
        st = cbx_voice_make(m, wav, n, NULL, &c, err);
        cbx_voice_maker_close(m);
    }
    free(wav);
    if (st)
        return st;
    st = compare_conds(p, c, err);
    compare_tokens(p, "voice.gen.prompt_token", "end.voice.prompt_token",
                   c->prompt_tokens, c->n_prompt_tokens);
    compare_tokens(p, "voice.t3.prompt_tokens", "end.voice.t3_tokens",
                   c->t3_tokens, c->n_t3_tokens);
    cbx_conds_close(c);
    return st;
}

void parity_end(parity *p)
{
    cbx_error err;
    if (golden_has(&p->golden, "t3.") && run_t3(p, &err))
        report_fail(&p->report, "end.t3", "%s", err.text);
    if (golden_has(&p->golden, "flow.") && run_s3gen(p, &err))
        report_fail(&p->report, "end.s3gen", "%s", err.text);
    if (golden_has(&p->golden, "voice.") && run_voice(p, &err))
        report_fail(&p->report, "end.voice", "%s", err.text);
}
