/* A checkpoint with one wrong tensor is refused, and the tensor is named. */

#include "tests/s3gen/fixture.h"

#include "models/checkpoint/safetensors.h"

#include <unistd.h>

typedef struct fault {
    const char *tensor;
    enum { MISSING, FIRST_SHORTER, LAST_SHORTER, NOT_FLOAT } what;
} fault;

/* Writes the tiny checkpoint with that fault. */
static void write_faulty(const fixture *f, const fault *x, const char *path)
{
    const size_t n = cbx_tensor_count(f->weights);
    cbx_safetensors_item *items = calloc(n, sizeof *items);
    size_t used = 0;
    int found = 0;
    cbx_error err;

    CHECK(items);
    for (size_t i = 0; i < n; i++) {
        const cbx_file_tensor *t = cbx_tensor_at(f->weights, i);
        cbx_safetensors_item *it = &items[used];
        if (strncmp(t->name, "flow.", 5) && strncmp(t->name, "mel2wav.", 8))
            continue;
        *it = (cbx_safetensors_item){
            .name = t->name, .dtype = t->dtype, .ndim = t->ndim};
        it->data = t->data;
        memcpy(it->dims, t->dims, sizeof t->dims);
        used++;
        if (!x || strcmp(t->name, x->tensor))
            continue;
        found = 1;
        if (x->what == MISSING)
            used--;
        else if (x->what == FIRST_SHORTER)
            it->dims[0]--;
        else if (x->what == LAST_SHORTER)
            it->dims[t->ndim - 1]--;
        else
            it->dtype = CBX_FILE_I32;
    }
    CHECK(found || !x);
    if (cbx_safetensors_write(path, items, used, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    free(items);
}

static cbx_status open_faulty(const fixture *f, const fault *x, cbx_error *err)
{
    char path[] = "cbx-s3gen-XXXXXX";
    const int fd = mkstemp(path);
    cbx_tensor_file *file;
    s3gen *m;
    cbx_status st;

    CHECK(fd >= 0);
    close(fd);
    write_faulty(f, x, path);
    CHECK(!cbx_tensor_file_open(path, &file, err));
    st = s3gen_open(f->dev, file, &f->config, CBX_FMT_F32, 16, &m, err);
    if (!st)
        s3gen_close(m);
    cbx_tensor_file_close(file);
    unlink(path);
    return st;
}

static void the_written_copy_is_good(const fixture *f)
{
    cbx_error err;
    CHECK(!open_faulty(f, NULL, &err));
}

static void a_wrong_tensor_is_named(const fixture *f)
{
#define U "flow.decoder.estimator."
#define N ".parametrizations.weight.original"
    static const fault faults[] = {
        {"flow.input_embedding.weight", MISSING},
        {"flow.input_embedding.weight", NOT_FLOAT},
        {"flow.encoder.embed.out.1.bias", MISSING},
        {"flow.encoder.encoders.0.self_attn.linear_pos.weight", MISSING},
        {"flow.encoder.encoders.0.self_attn.linear_k.weight", LAST_SHORTER},
        {"flow.encoder.up_encoders.0.self_attn.pos_bias_v", FIRST_SHORTER},
        {"flow.encoder.pre_lookahead_layer.conv2.weight", LAST_SHORTER},
        {"flow.encoder_proj.bias", NOT_FLOAT},
        {"flow.spk_embed_affine_layer.weight", MISSING},
        {U "time_mlp.linear_2.weight", FIRST_SHORTER},
        {U "time_embed_mixer.weight", MISSING},
        {U "down_blocks.0.0.block2.block.0.weight", FIRST_SHORTER},
        {U "mid_blocks.1.0.mlp.1.bias", MISSING},
        {U "mid_blocks.1.1.0.ff.net.2.weight", LAST_SHORTER},
        {U "up_blocks.0.0.res_conv.weight", LAST_SHORTER},
        {U "up_blocks.0.2.bias", FIRST_SHORTER},
        {U "final_proj.bias", MISSING},
        {"mel2wav.conv_pre.bias", FIRST_SHORTER},
        {"mel2wav.ups.1" N "0", MISSING},
        {"mel2wav.ups.2" N "1", FIRST_SHORTER},
        {"mel2wav.source_downs.0.weight", LAST_SHORTER},
        {"mel2wav.source_resblocks.1.activations1.2.alpha", FIRST_SHORTER},
        {"mel2wav.resblocks.8.convs2.2" N "1", FIRST_SHORTER},
        {"mel2wav.f0_predictor.condnet.4" N "0", FIRST_SHORTER},
        {"mel2wav.f0_predictor.classifier.weight", LAST_SHORTER},
        {"mel2wav.m_source.l_linear.weight", LAST_SHORTER},
    };

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        cbx_error err = {0};
        const cbx_status st = open_faulty(f, &faults[i], &err);
        const cbx_status want =
            faults[i].what == NOT_FLOAT ? CBX_E_UNSUPPORTED : CBX_E_SHAPE;
        if (st != want || !strstr(err.text, faults[i].tensor)) {
            fprintf(stderr, "%s: status %d, \"%s\"\n", faults[i].tensor, st,
                    err.text);
            exit(1);
        }
    }
}

static void a_voice_of_another_model_is_refused(const fixture *f)
{
    const flow *m = s3gen_flow(f->model);
    flow_voice *v;
    cbx_error err;
    inputs in;
    cbx_conds c;

    inputs_open(f, &in);
    c = in.conds;
    c.embedding_dim--;
    CHECK(flow_voice_open(m, &c, &v, &err) == CBX_E_SHAPE);
    CHECK(strstr(err.text, "gen.embedding"));
    c = in.conds;
    c.n_mels--;
    CHECK(flow_voice_open(m, &c, &v, &err) == CBX_E_SHAPE);
    CHECK(strstr(err.text, "gen.prompt_feat"));
    in.conds.prompt_tokens[3] = 6561;
    CHECK(flow_voice_open(m, &in.conds, &v, &err) == CBX_E_ARG);
    CHECK(strstr(err.text, "prompt token 3 is 6561"));
    inputs_close(&in);
}

static void sizes_out_of_range_are_refused(const fixture *f)
{
    const flow *m = s3gen_flow(f->model);
    const hift *h = s3gen_hift(f->model);
    flow_state *fs;
    hift_state *hs;
    s3gen *other;
    cbx_error err;

    CHECK(flow_state_open(m, FIXTURE_TOKENS + 1, false, &fs, &err) ==
          CBX_E_LIMIT);
    CHECK(flow_state_open(m, 0, false, &fs, &err) == CBX_E_LIMIT);
    CHECK(hift_state_open(h, 0, false, &hs, &err) == CBX_E_ARG);
    CHECK(s3gen_open(f->dev, f->weights, &f->config, CBX_FMT_F32, 0, &other,
                     &err) == CBX_E_ARG);
}

int main(int argc, char **argv)
{
    fixture f;

    fixture_open(argc, argv, "turbo", &f);
    the_written_copy_is_good(&f);
    a_wrong_tensor_is_named(&f);
    a_voice_of_another_model_is_refused(&f);
    sizes_out_of_range_are_refused(&f);
    fixture_close(&f);
    return 0;
}
