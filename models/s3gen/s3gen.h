#ifndef CBX_MODELS_S3GEN_S3GEN_H
#define CBX_MODELS_S3GEN_S3GEN_H

#include "models/s3gen/flow.h"
#include "models/s3gen/hift.h"

/* S3Gen: speech tokens to sound (s3gen.py: S3Token2Wav). Two models of one
 * file: the flow makes a mel spectrogram of the tokens (flow.h), the vocoder
 * makes PCM of the mel (hift.h).
 *
 * Everything here is const after opening and shared by all streams; states
 * belong to one stream. Functions keep the device's rule: one thread at a time
 * for each device. Nothing but the _open functions allocates. */
typedef struct s3gen s3gen;

enum { S3GEN_MAX_TOKENS = 8192 };

typedef struct s3gen_info {
    int mels;              /* 80 */
    int codes;             /* token ids 0 .. codes-1 can be spoken */
    int max_tokens;        /* prompt and speech together */
    int lookahead;         /* tokens that a cell sees past its end */
    int frames_per_token;  /* 2 */
    int samples_per_frame; /* 480 */
    int sample_rate;       /* 24000 */
    int hift_delay;        /* frames that the vocoder stays behind: 20 */
    int speaker_dim;       /* of the voice's embedding: 192 */
    size_t weight_bytes;   /* in device memory, embeddings left out */
} s3gen_info;

/* [setup] Packs `flow.*` and `mel2wav.*` of `file` in `format`. Embeddings are
 * read where they lie, so the file stays open for as long as the model.
 * max_tokens bounds prompt and speech of one segment; tables of positions are
 * made for that many. A tensor that is missing or has the wrong shape is
 * CBX_E_SHAPE and is named. */
CBX_CHECK cbx_status s3gen_open(cbx_dev *dev, const cbx_tensor_file *file,
                                const cbx_config *config, cbx_format format,
                                int max_tokens, s3gen **out, cbx_error *err);
void s3gen_close(s3gen *m);

/* [any] */
const s3gen_info *s3gen_get_info(const s3gen *m);
const flow *s3gen_flow(const s3gen *m);
const hift *s3gen_hift(const s3gen *m);

/* [any] The fade over the first samples of every segment, which hides what
 * spills over from the prompt: 20 ms of silence, then 20 ms of a raised cosine
 * (s3gen.py: trim_fade). pcm[0..n) holds samples first .. first+n-1 of the
 * segment; call it for every piece, it does nothing behind the fade. */
void s3gen_trim_fade(const s3gen *m, int64_t first, float *pcm, int n);

#endif
