#ifndef CBX_MODELS_T3_T3_H
#define CBX_MODELS_T3_T3_H

#include "kernels/kernels.h"
#include "models/checkpoint/conds.h"
#include "models/checkpoint/config.h"
#include "models/checkpoint/tensor.h"
#include "models/probe.h"

/* T3: text tokens to speech tokens, one at a time (models/t3/t3.py: T3).
 *
 *   t3        the weights, on the device; const and shared by all streams
 *   t3_voice  what comes before the text, computed once for each voice
 *   t3_state  one stream: its cache, its sampler, its last token
 *
 * A segment of text runs as t3_begin, then t3_step until the stop token or the
 * caller's limit, then the next t3_begin on the same state. Every function
 * here works on the model's device and keeps the device's rule: one thread at
 * a time (the model holds that thread's scratch rows). Nothing but the _open
 * functions and t3_trace allocates. */
typedef struct t3 t3;
typedef struct t3_voice t3_voice;
typedef struct t3_state t3_state;

/* The most streams that one t3_step takes, and the most rows of a stream: two
 * with classifier-free guidance, conditional and unconditional. */
enum { T3_MAX_BATCH = 64, T3_MAX_ROWS = 2 };

typedef struct t3_info {
    int width, layers, heads;
    int positions; /* prefix, text and speech of a segment together */
    int text_vocab, speech_vocab;
    int speaker_dim;
    int start, stop;     /* speech tokens that are not sound */
    size_t weight_bytes; /* packed, on the device; embeddings left out */
} t3_info;

/* [setup] Packs the weights of layers and head in `format`; keys and values are
 * kept as f32 with f32 weights, else as bf16. `file` stays mapped by the caller
 * for as long as the model: embeddings are read from it where they lie. A
 * tensor that is missing or has the wrong shape is CBX_E_SHAPE and is named. */
CBX_CHECK cbx_status t3_open(cbx_dev *dev, const cbx_tensor_file *file,
                             const cbx_config *config, cbx_format format,
                             t3 **out, cbx_error *err);
void t3_close(t3 *m);

/* [any] */
const t3_info *t3_get_info(const t3 *m);

/* [setup] The conditioning prefix of a voice and its keys and values
 * (modules/cond_enc.py: T3CondEnc.forward). Everything needed from `conds` is
 * copied. CBX_E_SHAPE when the voice was made for another model. */
CBX_CHECK cbx_status t3_voice_open(const t3 *m, const cbx_conds *conds,
                                   t3_voice **out, cbx_error *err);
void t3_voice_close(t3_voice *v);

/* [any] Positions that a segment takes beside one for each id of its text and
 * one for each token that is drawn: a stream for n ids and k tokens needs
 * t3_voice_positions(v) + n + k of them. */
int t3_voice_positions(const t3_voice *v);

/* [setup] A stream of segments with up to `positions` positions each: voice,
 * text, start tokens, and each speech token but the last. */
CBX_CHECK cbx_status t3_state_open(const t3 *m, int positions, t3_state **out,
                                   cbx_error *err);
void t3_state_close(t3_state *s);

/* What one segment is spoken from. */
typedef struct t3_segment {
    const int32_t *text; /* [n] as the text front end makes them */
    int n;
    /* Llama: with a cfg_weight other than 0 two rows are run, the second one
     * without the text (t3.py: inference). GPT-2 has no guidance. */
    cbx_sampling sampling;
    uint64_t key; /* of the random numbers; token i takes number i */
    /* The reference's emotion_adv, about 0 to 2; NULL: the voice's own. GPT-2
     * has none and takes no notice. Read during the call. */
    const float *exaggeration;
} t3_segment;

/* [decode] Starts a segment: takes over the voice's keys and values and runs
 * the text and the start tokens. What the state held before is gone.
 * CBX_E_LIMIT when the positions do not suffice for one token, or the text has
 * more ids than the model has positions for them; CBX_E_ARG for an id that the
 * model does not have. */
CBX_CHECK cbx_status t3_begin(const t3 *m, t3_state *s, const t3_voice *v,
                              const t3_segment *segment, cbx_error *err);

/* [any] How many more tokens can be drawn before the positions run out. */
int t3_room(const t3_state *s);

/* [decode] One token for each of n different states, in one batch: tokens[i] is
 * drawn from the logits of states[i]. A stream draws the same tokens in
 * any batch. u: NULL, or the numbers in [0, 1) to use instead of the key's.
 *
 * The caller decides when a segment ends. The reference ends at info.stop,
 * which is not spoken; turbo and nano do not test the very first token
 * (t3.py: inference, inference_turbo). CBX_E_LIMIT, with nothing done, when a
 * state has no room; CBX_E_ARG when n is above T3_MAX_BATCH. */
CBX_CHECK cbx_status t3_step(const t3 *m, t3_state *const *states, int n,
                             const double *u, int32_t *tokens, cbx_error *err);

/* [decode] Teacher forcing: `token` instead of a drawn one. The logits behind
 * it can be read at once. */
CBX_CHECK cbx_status t3_feed(const t3 *m, t3_state *s, int32_t token,
                             cbx_error *err);

/* [any] Rows of the segment: 2 with guidance (conditional, unconditional), else
 * 1. */
int t3_rows(const t3_state *s);

/* [decode] The logits of the newest position that was run: after t3_begin or
 * t3_feed, those that the next token is drawn from. out: host,
 * [t3_rows(s)][speech_vocab]. */
void t3_read_logits(const t3 *m, const t3_state *s, float *out);

/* [decode] Takes the segment back to behind the first n of the tokens that were
 * drawn (1 <= n <= their number); the numbers of what follows come from `key`.
 */
void t3_back(const t3 *m, t3_state *s, const int32_t *tokens, int n,
             uint64_t key);

/* [decode] Where in the text the model looked when it made the newest logits,
 * behind which t3_step drew its last token: mean over the heads that follow the
 * text (config: t3.alignment_heads), one number for each id of the segment's
 * text, sum 1. Returns how many ids; 0: the model has no such heads. */
int t3_read_look(const t3 *m, const t3_state *s, float *out);

/* What t3_trace runs. forced[i] follows the text as the i-th token. */
typedef struct t3_trace_run {
    const cbx_conds *conds;
    t3_segment segment;
    const int32_t *forced;
    int n_forced;
} t3_trace_run;

/* [setup] Runs a voice, a text and forced tokens from the first position on,
 * in one piece, and shows every stage to the probe under the names of the
 * golden files. */
CBX_CHECK cbx_status t3_trace(const t3 *m, const t3_trace_run *run,
                              const cbx_probe *probe, cbx_error *err);

#endif
