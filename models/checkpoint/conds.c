#include "models/checkpoint/conds.h"

#include "models/checkpoint/safetensors.h"

#include <math.h>
#include <stdlib.h>

/* Far above any real voice; below, sizes cannot overflow. */
enum { MAX_DIM = 1 << 16, MAX_NUMEL = 1 << 26 };

static cbx_status check_size(const cbx_file_tensor *t, cbx_error *err)
{
    for (int i = 0; i < t->ndim; i++)
        if (t->dims[i] > MAX_DIM)
            return cbx_fail(err, CBX_E_LIMIT,
                            "%s: tensor '%s' is too large for a voice", t->file,
                            t->name);
    if (t->numel > MAX_NUMEL)
        return cbx_fail(err, CBX_E_LIMIT,
                        "%s: tensor '%s' is too large for a voice", t->file,
                        t->name);
    return CBX_OK;
}

/* A tensor of floats, each finite, as a new array. */
static cbx_status load_floats(const cbx_tensor_file *f, const char *name,
                              int ndim, const int64_t *dims,
                              const cbx_file_tensor **tensor, float **out,
                              cbx_error *err)
{
    cbx_status st = cbx_tensor_need(f, name, ndim, dims, tensor, err);
    if (!st)
        st = check_size(*tensor, err);
    if (st)
        return st;
    const size_t n = (*tensor)->numel;
    *out = malloc((n + 1) * sizeof **out);
    if (!*out)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the voice");
    if ((st = cbx_tensor_f32(*tensor, *out, err)))
        return st;
    for (size_t i = 0; i < n; i++)
        if (!isfinite((*out)[i]))
            return cbx_fail(err, CBX_E_FORMAT,
                            "%s: tensor '%s' holds a number that is not finite",
                            (*tensor)->file, name);
    return CBX_OK;
}

/* Tokens of shape [1, n], none negative, as a new array. */
static cbx_status load_tokens(const cbx_tensor_file *f, const char *name,
                              int *n, int32_t **out, cbx_error *err)
{
    const cbx_file_tensor *t;
    cbx_status st =
        cbx_tensor_need(f, name, 2, (const int64_t[]){1, -1}, &t, err);
    if (!st)
        st = check_size(t, err);
    if (st)
        return st;
    *out = malloc((t->numel + 1) * sizeof **out);
    if (!*out)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for the voice");
    if ((st = cbx_tensor_i32(t, *out, err)))
        return st;
    for (size_t i = 0; i < t->numel; i++)
        if ((*out)[i] < 0)
            return cbx_fail(err, CBX_E_FORMAT,
                            "%s: tensor '%s' holds a negative token", t->file,
                            name);
    *n = (int)t->numel;
    return CBX_OK;
}

static cbx_status load_emotion(const cbx_tensor_file *f, cbx_conds *c,
                               cbx_error *err)
{
    const cbx_file_tensor *t = cbx_tensor_find(f, "t3.emotion_adv");
    c->emotion_adv = 0.5f;
    if (!t)
        return CBX_OK;
    if (t->numel != 1)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s: tensor 't3.emotion_adv' is not one number",
                        t->file);
    const cbx_status st = cbx_tensor_f32(t, &c->emotion_adv, err);
    if (!st && !isfinite(c->emotion_adv))
        return cbx_fail(err, CBX_E_FORMAT,
                        "%s: tensor 't3.emotion_adv' is not finite", t->file);
    return st;
}

static cbx_status load_t3(const cbx_tensor_file *f, cbx_conds *c,
                          cbx_error *err)
{
    static const char emb[] = "t3.cond_prompt_speech_emb";
    const cbx_file_tensor *t;
    cbx_status st =
        load_floats(f, "t3.speaker_emb", 2, (const int64_t[]){1, -1}, &t,
                    &c->speaker_emb, err);
    if (st)
        return st;
    c->speaker_dim = (int)t->dims[1];
    if (cbx_tensor_find(f, "t3.cond_prompt_speech_tokens") &&
        (st = load_tokens(f, "t3.cond_prompt_speech_tokens", &c->n_t3_tokens,
                          &c->t3_tokens, err)))
        return st;
    if (cbx_tensor_find(f, emb)) {
        const int64_t dims[] = {1, c->n_t3_tokens, -1};
        st = load_floats(f, emb, 3, dims, &t, &c->t3_prompt_emb, err);
        if (st)
            return st;
        c->t3_prompt_dim = (int)t->dims[2];
    }
    return load_emotion(f, c, err);
}

/* s3gen.py: S3Token2Mel.embed_ref cuts the tokens to half the mel frames, so
 * an odd number of frames leaves one over. */
static cbx_status check_prompt(const cbx_tensor_file *f, const cbx_conds *c,
                               cbx_error *err)
{
    const char *path = cbx_tensor_file_path(f);
    const int spare = c->n_prompt_frames - 2 * c->n_prompt_tokens;
    if (spare != 0 && spare != 1)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s: 'gen.prompt_feat' has %d frames for %d tokens in "
                        "'gen.prompt_token'; it needs two for each",
                        path, c->n_prompt_frames, c->n_prompt_tokens);
    const cbx_file_tensor *len = cbx_tensor_find(f, "gen.prompt_token_len");
    int32_t n;
    if (!len)
        return CBX_OK;
    if (len->numel != 1)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s: 'gen.prompt_token_len' is not one number", path);
    const cbx_status st = cbx_tensor_i32(len, &n, err);
    if (!st && n != c->n_prompt_tokens)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s: 'gen.prompt_token_len' says %d, but "
                        "'gen.prompt_token' has %d",
                        path, (int)n, c->n_prompt_tokens);
    return st;
}

static cbx_status load_gen(const cbx_tensor_file *f, cbx_conds *c,
                           cbx_error *err)
{
    const cbx_file_tensor *t;
    cbx_status st = load_tokens(f, "gen.prompt_token", &c->n_prompt_tokens,
                                &c->prompt_tokens, err);
    if (!st)
        st = load_floats(f, "gen.prompt_feat", 3, (const int64_t[]){1, -1, -1},
                         &t, &c->prompt_feat, err);
    if (st)
        return st;
    c->n_prompt_frames = (int)t->dims[1];
    c->n_mels = (int)t->dims[2];
    st = load_floats(f, "gen.embedding", 2, (const int64_t[]){1, -1}, &t,
                     &c->embedding, err);
    if (st)
        return st;
    c->embedding_dim = (int)t->dims[1];
    if (c->speaker_dim < 1 || c->n_mels < 1 || c->embedding_dim < 1)
        return cbx_fail(err, CBX_E_SHAPE, "%s: a tensor of the voice is empty",
                        cbx_tensor_file_path(f));
    return check_prompt(f, c, err);
}

cbx_status cbx_conds_open(const char *path, cbx_conds **out, cbx_error *err)
{
    cbx_tensor_file *f = NULL;
    cbx_conds *c = NULL;
    cbx_status st = cbx_tensor_file_open(path, &f, err);
    if (st)
        return st;
    c = calloc(1, sizeof *c);
    st = c ? CBX_OK : cbx_fail(err, CBX_E_NOMEM, "no memory for the voice");
    if (!st)
        st = load_t3(f, c, err);
    if (!st)
        st = load_gen(f, c, err);
    cbx_tensor_file_close(f);
    if (st)
        cbx_conds_close(c);
    else
        *out = c;
    return st;
}

void cbx_conds_close(cbx_conds *c)
{
    if (!c)
        return;
    free(c->speaker_emb);
    free(c->t3_tokens);
    free(c->t3_prompt_emb);
    free(c->prompt_tokens);
    free(c->prompt_feat);
    free(c->embedding);
    free(c);
}
