#ifndef CBX_MODELS_S3GEN_HIFT_MODEL_H
#define CBX_MODELS_S3GEN_HIFT_MODEL_H

#include "models/s3gen/f0.h"
#include "models/s3gen/hift.h"
#include "models/s3gen/source.h"

/* What is behind hift and hift_state. */

enum { HIFT_MAX_KERNELS = 4 };

/* One upsampling: the signal is spread, the source's spectrum is shrunk to the
 * same rate and added, and resblocks with different kernels are averaged. */
typedef struct hift_stage {
    int channels;
    int rate;  /* rows for each mel frame behind the upsampling */
    int extra; /* 1 in the last stage, whose rows are one more */

    const cbx_weight *up; /* packed transposed convolution */
    int up_stride, up_taps, up_pad;
    int up_packed; /* taps as packed */

    const cbx_weight *down; /* of the spectra */
    int down_stride, down_taps, down_pad;
    resblock source;
    resblock res[HIFT_MAX_KERNELS];
} hift_stage;

struct hift {
    cbx_dev *dev;
    int mels, base;
    int n_stages, n_kernels;
    float slope; /* of the leaky ReLU before each upsampling */
    float limit;
    int n_fft, hop;
    int samples; /* for each mel frame */
    int delay;   /* mel frames */
    f0 f0;
    source src;
    conv pre, post;
    hift_stage stage[CBX_HIFT_MAX_STAGES];
};

typedef struct hift_stage_state {
    rows up;                        /* behind the upsampling */
    rows down;                      /* the shrunk spectra */
    rows fused;                     /* their sum */
    rows sum[HIFT_MAX_KERNELS - 1]; /* of the first 1, 2 ... resblocks */
    resblock_state source;
    resblock_state res[HIFT_MAX_KERNELS];
} hift_stage_state;

/* All that a stream knows: the counters in `rows`, and the tails, phases and
 * overlap in `memory`. Scratch holds nothing between calls. */
struct hift_state {
    cbx_dev *dev;
    int max_frames;
    bool probed;
    int64_t frames; /* mel frames so far */
    rows mel;
    rows z[CBX_HIFT_MAX_STAGES + 1]; /* input of each stage, and of conv_post */
    rows post;
    f0_state f0;
    source_state src;
    hift_stage_state stage[CBX_HIFT_MAX_STAGES];
    float *overlap; /* device, [n_fft - hop] */
    cbx_dmem memory;
    space scratch;
};

/* hift_state.c, [setup]: rates, lags and tails of every sequence. Returns the
 * delay in mel frames. */
int hift_layout(const hift *m, hift_state *s);

/* [any] Samples that are out after so many mel frames. */
int64_t hift_count(const hift *m, int64_t frames, bool final);

/* hift.c, [decode]: n more frames at mel.p; pcm as hift_run. */
void hift_advance(const hift *m, hift_state *s, cbx_dev *dev, space *mem,
                  const cbx_probe *probe, cbx_mat mel, bool final, float *pcm);

#endif
