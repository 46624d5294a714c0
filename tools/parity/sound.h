#ifndef CBX_TOOLS_PARITY_SOUND_H
#define CBX_TOOLS_PARITY_SOUND_H

#include "models/voice/features.h"
#include "tools/parity/parity.h"

/* The recording that the golden's voice was made from, and what the encoders
 * look at. Each is the reference's where the golden has it, else ours. */
typedef struct sound {
    float *wav24; /* brought to -27 LUFS where the family does that */
    size_t n24;
    float *librosa, *torchaudio; /* at 16 kHz, by either resampler; the second
                                  * of the first 10 s only */
    size_t n_librosa, n_torchaudio;
    voice_rows fbank;  /* without its mean */
    voice_rows logmel; /* for S3Gen's prompt tokens */
    voice_rows ve_mel; /* for the voice encoder */
} sound;

/* Compares them on the way. */
CBX_CHECK cbx_status sound_open(parity *p, sound *out, cbx_error *err);
void sound_close(sound *s);

/* The raw recording, [n] floats, to be freed. */
CBX_CHECK cbx_status sound_recording(parity *p, float **out, size_t *n,
                                     cbx_error *err);

/* The golden's matrix `key` as rows over time; its layout as in `l`. */
CBX_CHECK cbx_status sound_rows(parity *p, const char *key, layout l,
                                voice_rows *out, cbx_error *err);

#endif
