#include "tests/s3gen/causal.h"

#include "rt/random.h"

int random_below(uint64_t key, uint64_t i, int n)
{
    return (int)(cbx_random_uniform(key, i) * n);
}

void must(cbx_status st, const cbx_error *err)
{
    if (!st)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

void open_model(subject *x)
{
    const int tokens = x->conds->n_prompt_tokens + MOST;
    cbx_error err;

    must(s3gen_open(x->dev, x->weights, &x->config, CBX_FMT_F32, tokens,
                    &x->model, &err),
         &err);
    x->flow = s3gen_flow(x->model);
    must(flow_voice_open(x->flow, x->conds, &x->voice, &err), &err);
    must(flow_voice_prepare(x->flow, x->voice, &err), &err);
    x->look = flow_get_info(x->flow).lookahead;
    x->codes = x->config.flow.used_codes;
    x->mels = flow_get_info(x->flow).mels;
}

void close_model(subject *x)
{
    flow_voice_close(x->voice);
    s3gen_close(x->model);
}

int subject_open(const char *folder, subject *x)
{
    char path[600];
    cbx_error err;

    *x = (subject){0};
    if (cbx_config_open(folder, &x->config, &err))
        return 0;
    snprintf(path, sizeof path, "%.500s/%s", folder, x->config.files.s3gen);
    must(cbx_tensor_file_open(path, &x->weights, &err), &err);
    snprintf(path, sizeof path, "%.500s/%s", folder, x->config.files.conds);
    must(cbx_conds_open(path, &x->conds, &err), &err);
    must(cbx_cpu_open(0, NULL, &x->dev, &err), &err);
    open_model(x);
    for (int i = 0; i < MOST; i++)
        x->tokens[i] = random_below(11, (uint64_t)i, x->codes);
    return 1;
}

void subject_close(subject *x)
{
    close_model(x);
    cbx_dev_close(x->dev);
    cbx_conds_close(x->conds);
    cbx_tensor_file_close(x->weights);
}

float *host_copy(const subject *x, cbx_mat mel)
{
    float *p = malloc(sizeof *p * (size_t)(mel.rows * x->mels + 1));

    CHECK(p && mel.cols == x->mels);
    for (int r = 0; r < mel.rows; r++)
        x->dev->k->download(x->dev, p + (ptrdiff_t)r * x->mels,
                            cbx_rows(mel, r, 1).p, sizeof *p * (size_t)x->mels);
    return p;
}

flow_causal *open_causal(const subject *x, int history, int max, int n)
{
    flow_causal *s;
    cbx_error err;

    must(flow_causal_open(x->flow,
                          &(flow_causal_options){
                              .history = history, .max_tokens = max, .most = n},
                          &s, &err),
         &err);
    return s;
}

plan random_plan(uint64_t key)
{
    static const int histories[] = {0, 1, 2, 3, 7, 12, 25, 50, 1000};
    plan p = {.history = histories[random_below(key, 0, 9)],
              .n_tokens = 1 + random_below(key, 1, MOST),
              .key = key};
    const int widest = 1 + random_below(key, 2, 20);
    int at = 0;

    for (uint64_t i = 3; at < p.n_tokens; i++) {
        at += 1 + random_below(key, i, widest);
        p.ends[p.n_cells++] = at < p.n_tokens ? at : p.n_tokens;
    }
    return p;
}

float *speak(const subject *x, flow_causal *s, const flow_voice *v,
             const plan *p, int widest, int eager)
{
    const int frames = flow_frames(x->flow, v, 0, p->n_tokens);
    float *all = malloc(sizeof *all * (size_t)(frames * x->mels + 1));
    float *to = all;
    cbx_error err = {0};

    CHECK(all);
    must(flow_causal_begin(x->flow, s, v, p->key, &err), &err);
    for (int c = 0, n; c < p->n_cells; c += n) {
        int known, from = c ? p->ends[c - 1] : 0;
        cbx_mat mel;
        float *part;
        n = 1 + random_below(p->key + 9, (uint64_t)c, widest);
        n = n < p->n_cells - c ? n : p->n_cells - c;
        known = eager ? p->ends[c + n - 1] + x->look : p->n_tokens;
        known = known < p->n_tokens ? known : p->n_tokens;
        must(flow_causal_run(x->flow, s,
                             &(flow_cells){.tokens = x->tokens,
                                           .known = known,
                                           .final = known == p->n_tokens,
                                           .ends = p->ends + c,
                                           .n = n},
                             &mel, &err),
             &err);
        CHECK(mel.rows == flow_frames(x->flow, v, from, p->ends[c + n - 1]));
        part = host_copy(x, mel);
        memcpy(to, part, sizeof *to * (size_t)(mel.rows * x->mels));
        to += (ptrdiff_t)mel.rows * x->mels;
        free(part);
    }
    CHECK(to - all == (ptrdiff_t)frames * x->mels);
    return all;
}

size_t mel_bytes(const subject *x, const plan *p)
{
    return sizeof(float) *
           (size_t)flow_frames(x->flow, x->voice, 0, p->n_tokens) *
           (size_t)x->mels;
}

float *speak_plan(const subject *x, const flow_voice *v, const plan *p)
{
    flow_causal *s = open_causal(x, p->history, MOST, MOST);
    float *mel = speak(x, s, v, p, 1, 1);

    flow_causal_close(s);
    return mel;
}
