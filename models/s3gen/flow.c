#include "models/s3gen/flow_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct flow_state {
    cbx_dev *dev;
    int max_tokens;
    bool probed;
    int32_t *host_ids;
    int32_t *ids; /* device, [max_tokens + lookahead] */
    space mem;
};

/* -- model ----------------------------------------------------------------- */

void flow_load(struct load *l, const cbx_config *config, int max_tokens,
               flow **out)
{
    flow *m = l->status ? NULL : calloc(1, sizeof *m);

    if (!m) {
        if (!l->status)
            l->status = cbx_fail(l->err, CBX_E_NOMEM, "memory ran out");
        return;
    }
    m->dev = l->dev;
    m->cfg = config->cfm.meanflow ? 0 : config->cfm.cfg_rate;
    encoder_load(l, &config->flow, max_tokens, &m->encoder);
    unet_load(l, &config->cfm, &m->unet);
    m->speaker_dim = load_dim(l, 2, 1, "flow.spk_embed_affine_layer");
    m->speaker = load_linear(l, m->speaker_dim, m->encoder.mels, true,
                             "flow.spk_embed_affine_layer");
    if (!l->status && m->unet.mels != m->encoder.mels)
        l->status = cbx_fail(l->err, CBX_E_SHAPE,
                             "%s: flow.encoder_proj gives %d mel channels, the "
                             "estimator %d",
                             cbx_tensor_file_path(l->file), m->encoder.mels,
                             m->unet.mels);
    *out = m;
}

void flow_close(flow *m)
{
    free(m);
}

flow_info flow_get_info(const flow *m)
{
    return (flow_info){
        .mels = m->encoder.mels,
        .codes = m->encoder.codes,
        .max_tokens = m->encoder.max_tokens,
        .lookahead = m->encoder.lookahead,
        .frames_per_token = m->encoder.up,
        .speaker_dim = m->speaker_dim,
    };
}

/* -- voice ----------------------------------------------------------------- */

cbx_status flow_check_ids(const flow *m, const int32_t *ids, int n,
                          const char *what, cbx_error *err)
{
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= m->encoder.codes)
            return cbx_fail(err, CBX_E_ARG,
                            "%s %d is %d; this model speaks tokens 0 to %d",
                            what, i, ids[i], m->encoder.codes - 1);
    return CBX_OK;
}

static cbx_status check_conds(const flow *m, const cbx_conds *c, cbx_error *err)
{
    const int up = m->encoder.up, frames = c->n_prompt_frames;

    if (c->embedding_dim != m->speaker_dim)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the voice's gen.embedding has %d numbers; this model "
                        "takes %d",
                        c->embedding_dim, m->speaker_dim);
    if (c->n_mels != m->encoder.mels)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the voice's gen.prompt_feat has %d mel channels; this "
                        "model has %d",
                        c->n_mels, m->encoder.mels);
    if (frames / up != c->n_prompt_tokens)
        return cbx_fail(err, CBX_E_SHAPE,
                        "the voice has %d mel frames for %d prompt tokens; %d "
                        "frames go with each token",
                        frames, c->n_prompt_tokens, up);
    if (c->n_prompt_tokens >= m->encoder.max_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "the voice's prompt has %d tokens; the model was "
                        "opened for %d, prompt and speech together",
                        c->n_prompt_tokens, m->encoder.max_tokens);
    return flow_check_ids(m, c->prompt_tokens, c->n_prompt_tokens,
                          "the voice's prompt token", err);
}

/* flow.py: F.normalize (eps 1e-12), spk_embed_affine_layer */
static cbx_status speaker_row(const flow *m, const cbx_conds *c, cbx_mat out,
                              cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    const int n = m->speaker_dim;
    float *host = malloc((size_t)n * sizeof *host), *dev;
    double sum = 0, scale;

    if (!host)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    for (int i = 0; i < n; i++)
        sum += (double)c->embedding[i] * (double)c->embedding[i];
    scale = 1 / fmax(sqrt(sum), 1e-12);
    for (int i = 0; i < n; i++)
        host[i] = (float)(c->embedding[i] * scale);
    dev = cbx_vec_new(m->dev, host, (size_t)n);
    free(host);
    if (!dev)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out on the device");
    k->linear(m->dev,
              &(cbx_linear){.x = {dev, 1, n, n}, .w = m->speaker, .out = out});
    k->sync(m->dev);
    k->mem_free(m->dev, dev);
    return CBX_OK;
}

cbx_status flow_voice_open(const flow *m, const cbx_conds *c, flow_voice **out,
                           cbx_error *err)
{
    const int mels = m->encoder.mels;
    const size_t n = (size_t)c->n_prompt_tokens;
    const size_t floats = (size_t)c->n_prompt_frames * (size_t)mels;
    flow_voice *v;
    cbx_status st = check_conds(m, c, err);

    if (st)
        return st;
    v = calloc(1, sizeof *v);
    if (!v)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    v->dev = m->dev;
    v->n_tokens = c->n_prompt_tokens;
    v->n_frames = c->n_prompt_frames;
    v->tokens = malloc((n + 1) * sizeof *v->tokens);
    v->memory =
        m->dev->k->mem_new(m->dev, (floats + (size_t)mels) * sizeof(float));
    if (!v->tokens || !v->memory) {
        st = cbx_fail(err, CBX_E_NOMEM, "memory ran out for a voice");
        goto close;
    }
    if (n) {
        memcpy(v->tokens, c->prompt_tokens, n * sizeof *v->tokens);
        m->dev->k->upload(m->dev, v->memory, c->prompt_feat,
                          floats * sizeof(float));
    }
    v->mel = (cbx_mat){v->memory, v->n_frames, mels, mels};
    v->speaker = (cbx_mat){v->memory + floats, 1, mels, mels};
    if ((st = speaker_row(m, c, v->speaker, err)))
        goto close;
    *out = v;
    return CBX_OK;

close:
    flow_voice_close(v);
    return st;
}

void flow_voice_close(flow_voice *v)
{
    if (!v)
        return;
    flow_past_close(v->dev, v->past);
    if (v->memory)
        v->dev->k->mem_free(v->dev, v->memory);
    free(v->tokens);
    free(v);
}

int flow_voice_tokens(const flow_voice *v)
{
    return v->n_tokens;
}

/* -- one run --------------------------------------------------------------- */

static void fill_noise(const flow_pass *r, cbx_mat x)
{
    const cbx_kernels *k = r->dev->k;
    const size_t mark = space_mark(r->mem);
    cbx_mat z;

    if (!r->z) {
        k->normal(r->dev, x, r->key, (uint64_t)r->first_frame);
        return;
    }
    z = space_mat(r->mem, x.rows, x.cols);
    k->upload(r->dev, z.p, r->z,
              sizeof(float) * (size_t)x.rows * (size_t)x.cols);
    k->copy(r->dev, &(cbx_copy){.src = z, .dst = x});
    space_rewind(r->mem, mark);
}

cbx_mat flow_solve(const flow *m, const flow_pass *r)
{
    const cbx_kernels *k = r->dev->k;
    const int mels = m->encoder.mels, frames = m->encoder.up * r->n;
    const int prompt = r->prompt.rows;
    cbx_mat in = space_mat(r->mem, UNET_PAST + frames, m->unet.in);
    cbx_mat rows = cbx_rows(in, UNET_PAST, frames);
    cbx_mat cond = cbx_cols(rows, 3 * mels, mels);
    const encoder_run enc = {.dev = r->dev,
                             .mem = r->mem,
                             .probe = r->probe,
                             .ids = r->ids,
                             .n = r->n,
                             .ahead = r->ahead,
                             .tokens = r->past ? &r->past->tokens : NULL,
                             .frames = r->past ? &r->past->frames : NULL};
    const cfm_run cfm = {.dev = r->dev,
                         .mem = r->mem,
                         .probe = r->probe,
                         .past = r->past ? r->past->unet : NULL};

    cbx_probe_see(r->probe, "flow.spk_affine", r->speaker);
    k->zero(r->dev, cbx_rows(in, 0, UNET_PAST));
    encoder_mu(&m->encoder, &enc, cbx_cols(rows, mels, mels));
    k->copy(r->dev, &(cbx_copy){.src = r->speaker,
                                .dst = cbx_cols(rows, 2 * mels, mels),
                                .repeat = frames});
    if (prompt)
        k->copy(r->dev, &(cbx_copy){.src = r->prompt,
                                    .dst = cbx_rows(cond, 0, prompt)});
    k->zero(r->dev, cbx_rows(cond, prompt, frames - prompt));
    fill_noise(r, cbx_cols(rows, 0, mels));
    cfm_solve(&m->unet, m->cfg, &cfm, in);
    return cbx_cols(rows, 0, mels);
}

static cbx_status check_cell(const flow *m, const flow_state *s,
                             const flow_voice *v, const flow_cell *c,
                             cbx_error *err)
{
    const int look = m->encoder.lookahead;

    if (c->from < 0 || c->to <= c->from || c->to > c->known)
        return cbx_fail(err, CBX_E_ARG,
                        "a flow cell of tokens %d to %d was asked for with %d "
                        "known",
                        c->from, c->to, c->known);
    if (!c->final && c->known - c->to < look)
        return cbx_fail(err, CBX_E_ARG,
                        "a flow cell that ends at token %d needs %d tokens "
                        "more, or the end; %d are known",
                        c->to, look, c->known - c->to);
    if (c->to > s->max_tokens - v->n_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "%d speech tokens behind a prompt of %d are too many; "
                        "the stream has room for %d together",
                        c->to, v->n_tokens, s->max_tokens);
    return flow_check_ids(m, c->tokens, c->known, "speech token", err);
}

int flow_first_frame(const flow *m, const flow_voice *v, int t)
{
    return t ? m->encoder.up * (v->n_tokens + t) : v->n_frames;
}

int flow_frames(const flow *m, const flow_voice *v, int from, int to)
{
    return flow_first_frame(m, v, to) - flow_first_frame(m, v, from);
}

cbx_status flow_run(const flow *m, flow_state *s, const flow_voice *v,
                    const flow_cell *c, const cbx_probe *probe, cbx_mat *mel,
                    cbx_error *err)
{
    cbx_status st = check_cell(m, s, v, c, err);
    const size_t prompt = (size_t)v->n_tokens;
    int ahead = c->known - c->to;
    size_t n;

    if (st)
        return st;
    if (ahead > m->encoder.lookahead)
        ahead = m->encoder.lookahead;
    n = prompt + (size_t)c->to + (size_t)ahead;
    memcpy(s->host_ids, v->tokens, prompt * sizeof *s->host_ids);
    memcpy(s->host_ids + prompt, c->tokens, (n - prompt) * sizeof *s->host_ids);
    s->dev->k->upload(s->dev, s->ids, s->host_ids, n * sizeof *s->host_ids);
    space_rewind(&s->mem, 0);
    const cbx_mat all = flow_solve(m, &(flow_pass){
                                          .dev = s->dev,
                                          .mem = &s->mem,
                                          .probe = s->probed ? probe : NULL,
                                          .ids = s->ids,
                                          .n = v->n_tokens + c->to,
                                          .ahead = ahead,
                                          .key = c->key,
                                          .z = c->z,
                                          .prompt = v->mel,
                                          .speaker = v->speaker,
                                      });
    *mel = cbx_rows(all, flow_first_frame(m, v, c->from),
                    flow_frames(m, v, c->from, c->to));
    cbx_probe_see(probe, "flow.out_mel", *mel);
    return CBX_OK;
}

/* -- state ----------------------------------------------------------------- */

cbx_status flow_state_open(const flow *m, int max_tokens, bool probed,
                           flow_state **out, cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    const int look = m->encoder.lookahead, rows = m->encoder.up * max_tokens;
    const int wide = m->encoder.width > m->unet.channels ? m->encoder.width
                                                         : m->unet.channels;
    space dry;
    flow_state *s;
    cbx_status st;

    if (max_tokens < 1 || max_tokens > m->encoder.max_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a stream of %d speech tokens was asked for; the model "
                        "was opened for 1 to %d",
                        max_tokens, m->encoder.max_tokens);
    st = k->reserve(m->dev, rows, wide, rows, err);
    if (st)
        return st;
    s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    s->dev = m->dev;
    s->max_tokens = max_tokens;
    s->probed = probed;
    s->host_ids = calloc((size_t)(max_tokens + look), sizeof *s->host_ids);
    s->ids = k->mem_new(m->dev, (size_t)(max_tokens + look) * sizeof *s->ids);
    if (!s->host_ids || !s->ids) {
        st = cbx_fail(err, CBX_E_NOMEM, "memory ran out for %d speech tokens",
                      max_tokens);
        goto close;
    }
    space_init_dry(&dry);
    flow_solve(m, &(flow_pass){.dev = space_dry_device(),
                               .mem = &dry,
                               .probe = probed ? space_dry_probe() : NULL,
                               .n = max_tokens,
                               .ahead = look});
    if ((st = space_open(m->dev, &dry, &s->mem, err)))
        goto close;
    *out = s;
    return CBX_OK;

close:
    flow_state_close(s);
    return st;
}

void flow_state_close(flow_state *s)
{
    if (!s)
        return;
    space_close(s->dev, &s->mem);
    if (s->ids)
        s->dev->k->mem_free(s->dev, s->ids);
    free(s->host_ids);
    free(s);
}
