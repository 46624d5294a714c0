#ifndef CBX_MODELS_S3GEN_HIFT_H
#define CBX_MODELS_S3GEN_HIFT_H

#include "kernels/kernels.h"
#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/probe.h"

/* HiFT: log mel to PCM (hifigan.py: HiFTGenerator), as a stream. Mel frames
 * come in pieces of any size; each layer keeps the rows that it will need again
 * and computes every row once. The samples do not depend on the pieces, bit for
 * bit, and are those of one call with everything. The right context of the
 * network makes the output stay `delay` frames behind the input until the end
 * is known. */
typedef struct hift hift;             /* weights; const, shared */
typedef struct hift_state hift_state; /* one stream */

enum { HIFT_MAX_FRAMES = 4096, HIFT_MAX_HARMONICS = 64 };

typedef struct hift_info {
    int mels, samples_per_frame, sample_rate;
    int harmonics; /* the fundamental included */
    int delay;     /* mel frames */
} hift_info;

/* [setup] For s3gen.c. Failure is in l->status; the model's memory belongs to
 * l->own but for *out itself. */
struct load;
void hift_load(struct load *l, const cbx_config *config, hift **out);
void hift_close(hift *m);

/* [any] */
hift_info hift_get_info(const hift *m);

/* [setup] max_frames: the most mel frames computed in one go. Longer pieces are
 * cut; a larger number costs memory and saves nothing above some ten.
 * probed: with room for what hift_run computes for a probe only; it must not be
 * given one otherwise. */
CBX_CHECK cbx_status hift_state_open(const hift *m, int max_frames, bool probed,
                                     hift_state **out, cbx_error *err);
void hift_state_close(hift_state *s);

/* The random numbers of a segment, by their keys. The rest is for parity: what
 * to take instead (host memory that stays until the segment's end, or NULL). A
 * running phase multiplies the last bits of f0 by thousands, so stages behind
 * it are compared from the reference's. */
typedef struct hift_segment {
    uint64_t phase_key;  /* of the harmonics' first phases: number h, mapped to
                          * [-pi, pi); the fundamental starts at 0 */
    uint64_t noise_key;  /* of the source's noise: number harmonics * sample + h
                          */
    const float *phase;  /* [harmonics] */
    const float *noise;  /* [samples][harmonics] */
    const float *f0;     /* [frames] Hz */
    const float *source; /* [samples] */
} hift_segment;

/* [decode] Forgets what was there and starts a segment. */
void hift_begin(const hift *m, hift_state *s, const hift_segment *segment);

/* [any] Samples that the next hift_run gives for n more frames. */
int64_t hift_samples(const hift *m, const hift_state *s, int n, bool final);

/* [decode] Takes mel.rows more frames (device, [n][80], any ld; may be none)
 * and writes hift_samples() samples to pcm (host). With `final` the rest comes
 * out; then begin a new segment. No fade is applied. Stages are shown to the
 * probe for each max_frames frames apart. */
void hift_run(const hift *m, hift_state *s, cbx_mat mel, bool final,
              const cbx_probe *probe, float *pcm);

/* What a state knows at one moment, to come back to. For one state only. */
typedef struct hift_snapshot hift_snapshot;

/* [setup] */
CBX_CHECK cbx_status hift_snapshot_open(const hift_state *s,
                                        hift_snapshot **out, cbx_error *err);
void hift_snapshot_close(hift_snapshot *p);

/* [decode] */
void hift_save(const hift_state *s, hift_snapshot *p);
void hift_restore(hift_state *s, const hift_snapshot *p);

#endif
