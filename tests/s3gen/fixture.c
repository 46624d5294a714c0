#include "tests/s3gen/fixture.h"

static void must(cbx_status st, const cbx_error *err)
{
    if (!st)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

void fixture_open(int argc, char **argv, const char *family, fixture *f)
{
    const char *folder = getenv("CBX_GOLDENS");
    char path[512], name[512];
    cbx_error err;

    *f = (fixture){0};
    if (!folder && argc > 1)
        folder = argv[1];
    if (!folder)
        SKIP("no folder of goldens given");
    snprintf(path, sizeof path, "%s/golden_%s.safetensors", folder, family);
    if (cbx_tensor_file_open(path, &f->golden, &err))
        SKIP(err.text);
    snprintf(path, sizeof path, "%s/checkpoints/%s", folder, family);
    if (cbx_config_open(path, &f->config, &err))
        SKIP(err.text);
    snprintf(name, sizeof name, "%.400s/%s", path, f->config.files.s3gen);
    must(cbx_tensor_file_open(name, &f->weights, &err), &err);
    must(cbx_cpu_open(0, NULL, &f->dev, &err), &err);
    must(s3gen_open(f->dev, f->weights, &f->config, CBX_FMT_F32, FIXTURE_TOKENS,
                    &f->model, &err),
         &err);
}

void fixture_close(fixture *f)
{
    s3gen_close(f->model);
    cbx_dev_close(f->dev);
    cbx_tensor_file_close(f->weights);
    cbx_tensor_file_close(f->golden);
}

float *golden_read(const fixture *f, const char *name, int *rows, int *cols)
{
    const cbx_file_tensor *t = cbx_tensor_find(f->golden, name);
    float *p;
    cbx_error err;

    if (!t) {
        fprintf(stderr, "no golden %s\n", name);
        exit(1);
    }
    p = malloc((t->numel + 1) * sizeof *p);
    CHECK(p);
    must(cbx_tensor_f32(t, p, &err), &err);
    *cols = t->ndim ? (int)t->dims[t->ndim - 1] : 1;
    *rows = *cols ? (int)(t->numel / (size_t)*cols) : 0;
    return p;
}

static int32_t *golden_ids(const fixture *f, const char *name, int *n)
{
    const cbx_file_tensor *t = cbx_tensor_find(f->golden, name);
    int32_t *p;
    cbx_error err;

    CHECK(t);
    p = malloc((t->numel + 1) * sizeof *p);
    CHECK(p);
    must(cbx_tensor_i32(t, p, &err), &err);
    *n = (int)t->numel;
    return p;
}

float *transposed(const float *m, int rows, int cols)
{
    float *t = malloc(sizeof *t * (size_t)rows * (size_t)cols);

    CHECK(t);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            t[c * rows + r] = m[r * cols + c];
    return t;
}

static float *golden_transposed(const fixture *f, const char *name)
{
    int rows, cols;
    float *m = golden_read(f, name, &rows, &cols);
    float *t = transposed(m, rows, cols);

    free(m);
    return t;
}

void inputs_open(const fixture *f, inputs *in)
{
    int rows, cols;

    *in = (inputs){0};
    in->conds.prompt_tokens =
        golden_ids(f, "flow.in.prompt_token", &in->conds.n_prompt_tokens);
    in->conds.prompt_feat =
        golden_read(f, "flow.in.prompt_feat", &in->conds.n_prompt_frames,
                    &in->conds.n_mels);
    in->conds.embedding =
        golden_read(f, "flow.in.embedding", &rows, &in->conds.embedding_dim);
    in->tokens = golden_ids(f, "flow.in.tokens", &in->n_tokens);
    in->z = golden_transposed(f, "flow.cfm.z");
    in->phase = golden_read(f, "hift.in.phase", &rows, &cols);
    in->f0 = golden_read(f, "hift.f0", &rows, &cols);
    in->source = golden_read(f, "hift.source", &rows, &cols);
    in->noise = golden_transposed(f, "hift.in.noise");
}

void inputs_close(inputs *in)
{
    free(in->conds.prompt_tokens);
    free(in->conds.prompt_feat);
    free(in->conds.embedding);
    free(in->tokens);
    free(in->z);
    free(in->phase);
    free(in->noise);
    free(in->source);
    free(in->f0);
}

double relative_l2(const float *a, const float *b, size_t n)
{
    double diff = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        diff += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(diff) / fmax(sqrt(size), 1e-30);
}
