#include "models/voice/campplus.h"
#include "models/voice/prepare.h"
#include "models/voice/s3tok.h"
#include "models/voice/ve.h"
#include "tools/parity/sound.h"
#include "tools/parity/watch.h"

#include <stdlib.h>
#include <string.h>

/* voice.*: from a recording to a voice. Features are compared in sound.c; here
 * the three encoders, each from the features of the reference. */

static cbx_status open_file(parity *p, const char *name, cbx_tensor_file **out,
                            cbx_error *err)
{
    char path[4096];
    cbx_status st;
    if (!name[0])
        return cbx_fail(err, CBX_E_FILE,
                        "%s: a file of the encoders is missing", p->folder);
    if ((st = path_in(p->folder, name, path, sizeof path, err)))
        return st;
    return cbx_tensor_file_open(path, out, err);
}

/* -- speaker encoder ------------------------------------------------------- */

static cbx_status run_campplus(parity *p, const sound *s, cbx_error *err)
{
    cbx_tensor_file *file;
    campplus *m;
    watch w;
    cbx_status st = open_file(p, p->config.files.s3gen, &file, err);
    if (st)
        return st;
    st = campplus_open(p->dev, file, &p->config.campplus, &m, err);
    cbx_tensor_file_close(file);
    if (st)
        return st;
    const size_t dim = (size_t)campplus_dim(m);
    float *out = need(dim, sizeof *out);
    watch_open(&w, p->dev, false);
    if (!(st = campplus_embed(m, &s->fbank, &w.probe, out, err))) {
        watch_report(&w, &p->report);
        report_floats(&p->report, "voice.gen.embedding", out, dim, TOL_STAGE);
    }
    watch_close(&w);
    free(out);
    campplus_close(m);
    return st;
}

/* -- speech tokenizer ------------------------------------------------------ */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* s3gen.py: embed_ref: no more tokens than half the frames of the mel. */
static int cut_to_mel(size_t n24, int tokens)
{
    return least(tokens, (int)(n24 / 480 / 2));
}

static cbx_status run_gen_tokens(parity *p, const s3tok *m, const sound *s,
                                 cbx_error *err)
{
    const size_t used =
        s->n24 < 10 * VOICE_RATE_24K ? s->n24 : 10 * VOICE_RATE_24K;
    const int frames = s->logmel.rows;
    int32_t *tokens;
    watch w;
    watch_open(&w, p->dev, false);
    const cbx_status st =
        s3tok_encode(m, &s->logmel, frames, &w.probe, &tokens, err);
    if (!st) {
        watch_report(&w, &p->report);
        report_ids(&p->report, "voice.gen.prompt_token", tokens,
                   (size_t)cut_to_mel(used, s3tok_count(frames)));
        free(tokens);
    }
    watch_close(&w);
    return st;
}

/* Tokens of a recording at 16 kHz; max: at most so many, or 0. */
static cbx_status tokens_of(const s3tok *m, const float *wav16, size_t n,
                            int max, int32_t **tokens, int *count,
                            cbx_error *err)
{
    voice_rows mel;
    cbx_status st = voice_token_mel(wav16, n, &mel, err);
    if (st)
        return st;
    const int frames =
        max ? least(mel.rows, max * VOICE_FRAMES_PER_TOKEN) : mel.rows;
    if (!(st = s3tok_encode(m, &mel, frames, NULL, tokens, err)))
        *count = s3tok_count(frames);
    free(mel.v);
    return st;
}

/* tts_turbo.py, tts.py: ENC_COND_LEN. */
static cbx_status run_t3_tokens(parity *p, const s3tok *m, const sound *s,
                                cbx_error *err)
{
    const size_t most = (p->config.t3.gpt2 ? 15 : 6) * VOICE_RATE_16K;
    int32_t *tokens;
    int n;
    const cbx_status st =
        tokens_of(m, s->librosa, s->n_librosa < most ? s->n_librosa : most,
                  p->config.t3.prompt_tokens, &tokens, &n, err);
    if (st)
        return st;
    report_ids(&p->report, "voice.t3.prompt_tokens", tokens, (size_t)n);
    free(tokens);
    return CBX_OK;
}

/* -- a prompt with an odd number of mel frames ----------------------------- */

/* What the flow makes of it. */
static cbx_status run_odd_flow(parity *p, const voice_rows *mel,
                               int32_t *tokens, int n, cbx_error *err)
{
    voice_rows embedding;
    flow_voice *voice;
    cbx_status st = parity_open_s3gen(p, err);
    if (!st)
        st = sound_rows(p, "voice.gen.embedding", BY_TIME, &embedding, err);
    if (st)
        return st;
    const cbx_conds conds = {.n_prompt_tokens = n,
                             .prompt_tokens = tokens,
                             .n_prompt_frames = mel->rows,
                             .n_mels = mel->cols,
                             .prompt_feat = mel->v,
                             .embedding_dim = embedding.cols,
                             .embedding = embedding.v};
    if (!(st = flow_voice_open(s3gen_flow(p->s3gen), &conds, &voice, err))) {
        const int32_t frames = flow_frames(s3gen_flow(p->s3gen), voice, 0, 5);
        report_ids(&p->report, "voice.odd.out_mel_frames_for_5_tokens", &frames,
                   1);
        flow_voice_close(voice);
    }
    free(embedding.v);
    return st;
}

static cbx_status run_odd_prompt(parity *p, const s3tok *m, const float *wav,
                                 size_t n, const voice_rows *mel,
                                 cbx_error *err)
{
    float *wav16;
    size_t n16;
    int32_t *tokens;
    int count;
    cbx_status st = voice_resample_sinc(wav, n, &wav16, &n16, err);
    if (st)
        return st;
    st = tokens_of(m, wav16, n16, 0, &tokens, &count, err);
    free(wav16);
    if (st)
        return st;
    count = cut_to_mel(n, count);
    report_ids(&p->report, "voice.odd.prompt_token", tokens, (size_t)count);
    st = run_odd_flow(p, mel, tokens, count, err);
    free(tokens);
    return st;
}

static cbx_status run_odd(parity *p, const s3tok *m, const sound *s,
                          cbx_error *err)
{
    const char *key = "voice.odd.n_samples24";
    const int32_t *samples;
    float *wav16;
    size_t n16;
    voice_rows mel;
    int32_t *tokens;
    int count;
    if (!golden_has(&p->golden, "voice.odd."))
        return CBX_OK;
    cbx_status st = golden_ids(&p->golden, key, &count, &samples, err);
    if (st)
        return st;
    if (count != 1 || samples[0] < 0 || (size_t)samples[0] > s->n24)
        return cbx_fail(err, CBX_E_ARG,
                        "%s is not a part of the recording's %zu samples", key,
                        s->n24);
    const size_t n = (size_t)samples[0];
    if ((st = voice_prompt_mel(s->wav24, n, &mel, err)))
        return st;
    report_ids(&p->report, "voice.odd.n_mel", &mel.rows, 1);
    st = run_odd_prompt(p, m, s->wav24, n, &mel, err);
    free(mel.v);
    if (!st && !(st = voice_resample_soxr(s->wav24, n, &wav16, &n16, err))) {
        st = tokens_of(m, wav16, n16, 0, &tokens, &count, err);
        free(wav16);
    }
    if (!st) {
        report_ids(&p->report, "voice.odd.n_token_untrimmed", &count, 1);
        free(tokens);
    }
    return st;
}

static cbx_status run_s3tok(parity *p, const sound *s, cbx_error *err)
{
    cbx_tensor_file *file;
    s3tok *m;
    cbx_status st = open_file(p, p->config.files.s3tokenizer, &file, err);
    if (st)
        return st;
    st = s3tok_open(p->dev, file, &p->config.s3tok, &m, err);
    cbx_tensor_file_close(file);
    if (st)
        return st;
    st = run_gen_tokens(p, m, s, err);
    if (!st)
        st = run_t3_tokens(p, m, s, err);
    if (!st)
        st = run_odd(p, m, s, err);
    s3tok_close(m);
    return st;
}

/* -- voice encoder --------------------------------------------------------- */

/* key: of the embedding; `parts` of those of its windows. */
static cbx_status embed(parity *p, const ve *m, const voice_rows *mel,
                        const char *key, const char *parts, cbx_error *err)
{
    watch w;
    float *out = need((size_t)ve_dim(m), sizeof *out);
    watch_open(&w, p->dev, false);
    const cbx_status st = ve_embed(m, mel, &w.probe, out, err);
    if (!st) {
        const watch_entry *e = watch_find(&w, "voice.ve.partial_embeds");
        if (e)
            report_matrix(&p->report, parts, e->v, e->rows, e->cols, BY_TIME,
                          TOL_STAGE);
        report_floats(&p->report, key, out, (size_t)ve_dim(m), TOL_STAGE);
    }
    watch_close(&w);
    free(out);
    return st;
}

static cbx_status run_ve(parity *p, const sound *s, cbx_error *err)
{
    cbx_tensor_file *file;
    voice_rows multi;
    ve *m;
    cbx_status st = open_file(p, p->config.files.ve, &file, err);
    if (st)
        return st;
    st = ve_open(p->dev, file, &p->config.ve, &m, err);
    cbx_tensor_file_close(file);
    if (st)
        return st;
    const int32_t parts = ve_partials(m, s->ve_mel.rows);
    report_ids(&p->report, "voice.ve.n_partials", &parts, 1);
    st =
        embed(p, m, &s->ve_mel, "voice.ve.out", "voice.ve.partial_embeds", err);
    if (!st && golden_find(&p->golden, "voice.ve_multi.mel") &&
        !(st = sound_rows(p, "voice.ve_multi.mel", BY_TIME, &multi, err))) {
        st = embed(p, m, &multi, "voice.ve_multi.out",
                   "voice.ve_multi.partial_embeds", err);
        free(multi.v);
    }
    ve_close(m);
    return st;
}

/* -- all ------------------------------------------------------------------- */

/* How near the reference's tokens are to being others: they are compared in
 * any case, this explains a difference. */
static void note_margin(parity *p)
{
    float margin;
    cbx_error err;
    if (!golden_number(&p->golden, "voice.tok.fsq_margin", &margin, &err) &&
        margin < 1e-4f)
        report_note(&p->report,
                    "voice.tok: the reference's closest rounding is %.1e from "
                    "another token",
                    (double)margin);
}

void parity_voice(parity *p)
{
    cbx_status (*const encoders[])(parity *, const sound *, cbx_error *) = {
        run_campplus, run_s3tok, run_ve};
    sound s = {0};
    cbx_error err, more;
    bool first = true; /* no encoder failed so far */
    if (sound_open(p, &s, &err)) {
        report_not_run(&p->report, "voice.", "%s", err.text);
        return;
    }
    note_margin(p);
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (encoders[i](p, &s, first ? &err : &more))
            first = false;
    if (!first)
        report_not_run(&p->report, "voice.", "%s", err.text);
    sound_close(&s);
}
