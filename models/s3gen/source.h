#ifndef CBX_MODELS_S3GEN_SOURCE_H
#define CBX_MODELS_S3GEN_SOURCE_H

#include "models/checkpoint/config.h"
#include "models/s3gen/load.h"
#include "models/s3gen/rows.h"

/* The vocoder's excitation: harmonics of f0 with a running phase, some noise,
 * and their spectrum (hifigan.py: SourceModuleHnNSF, HiFTGenerator._stft). */
typedef struct source {
    int harmonics; /* the fundamental included */
    int samples;   /* for each frame */
    int n_fft, hop;
    float rate, amp, noise_std, gate;
    const float *w, *bias;  /* l_linear: [harmonics], [1] */
    const cbx_weight *stft; /* n_fft samples -> real parts, imaginary parts */
} source;

typedef struct source_state {
    rows signal;        /* [samples][1]; mirrored at both ends */
    rows spec;          /* [spectra][n_fft + 2] */
    double *phase;      /* device, [harmonics] */
    float *phase0;      /* device, [harmonics] */
    uint64_t noise_key; /* number harmonics * sample + h */
    const float *noise; /* host, or NULL: instead */
    /* host, or NULL: instead of the f0 that comes in, and of the signal */
    const float *f0, *signal_given;
} source_state;

/* [setup] Failure is in l->status. */
void source_load(load *l, const cbx_config_hift *config, int samples,
                 source *out);

/* [setup] For f0 that stays f0_lag frames behind. `pad` and `keep`: what the
 * spectra's readers need. */
void source_init(const source *m, source_state *s, int f0_lag, int pad,
                 int keep);
void source_place(const source *m, source_state *s, cbx_dmem *mem);

/* [decode] phase: host, [harmonics] radians. */
void source_reset(const source *m, source_state *s, cbx_dev *dev,
                  const float *phase);

/* [decode] Grows signal and spec by what the new frames' f0 gives. The caller
 * keeps spec at the end of the step. */
void source_run(const source *m, source_state *s, const rows_step *st,
                cbx_mat f0);

#endif
