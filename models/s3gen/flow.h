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
 *   flow_state  memory of one stream that runs in the mode `full` or `prefix`
 *   flow_causal memory of one stream that runs in the mode `causal`
 *
 * Speech is made in cells of tokens [from, to). A cell sees every token before
 * its end and `lookahead` tokens behind it, never more, whatever else is known
 * already: so what it says does not depend on when it was asked.
 *
 * `full`, `prefix`: flow_run. One cell over all tokens is the reference
 * (`full`). With several (`prefix`) frames that earlier cells gave are kept by
 * the caller; they are computed anew, but not handed out again.
 *
 * `causal` with a history of N frames: flow_causal_run. Every row is computed
 * once. The rows of a segment are P tokens of the prompt, then speech in cells
 * [a, b); U = frames_per_token (2); a row of a layer is a token (in the encoder
 * before its upsampling) or a frame (behind it and in the U-Net). Then
 *
 *   - attention: a row of the prompt sees all rows of the prompt, and nothing
 *     else. A row of cell [a, b) sees all rows of the prompt, and of the speech
 *     rows [a - N', b) of its own layer: its own cell whole, and N' rows before
 *     its first one: N frames, ceil(N / U) tokens; with N = 0 all. So what it
 *     sees does not depend on its place in the cell;
 *   - distances of the encoder's relative positions are true distances, prompt
 *     and speech being one sequence, whatever lies between and is not seen;
 *   - convolutions that look back (the second look-ahead layer, upsampling, all
 *     of the U-Net) read the rows before, across all borders; zeros before the
 *     prompt;
 *   - the look-ahead layer reads `lookahead` tokens past a row. Behind the
 *     prompt they are zeros, as behind the end of a text; a speech token reads
 *     the speech tokens that follow it, across cells, and zeros behind the
 *     segment's end;
 *   - noise: number mels * frame + channel of the segment's key for speech, as
 *     in `full` (frame 0 being the prompt's first); of FLOW_PROMPT_KEY for the
 *     prompt's U * P frames. So these depend on the voice only, and are
 *     computed once (flow_voice_prepare). The odd frame that a prompt may have
 *     belongs to the first speech token;
 *   - each Euler step, and with guidance each of its two rows, keeps keys,
 *     values and convolution rows of its own.
 *
 * On the CPU, the bits of a frame depend on voice, key, N, the cells' borders
 * and the tokens seen; not on how many cells go through in one call: all cells
 * in one call are the one-shot twin. Without a prompt, one cell over all tokens
 * is `full`, bit for bit. With a prompt it is not: `full` lets the prompt see
 * the speech, and draws new noise for it in each segment. */
typedef struct flow flow;
typedef struct flow_voice flow_voice;
typedef struct flow_state flow_state;
typedef struct flow_causal flow_causal;

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

/* [setup] Computes the prompt's keys, values and convolution rows, which
 * `causal` needs; once. They take, E and H being the widths of the encoder's
 * and the U-Net's attention, B and B' the encoder's blocks before and behind
 * its upsampling, A the U-Net's transformer blocks, S its Euler steps (twice as
 * many with guidance), and T the prompt's tokens,
 *
 *   8 * T * (E * B + U * (E * B' + S * H * A)) bytes,
 *
 * some rows of the convolutions left out. Turbo: some 458 kB for each frame. */
CBX_CHECK cbx_status flow_voice_prepare(const flow *m, flow_voice *v,
                                        cbx_error *err);

/* [any] Device memory of the prepared prompt, 0 without. */
size_t flow_voice_bytes(const flow_voice *v);

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

/* -- causal ---------------------------------------------------------------- */

/* "prompt" */
#define FLOW_PROMPT_KEY UINT64_C(0x70726f6d7074)

typedef struct flow_causal_options {
    int history;    /* N, frames; 0: all */
    int max_tokens; /* of speech in a segment */
    int most;       /* speech tokens in one call */
} flow_causal_options;

/* [setup] Memory as for a prompt (above) of
 *
 *   T = most + (N ? ceil(N / U) : max_tokens - most) tokens,
 *
 * and scratch that grows with `most` only. CBX_E_LIMIT for more tokens than the
 * model was opened for, CBX_E_ARG for a negative history. */
CBX_CHECK cbx_status flow_causal_open(const flow *m,
                                      const flow_causal_options *options,
                                      flow_causal **out, cbx_error *err);
void flow_causal_close(flow_causal *s);

/* [any] Device memory, scratch included. */
size_t flow_causal_bytes(const flow_causal *s);

/* [decode] Starts a segment. The voice must be prepared (else CBX_E_ARG) and
 * stay until the next begin or close; its prompt and max_tokens must fit into
 * the model together (else CBX_E_LIMIT). key: of the noise. */
CBX_CHECK cbx_status flow_causal_begin(const flow *m, flow_causal *s,
                                       const flow_voice *v, uint64_t key,
                                       cbx_error *err);

/* The next cells: the first begins where the last call's last one ended. */
typedef struct flow_cells {
    const int32_t *tokens; /* host: all tokens of the segment known so far */
    int known;             /* how many */
    bool final;            /* no more will come */
    const int *ends;       /* the token behind each cell's last, rising */
    int n;                 /* cells */
} flow_cells;

/* [decode] *mel: the frames of all cells (flow_frames), device memory of the
 * state, good until the next call. CBX_E_LIMIT for more tokens than the state
 * has room for; CBX_E_ARG as flow_run, and when no segment was begun. After an
 * error the state is as before the call. */
CBX_CHECK cbx_status flow_causal_run(const flow *m, flow_causal *s,
                                     const flow_cells *cells, cbx_mat *mel,
                                     cbx_error *err);

#endif
