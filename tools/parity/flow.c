#include "tools/parity/parity.h"
#include "tools/parity/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* flow.*: speech tokens to mel, in one cell over all tokens, from the
 * reference's noise. */

enum { MELS = 80 };

void transpose(const float *in, size_t rows, size_t cols, float *out)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            out[j * rows + i] = in[i * cols + j];
}

/* No less than the tokens that the golden's flows take: prompts and speech. */
static int tokens_in_golden(const parity *p)
{
    const char *const keys[] = {"flow.in.prompt_token", "flow.in.tokens",
                                "voice.odd.prompt_token",
                                "vc.flow.in.prompt_token", "vc.flow.in.tokens"};
    int64_t n = 5; /* voice.odd: speech */
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cbx_file_tensor *t = golden_find(&p->golden, keys[i]);
        if (t && t->ndim == 1 && t->dims[0] < 1 << 20)
            n += t->dims[0];
    }
    return (int)n;
}

cbx_status parity_open_s3gen(parity *p, cbx_error *err)
{
    char path[4096];
    cbx_status st;
    if (p->s3gen)
        return CBX_OK;
    if (!p->config.files.s3gen[0])
        return cbx_fail(err, CBX_E_FILE, "%s: no S3Gen file", p->folder);
    if ((st =
             path_in(p->folder, p->config.files.s3gen, path, sizeof path, err)))
        return st;
    if (!p->s3gen_file &&
        (st = cbx_tensor_file_open(path, &p->s3gen_file, err)))
        return st;
    return s3gen_open(p->dev, p->s3gen_file, &p->config, CBX_FMT_F32,
                      tokens_in_golden(p), &p->s3gen, err);
}

cbx_status flow_inputs_read(parity *p, const char *prefix, flow_inputs *out,
                            cbx_error *err)
{
    char tokens_key[64], prompt_key[64], feat_key[64], embedding_key[64],
        z_key[64];
    golden *g = &p->golden;
    flow_inputs in = {0};
    int64_t one[2] = {1, -1}, feat[2] = {-1, MELS}, z[2] = {MELS, -1};
    const float *embedding, *prompt_feat, *noise;
    const int32_t *prompt;
    cbx_status st;
    snprintf(tokens_key, sizeof tokens_key, "%sflow.in.tokens", prefix);
    snprintf(prompt_key, sizeof prompt_key, "%sflow.in.prompt_token", prefix);
    snprintf(feat_key, sizeof feat_key, "%sflow.in.prompt_feat", prefix);
    snprintf(embedding_key, sizeof embedding_key, "%sflow.in.embedding",
             prefix);
    snprintf(z_key, sizeof z_key, "%sflow.cfm.z", prefix);
    if ((st = golden_ids(g, tokens_key, &in.n_tokens, &in.tokens, err)) ||
        (st = golden_ids(g, prompt_key, &in.conds.n_prompt_tokens, &prompt,
                         err)) ||
        (st = golden_floats(g, feat_key, 2, feat, &prompt_feat, err)) ||
        (st = golden_floats(g, embedding_key, 2, one, &embedding, err)) ||
        (st = golden_floats(g, z_key, 2, z, &noise, err)))
        return st;
    in.conds.prompt_tokens = (int32_t *)prompt;
    in.conds.prompt_feat = (float *)prompt_feat;
    in.conds.n_prompt_frames = (int)feat[0];
    in.conds.n_mels = MELS;
    in.conds.embedding = (float *)embedding;
    in.conds.embedding_dim = (int)one[1];
    const int64_t tokens = in.conds.n_prompt_tokens + in.n_tokens;
    if (z[1] != tokens * p->config.flow.token_mel_ratio)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s has %lld frames for %lld tokens of prompt and "
                        "speech, which make %d frames each",
                        z_key, (long long)z[1], (long long)tokens,
                        p->config.flow.token_mel_ratio);
    in.z = need((size_t)z[1] * MELS, sizeof *in.z);
    transpose(noise, MELS, (size_t)z[1], in.z);
    *out = in;
    return CBX_OK;
}

cbx_status flow_setup_open(parity *p, flow_inputs *in, bool probed,
                           flow_setup *out, cbx_error *err)
{
    const flow *m = s3gen_flow(p->s3gen);
    flow_setup s = {0};
    cbx_status st = flow_voice_open(m, &in->conds, &s.voice, err);
    if (!st)
        st = flow_state_open(m, in->conds.n_prompt_tokens + in->n_tokens,
                             probed, &s.state, err);
    if (st) {
        flow_setup_close(&s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

void flow_setup_close(flow_setup *s)
{
    flow_state_close(s->state);
    flow_voice_close(s->voice);
    *s = (flow_setup){0};
}

static cbx_status trace(parity *p, flow_inputs *in, cbx_error *err)
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
    st = flow_run(s3gen_flow(p->s3gen), s.state, s.voice, &cell, &w.probe, &mel,
                  err);
    if (!st)
        watch_report(&w, &p->report);
    watch_close(&w);
    flow_setup_close(&s);
    return st;
}

void parity_flow(parity *p)
{
    flow_inputs in = {0};
    cbx_error err;
    cbx_status st = flow_inputs_read(p, "", &in, &err);
    if (!st)
        st = parity_open_s3gen(p, &err);
    if (!st)
        st = trace(p, &in, &err);
    if (st)
        report_not_run(&p->report, "flow.", "%s", err.text);
    free(in.z);
}
