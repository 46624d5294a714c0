#include "tools/flow_modes/flow_modes.h"

#include <stdio.h>
#include <stdlib.h>

void must(cbx_status st, const cbx_error *err)
{
    if (!st)
        return;
    fprintf(stderr, "flow_modes: %s\n", err->text);
    exit(1);
}

void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "flow_modes: memory ran out\n");
        exit(1);
    }
    return p;
}

static void join(char *path, size_t size, const char *folder, const char *file)
{
    snprintf(path, size, "%s/%s", folder, file);
}

static void open_t3(bench *b)
{
    cbx_error err;

    must(t3_open(b->dev, b->t3_file, &b->config, CBX_FMT_F32, &b->t3, &err),
         &err);
    must(t3_voice_open(b->t3, b->conds, &b->t3_voice, &err), &err);
    must(
        t3_state_open(b->t3, t3_get_info(b->t3)->positions, &b->t3_state, &err),
        &err);
}

static void open_s3gen(bench *b)
{
    const int most = b->conds->n_prompt_tokens + MAX_TOKENS;
    cbx_error err;

    must(s3gen_open(b->dev, b->s3gen_file, &b->config, CBX_FMT_F32, most,
                    &b->s3gen, &err),
         &err);
    b->flow = s3gen_flow(b->s3gen);
    b->hift = s3gen_hift(b->s3gen);
    b->mels = s3gen_get_info(b->s3gen)->mels;
    b->samples = s3gen_get_info(b->s3gen)->samples_per_frame;
    must(flow_voice_open(b->flow, b->conds, &b->voice, &err), &err);
    must(flow_voice_prepare(b->flow, b->voice, &err), &err);
    must(flow_state_open(b->flow, most, false, &b->state, &err), &err);
}

void bench_open(bench *b, const char *folder)
{
    char path[4096];
    cbx_error err;

    *b = (bench){0};
    must(cbx_config_open(folder, &b->config, &err), &err);
    must(cbx_cpu_open(0, NULL, &b->dev, &err), &err);
    must(cbx_bpe_open(folder, &b->bpe, &err), &err);
    join(path, sizeof path, folder, b->config.files.t3);
    must(cbx_tensor_file_open(path, &b->t3_file, &err), &err);
    join(path, sizeof path, folder, b->config.files.s3gen);
    must(cbx_tensor_file_open(path, &b->s3gen_file, &err), &err);
    join(path, sizeof path, folder, b->config.files.conds);
    must(cbx_conds_open(path, &b->conds, &err), &err);
    open_t3(b);
    open_s3gen(b);
}

void bench_close(bench *b)
{
    flow_state_close(b->state);
    flow_voice_close(b->voice);
    s3gen_close(b->s3gen);
    t3_state_close(b->t3_state);
    t3_voice_close(b->t3_voice);
    t3_close(b->t3);
    cbx_conds_close(b->conds);
    cbx_tensor_file_close(b->s3gen_file);
    cbx_tensor_file_close(b->t3_file);
    cbx_bpe_close(b->bpe);
    cbx_dev_close(b->dev);
}
