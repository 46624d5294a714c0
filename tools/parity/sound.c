#include "tools/parity/sound.h"

#include "dsp/loudness.h"

#include <stdlib.h>
#include <string.h>

enum { S3GEN_SAMPLES = 10 * VOICE_RATE_24K }; /* tts_turbo.py: DEC_COND_LEN */

cbx_status sound_recording(parity *p, float **out, size_t *n, cbx_error *err)
{
    const char *key = "voice.in.wav24_i16";
    const int32_t *in;
    int count;
    const cbx_status st = golden_ids(&p->golden, key, &count, &in, err);
    if (st)
        return st;
    float *v = need((size_t)count, sizeof *v);
    for (int i = 0; i < count; i++)
        v[i] = (float)in[i] / 32768;
    *out = v;
    *n = (size_t)count;
    return CBX_OK;
}

cbx_status sound_rows(parity *p, const char *key, layout l, voice_rows *out,
                      cbx_error *err)
{
    const cbx_file_tensor *t = golden_find(&p->golden, key);
    const int ndim = t && t->ndim == 3 ? 3 : 2;
    int64_t dims[3] = {1, -1, -1};
    const float *v;
    const cbx_status st =
        golden_floats(&p->golden, key, ndim, dims + 3 - ndim, &v, err);
    if (st)
        return st;
    const int64_t rows = l == BY_TIME ? dims[1] : dims[2];
    const int64_t cols = l == BY_TIME ? dims[2] : dims[1];
    if (rows < 1 || cols < 1 || rows > 1 << 20 || cols > 1 << 16)
        return cbx_fail(err, CBX_E_SHAPE, "%s: %lld x %lld values", key,
                        (long long)dims[1], (long long)dims[2]);
    const size_t n = (size_t)rows * (size_t)cols;
    *out = (voice_rows){need(n, sizeof *out->v), (int)rows, (int)cols};
    if (l == BY_TIME)
        memcpy(out->v, v, n * sizeof *v);
    else
        transpose(v, (size_t)cols, (size_t)rows, out->v);
    return CBX_OK;
}

/* Compares a matrix and goes on with the reference's. */
static cbx_status take_rows(parity *p, const char *key, layout l,
                            voice_rows *rows, double tolerance, cbx_error *err)
{
    voice_rows theirs;
    if (!golden_find(&p->golden, key))
        return CBX_OK;
    report_matrix(&p->report, key, rows->v, (size_t)rows->rows,
                  (size_t)rows->cols, l, tolerance);
    const cbx_status st = sound_rows(p, key, l, &theirs, err);
    if (st)
        return st;
    free(rows->v);
    *rows = theirs;
    return CBX_OK;
}

/* The same with samples. */
static cbx_status take_wav(parity *p, const char *key, float **wav, size_t *n,
                           cbx_error *err)
{
    const float *v;
    if (!golden_find(&p->golden, key))
        return CBX_OK;
    report_floats(&p->report, key, *wav, *n, TOL_STAGE);
    const cbx_status st = golden_signal(&p->golden, key, &v, n, err);
    if (st)
        return st;
    free(*wav);
    *wav = need(*n, sizeof **wav);
    memcpy(*wav, v, *n * sizeof *v);
    return CBX_OK;
}

static cbx_status normalise(parity *p, sound *s, cbx_error *err)
{
    double lufs, gain;
    cbx_status st = cbx_loudness(s->wav24, s->n24, VOICE_RATE_24K, &lufs, err);
    if (!st)
        st = voice_normalise(s->wav24, s->n24, &gain, err);
    if (st)
        return st;
    const float l = (float)lufs, g = (float)gain;
    report_floats(&p->report, "voice.loudness_lufs", &l, 1, TOL_STAGE);
    report_floats(&p->report, "voice.wav24_normed_gain", &g, 1, TOL_STAGE);
    return CBX_OK;
}

static cbx_status resample(parity *p, sound *s, cbx_error *err)
{
    const size_t used = s->n24 < S3GEN_SAMPLES ? s->n24 : S3GEN_SAMPLES;
    cbx_status st;
    if ((st = voice_resample_soxr(s->wav24, s->n24, &s->librosa, &s->n_librosa,
                                  err)) ||
        (st = take_wav(p, "voice.wav16_librosa", &s->librosa, &s->n_librosa,
                       err)) ||
        (st = voice_resample_sinc(s->wav24, used, &s->torchaudio,
                                  &s->n_torchaudio, err)))
        return st;
    return take_wav(p, "voice.wav16_torchaudio", &s->torchaudio,
                    &s->n_torchaudio, err);
}

static cbx_status run_prompt_mel(parity *p, const sound *s, cbx_error *err)
{
    const size_t used = s->n24 < S3GEN_SAMPLES ? s->n24 : S3GEN_SAMPLES;
    voice_rows mel;
    const cbx_status st = voice_prompt_mel(s->wav24, used, &mel, err);
    if (st)
        return st;
    report_matrix(&p->report, "voice.gen.prompt_feat", mel.v, (size_t)mel.rows,
                  (size_t)mel.cols, BY_TIME, TOL_END);
    free(mel.v);
    return CBX_OK;
}

static cbx_status run_fbank(parity *p, sound *s, cbx_error *err)
{
    cbx_status st = voice_fbank(s->torchaudio, s->n_torchaudio, &s->fbank, err);
    if (!st)
        st = take_rows(p, "voice.xvec.fbank", BY_TIME, &s->fbank, TOL_END, err);
    if (st)
        return st;
    voice_remove_mean(&s->fbank);
    return take_rows(p, "voice.xvec.feat", BY_CHANNEL, &s->fbank, TOL_STAGE,
                     err);
}

static cbx_status run_logmel(parity *p, sound *s, cbx_error *err)
{
    const cbx_status st =
        voice_token_mel(s->torchaudio, s->n_torchaudio, &s->logmel, err);
    if (st)
        return st;
    return take_rows(p, "voice.tok.logmel", BY_CHANNEL, &s->logmel, TOL_END,
                     err);
}

static cbx_status run_ve_mel(parity *p, sound *s, cbx_error *err)
{
    size_t from, to;
    voice_trim(s->librosa, s->n_librosa, &from, &to);
    const int32_t trim[2] = {(int32_t)from, (int32_t)to};
    report_ids(&p->report, "voice.ve.trim", trim, 2);
    const cbx_status st =
        voice_ve_mel(s->librosa + from, to - from, &s->ve_mel, err);
    if (st)
        return st;
    return take_rows(p, "voice.ve.mel", BY_TIME, &s->ve_mel, TOL_STAGE, err);
}

cbx_status sound_open(parity *p, sound *out, cbx_error *err)
{
    const bool loud = p->config.family == CBX_FAMILY_TURBO ||
                      p->config.family == CBX_FAMILY_NANO;
    sound s = {0};
    cbx_status st = sound_recording(p, &s.wav24, &s.n24, err);
    if (!st && loud)
        st = normalise(p, &s, err);
    if (!st)
        st = run_prompt_mel(p, &s, err);
    if (!st)
        st = resample(p, &s, err);
    if (!st)
        st = run_fbank(p, &s, err);
    if (!st)
        st = run_logmel(p, &s, err);
    if (!st)
        st = run_ve_mel(p, &s, err);
    if (st) {
        sound_close(&s);
        return st;
    }
    *out = s;
    return CBX_OK;
}

void sound_close(sound *s)
{
    free(s->wav24);
    free(s->librosa);
    free(s->torchaudio);
    free(s->fbank.v);
    free(s->logmel.v);
    free(s->ve_mel.v);
    *s = (sound){0};
}
