#include "models/voice/prepare.h"

#include "models/voice/campplus.h"
#include "models/voice/ears.h"
#include "models/voice/features.h"
#include "models/voice/ve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)CBX_VOICE_RATE == (int)VOICE_RATE_24K, "one rate");

enum { S3GEN_SECONDS = 10 };

/* What differs between the families. */
typedef struct recipe {
    bool normalise;  /* to -27 LUFS */
    int t3_seconds;  /* of sound for T3's prompt */
    double at_least; /* seconds, exclusive */
} recipe;

static recipe recipe_of(cbx_family family)
{
    if (family == CBX_FAMILY_TURBO || family == CBX_FAMILY_NANO)
        return (recipe){.normalise = true, .t3_seconds = 15, .at_least = 5};
    return (recipe){.t3_seconds = 6};
}

struct cbx_voice_maker {
    recipe recipe;
    int t3_tokens;
    float emotion;
    ve *ve;
    campplus *campplus;
    s3tok *s3tok;
};

size_t cbx_voice_wanted(cbx_family family)
{
    const double seconds = recipe_of(family).at_least;
    return seconds > 0 ? (size_t)(seconds * CBX_VOICE_RATE) + 1
                       : CBX_VOICE_LEAST;
}

/* -- opening --------------------------------------------------------------- */

static cbx_status open_ve(cbx_dev *dev, const char *folder, const cbx_config *c,
                          ve **out, cbx_error *err)
{
    cbx_tensor_file *f;
    cbx_status st = encoder_file_open(folder, c->files.ve, "lstm.weight_ih_l0",
                                      "voice encoder", &f, err);
    if (st)
        return st;
    st = ve_open(dev, f, &c->ve, out, err);
    cbx_tensor_file_close(f);
    return st;
}

static cbx_status open_campplus(cbx_dev *dev, const char *folder,
                                const cbx_config *c, campplus **out,
                                cbx_error *err)
{
    cbx_tensor_file *f;
    cbx_status st = encoder_file_open(folder, c->files.s3gen,
                                      "speaker_encoder.head.conv1.weight",
                                      "speaker encoder", &f, err);
    if (st)
        return st;
    st = campplus_open(dev, f, &c->campplus, out, err);
    cbx_tensor_file_close(f);
    return st;
}

cbx_status cbx_voice_maker_open(cbx_dev *dev, const char *folder,
                                const cbx_config *config, cbx_voice_maker **out,
                                cbx_error *err)
{
    cbx_voice_maker *m = calloc(1, sizeof *m);
    if (!m)
        return cbx_fail(err, CBX_E_NOMEM, "no memory to make a voice");
    m->recipe = recipe_of(config->family);
    m->t3_tokens = config->t3.prompt_tokens;
    /* tts_turbo.py: generate() prepares with 0 */
    m->emotion = config->t3.emotion_adv ? config->sampling.exaggeration : 0;
    cbx_status st = open_ve(dev, folder, config, &m->ve, err);
    if (!st)
        st = open_campplus(dev, folder, config, &m->campplus, err);
    if (!st)
        st = cbx_ears_open(dev, folder, config, &m->s3tok, err);
    if (st) {
        cbx_voice_maker_close(m);
        return st;
    }
    *out = m;
    return CBX_OK;
}

void cbx_voice_maker_close(cbx_voice_maker *m)
{
    if (!m)
        return;
    ve_close(m->ve);
    campplus_close(m->campplus);
    s3tok_close(m->s3tok);
    free(m);
}

/* -- making ---------------------------------------------------------------- */

static cbx_status check_wav(const float *wav, size_t n, cbx_error *err)
{
    if (n < CBX_VOICE_LEAST || n > CBX_VOICE_MOST)
        return cbx_fail(err, CBX_E_ARG,
                        "a recording of %.2f seconds cannot be made into a "
                        "voice; half a second to an hour is needed",
                        (double)n / CBX_VOICE_RATE);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(wav[i]))
            return cbx_fail(err, CBX_E_ARG,
                            "sample %zu of the recording is not a number", i);
    return CBX_OK;
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

/* s3gen.py: embed_ref: the speaker. */
static cbx_status make_embedding(const cbx_voice_maker *m, const float *wav16,
                                 size_t n, const cbx_probe *probe, cbx_conds *c,
                                 cbx_error *err)
{
    voice_rows feat;
    cbx_status st = voice_fbank(wav16, n, &feat, err);
    if (st)
        return st;
    voice_remove_mean(&feat);
    c->embedding_dim = campplus_dim(m->campplus);
    c->embedding = calloc((size_t)c->embedding_dim, sizeof *c->embedding);
    st = c->embedding
             ? campplus_embed(m->campplus, &feat, probe, c->embedding, err)
             : cbx_fail(err, CBX_E_NOMEM, "no memory to make a voice");
    free(feat.v);
    return st;
}

/* s3gen.py: embed_ref. Tokens past the end of the mel are dropped; a mel of an
 * odd count keeps its last frame. */
static cbx_status make_s3gen_prompt(const cbx_voice_maker *m, const float *wav,
                                    size_t n, const cbx_probe *probe,
                                    cbx_conds *c, cbx_error *err)
{
    const size_t used = at_most(n, S3GEN_SECONDS * CBX_VOICE_RATE);
    float *wav16;
    size_t n16;
    voice_rows mel;
    cbx_status st = voice_prompt_mel(wav, used, &mel, err);
    if (st)
        return st;
    c->prompt_feat = mel.v;
    c->n_prompt_frames = mel.rows;
    c->n_mels = mel.cols;
    if ((st = voice_resample_sinc(wav, used, &wav16, &n16, err)))
        return st;
    st = make_embedding(m, wav16, n16, probe, c, err);
    if (!st)
        st = cbx_ears_hear(m->s3tok, wav16, n16, 0, probe, &c->prompt_tokens,
                           &c->n_prompt_tokens, err);
    if (c->n_prompt_tokens > mel.rows / 2)
        c->n_prompt_tokens = mel.rows / 2;
    free(wav16);
    return st;
}

/* voice_encoder.py: embeds_from_wavs */
static cbx_status make_speaker(const cbx_voice_maker *m, const float *wav16,
                               size_t n, const cbx_probe *probe, cbx_conds *c,
                               cbx_error *err)
{
    size_t from, to;
    voice_rows mel;
    voice_trim(wav16, n, &from, &to);
    cbx_status st = voice_ve_mel(wav16 + from, to - from, &mel, err);
    if (st)
        return st;
    c->speaker_dim = ve_dim(m->ve);
    c->speaker_emb = calloc((size_t)c->speaker_dim, sizeof *c->speaker_emb);
    st = c->speaker_emb
             ? ve_embed(m->ve, &mel, probe, c->speaker_emb, err)
             : cbx_fail(err, CBX_E_NOMEM, "no memory to make a voice");
    free(mel.v);
    return st;
}

static cbx_status make_t3_prompt(const cbx_voice_maker *m, const float *wav,
                                 size_t n, const cbx_probe *probe, cbx_conds *c,
                                 cbx_error *err)
{
    const size_t most = (size_t)m->recipe.t3_seconds * VOICE_RATE_16K;
    float *wav16;
    size_t n16;
    cbx_status st = voice_resample_soxr(wav, n, &wav16, &n16, err);
    if (st)
        return st;
    if (m->t3_tokens)
        st = cbx_ears_hear(m->s3tok, wav16, at_most(n16, most), m->t3_tokens,
                           probe, &c->t3_tokens, &c->n_t3_tokens, err);
    if (!st)
        st = make_speaker(m, wav16, n16, probe, c, err);
    free(wav16);
    return st;
}

/* Samples far above 1, or damaged weights, end in what no stream could use. */
static cbx_status check_voice(const cbx_conds *c, cbx_error *err)
{
    const size_t n = (size_t)c->n_prompt_frames * (size_t)c->n_mels;
    for (int i = 0; i < c->embedding_dim; i++)
        if (!isfinite(c->embedding[i]))
            return cbx_fail(err, CBX_E_ARG,
                            "the speaker encoder makes nothing of the "
                            "recording; is it a recording of speech, and the "
                            "model undamaged?");
    for (size_t i = 0; i < n; i++)
        if (!isfinite(c->prompt_feat[i]))
            return cbx_fail(err, CBX_E_ARG,
                            "the recording is too loud; samples lie between "
                            "-1 and 1");
    return CBX_OK;
}

cbx_status cbx_voice_make(const cbx_voice_maker *m, const float *wav, size_t n,
                          const cbx_probe *probe, cbx_conds **out,
                          cbx_error *err)
{
    double gain;
    cbx_status st = check_wav(wav, n, err);
    if (st)
        return st;
    float *copy = malloc(n * sizeof *copy);
    cbx_conds *c = calloc(1, sizeof *c);
    if (copy && c)
        memcpy(copy, wav, n * sizeof *copy);
    else
        st = cbx_fail(err, CBX_E_NOMEM, "no memory to make a voice");
    if (!st && m->recipe.normalise)
        st = voice_normalise(copy, n, &gain, err);
    if (!st)
        st = make_s3gen_prompt(m, copy, n, probe, c, err);
    if (!st)
        st = make_t3_prompt(m, copy, n, probe, c, err);
    if (!st)
        st = check_voice(c, err);
    free(copy);
    if (st) {
        cbx_conds_close(c);
        return st;
    }
    c->emotion_adv = m->emotion;
    *out = c;
    return CBX_OK;
}
