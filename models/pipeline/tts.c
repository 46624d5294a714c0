#include "models/pipeline/tts.h"

#include "models/pipeline/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest voice prompt that the reference makes: 10 s of tokens
 * (s3gen.py: embed_ref). A few more cost little. */
enum { MAX_PROMPT_TOKENS = 256, SMALL_T3 = 64 << 20 };

static cbx_status join_path(const char *folder, const char *file, char *out,
                            size_t size, cbx_error *err)
{
    if (snprintf(out, size, "%s/%s", folder, file) >= (int)size)
        return cbx_fail(err, CBX_E_ARG, "%.60s...: the path is too long",
                        folder);
    return CBX_OK;
}

static cbx_status open_part(const char *folder, const char *file,
                            const char *what, cbx_tensor_file **out,
                            cbx_error *err)
{
    char path[CBX_TTS_PATH];
    if (!file[0])
        return cbx_fail(err, CBX_E_FILE, "%s: the folder holds no %s file",
                        folder, what);
    const cbx_status st = join_path(folder, file, path, sizeof path, err);
    return st ? st : cbx_tensor_file_open(path, out, err);
}

/* Weights that must be read for each token, in the file's own types. */
static size_t tensor_bytes(const cbx_tensor_file *f)
{
    size_t bytes = 0;
    for (size_t i = 0; i < cbx_tensor_count(f); i++)
        bytes += cbx_tensor_at(f, i)->numel * 4;
    return bytes;
}

/* One of the formats in `offered`, or what *out is already. */
static cbx_status choose(const char *what, const char *name,
                         const char *const *offered, const cbx_format *formats,
                         cbx_format *out, cbx_error *err)
{
    char all[64] = "auto";
    if (!name || !*name || !strcmp(name, "auto"))
        return CBX_OK;
    for (int i = 0; offered[i]; i++) {
        if (!strcmp(name, offered[i])) {
            *out = formats[i];
            return CBX_OK;
        }
        strcat(strcat(all, offered[i + 1] ? ", " : " or "), offered[i]);
    }
    return cbx_fail(err, CBX_E_ARG, "unknown %s '%.32s': it must be %s", what,
                    name, all);
}

static cbx_status choose_formats(cbx_tts *m, const cbx_tts_weights *w,
                                 cbx_error *err)
{
    static const char *const t3_names[] = {"f32", "bf16", "int8", "int4", NULL};
    static const cbx_format t3_formats[] = {CBX_FMT_F32, CBX_FMT_BF16,
                                            CBX_FMT_I8, CBX_FMT_I4};
    static const char *const s3gen_names[] = {"f32", "bf16", "int8", NULL};
    static const cbx_format s3gen_formats[] = {CBX_FMT_F32, CBX_FMT_BF16A,
                                               CBX_FMT_I8A};
    const bool small = tensor_bytes(m->t3_file) < SMALL_T3;
    m->t3_format = small ? CBX_FMT_F32 : CBX_FMT_I8;
    m->s3gen_format = CBX_FMT_F32;
    if (!w)
        return CBX_OK;
    const cbx_status st =
        choose("weights", w->t3, t3_names, t3_formats, &m->t3_format, err);
    return st ? st
              : choose("arithmetic", w->s3gen, s3gen_names, s3gen_formats,
                       &m->s3gen_format, err);
}

static cbx_status open_all(cbx_tts *m, const cbx_tts_weights *weights,
                           cbx_error *err)
{
    const cbx_config *c = &m->config;
    cbx_status st;
    if ((st = cbx_config_open(m->folder, &m->config, err)))
        return st;
    if ((st = cbx_tokenizer_open(m->folder, c, &m->tokenizer, err)))
        return st;
    if ((st = open_part(m->folder, c->files.t3, "T3 (t3_*.safetensors)",
                        &m->t3_file, err)))
        return st;
    if ((st = open_part(m->folder, c->files.s3gen, "S3Gen (s3gen*.safetensors)",
                        &m->s3gen_file, err)))
        return st;
    if ((st = choose_formats(m, weights, err)))
        return st;
    if ((st = t3_open(m->dev, m->t3_file, c, m->t3_format, &m->t3, err)))
        return st;
    if (cbx_tokenizer_size(m->tokenizer) > t3_get_info(m->t3)->text_vocab)
        return cbx_fail(err, CBX_E_SHAPE,
                        "%s: the tokenizer has %d ids, the model only %d: "
                        "it belongs to another checkpoint",
                        m->folder, cbx_tokenizer_size(m->tokenizer),
                        t3_get_info(m->t3)->text_vocab);
    const int tokens = MAX_PROMPT_TOKENS + c->limits.max_speech_tokens +
                       c->limits.silence_appended;
    return s3gen_open(m->dev, m->s3gen_file, c, m->s3gen_format, tokens,
                      &m->s3gen, err);
}

cbx_status cbx_tts_open(cbx_dev *dev, const char *folder,
                        const cbx_tts_weights *weights, cbx_tts **out,
                        cbx_error *err)
{
    cbx_tts *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a model");
    m->dev = dev;
    cbx_status st;
    if (snprintf(m->folder, sizeof m->folder, "%s", folder) >=
        (int)sizeof m->folder)
        st = cbx_fail(err, CBX_E_ARG, "%.60s...: the path is too long", folder);
    else
        st = open_all(m, weights, err);
    if (st) {
        cbx_tts_close(m);
        return st;
    }
    *out = m;
    return CBX_OK;
}

void cbx_tts_close(cbx_tts *m)
{
    if (!m)
        return;
    s3gen_close(m->s3gen);
    t3_close(m->t3);
    cbx_tensor_file_close(m->s3gen_file);
    cbx_tensor_file_close(m->t3_file);
    cbx_tokenizer_close(m->tokenizer);
    free(m);
}

const cbx_config *cbx_tts_config(const cbx_tts *m)
{
    return &m->config;
}

const char *cbx_tts_weights_name(const cbx_tts *m)
{
    return cbx_format_name(m->t3_format);
}

const char *cbx_tts_compute_name(const cbx_tts *m)
{
    return cbx_format_name(m->s3gen_format);
}

size_t cbx_tts_weight_bytes(const cbx_tts *m)
{
    return t3_get_info(m->t3)->weight_bytes +
           s3gen_get_info(m->s3gen)->weight_bytes;
}

cbx_status cbx_tts_language(const cbx_tts *m, const char *language,
                            const char **notice, cbx_error *err)
{
    const cbx_status st = cbx_tokenizer_check(m->tokenizer, language, err);
    *notice = st ? NULL : cbx_tokenizer_notice(m->tokenizer, language);
    return st;
}

/* -- silence --------------------------------------------------------------- */

/* Tokens that are silence in the voice's own prompt: 40 dB below its loudest,
 * in every band. And the one that the model names. */
static cbx_status find_silence(const cbx_tts *m, const cbx_conds *c,
                               cbx_speaker *s, cbx_error *err)
{
    const float below = 4.6f; /* natural logarithm of a magnitude */
    const int codes = s3gen_get_info(m->s3gen)->codes;
    const int ratio = m->config.flow.token_mel_ratio, mels = c->n_mels;
    const int silence = m->config.limits.silence_token;
    float loudest = -INFINITY;
    s->silent = calloc((size_t)codes, 1);
    if (!s->silent)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a voice");
    if (silence < codes)
        s->silent[silence] = 1;
    for (int i = 0; i < c->n_prompt_frames * mels; i++)
        loudest = fmaxf(loudest, c->prompt_feat[i]);
    for (int t = 0; t < c->n_prompt_tokens; t++) {
        float top = -INFINITY;
        for (int i = t * ratio * mels; i < (t + 1) * ratio * mels; i++)
            top = fmaxf(top, c->prompt_feat[i]);
        if (top < loudest - below)
            s->silent[c->prompt_tokens[t]] = 1;
    }
    return CBX_OK;
}

/* -- speaker --------------------------------------------------------------- */

/* The voice file in the model's own folder. */
static cbx_status own_conds(const cbx_tts *m, char *path, size_t size,
                            cbx_error *err)
{
    if (!m->config.files.conds[0])
        return cbx_fail(err, CBX_E_FILE,
                        "%s: the model has no voice of its own (conds.pt); "
                        "name one",
                        m->folder);
    return join_path(m->folder, m->config.files.conds, path, size, err);
}

cbx_status cbx_speaker_open(const cbx_tts *m, const char *conds_path,
                            cbx_speaker **out, cbx_error *err)
{
    char own[CBX_TTS_PATH];
    cbx_conds *conds = NULL;
    cbx_speaker *s = calloc(1, sizeof *s);
    cbx_status st = CBX_OK;
    if (!s)
        return cbx_fail(err, CBX_E_NOMEM, "no memory for a voice");
    if (!conds_path && !(st = own_conds(m, own, sizeof own, err)))
        conds_path = own;
    if (!st)
        st = cbx_conds_open(conds_path, &conds, err);
    if (!st)
        st = t3_voice_open(m->t3, conds, &s->t3, err);
    if (!st)
        st = flow_voice_open(s3gen_flow(m->s3gen), conds, &s->flow, err);
    if (!st && flow_voice_tokens(s->flow) > MAX_PROMPT_TOKENS)
        st =
            cbx_fail(err, CBX_E_LIMIT,
                     "%s: a prompt of %d tokens; at most %d are possible",
                     conds_path, flow_voice_tokens(s->flow), MAX_PROMPT_TOKENS);
    if (!st)
        st = find_silence(m, conds, s, err);
    cbx_conds_close(conds);
    if (st) {
        cbx_speaker_close(s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

void cbx_speaker_close(cbx_speaker *s)
{
    if (!s)
        return;
    flow_voice_close(s->flow);
    t3_voice_close(s->t3);
    free(s->silent);
    free(s);
}
