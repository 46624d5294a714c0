#ifndef CBX_MODELS_PIPELINE_WORK_H
#define CBX_MODELS_PIPELINE_WORK_H

#include "models/pipeline/guard.h"
#include "models/pipeline/internal.h"
#include "models/pipeline/pipeline.h"
#include "models/pipeline/words.h"
#include "models/s3gen/hift_cells.h"
#include "rt/random.h"

/* One stream's work, and who does which part of it:
 *
 *   pipeline.c  opens, begins segments, hands out the next unit of work
 *   tokens.c    text to speech tokens
 *   guard.c     judges them
 *   words.c     when each word begins
 *   cells.c     speech tokens to mel to PCM */

/* The units of work: small enough that a cancel or another stream waits little,
 * large enough that the cost of a call does not show. */
enum { TOKENS_A_STEP = 4, FRAMES_A_STEP = 16, SILENCE_A_STEP = 4800 };

/* The most tokens of `causal` in one call (the longest cell of
 * models/pipeline/grid.c has 50), and the most cells. */
enum { MOST_TOKENS = 64, MOST_CELLS = 8 };

/* A segment is spoken anew so often, from where it went wrong. */
enum { MOST_RETRIES = 2, MOST_INTERVENTIONS = 4 };

/* What a segment does next. */
typedef enum { IDLE, LEAD, T3, FLOW, VOCODER } stage;

struct cbx_pipeline {
    const cbx_tts *m;
    const cbx_speaker *speaker;
    cbx_pipeline_options options;
    cbx_pipeline_stats stats;

    /* text */
    int max_bytes; /* of a segment's text */
    int32_t *ids;
    size_t ids_cap;
    int n_ids;

    /* the segment */
    stage stage;
    uint32_t number; /* of the segment since open or reset */
    int lead;        /* samples of silence still to give */
    t3_state *t3;
    int drawn;    /* tokens drawn, spoken or not */
    int limit;    /* most tokens that are drawn */
    int32_t *all; /* [limit] tokens that were drawn */
    struct {
        int cell, n_tokens, drawn;
    } fixed; /* what the flow may have used: the tokens behind it can still be
              * drawn anew */
    int retries;
    guard guard;
    words *words;
    float *look; /* [ids_cap] */
    cbx_intervention stepped_in[MOST_INTERVENTIONS];
    int n_stepped_in;
    int lead_all; /* samples of silence before the segment */
    int samples_a_token;
    int32_t *tokens; /* [limit + silence]: those that are spoken */
    int n_tokens;
    bool given;  /* tokens come from outside */
    bool spoken; /* no more tokens will come */
    bool cut;

    /* cells */
    flow_state *flow;    /* FULL and PREFIX, else NULL */
    flow_causal *causal; /* CAUSAL, else NULL */
    bool hurry;          /* as many cells in a call as fit */
    int cell, from;      /* the next cell and its first token */
    struct {
        cbx_mat mel;            /* rows that the vocoder has not taken yet */
        int frames[MOST_CELLS]; /* of each cell in it, not taken yet */
        int n, at;              /* cells, and the one that is next */
    } ready;
    hift_cells *hift;
    int64_t sample; /* of the segment: where the next piece begins */
    float *pcm;
    size_t pcm_cap, pcm_len;
};

/* [any] */
uint64_t pipeline_key(const cbx_pipeline *p, cbx_random_purpose purpose);
/* [decode] All of the segment was given out. */
void pipeline_end_segment(cbx_pipeline *p);

/* tokens.c */
/* [setup] */
CBX_CHECK cbx_status tokens_open(cbx_pipeline *p, cbx_error *err);
void tokens_close(cbx_pipeline *p);
/* [decode] Tokenises, and runs T3 over the text. */
CBX_CHECK cbx_status tokens_begin(cbx_pipeline *p, const char *text, size_t n,
                                  cbx_error *err);
/* [decode] A few tokens of p, and of n others on the way. */
CBX_CHECK cbx_status tokens_step(cbx_pipeline *p, cbx_pipeline *const *others,
                                 int n, cbx_error *err);
/* given.c: [decode] No T3: tokens will be given. */
void tokens_begin_given(cbx_pipeline *p);
/* [any] The next call of the flow needs more of them. */
bool tokens_wanted(const cbx_pipeline *p);

/* cells.c */
/* [setup] */
CBX_CHECK cbx_status cells_open(cbx_pipeline *p, cbx_error *err);
void cells_close(cbx_pipeline *p);
/* [decode] */
CBX_CHECK cbx_status cells_begin(cbx_pipeline *p, cbx_error *err);
/* [any] Tokens that have to be known before cell k. */
int cells_known(const cbx_pipeline *p, int k);
/* [any] Tokens that have to be known before the next call of the flow. */
int cells_wanted(const cbx_pipeline *p);
/* [decode] */
CBX_CHECK cbx_status cells_flow(cbx_pipeline *p, cbx_error *err);
void cells_vocoder(cbx_pipeline *p);

#endif
