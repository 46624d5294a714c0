#ifndef CBX_MODELS_VOICE_FEATURES_H
#define CBX_MODELS_VOICE_FEATURES_H

#include "rt/status.h"

#include <stddef.h>

/* What the three encoders of a voice look at, and S3Gen's prompt mel. Host
 * memory; [setup] all of it. Rows are frames. */
typedef struct voice_rows {
    float *v; /* [rows][cols]; free() it */
    int rows, cols;
} voice_rows;

enum {
    VOICE_RATE_24K = 24000,
    VOICE_RATE_16K = 16000,
    VOICE_FRAMES_PER_TOKEN = 4, /* log-mel frames of the tokenizer */
};

/* tts_turbo.py: norm_loudness. Scales x to -27 LUFS and gives the factor, 1
 * for silence. */
CBX_CHECK cbx_status voice_normalise(float *x, size_t n, double *gain,
                                     cbx_error *err);

/* librosa.resample (soxr_hq), 24 to 16 kHz: ceil(2 n / 3) samples, free() it.
 * For the voice encoder and T3's prompt tokens. */
CBX_CHECK cbx_status voice_resample_soxr(const float *x, size_t n, float **out,
                                         size_t *n_out, cbx_error *err);

/* torchaudio's resampler, 24 to 16 kHz: as many samples. For the speaker
 * encoder and the prompt tokens of S3Gen. */
CBX_CHECK cbx_status voice_resample_sinc(const float *x, size_t n, float **out,
                                         size_t *n_out, cbx_error *err);

/* s3gen/utils/mel.py: mel_spectrogram: 80 log mels at 50 Hz of 24 kHz sound. */
CBX_CHECK cbx_status voice_prompt_mel(const float *x, size_t n, voice_rows *out,
                                      cbx_error *err);

/* s3tokenizer.py: S3Tokenizer.log_mel_spectrogram: 128 log mels at 100 Hz of
 * 16 kHz sound, scaled by the loudest value of the clip. */
CBX_CHECK cbx_status voice_token_mel(const float *x, size_t n, voice_rows *out,
                                     cbx_error *err);

/* xvector.py: extract_feature: 80 Kaldi energies at 100 Hz of 16 kHz sound,
 * before and after their mean over time is removed. */
CBX_CHECK cbx_status voice_fbank(const float *x, size_t n, voice_rows *out,
                                 cbx_error *err);
void voice_remove_mean(voice_rows *rows);

/* librosa.effects.trim with 20 dB: samples [*from, *to) are what is left of
 * 16 kHz sound without the silence at its ends. */
void voice_trim(const float *x, size_t n, size_t *from, size_t *to);

/* voice_encoder/melspec.py: melspectrogram: 40 mel energies (no logarithm) at
 * 100 Hz of trimmed 16 kHz sound. */
CBX_CHECK cbx_status voice_ve_mel(const float *x, size_t n, voice_rows *out,
                                  cbx_error *err);

#endif
