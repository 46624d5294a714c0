#ifndef CBX_DSP_MEL_BANK_H
#define CBX_DSP_MEL_BANK_H

#include "rt/status.h"

/* Overlapping triangles over the bins of a spectrum. Read-only once made. */
typedef struct cbx_mel_bank cbx_mel_bank;

typedef enum cbx_mel_scale {
    /* Slaney's scale, triangles in Hz, each of area 1
     * (librosa.filters.mel with its defaults) */
    CBX_MEL_SLANEY,
    /* 1127 ln(1 + f/700), triangles in mel, each of height 1
     * (torchaudio.compliance.kaldi.get_mel_banks) */
    CBX_MEL_KALDI,
} cbx_mel_scale;

typedef struct cbx_mel_bank_config {
    cbx_mel_scale scale;
    int rate;         /* Hz */
    int n_fft;        /* the spectrum has n_fft / 2 + 1 bins */
    int mels;         /* triangles */
    double low, high; /* Hz, where the first begins and the last ends */
} cbx_mel_bank_config;

/* [setup] CBX_E_ARG, CBX_E_NOMEM. */
CBX_CHECK cbx_status cbx_mel_bank_open(const cbx_mel_bank_config *c,
                                       cbx_mel_bank **out, cbx_error *err);
void cbx_mel_bank_close(cbx_mel_bank *b);

/* [any] spectrum: [n_fft/2 + 1], out: [mels]. */
void cbx_mel_bank_run(const cbx_mel_bank *b, const float *spectrum, float *out);

#endif
