#ifndef CBX_MODELS_S3GEN_FLOW_H
#define CBX_MODELS_S3GEN_FLOW_H

#include "kernels/kernels.h"
#include "models/checkpoint/conds.h"
#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/probe.h"

/* The flow: speech tokens to a log mel spectrogram (flow.py:
 * CausalMaskedDiffWithXvec.inference). An encoder turns prompt and speech
 * tokens into a first guess of the mel, `mu`; a U-Net, asked a few times,
 * carries noise to the mel that fits mu, the speaker and the prompt's mel
 * (flow_matching.py: CausalConditionalCFM).
 *
 *   flow        the weights; const, shared
 *   flow_voice  the prompt of one voice; const, shared
 *   flow_state  memory of one stream
 *
 * Speech is made in cells of tokens [from, to). A cell sees every token before
 * its end and `lookahead` tokens behind it, never more, whatever else is known
 * already: so what it says does not depend on when it was asked. One cell over
 * all tokens is the reference. Frames that earlier cells gave are kept by the
 * caller; they are computed anew, but not handed out again. */
typedef struct flow flow;
typedef struct flow_voice flow_voice;
typedef struct flow_state flow_state;

/* [setup] For s3gen.c. Failure is in l->status; the model's memory belongs to
 * l->own but for *out itself. */
struct load;
void flow_load(struct load *l, const cbx_config *config, int max_tokens,
               flow **out);
void flow_close(flow *m);

/* [any] */
typedef struct flow_info {
    int mels, codes, max_tokens, lookahead, frames_per_token, speaker_dim;
} flow_info;
flow_info flow_get_info(const flow *m);

/* [setup] Copies what it needs. CBX_E_SHAPE when the voice was made for another
 * model, CBX_E_ARG for a prompt token that the model does not have. A prompt
 * with one mel frame more than two for each token (an odd count) is taken as
 * the reference takes it: the first cell is one frame short. */
CBX_CHECK cbx_status flow_voice_open(const flow *m, const cbx_conds *conds,
                                     flow_voice **out, cbx_error *err);
void flow_voice_close(flow_voice *v);

/* [any] Tokens of the prompt. */
int flow_voice_tokens(const flow_voice *v);

/* [setup] Memory for up to max_tokens tokens, prompt and speech together; not
 * above the model's own limit. probed: with room for what flow_run computes
 * for a probe only; it must not be given one otherwise. */
CBX_CHECK cbx_status flow_state_open(const flow *m, int max_tokens, bool probed,
                                     flow_state **out, cbx_error *err);
void flow_state_close(flow_state *s);

typedef struct flow_cell {
    const int32_t *tokens; /* host: all tokens of the segment known so far */
    int known;             /* how many */
    bool final;            /* no more will come */
    int from, to;          /* the tokens that are asked for */
    uint64_t key;          /* of the noise: number 80 * frame + channel, frame 0
                            * being the prompt's first */
    const float *z;        /* host, the noise itself instead (parity): frames of
                            * prompt and [0, to), 80 each; or NULL */
} flow_cell;

/* [any] Frames that the cell gives: two for each token, one less in a first
 * cell behind an odd prompt. */
int flow_frames(const flow *m, const flow_voice *v, int from, int to);

/* [decode] *mel: flow_frames() rows of 80, device memory of the state, good
 * until the next call. CBX_E_LIMIT with more tokens than the state has room
 * for; CBX_E_ARG for an empty or unsorted cell, for an id that cannot be
 * spoken, and when neither the end nor the look-ahead is known. */
CBX_CHECK cbx_status flow_run(const flow *m, flow_state *s, const flow_voice *v,
                              const flow_cell *cell, const cbx_probe *probe,
                              cbx_mat *mel, cbx_error *err);

#endif
