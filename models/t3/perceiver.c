#include "models/t3/perceiver.h"

#include <math.h>

#define PREFIX "cond_enc.perceiver."

/* torch.nn.LayerNorm's own; the checkpoint does not tell. */
static const float norm_eps = 1e-5f;

static cbx_status load_queries(const t3_source *s, perceiver *p, cbx_error *err)
{
    static const char name[] = PREFIX "pre_attention_query";
    const int width = s->m->info.width;
    const cbx_file_tensor *t;
    cbx_status st =
        cbx_tensor_need(s->file, name, 3, (int64_t[]){1, -1, width}, &t, err);

    if (st)
        return st;
    if (t->dims[1] < 1 || t->dims[1] > 4096)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s: %s has %lld queries, which no model has", t->file,
                        name, (long long)t->dims[1]);
    p->queries = (int)t->dims[1];
    return t3_load_floats(s, name, 3, t->dims, &p->query, err);
}

static cbx_status load_norm(const t3_source *s, perceiver *p, cbx_error *err)
{
    const int width = s->m->info.width;
    cbx_status st;

    p->norm.kind = CBX_NORM_LAYER;
    p->norm.eps = norm_eps;
    if ((st = t3_load_vec(s, PREFIX "attn.norm.weight", width, &p->norm.gamma,
                          err)))
        return st;
    return t3_load_vec(s, PREFIX "attn.norm.bias", width, &p->norm.beta, err);
}

cbx_status perceiver_open(const t3_source *s, perceiver *p, cbx_error *err)
{
    static const char *const kv[] = {PREFIX "attn.to_k", PREFIX "attn.to_v"};
    const int width = s->m->info.width;
    cbx_status st;

    p->heads = s->m->config.perceiver_heads;
    if (p->heads < 1 || width % p->heads)
        return cbx_fail(err, CBX_E_SHAPE,
                        "a perceiver of width %d cannot have %d heads: set "
                        "t3.perceiver_heads in config.json",
                        width, p->heads);
    if ((st = load_queries(s, p, err)) || (st = load_norm(s, p, err)))
        return st;
    if ((st = t3_load_weight(s, PREFIX "attn.to_q", T3_OUT_IN, width, width,
                             true, &p->q, err)) ||
        (st = t3_load_joined(s, kv, 2, width, width, true, &p->kv, err)))
        return st;
    return t3_load_weight(s, PREFIX "attn.proj_out", T3_OUT_IN, width, width,
                          true, &p->out, err);
}

void perceiver_close(cbx_dev *d, perceiver *p)
{
    if (p->query)
        d->k->mem_free(d, (void *)p->query);
    t3_free_norm(d, &p->norm);
    t3_free_weight(d, p->q);
    t3_free_weight(d, p->kv);
    t3_free_weight(d, p->out);
}

typedef struct scratch {
    cbx_dmem mem;
    cbx_mat q, context; /* [queries][width] */
    cbx_mat kv;         /* [prompt or queries][2 width] */
    cbx_mat cross;      /* [queries][width] */
} scratch;

static void lay_out(const perceiver *p, int rows, int width, scratch *s)
{
    const int most = rows > p->queries ? rows : p->queries;

    s->q = cbx_dmem_mat(&s->mem, p->queries, width);
    s->context = cbx_dmem_mat(&s->mem, p->queries, width);
    s->kv = cbx_dmem_mat(&s->mem, most, 2 * width);
    s->cross = cbx_dmem_mat(&s->mem, p->queries, width);
}

/* perceiver.py: AttentionBlock2.forward: x1 asks, x2 answers. */
static void run_block(cbx_dev *d, const perceiver *p, const scratch *s,
                      cbx_mat x1, cbx_mat x2, cbx_mat out)
{
    const int width = x1.cols;
    const cbx_mat kv = cbx_rows(s->kv, 0, x2.rows);

    d->k->linear(
        d, &(cbx_linear){.x = x1, .norm = p->norm, .w = p->q, .out = s->q});
    d->k->linear(
        d, &(cbx_linear){.x = x2, .norm = p->norm, .w = p->kv, .out = kv});
    d->k->attention(
        d, &(cbx_attention){.q = s->q,
                            .k = cbx_cols(kv, 0, width),
                            .v = cbx_cols(kv, width, width),
                            .heads = p->heads,
                            .scale = 1.0f / sqrtf((float)(width / p->heads)),
                            .out = s->context});
    d->k->linear(
        d, &(cbx_linear){.x = s->context, .w = p->out, .add = x1, .out = out});
}

cbx_status perceiver_run(cbx_dev *d, const perceiver *p, cbx_mat prompt,
                         cbx_mat out, const cbx_probe *probe, cbx_error *err)
{
    const int width = prompt.cols;
    const int most = prompt.rows > p->queries ? prompt.rows : p->queries;
    const cbx_mat query = {(float *)p->query, p->queries, width, width};
    scratch s = {0};
    cbx_status st = d->k->reserve(d, most, 2 * width, most, err);

    if (st)
        return st;
    lay_out(p, prompt.rows, width, &s);
    if ((st = cbx_dmem_open(d, s.mem.used, &s.mem, err)))
        return st;
    lay_out(p, prompt.rows, width, &s);
    run_block(d, p, &s, query, prompt, s.cross);
    cbx_probe_see(probe, "t3.cond.perceiver_cross", s.cross);
    run_block(d, p, &s, s.cross, s.cross, out);
    cbx_probe_see(probe, "t3.cond.perceiver_out", out);
    d->k->sync(d);
    cbx_dmem_close(d, &s.mem);
    return CBX_OK;
}
