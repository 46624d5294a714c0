#ifndef CBX_MODELS_PIPELINE_PIPELINE_H
#define CBX_MODELS_PIPELINE_PIPELINE_H

#include "models/pipeline/grid.h"
#include "models/pipeline/tts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One stream's way from text to PCM at 24 kHz, a chunk at a time:
 *
 *   text -> tokenizer -> T3 -> cells of speech tokens -> flow -> mel
 *        -> vocoder -> trim fade -> PCM
 *
 * A segment is one sentence or a piece of one. Its random numbers are keyed by
 * (seed, its number since open or reset, position), so the sound depends on
 * model, speaker, parameters and the texts of the segments, on nothing else. */
typedef struct cbx_pipeline cbx_pipeline;

/* How cells see each other: models/s3gen/flow.h. FULL: one cell. */
typedef enum cbx_flow {
    CBX_PIPELINE_AUTO, /* CAUSAL behind a prompt of over 100 tokens, which is
                        * dear to compute with each cell; else PREFIX */
    CBX_PIPELINE_FULL,
    CBX_PIPELINE_PREFIX,
    CBX_PIPELINE_CAUSAL,
} cbx_flow;

typedef struct cbx_pipeline_options {
    uint64_t seed;
    cbx_sampling sampling;
    float exaggeration; /* Llama */
    cbx_grid grid;
    cbx_flow flow;
    int history;       /* CAUSAL: frames of finished cells in sight; 0: all */
    int look_ahead;    /* mel frames that the vocoder waits for, 0 to the
                        * reference's 20; -1: 4, 8, 20 by the grid */
    bool guards;       /* guard.h; off: the reference */
    char language[16]; /* multilingual; "": none is named */
} cbx_pipeline_options;

/* [setup] Allocates all that the stream will need. The model and the speaker
 * must outlive it. */
CBX_CHECK cbx_status cbx_pipeline_open(const cbx_tts *m, const cbx_speaker *s,
                                       const cbx_pipeline_options *options,
                                       cbx_pipeline **out, cbx_error *err);
void cbx_pipeline_close(cbx_pipeline *p);

/* [decode] Back to the state after open, in the middle of anything. */
void cbx_pipeline_reset(cbx_pipeline *p);

/* [decode] Starts a segment; the one before must be done. text[0..n) is valid
 * UTF-8; `lead` samples of silence (at 24 kHz) come before it. CBX_E_LIMIT for
 * more than the model's max_text_chars. */
CBX_CHECK cbx_status cbx_pipeline_begin(cbx_pipeline *p, const char *text,
                                        size_t n, int lead, cbx_error *err);

/* [decode] The language of the segments that begin from here on, one that the
 * model has; "": none is named. */
void cbx_pipeline_language(cbx_pipeline *p, const char *language);

/* [decode] Starts a segment whose speech tokens are given, not drawn: voice
 * conversion. Then cbx_pipeline_give, until `last`. */
CBX_CHECK cbx_status cbx_pipeline_begin_given(cbx_pipeline *p, int lead,
                                              cbx_error *err);
/* [decode] n more tokens, maybe none. CBX_E_LIMIT for more than
 * cbx_pipeline_max_tokens() in a segment, CBX_E_ARG for one that the model does
 * not have. */
CBX_CHECK cbx_status cbx_pipeline_give(cbx_pipeline *p, const int32_t *tokens,
                                       int n, bool last, cbx_error *err);
/* [decode] The segment can only go on when more is given. */
bool cbx_pipeline_waits(const cbx_pipeline *p);
/* [any] Of a segment that is given. */
int cbx_pipeline_max_tokens(const cbx_pipeline *p);

/* [decode] One unit of work: a few speech tokens, or a cell of mel, or a piece
 * of PCM. *done: the segment is finished and all of its PCM was given out. */
CBX_CHECK cbx_status cbx_pipeline_step(cbx_pipeline *p, bool *done,
                                       cbx_error *err);

/* The most pipelines in one step. */
enum { CBX_PIPELINE_TOGETHER = 32 };

/* [decode] Whether the next step draws speech tokens. */
bool cbx_pipeline_wants_tokens(const cbx_pipeline *p);

/* [decode] A step of p, and where it draws tokens, others[0..n)'s too, in the
 * same calls: all of the same model, all wanting tokens, n less than
 * CBX_PIPELINE_TOGETHER. No bit changes. */
CBX_CHECK cbx_status cbx_pipeline_step_with(cbx_pipeline *p,
                                            cbx_pipeline *const *others, int n,
                                            bool *done, cbx_error *err);

/* [decode] Seconds of speech in the cell after k more than were computed. */
double cbx_pipeline_cell_seconds(const cbx_pipeline *p, int k);

/* [decode] CAUSAL: whether several cells may go through in one call. That
 * takes less work in all, but their sound comes later. No bit changes. */
void cbx_pipeline_hurry(cbx_pipeline *p, bool on);

/* [any] The most samples that a step makes. */
size_t cbx_pipeline_max_pcm(const cbx_pipeline *p);

/* [decode] What the last step made; valid until the next step. */
const float *cbx_pipeline_pcm(const cbx_pipeline *p, size_t *n);

/* A word of the segment, and where it begins. */
typedef struct cbx_word {
    int from, to;   /* characters (code points) of the segment's text */
    int64_t sample; /* of the segment, its lead included */
} cbx_word;

/* [decode] The next word of the segment whose beginning is known: before the
 * PCM that it begins in is made. */
bool cbx_pipeline_word(cbx_pipeline *p, cbx_word *out);

/* [decode] Where character `at` of the segment's text begins to be spoken, as
 * a sample of the segment, its lead included: the beginning of its word, or of
 * the next one; the segment's end behind the last. False: not known yet. Known
 * for all characters when the segment's tokens are complete, at the latest
 * before its last PCM. */
bool cbx_pipeline_sample_of(const cbx_pipeline *p, int at, int64_t *sample);

/* What a guard did. kind: in the order of cbx_guard (chatterbox.h). */
typedef struct cbx_intervention {
    int kind;
    int64_t sample; /* of the segment, lead included */
    char text[160];
} cbx_intervention;

/* [decode] The next one that was not asked for yet. */
bool cbx_pipeline_intervention(cbx_pipeline *p, cbx_intervention *out);

/* Sums since open. */
typedef struct cbx_pipeline_stats {
    double text_seconds, t3_seconds, flow_seconds, vocoder_seconds;
    uint64_t tokens, cells, segments, samples;
    uint64_t calls;  /* of the flow: one for each cell, or fewer */
    uint64_t cuts;   /* segments that ended at the token limit */
    uint64_t guards; /* times that a guard stepped in */
} cbx_pipeline_stats;

/* [decode] */
const cbx_pipeline_stats *cbx_pipeline_get_stats(const cbx_pipeline *p);

/* [decode] Whether the step just made ended a segment at the token limit, and
 * after how many tokens. */
bool cbx_pipeline_was_cut(const cbx_pipeline *p, int *tokens);

#endif
