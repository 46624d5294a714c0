/* The mode `causal` of flow.h. */
#include "models/s3gen/flow_model.h"

#include <stdlib.h>
#include <string.h>

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* -- pasts ----------------------------------------------------------------- */

/* Counts the entries, or lays them out. */
static void add_past(const flow *m, flow_past *p, cbx_dmem *mem)
{
    encoder_add_past(&m->encoder, &p->tokens, &p->frames, mem);
    for (int i = 0; i < p->n_unet; i++)
        unet_add_past(&m->unet, &p->unet[i], mem);
}

static cbx_mat *give_tables(past *p, cbx_mat *tables)
{
    p->convs = tables;
    p->attns = tables + p->n_convs;
    tables = p->attns + p->n_attns;
    p->n_convs = p->n_attns = 0;
    return tables;
}

static int entries(const past *p)
{
    return p->n_convs + p->n_attns;
}

static cbx_status fill_past(const flow *m, flow_past *p, cbx_error *err)
{
    cbx_dmem count = {0};
    cbx_mat *at;
    int n;
    cbx_status st;

    add_past(m, p, &count);
    n = entries(&p->tokens) + entries(&p->frames);
    for (int i = 0; i < p->n_unet; i++)
        n += entries(&p->unet[i]);
    p->tables = at = calloc((size_t)n, sizeof *at);
    if (!at)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    if ((st = cbx_dmem_open(m->dev, count.used, &p->memory, err)))
        return st;
    at = give_tables(&p->frames, give_tables(&p->tokens, at));
    for (int i = 0; i < p->n_unet; i++)
        at = give_tables(&p->unet[i], at);
    add_past(m, p, &p->memory);
    return CBX_OK;
}

/* history: frames; room: tokens, those of a run included. */
static cbx_status flow_past_open(const flow *m, int history, int room,
                                 flow_past **out, cbx_error *err)
{
    const int up = m->encoder.up;
    flow_past *p = calloc(1, sizeof *p);
    cbx_status st = CBX_OK;

    if (p) {
        p->tokens.history = divide_up(history, up);
        p->tokens.room = room;
        p->frames.history = history;
        p->frames.room = up * room;
        p->n_unet = cfm_pasts(&m->unet, m->cfg);
        p->unet = calloc((size_t)p->n_unet, sizeof *p->unet);
    }
    if (!p || !p->unet)
        st = cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    for (int i = 0; !st && i < p->n_unet; i++)
        p->unet[i] = p->frames;
    if (!st)
        st = fill_past(m, p, err);
    if (st) {
        flow_past_close(m->dev, p);
        return st;
    }
    *out = p;
    return CBX_OK;
}

void flow_past_close(cbx_dev *dev, flow_past *p)
{
    if (!p)
        return;
    cbx_dmem_close(dev, &p->memory);
    free(p->tables);
    free(p->unet);
    free(p);
}

static void reset(flow_past *p, cbx_dev *dev, const flow_past *front)
{
    past_reset(&p->tokens, dev, front ? &front->tokens : NULL);
    past_reset(&p->frames, dev, front ? &front->frames : NULL);
    for (int i = 0; i < p->n_unet; i++)
        past_reset(&p->unet[i], dev, front ? &front->unet[i] : NULL);
}

/* What each row sees, at the rates of tokens and frames; NULL: all. */
static cbx_mat solve(const flow *m, const flow_pass *r, const int32_t *tokens,
                     const int32_t *frames)
{
    flow_past *p = r->past;
    const int up = m->encoder.up;
    cbx_mat mel;

    past_begin(&p->tokens, tokens);
    past_begin(&p->frames, frames);
    for (int i = 0; i < p->n_unet; i++)
        past_begin(&p->unet[i], frames);
    mel = flow_solve(m, r);
    past_end(&p->tokens, r->dev, r->n);
    past_end(&p->frames, r->dev, up * r->n);
    for (int i = 0; i < p->n_unet; i++)
        past_end(&p->unet[i], r->dev, up * r->n);
    return mel;
}

/* Scratch for a pass over n tokens. */
static cbx_status open_scratch(const flow *m, int n, int ahead, space *out,
                               cbx_error *err)
{
    space dry;

    space_init_dry(&dry);
    flow_solve(
        m, &(flow_pass){
               .dev = space_dry_device(), .mem = &dry, .n = n, .ahead = ahead});
    return space_open(m->dev, &dry, out, err);
}

static cbx_status reserve(const flow *m, int tokens, int keys, cbx_error *err)
{
    const int wide = m->encoder.width > m->unet.channels ? m->encoder.width
                                                         : m->unet.channels;

    return m->dev->k->reserve(m->dev, m->encoder.up * tokens, wide,
                              m->encoder.up * keys, err);
}

/* -- voice ----------------------------------------------------------------- */

static cbx_status prepare(const flow *m, const flow_voice *v, flow_past *p,
                          cbx_error *err)
{
    const cbx_kernels *k = m->dev->k;
    const size_t bytes = (size_t)v->n_tokens * sizeof *v->tokens;
    int32_t *ids;
    space mem;
    cbx_status st = reserve(m, v->n_tokens, v->n_tokens, err);

    if (st || (st = open_scratch(m, v->n_tokens, 0, &mem, err)))
        return st;
    ids = k->mem_new(m->dev, bytes);
    if (ids) {
        k->upload(m->dev, ids, v->tokens, bytes);
        solve(m,
              &(flow_pass){
                  .dev = m->dev,
                  .mem = &mem,
                  .ids = ids,
                  .n = v->n_tokens,
                  .key = FLOW_PROMPT_KEY,
                  .prompt = cbx_rows(v->mel, 0, m->encoder.up * v->n_tokens),
                  .speaker = v->speaker,
                  .past = p,
              },
              NULL, NULL);
        k->sync(m->dev);
        k->mem_free(m->dev, ids);
    } else {
        st = cbx_fail(err, CBX_E_NOMEM, "memory ran out for a voice");
    }
    space_close(m->dev, &mem);
    return st;
}

cbx_status flow_voice_prepare(const flow *m, flow_voice *v, cbx_error *err)
{
    flow_past *p;
    cbx_status st;

    if (v->past)
        return CBX_OK;
    if ((st = flow_past_open(m, 0, v->n_tokens, &p, err)))
        return st;
    reset(p, m->dev, NULL);
    if (v->n_tokens && (st = prepare(m, v, p, err))) {
        flow_past_close(m->dev, p);
        return st;
    }
    v->past = p;
    return CBX_OK;
}

size_t flow_voice_bytes(const flow_voice *v)
{
    return v->past ? v->past->memory.size : 0;
}

/* -- one run --------------------------------------------------------------- */

/* The block that is uploaded for a run of n tokens:
 *
 *   what each token sees [n][2], what each frame sees [up * n][2],
 *   ids [n + ahead] */
static size_t block_ints(const flow *m, int n, int ahead)
{
    return 2 * (size_t)n * (size_t)(1 + m->encoder.up) + (size_t)(n + ahead);
}

/* Rows of the cell [from, to) see [from - history, to); keys are counted from
 * the oldest row held. All in tokens, or all in frames. */
static int32_t *fill_seen(int32_t *out, const past *p, int from, int to)
{
    const int oldest = p->count - p->held;
    const int lo = p->history && from > p->history ? from - p->history : 0;

    for (int i = from; i < to; i++) {
        *out++ = lo > oldest ? lo - oldest : 0;
        *out++ = to - oldest;
    }
    return out;
}

static void fill_block(const flow *m, const flow_causal *s, const flow_cells *c,
                       int n, int ahead)
{
    const int up = m->encoder.up;
    int32_t *out = s->host;

    for (int i = 0; i < c->n; i++)
        out = fill_seen(out, &s->past->tokens, i ? c->ends[i - 1] : s->at,
                        c->ends[i]);
    for (int i = 0; i < c->n; i++)
        out = fill_seen(out, &s->past->frames,
                        up * (i ? c->ends[i - 1] : s->at), up * c->ends[i]);
    memcpy(out, c->tokens + s->at, (size_t)(n + ahead) * sizeof *out);
}

static cbx_status check_ends(const flow_causal *s, const flow_cells *c,
                             cbx_error *err)
{
    int from = s->at;

    if (c->n < 1)
        return cbx_fail(err, CBX_E_ARG, "no flow cell was asked for");
    for (int i = 0; i < c->n; from = c->ends[i++])
        if (c->ends[i] <= from || c->ends[i] > c->known)
            return cbx_fail(err, CBX_E_ARG,
                            "a flow cell of tokens %d to %d was asked for with "
                            "%d known",
                            from, c->ends[i], c->known);
    return CBX_OK;
}

static cbx_status check_cells(const flow *m, const flow_causal *s,
                              const flow_cells *c, cbx_error *err)
{
    const int look = m->encoder.lookahead;
    cbx_status st;
    int to;

    if (!s->voice)
        return cbx_fail(err, CBX_E_ARG, "no segment was begun");
    if ((st = check_ends(s, c, err)))
        return st;
    to = c->ends[c->n - 1];
    if (!c->final && c->known - to < look)
        return cbx_fail(err, CBX_E_ARG,
                        "a flow cell that ends at token %d needs %d tokens "
                        "more, or the end; %d are known",
                        to, look, c->known - to);
    if (to - s->at > s->options.most)
        return cbx_fail(err, CBX_E_LIMIT,
                        "cells of %d tokens in one call; the stream has room "
                        "for %d",
                        to - s->at, s->options.most);
    if (to > s->options.max_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "%d speech tokens in a segment; the stream has room "
                        "for %d",
                        to, s->options.max_tokens);
    return flow_check_ids(m, c->tokens, c->known, "speech token", err);
}

cbx_status flow_causal_run(const flow *m, flow_causal *s, const flow_cells *c,
                           cbx_mat *mel, cbx_error *err)
{
    const cbx_status st = check_cells(m, s, c, err);
    const flow_voice *v = s->voice;
    const int up = m->encoder.up, look = m->encoder.lookahead;
    int n, ahead, first, frames;
    cbx_mat all;

    if (st)
        return st;
    n = c->ends[c->n - 1] - s->at;
    ahead = c->known - s->at - n;
    if (ahead > look)
        ahead = look;
    fill_block(m, s, c, n, ahead);
    m->dev->k->upload(m->dev, s->block, s->host,
                      sizeof *s->host * block_ints(m, n, ahead));
    space_rewind(&s->mem, 0);
    first = up * (v->n_tokens + s->at);
    /* an odd prompt's last frame lies in the first token's */
    frames = s->at ? 0 : v->n_frames - first;
    all = solve(m,
                &(flow_pass){
                    .dev = m->dev,
                    .mem = &s->mem,
                    .ids = s->block + 2 * n * (1 + up),
                    .n = n,
                    .ahead = ahead,
                    .first_frame = first,
                    .key = s->key,
                    .prompt = cbx_rows(v->mel, v->n_frames - frames, frames),
                    .speaker = v->speaker,
                    .past = s->past,
                },
                s->block, s->block + 2 * n);
    *mel = cbx_rows(all, frames, all.rows - frames);
    s->at += n;
    return CBX_OK;
}

/* -- state ----------------------------------------------------------------- */

static cbx_status check_options(const flow *m, const flow_causal_options *o,
                                cbx_error *err)
{
    if (o->history < 0)
        return cbx_fail(err, CBX_E_ARG, "a history of %d frames", o->history);
    if (o->max_tokens < 1 || o->max_tokens > m->encoder.max_tokens ||
        o->most < 1 || o->most > o->max_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "a stream of %d speech tokens, %d in one call, was "
                        "asked for; the model was opened for 1 to %d",
                        o->max_tokens, o->most, m->encoder.max_tokens);
    return CBX_OK;
}

/* Tokens whose keys and values there is room for. */
static int room(const flow *m, const flow_causal_options *o)
{
    const int kept = divide_up(o->history, m->encoder.up);

    return o->history && kept < o->max_tokens - o->most ? kept + o->most
                                                        : o->max_tokens;
}

static cbx_status open_memory(const flow *m, flow_causal *s, cbx_error *err)
{
    const int most = s->options.most, look = m->encoder.lookahead;
    const size_t bytes = sizeof *s->host * block_ints(m, most, look);
    cbx_status st;

    s->host = malloc(bytes);
    s->block = m->dev->k->mem_new(m->dev, bytes);
    if (!s->host || !s->block)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out for %d speech tokens",
                        most);
    if ((st = reserve(m, most, m->encoder.max_tokens, err)))
        return st;
    if ((st = flow_past_open(m, s->options.history, room(m, &s->options),
                             &s->past, err)))
        return st;
    return open_scratch(m, most, look, &s->mem, err);
}

cbx_status flow_causal_open(const flow *m, const flow_causal_options *options,
                            flow_causal **out, cbx_error *err)
{
    cbx_status st = check_options(m, options, err);
    flow_causal *s;

    if (st)
        return st;
    s = calloc(1, sizeof *s);
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "memory ran out");
    s->dev = m->dev;
    s->options = *options;
    if ((st = open_memory(m, s, err))) {
        flow_causal_close(s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

void flow_causal_close(flow_causal *s)
{
    if (!s)
        return;
    space_close(s->dev, &s->mem);
    flow_past_close(s->dev, s->past);
    if (s->block)
        s->dev->k->mem_free(s->dev, s->block);
    free(s->host);
    free(s);
}

size_t flow_causal_bytes(const flow_causal *s)
{
    return s->past->memory.size + s->mem.mem.size;
}

cbx_status flow_causal_begin(const flow *m, flow_causal *s, const flow_voice *v,
                             uint64_t key, cbx_error *err)
{
    if (!v->past)
        return cbx_fail(err, CBX_E_ARG,
                        "the voice was not prepared for cells that see the "
                        "past only");
    if (s->options.max_tokens > m->encoder.max_tokens - v->n_tokens)
        return cbx_fail(err, CBX_E_LIMIT,
                        "%d speech tokens behind a prompt of %d are too many; "
                        "the model was opened for %d together",
                        s->options.max_tokens, v->n_tokens,
                        m->encoder.max_tokens);
    s->voice = v;
    s->key = key;
    s->at = 0;
    reset(s->past, m->dev, v->past);
    return CBX_OK;
}
