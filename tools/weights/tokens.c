#include "models/checkpoint/conds.h"
#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/t3/t3.h"
#include "models/text/tokenizer.h"
#include "tools/weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IDS = 1024, MOST_TOKENS = 1000 };

typedef struct {
    cbx_dev *dev;
    cbx_config config;
    cbx_tokenizer *tokenizer;
    cbx_tensor_file *file;
    cbx_conds *conds;
    int most;
} world;

/* What one line draws. */
typedef struct {
    int n;
    int32_t token[MOST_TOKENS];
} drawn;

static cbx_status open_world(const char *folder, world *w, cbx_error *err)
{
    char path[8192];
    cbx_status st;
    if ((st = cbx_config_open(folder, &w->config, err)) ||
        (st = cbx_cpu_open(0, NULL, &w->dev, err)) ||
        (st = cbx_tokenizer_open(folder, &w->config, &w->tokenizer, err)))
        return st;
    snprintf(path, sizeof path, "%s/%s", folder, w->config.files.t3);
    if ((st = cbx_tensor_file_open(path, &w->file, err)))
        return st;
    snprintf(path, sizeof path, "%s/%s", folder, w->config.files.conds);
    return cbx_conds_open(path, &w->conds, err);
}

static void close_world(world *w)
{
    cbx_conds_close(w->conds);
    cbx_tensor_file_close(w->file);
    cbx_tokenizer_close(w->tokenizer);
    cbx_dev_close(w->dev);
}

static cbx_status speak(world *w, const t3 *m, t3_state *s, const t3_voice *v,
                        const char *line, drawn *out, cbx_error *err)
{
    const cbx_config_sampling *c = &w->config.sampling;
    int32_t ids[MOST_IDS];
    size_t n = 0;
    cbx_status st = cbx_tokenizer_encode(w->tokenizer, line, strlen(line), NULL,
                                         ids, MOST_IDS, &n, err);
    const t3_segment segment = {
        .text = ids,
        .n = (int)n,
        .sampling = {.order = w->config.t3.gpt2 ? CBX_SAMPLE_TURBO
                                                : CBX_SAMPLE_LLAMA,
                     .temperature = c->temperature,
                     .top_p = c->top_p,
                     .min_p = c->min_p,
                     .repetition_penalty = c->repetition_penalty,
                     .cfg_weight = c->cfg_weight,
                     .top_k = c->top_k},
        .key = 1};
    out->n = 0;
    if (!st)
        st = t3_begin(m, s, v, &segment, err);
    while (!st && out->n < w->most && t3_room(s) > 0) {
        int32_t t;
        if ((st = t3_step(m, &s, 1, NULL, &t, err)))
            break;
        out->token[out->n++] = t;
        if (t == t3_get_info(m)->stop && out->n > 1)
            break;
    }
    return st;
}

static cbx_status speak_all(world *w, cbx_format f, char *const *lines, int n,
                            drawn *out, cbx_error *err)
{
    t3 *m = NULL;
    t3_voice *v = NULL;
    t3_state *s = NULL;
    cbx_status st = t3_open(w->dev, w->file, &w->config, f, &m, err);
    if (!st)
        st = t3_voice_open(m, w->conds, &v, err);
    if (!st)
        st = t3_state_open(m, t3_get_info(m)->positions, &s, err);
    for (int i = 0; i < n && !st; i++)
        st = speak(w, m, s, v, lines[i], &out[i], err);
    t3_state_close(s);
    t3_voice_close(v);
    t3_close(m);
    return st;
}

/* Of two runs: lines that are the same, and where the others part. */
static void compare(cbx_format f, const drawn *a, const drawn *b, int n)
{
    int same = 0;
    long tokens = 0, before = 0;
    for (int i = 0; i < n; i++) {
        int k = 0;
        while (k < a[i].n && k < b[i].n && a[i].token[k] == b[i].token[k])
            k++;
        same += k == a[i].n && k == b[i].n;
        tokens += a[i].n;
        before += k;
    }
    printf("%-5s the same tokens in %d of %d lines (%.1f %% differ); %ld of "
           "%ld tokens lie before the first difference of their line\n",
           cbx_format_name(f), same, n, n ? 100.0 * (n - same) / n : 0.0,
           before, tokens);
}

static int read_lines(const char *path, char **lines, int most)
{
    FILE *f = fopen(path, "r");
    size_t cap = 0;
    int n = 0;
    while (f && n < most) {
        lines[n] = NULL;
        cap = 0;
        if (getline(&lines[n], &cap, f) < 0) {
            free(lines[n]);
            break;
        }
        lines[n][strcspn(lines[n], "\n")] = 0;
        n++;
    }
    if (f)
        fclose(f);
    return n;
}

cbx_status weights_tokens(const char *folder, const char *text, int count,
                          int most, cbx_error *err)
{
    static const cbx_format tried[] = {CBX_FMT_BF16, CBX_FMT_I8, CBX_FMT_I4};
    world w = {.most = most < MOST_TOKENS ? most : MOST_TOKENS};
    if (count < 1 || count > 1000 || most < 1)
        return cbx_fail(err, CBX_E_ARG,
                        "%d lines of %d tokens: 1 to 1000 lines, 1 token or "
                        "more",
                        count, most);
    char **lines = calloc((size_t)count, sizeof *lines);
    drawn *runs = calloc(2 * (size_t)count, sizeof *runs);
    if (!lines || !runs) {
        free(lines);
        free(runs);
        return cbx_fail(err, CBX_E_NOMEM, "no memory for %d lines", count);
    }
    const int n = read_lines(text, lines, count);
    cbx_status st = n ? open_world(folder, &w, err)
                      : cbx_fail(err, CBX_E_FILE, "%s: no line to read", text);
    if (!st)
        st = speak_all(&w, CBX_FMT_F32, lines, n, runs, err);
    for (size_t i = 0; i < sizeof tried / sizeof *tried && !st; i++)
        if (!(st = speak_all(&w, tried[i], lines, n, runs + n, err)))
            compare(tried[i], runs, runs + n, n);
    close_world(&w);
    for (int i = 0; i < n; i++)
        free(lines[i]);
    free(lines);
    free(runs);
    return st;
}
