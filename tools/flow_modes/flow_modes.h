#ifndef CBX_TOOLS_FLOW_MODES_H
#define CBX_TOOLS_FLOW_MODES_H

#include "models/checkpoint/conds.h"
#include "models/pipeline/grid.h"
#include "models/s3gen/hift_cells.h"
#include "models/s3gen/s3gen.h"
#include "models/t3/t3.h"
#include "models/text/bpe.h"

/* What streaming costs the sound: every way of cutting against none. */

enum { MAX_TOKENS = 1000, MAX_LINE = 1024 };

typedef struct bench {
    cbx_dev *dev;
    cbx_config config;
    cbx_bpe *bpe;
    cbx_tensor_file *t3_file, *s3gen_file;
    cbx_conds *conds;
    t3 *t3;
    t3_voice *t3_voice;
    t3_state *t3_state;
    s3gen *s3gen;
    const flow *flow;
    const hift *hift;
    flow_voice *voice;
    flow_state *state;
    int mels, samples; /* for each frame */
} bench;

/* Prints and ends the program. */
void must(cbx_status st, const cbx_error *err);
void *need(void *p);

void bench_open(bench *b, const char *folder);
void bench_close(bench *b);

/* -- tokens.c -------------------------------------------------------------- */

typedef struct speech {
    uint64_t seed;
    int32_t tokens[MAX_TOKENS];
    int n;
} speech;

/* T3's tokens for a sentence, with the silence behind them. */
void speech_draw(const bench *b, const char *text, uint64_t seed, speech *out);

/* -- cut.c ----------------------------------------------------------------- */

typedef enum cut_mode { CUT_FULL, CUT_PREFIX, CUT_CAUSAL } cut_mode;

typedef struct cut {
    cut_mode mode;
    cbx_grid grid;
    int history;      /* causal */
    flow_causal *own; /* causal: opened for that history */
    uint64_t noise;   /* added to the seed of the flow's noise */
} cut;

/* Ends of the grid's cells, the last one being n; returns how many. */
int cell_ends(cbx_grid grid, int n, int *ends);

/* The speech's mel on the host; *frames rows. ms: of each cell, or NULL. */
float *cut_mel(const bench *b, const speech *s, const cut *c, int *frames,
               double *ms);

/* The sound of a mel, with a look-ahead of that many frames over the grid's
 * cells; no fade. */
float *cut_sound(const bench *b, const speech *s, const float *mel, int frames,
                 cbx_grid grid, int lookahead);

/* -- compare.c ------------------------------------------------------------- */

/* Root of the mean square over channels, mean over frames, in dB; both are
 * natural logarithms of magnitudes, [frames][mels]. */
double mel_distance(const float *a, const float *b, int frames, int mels);

/* The same for sound, by the mel spectrogram that the flow is trained on. */
double sound_distance(const float *a, const float *b, size_t n);

/* Energy of `want` and of the difference, added. */
void add_energies(const float *got, const float *want, size_t n, double *signal,
                  double *noise);

#endif
